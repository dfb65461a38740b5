package limits

import (
	"context"
	"runtime"
)

const (
	// dear is the cost from which on an operation waits for its turn: some megabytes
	// of rows and fields.
	dear = 10_000
	// mostDear is how many such operations run at once at most. The storage reads on
	// four connections: one is left for what others ask meanwhile.
	mostDear = 3
)

// Turns let dear operations run a few at a time, in the order in which they came. An
// operation is work for the processor, so that more of them at once than there are
// processors are not done sooner; each holds all that it has read until it is
// answered. What costs little waits for nobody.
type Turns struct{ taken chan struct{} }

// NewTurns are as many as there are processors, within reason.
func NewTurns() *Turns { return turnsOf(min(runtime.GOMAXPROCS(0), mostDear)) }

func turnsOf(n int) *Turns { return &Turns{make(chan struct{}, n)} }

// Take waits for the turn of an operation that may cost so much, or until ctx ends.
// Its turn lasts until done is called.
func (t *Turns) Take(ctx context.Context, cost int) (done func(), err error) {
	if cost < dear {
		return func() {}, nil
	}
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
