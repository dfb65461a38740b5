package limits

import (
	"context"
	"runtime"
	"sync"

	"carehome/internal/problem"
)

const (
	// Dear is the cost from which on an operation waits for its turn: some megabytes
	// of rows and fields.
	Dear = 10_000
	// mostDear is how many such operations run at once at most. The storage reads on
	// four connections: one is left for what others ask meanwhile.
	mostDear = 3
	// MostWaiting is how many of one asker's may wait, so that it does not take all the
	// time of the others.
	MostWaiting = 32
)

// Turns let dear operations run a few at a time, in the order in which they came. An
// operation is work for the processor, so that more of them at once than there are
// processors are not done sooner; each holds all that it has read until it is
// answered. What costs little waits for nobody.
type Turns struct {
	taken   chan struct{}
	mu      sync.Mutex
	waiting map[string]int // by asker
}

// NewTurns are as many as there are processors, within reason.
func NewTurns() *Turns { return turnsOf(min(runtime.GOMAXPROCS(0), mostDear)) }

func turnsOf(n int) *Turns { return &Turns{taken: make(chan struct{}, n), waiting: map[string]int{}} }

// Take waits for the turn of an asker's operation that may cost so much, or until ctx
// ends. Its turn lasts until done is called. An asker of whom too many wait is told so.
func (t *Turns) Take(ctx context.Context, asker string, cost int) (done func(), err error) {
	if cost < Dear {
		return func() {}, nil
	}
	if err := t.enter(asker); err != nil {
		return nil, err
	}
	defer t.leave(asker)
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *Turns) enter(asker string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.waiting[asker]; n >= MostWaiting {
		return named("turns", problem.Limit("query", MostWaiting, n+1,
			"%d of your queries that ask for much wait already: wait for their answers, or ask for less", MostWaiting))
	}
	t.waiting[asker]++
	return nil
}

func (t *Turns) leave(asker string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[asker]--; t.waiting[asker] == 0 {
		delete(t.waiting, asker)
	}
}
