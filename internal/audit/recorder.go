package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"carehome/internal/scalar"
)

// Recorder keeps events that are about no change of a row, many at once, while
// those who caused them go on. Nothing is lost without a word: what cannot be kept
// is told to the log, event by event, and once something can be kept again a GAP
// says so in the chain.
type Recorder struct {
	options RecorderOptions
	queue   chan Event
	closing chan struct{}
	telling sync.RWMutex // held by those who tell, and to close the queue
	closed  sync.Once
	done    chan struct{}
	lost    int // since something was last kept; of the one who writes
}

// RecorderOptions are what a Recorder needs.
type RecorderOptions struct {
	// Keep adds events to the chain and returns when they are durable.
	Keep func(ctx context.Context, events []Event) error
	// Clock is when something is done.
	Clock func() time.Time
	Log   *slog.Logger
	// Wait is how long events gather before they are kept; see recordWait.
	Wait time.Duration
	// Room is how many may wait to be kept; see recordRoom.
	Room int
}

const (
	// recordWait is what a server that is killed can lose of what was read.
	recordWait = 50 * time.Millisecond
	recordRoom = 4096
	// recordAtOnce bounds one transaction.
	recordAtOnce = 256
	// recordPatience is how long keeping may take.
	recordPatience = 30 * time.Second
)

// NewRecorder begins to keep events until Close.
func NewRecorder(o RecorderOptions) *Recorder {
	if o.Wait == 0 {
		o.Wait = recordWait
	}
	if o.Room == 0 {
		o.Room = recordRoom
	}
	r := &Recorder{options: o, queue: make(chan Event, o.Room), closing: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Tell has an event kept soon. Where too many wait already it waits for room; the
// error is that of ctx, or that the recorder was closed, and then nothing is kept.
func (r *Recorder) Tell(ctx context.Context, e Event) error {
	if e.At == "" {
		e.At = scalar.At(r.options.Clock()).String()
	}
	r.telling.RLock()
	defer r.telling.RUnlock()
	select {
	case <-r.closing:
		return fmt.Errorf("telling of an event: %w", context.Canceled)
	default:
	}
	select {
	case r.queue <- e: // also for a request whose time is up: it was answered
		return nil
	default:
	}
	select {
	case r.queue <- e:
		return nil
	case <-r.closing:
		return fmt.Errorf("telling of an event: %w", context.Canceled)
	case <-ctx.Done():
		return fmt.Errorf("telling of an event: %w", ctx.Err())
	}
}

// Close keeps what waits, and returns once it is kept. Nothing may be told any more.
func (r *Recorder) Close() {
	r.closed.Do(func() {
		close(r.closing) // whoever waits for room gives up
		r.telling.Lock()
		close(r.queue)
		r.telling.Unlock()
	})
	<-r.done
}

func (r *Recorder) run() {
	defer close(r.done)
	for e := range r.queue {
		r.keep(r.gather(e))
	}
}

// gather takes what comes soon after an event.
func (r *Recorder) gather(first Event) []Event {
	events := []Event{first}
	timer := time.NewTimer(r.options.Wait)
	defer timer.Stop()
	for len(events) < recordAtOnce {
		select {
		case e, more := <-r.queue:
			if !more {
				return events
			}
			events = append(events, e)
		case <-timer.C:
			return events
		}
	}
	return events
}

func (r *Recorder) keep(events []Event) {
	ctx, cancel := context.WithTimeout(context.Background(), recordPatience)
	defer cancel()
	whole := events
	if r.lost > 0 {
		gap := Event{Action: Gap, At: scalar.At(r.options.Clock()).String(), Reason: fmt.Sprintf("%d events could not be kept; the log has them", r.lost)}
		whole = append([]Event{gap}, events...)
	}
	err := r.options.Keep(ctx, whole)
	if err == nil {
		r.lost = 0
		return
	}
	r.lost += len(events)
	for i := range events {
		r.options.Log.Error("an event is not in the chain", "event", string(events[i].Line()), "error", err)
	}
}
