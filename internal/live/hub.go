package live

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"carehome/ent"
	"carehome/internal/problem"
	"carehome/internal/store"
)

// Options of a Hub. The zero value of each field is its default.
type Options struct {
	// Backlog is how many events a listener may be behind before it is dropped,
	// and how many are kept in memory for all of them; 1,024 unless set.
	Backlog int
	// Batch is the most changes of one transaction that are told one by one; with
	// more, listeners are told to read again. Half of Backlog unless set.
	Batch int
}

const (
	defaultBacklog = 1024
	// chunk is how many lines of the journal a listener that catches up reads at once.
	chunk = 256
)

// Hub hands events to those who listen. Make one with Open; it may be used by any
// number of goroutines.
type Hub struct {
	store *store.Store
	batch int

	mu   sync.Mutex
	ring []Event // the event of number n is at n modulo its length
	// first and last are the numbers of the events in the ring; first is last+1
	// while there are none.
	first, last int64
	news        chan struct{} // closed and replaced with each publication
}

// Open makes the hub of a store whose writes go through Hub.Watch. Where the
// journal is empty and can be written, it gets its first line, so that there is
// always a place to follow from.
func Open(ctx context.Context, st *store.Store, o Options) (*Hub, error) {
	backlog := cmp.Or(o.Backlog, defaultBacklog)
	h := &Hub{
		store: st, batch: cmp.Or(o.Batch, backlog/2), ring: make([]Event, backlog), news: make(chan struct{}),
	}
	last, there, err := st.LastChange(ctx)
	if err != nil {
		return nil, err
	}
	if !there && st.Writable() {
		err := st.Write(ctx, func(ctx context.Context, _ *ent.Client) error {
			noted, err := store.NoteChanges(ctx, []store.Change{{What: store.Unnoted}})
			if err == nil {
				last = noted[0]
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("beginning the journal: %w", err)
		}
	}
	h.last, h.first = last.Number, last.Number+1
	return h, nil
}

// publish makes events known, in the order of their numbers. It is called by one
// goroutine at a time.
func (h *Hub) publish(changes []store.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		if c.Number != h.last+1 {
			h.first = c.Number // the lines between are in the journal
		}
		h.ring[c.Number%int64(len(h.ring))] = event(c)
		h.last = c.Number
		h.first = max(h.first, c.Number-int64(len(h.ring))+1)
	}
	close(h.news)
	h.news = make(chan struct{})
}

// Last is the id of the last event as ctx sees the database; false while there
// never was one. Inside a snapshot it belongs to what else is read there.
func (h *Hub) Last(ctx context.Context) (ID, bool, error) {
	c, there, err := h.store.LastChange(ctx)
	return ID{c.Number, c.Tag}, there, err
}

// Follow starts listening: to all events after the given one, or to those from
// now on. An event that the journal does not have, or has no more, is CONFLICT at
// "after": what happened since cannot be told.
func (h *Hub) Follow(ctx context.Context, after *ID) (*Listener, error) {
	if after == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		return &Listener{hub: h, next: h.last + 1, live: true}, nil
	}
	// It may be one that is not published yet, but was seen in a query's answer.
	found, err := h.store.Changes(ctx, after.number, after.number, 1)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Tag != after.tag {
		return nil, lost()
	}
	return &Listener{hub: h, next: after.number + 1}, nil
}

// lost tells a listener to begin again.
func lost() *problem.Problem {
	return problem.Conflictf("after", "what happened since this event cannot be told any more: read the records again, and follow from their lastEventID")
}

// Listener is one who listens. It is used by one goroutine.
type Listener struct {
	hub  *Hub
	next int64 // the number to be told next
	// live is true once it was told what there was to tell; from then on it must
	// keep up.
	live   bool
	read   []Event // from the journal, while it catches up
	failed error   // what ends it, once what came before was told
}

// Next waits for the next event, and returns it with those that are there already,
// at most so many. It ends with the error of ctx; with CONFLICT where something
// happened that was not noted row by row, such as an import; and with LIMIT_EXCEEDED
// for who has fallen too far behind.
func (l *Listener) Next(ctx context.Context, most int) (batch []Event, err error) {
	for len(batch) < most && l.failed == nil {
		e, there, err := l.look(ctx, len(batch) == 0)
		switch {
		case err != nil && len(batch) == 0:
			return nil, err
		case err != nil:
			l.failed = err // to be told next time
		case !there:
			return batch, nil
		default:
			batch = append(batch, e)
		}
	}
	if len(batch) == 0 {
		err, l.failed = l.failed, nil
	}
	return batch, err
}

// look returns the next event; false if there is none and it is not to wait.
func (l *Listener) look(ctx context.Context, wait bool) (e Event, there bool, err error) {
	for {
		if len(l.read) > 0 {
			e := l.read[0]
			l.read = l.read[1:]
			return l.told(e)
		}
		h := l.hub
		h.mu.Lock()
		first, last, news := h.first, h.last, h.news
		if first <= l.next && l.next <= last {
			e = h.ring[l.next%int64(len(h.ring))]
		}
		h.mu.Unlock()
		switch {
		case l.next > last && !wait:
			return Event{}, false, nil
		case l.next > last:
			l.live = true
			select {
			case <-news:
			case <-ctx.Done():
				return Event{}, false, ctx.Err()
			}
		case l.next >= first:
			l.live = true
			return l.told(e)
		case l.live && last-l.next >= int64(len(h.ring)):
			return Event{}, false, behind(len(h.ring), last-l.next+1)
		default: // it was away, or there are lines that nobody published
			if err := l.catchUp(ctx, last); err != nil {
				return Event{}, false, err
			}
		}
	}
}

func (l *Listener) told(e Event) (Event, bool, error) {
	l.next = e.ID.number + 1
	if e.broken() {
		return Event{}, false, problem.Conflictf("after", "too much has changed at once to be told one by one: read the records again, and follow from their lastEventID").
			With("lastEventID", e.ID.String())
	}
	return e, true, nil
}

// behind tells a listener that it was too slow.
func behind(limit int, actual int64) *problem.Problem {
	return problem.Limit("", limit, int(actual), "this subscription was ended: it was more than %d events behind. Follow again from the last event that was received.", limit)
}

// catchUp reads the next lines of the journal, up to the last that is published:
// what comes after may not be safe yet.
func (l *Listener) catchUp(ctx context.Context, last int64) error {
	found, err := l.hub.store.Changes(ctx, l.next, last, chunk)
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Number != l.next {
		return lost() // it was removed meanwhile
	}
	for _, c := range found {
		l.read = append(l.read, event(c))
	}
	return nil
}
