package limits

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"carehome/internal/problem"
)

func take(t *testing.T, turns *Turns, ctx context.Context, cost int) (done func()) {
	t.Helper()
	done, err := turns.Take(ctx, "a", cost)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestTurns(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	turns := turnsOf(2)
	one, two := take(t, turns, t.Context(), Dear), take(t, turns, t.Context(), 10*Dear)
	if _, err := turns.Take(gone, "a", Dear); !errors.Is(err, context.Canceled) {
		t.Errorf("a third has its turn beside two others, or %v", err)
	}
	// What costs little waits for nobody.
	take(t, turns, gone, Dear-1)()
	one()
	three := take(t, turns, t.Context(), Dear)
	if _, err := turns.Take(gone, "a", Dear); !errors.Is(err, context.Canceled) {
		t.Errorf("a turn was given twice, or %v", err)
	}
	two()
	three()

	// All have theirs in the end, two at a time.
	var mu sync.Mutex
	var now, most, all int
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		now += by
		most = max(most, now)
		all++
	}
	var group sync.WaitGroup
	for range MostWaiting {
		group.Go(func() {
			done, err := turns.Take(t.Context(), "b", Dear)
			if err != nil {
				t.Error(err)
				return
			}
			count(1)
			runtime.Gosched()
			count(-1)
			done()
		})
	}
	group.Wait()
	if all != 2*MostWaiting || now != 0 || most > 2 {
		t.Errorf("%d steps were made, %d are there still, %d at once", all, now, most)
	}
}

func TestTurnsAreNotMoreThanProcessors(t *testing.T) {
	if n := cap(NewTurns().taken); n < 1 || n > runtime.GOMAXPROCS(0) || n > mostDear {
		t.Errorf("%d turns with %d processors", n, runtime.GOMAXPROCS(0))
	}
}

// One asker fills the queue with so many, and no more.
func TestTurnsOfOneAsker(t *testing.T) {
	turns := turnsOf(1)
	first := take(t, turns, t.Context(), Dear)
	var group sync.WaitGroup
	for range MostWaiting {
		group.Go(func() {
			done, err := turns.Take(t.Context(), "a", Dear)
			if err != nil {
				t.Error(err)
				return
			}
			done()
		})
	}
	for waits := 0; waits < MostWaiting; runtime.Gosched() {
		turns.mu.Lock()
		waits = turns.waiting["a"]
		turns.mu.Unlock()
	}
	var told *problem.Problem
	if _, err := turns.Take(t.Context(), "a", Dear); !errors.As(err, &told) || told.Code != problem.LimitExceeded || told.Details["name"] != "turns" {
		t.Errorf("one more than may wait: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.Take(gone, "b", Dear); !errors.Is(err, context.Canceled) {
		t.Errorf("another asker: %v", err)
	}
	first()
	group.Wait()
	if len(turns.waiting) > 0 {
		t.Errorf("%v still wait", turns.waiting)
	}
}
