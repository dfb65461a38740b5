package limits

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

func take(t *testing.T, turns *Turns, ctx context.Context, cost int) (done func()) {
	t.Helper()
	done, err := turns.Take(ctx, cost)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestTurns(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	turns := turnsOf(2)
	one, two := take(t, turns, t.Context(), dear), take(t, turns, t.Context(), 10*dear)
	if _, err := turns.Take(gone, dear); !errors.Is(err, context.Canceled) {
		t.Errorf("a third has its turn beside two others, or %v", err)
	}
	// What costs little waits for nobody.
	take(t, turns, gone, dear-1)()
	one()
	three := take(t, turns, t.Context(), dear)
	if _, err := turns.Take(gone, dear); !errors.Is(err, context.Canceled) {
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
	for range 50 {
		group.Go(func() {
			done, err := turns.Take(t.Context(), dear)
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
	if all != 100 || now != 0 || most > 2 {
		t.Errorf("%d steps were made, %d are there still, %d at once", all, now, most)
	}
}

func TestTurnsAreNotMoreThanProcessors(t *testing.T) {
	if n := cap(NewTurns().taken); n < 1 || n > runtime.GOMAXPROCS(0) || n > mostDear {
		t.Errorf("%d turns with %d processors", n, runtime.GOMAXPROCS(0))
	}
}
