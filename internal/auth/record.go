package auth

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/requestid"
	"carehome/internal/viewer"
)

// Tell puts an event on record soon.
type Tell = func(ctx context.Context, e audit.Event) error

const (
	// away is after how long without a request somebody comes anew.
	away = 12 * time.Hour
	// knownSessions bounds how many are remembered, those that came last.
	knownSessions = 10_000
	// tellTime is how long an answer waits where too many events are to be kept.
	tellTime = time.Second
)

// session is somebody who uses the server from somewhere.
type session struct {
	who, key nodeid.ID
	role     viewer.Role
	from     string
}

// arrivals tell when somebody begins to use the server: a request each would be too
// much, and reads have events of their own.
type arrivals struct {
	tell  Tell
	clock func() time.Time
	log   *slog.Logger

	mu   sync.Mutex
	last *lru.Cache[session, time.Time]
}

func newArrivals(tell Tell, clock func() time.Time, log *slog.Logger) *arrivals {
	last, err := lru.New[session, time.Time](knownSessions)
	if err != nil {
		panic(err) // a size below one, which is a constant of ours
	}
	return &arrivals{tell: tell, clock: clock, log: log, last: last}
}

// note is told of each request of somebody who was let in.
func (a *arrivals) note(ctx context.Context, v viewer.Viewer, from string) {
	s := session{v.ID, v.Key, v.Role, from}
	a.mu.Lock()
	now := a.clock()
	last, known := a.last.Get(s)
	a.last.Add(s, now)
	a.mu.Unlock()
	if known && now.Sub(last) < away {
		return
	}
	by := "with a token"
	if v.Key != 0 {
		by = "with a key"
	}
	e := audit.Event{
		Action: audit.Login, Actor: v.ID, Role: string(v.Role), Key: v.Key, Operation: audit.SignIn,
		Request: requestid.From(ctx), Reason: audit.From(from, by),
	}
	// Who has gone meanwhile has come all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	if err := a.tell(ctx, e); err != nil {
		a.last.Remove(s) // the next request tries again
		a.log.WarnContext(ctx, "it is not on record that somebody was let in", "error", err)
	}
}

const (
	// refusedEvery is how often, at the most, refusals of one address are told.
	refusedEvery = time.Minute
	// refusedAtOnce is how many events tell of refusals in a burst, and refusedAgain
	// after how long there may be one more: at 500 bytes each, less than 1 MB a day
	// whatever strangers do.
	refusedAtOnce = 100
	refusedAgain  = time.Minute
	// refusedFrom is how many addresses are counted one by one.
	refusedFrom = 1000
)

// refusals tell of credentials that were not accepted: the first of an address at
// once, those that follow as a number. What strangers do must not fill the disk.
type refusals struct {
	tell  Tell
	clock func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	from    map[string]*refusal
	others  int // refusals of addresses that there was no room for
	allowed int // events that may be told now
	counted time.Time
	timer   *time.Timer // nil while nothing is remembered
	closed  bool
	telling sync.WaitGroup
}

// refusal is what is remembered of an address.
type refusal struct {
	told time.Time // when the last event was
	n    int       // how many there were since
	// more and key are how the last of them was refused.
	more string
	key  nodeid.ID
}

func newRefusals(tell Tell, clock func() time.Time, log *slog.Logger) *refusals {
	return &refusals{tell: tell, clock: clock, log: log, from: map[string]*refusal{}, allowed: refusedAtOnce, counted: clock()}
}

// note is told of each refusal: from where, the beginning of the key if it has the
// form of one, and why.
func (r *refusals) note(ctx context.Context, from, prefix string, bad *badError) {
	more := fmt.Sprintf("(%s)", bad.why)
	if prefix != "" {
		more = fmt.Sprintf("with %s (%s)", prefix, bad.why)
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	now := r.clock()
	r.refill(now)
	known := r.from[from]
	if known == nil {
		if len(r.from) == refusedFrom {
			r.others++
			r.arm()
			r.mu.Unlock()
			return
		}
		known = &refusal{told: now.Add(-refusedEvery)}
		r.from[from] = known
	}
	known.n++
	known.more, known.key = more, bad.key
	r.arm()
	var event *audit.Event
	if r.allowed > 0 && now.Sub(known.told) >= refusedEvery {
		event = r.take(from, known, now)
		event.Request = requestid.From(ctx)
		r.telling.Add(1)
	}
	r.mu.Unlock()
	if event != nil {
		defer r.telling.Done()
		// Whoever asked may have gone on purpose.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
		defer cancel()
		r.say(ctx, *event)
	}
}

// refill is called with the lock.
func (r *refusals) refill(now time.Time) {
	if n := int(now.Sub(r.counted) / refusedAgain); n > 0 {
		r.allowed = min(r.allowed+n, refusedAtOnce)
		r.counted = r.counted.Add(time.Duration(n) * refusedAgain)
	}
}

// take is the event of what is remembered of an address; called with the lock.
func (r *refusals) take(from string, known *refusal, now time.Time) *audit.Event {
	more := known.more
	if known.n > 1 {
		more = fmt.Sprintf("%d times, last %s", known.n, more)
	}
	e := &audit.Event{Action: audit.Refused, Operation: audit.SignIn, Key: known.key, Reason: audit.From(from, more)}
	known.told, known.n = now, 0
	r.allowed--
	return e
}

// arm has flush called later; called with the lock.
func (r *refusals) arm() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(refusedEvery, func() {
			r.mu.Lock()
			if r.closed {
				r.mu.Unlock()
				return
			}
			r.timer = nil
			events := r.due(r.clock(), false)
			r.telling.Add(1)
			r.mu.Unlock()
			defer r.telling.Done()
			for i := range events {
				r.say(context.Background(), events[i])
			}
		})
	}
}

// due are the events of what waits, and forgets whom there is nothing new of; all
// is what waits at the end. It is called with the lock.
func (r *refusals) due(now time.Time, all bool) (events []audit.Event) {
	r.refill(now)
	var waiting []string
	n := r.others
	for from, known := range r.from {
		switch {
		case known.n > 0:
			waiting = append(waiting, from)
			n += known.n
		case now.Sub(known.told) >= refusedEvery:
			delete(r.from, from)
		}
	}
	switch {
	case n == 0:
	case r.others == 0 && len(waiting) <= r.allowed:
		for _, from := range waiting {
			if known := r.from[from]; all || now.Sub(known.told) >= refusedEvery {
				events = append(events, *r.take(from, known, now))
			}
		}
	case r.allowed > 0 || all: // too many for an event each
		r.allowed = max(r.allowed-1, 0)
		about := fmt.Sprintf("%d times from %d addresses", n, len(waiting))
		if r.others > 0 {
			about = fmt.Sprintf("%d times from more than %d addresses", n, len(waiting))
		}
		events = append(events, audit.Event{Action: audit.Refused, Operation: audit.SignIn, Reason: about})
		for _, from := range waiting {
			r.from[from].told, r.from[from].n = now, 0
		}
		r.others = 0
	}
	if len(r.from) > 0 || r.others > 0 {
		r.arm()
	}
	return events
}

func (r *refusals) say(ctx context.Context, e audit.Event) {
	if err := r.tell(ctx, e); err != nil {
		r.log.WarnContext(ctx, "it is not on record that somebody was refused", "event", string(e.Line()), "error", err)
	}
}

// close tells what waits, and ends.
func (r *refusals) close() {
	r.mu.Lock()
	var events []audit.Event
	if !r.closed {
		r.closed = true
		events = r.due(r.clock(), true)
		if r.timer != nil {
			r.timer.Stop()
		}
	}
	r.mu.Unlock()
	for i := range events {
		r.say(context.Background(), events[i])
	}
	r.telling.Wait()
}
