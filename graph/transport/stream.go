package transport

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// CheckEvery is how often it is looked whether those who listen are still who they
// were when they began.
const CheckEvery = 2 * time.Second

// Ticker makes the schedule of these checks.
type Ticker = func(every time.Duration) (ticks <-chan time.Time, stop func())

func newTicker(every time.Duration) (ticks <-chan time.Time, stop func()) {
	ticker := time.NewTicker(every)
	return ticker.C, ticker.Stop
}

// Stream is what the resolver of a subscription and the transport that carries it
// know of each other, beside the values that go through the executor.
type Stream struct {
	after  string
	work   sync.WaitGroup
	wanted chan struct{}

	mu     sync.Mutex
	events []string
	err    error
}

type streamKey struct{}

func withStream(ctx context.Context, after string) (context.Context, *Stream) {
	s := &Stream{after: after, wanted: make(chan struct{}, 1)}
	return context.WithValue(ctx, streamKey{}, s), s
}

// StreamOf is the stream that the operation of ctx writes to; false where its
// transport can only answer once.
func StreamOf(ctx context.Context) (*Stream, bool) {
	s, ok := ctx.Value(streamKey{}).(*Stream)
	return s, ok
}

// After is the last event that the client says it has received, where the
// transport has a place of its own for that; else empty.
func (s *Stream) After() string { return s.after }

// Go runs the source of the stream's values, which ends with why there are no
// more: an error is what the client is told, nil is the end. The stream does not
// end before it.
func (s *Stream) Go(source func() error) {
	s.work.Go(func() {
		var err error
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = err
		}()
		err = source()
	})
}

// want says that the next value may come.
func (s *Stream) want() {
	select {
	case s.wanted <- struct{}{}:
	default: // it was said
	}
}

// Wanted waits until the client can take the next value; the error is that of ctx. A
// source that has read ahead can look then whether that may still be told.
func (s *Stream) Wanted(ctx context.Context) error {
	select {
	case <-s.wanted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Unwanted gives back what Wanted has waited for, where there was nothing to tell.
func (s *Stream) Unwanted() { s.want() }

// Sending notes which event the next value tells of, just before it is handed to
// the executor.
func (s *Stream) Sending(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

// sent is the event that the executor's next answer tells of.
func (s *Stream) sent() (event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) > 0 {
		event, s.events = s.events[0], s.events[1:]
	}
	return event
}

// end waits for the source, and returns why it ended; nil if only because nobody
// listens any more.
func (s *Stream) end() error {
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.err, context.Canceled) {
		return nil
	}
	return s.err
}
