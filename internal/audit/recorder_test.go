package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/internal/audit"
)

// chain takes events, or does not.
type chain struct {
	mu     sync.Mutex
	err    error
	events []audit.Event
	calls  int
	hold   chan struct{} // nil, or closed to let them in
}

func (c *chain) keep(_ context.Context, events []audit.Event) error {
	if c.hold != nil {
		<-c.hold
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.err != nil {
		return c.err
	}
	c.events = append(c.events, events...)
	return nil
}

func (c *chain) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func recorder(c *chain, log *bytes.Buffer, room int) *audit.Recorder {
	return audit.NewRecorder(audit.RecorderOptions{
		Keep: c.keep, Clock: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.NewTextHandler(log, nil)), Room: room, Wait: time.Millisecond,
	})
}

func TestRecorderKeepsAll(t *testing.T) {
	var c chain
	var log bytes.Buffer
	r := recorder(&c, &log, 4)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 100 {
				if err := r.Tell(t.Context(), audit.Event{Action: audit.Read, Request: fmt.Sprintf("%d-%d", i, n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r.Close()
	r.Close()
	seen := map[string]bool{}
	for _, e := range c.events {
		seen[e.Request] = true
		if e.At != "1970-01-01T00:00:00.000Z" {
			t.Errorf("at %q", e.At)
		}
	}
	if len(c.events) != 800 || len(seen) != 800 || c.calls > 800 {
		t.Errorf("%d events, %d different, at %d times", len(c.events), len(seen), c.calls)
	}
	if err := r.Tell(t.Context(), audit.Event{Action: audit.Read}); err == nil {
		t.Error("a closed recorder takes an event")
	}
}

func TestRecorderWaitsForRoom(t *testing.T) {
	c := chain{hold: make(chan struct{})}
	var log bytes.Buffer
	r := recorder(&c, &log, 1)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan error)
	go func() {
		for {
			if err := r.Tell(ctx, audit.Event{Action: audit.Read}); err != nil {
				told <- err
				return
			}
		}
	}()
	cancel()
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(c.hold)
	r.Close()
}

func TestRecorderSaysWhatIsLost(t *testing.T) {
	var c chain
	var log bytes.Buffer
	c.fail(errors.New("the disk is full"))
	r := recorder(&c, &log, 4)
	tell := func(request string) {
		t.Helper()
		if err := r.Tell(t.Context(), audit.Event{Action: audit.Read, Request: request}); err != nil {
			t.Error(err)
		}
	}
	tell("first")
	for tried := 0; tried == 0; {
		c.mu.Lock()
		tried = c.calls
		c.mu.Unlock()
	}
	c.fail(nil)
	tell("second")
	r.Close()
	if len(c.events) != 2 || c.events[0].Action != audit.Gap || !strings.HasPrefix(c.events[0].Reason, "1 events") || c.events[1].Request != "second" {
		t.Errorf("kept %+v", c.events)
	}
	if text := log.String(); !strings.Contains(text, "first") || strings.Contains(text, "second") {
		t.Errorf("the log says %s", text)
	}
}
