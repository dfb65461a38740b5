package audit

import (
	"fmt"

	"carehome/internal/nodeid"
)

// Walk checks a chain event by event, in the order of the ids.
type Walk struct {
	head Head
	// Events is how many there were.
	Events int64
	// Problems names what is wrong, in the order of the chain.
	Problems []string
	// First is the first event at fault; zero if none is.
	First nodeid.ID
}

// NewWalk begins before the first event.
func NewWalk() *Walk { return &Walk{head: Empty()} }

// Head is the last event that was seen.
func (w *Walk) Head() Head { return w.head }

// See checks the next event. An odd one holds what the program never writes, such
// as a number where a text belongs.
func (w *Walk) See(e *Event, odd bool) {
	w.Events++
	if next := w.head.ID + 1; e.ID != next {
		switch {
		case e.ID < next:
			w.fault(e.ID, "%s has no place in the chain", name(e.ID))
		case e.ID == next+1:
			w.fault(next, "%s is missing", name(next))
		default:
			w.fault(next, "%s to %s are missing", name(next), name(e.ID-1))
		}
	}
	follows := e.Previous == w.head.Hash
	switch {
	case odd || e.Sum() != e.Hash:
		w.fault(e.ID, "%s is not what was written", name(e.ID))
	case !follows && e.ID == w.head.ID+1:
		// It is whole by itself, so it was written after another one.
		w.fault(e.ID, "%s does not follow from %s", name(e.ID), name(w.head.ID))
	}
	w.head = Head{e.ID, e.Hash}
}

// End compares the last event with the last id that was ever given out.
func (w *Walk) End(given nodeid.ID) {
	switch {
	case given == w.head.ID+1:
		w.fault(given, "%s, the last, is missing", name(given))
	case given > w.head.ID:
		w.fault(w.head.ID+1, "%s to %s, the last, are missing", name(w.head.ID+1), name(given))
	}
}

func (w *Walk) fault(at nodeid.ID, format string, args ...any) {
	if w.First == 0 || at < w.First {
		w.First = at
	}
	w.Problems = append(w.Problems, fmt.Sprintf(format, args...))
}

// name is an event's id, or what stands in its place.
func name(id nodeid.ID) string {
	switch {
	case id == Empty().ID:
		return "the beginning"
	case id.Kind() == nodeid.AuditEvent:
		return id.String()
	}
	return fmt.Sprintf("the event numbered %d", int64(id))
}
