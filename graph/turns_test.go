package graph_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carehome/graph"
)

// views counts the snapshots that dear operations look at, and holds each until it is
// let go.
type views struct {
	mu        sync.Mutex
	now, most int
	all       int
	leave     chan struct{}
}

func (v *views) count(by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now += by
	v.most = max(v.most, v.now)
	if by > 0 {
		v.all++
	}
}

func (v *views) inside() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Of operations that may cost much a few run at once, and leave a reader to those that
// cost little.
func TestDearOperationsTakeTurns(t *testing.T) {
	const (
		// dear costs 1 + 200 × (2 + 1 + 50 × 2) at most.
		dear  = `query dear { residents(first: 200) { edges { node { wellness(first: 50) { edges { node { id } } } } } } }`
		cheap = `query cheap { residents(first: 1) { edges { node { id } } } }`
		asked = 8
		atA   = 3 // at once, at most
	)
	v := &views{leave: make(chan struct{})}
	e := newEdge(t, 1, func(d *graph.Deps) {
		snapshot := d.Snapshot
		d.Limits.Time = time.Hour
		d.Snapshot = func(ctx context.Context, read func(context.Context) error) error {
			if graphql.HasOperationContext(ctx) && graphql.GetOperationContext(ctx).Operation.Name == "dear" {
				v.count(1)
				defer v.count(-1)
				<-v.leave
			}
			return snapshot(ctx, read)
		}
	})
	var group sync.WaitGroup
	for range asked {
		group.Go(func() {
			if got := e.ask(dear); got.status != http.StatusOK || len(got.Errors) > 0 {
				t.Errorf("%d %v", got.status, got.Errors)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); v.inside() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("no operation has its turn")
			break
		}
	}
	for range 5 {
		if got := e.ask(cheap); got.status != http.StatusOK || len(got.Errors) > 0 {
			t.Errorf("what costs little: %d %v", got.status, got.Errors)
		}
	}
	close(v.leave)
	group.Wait()
	if v.all != asked || v.most > atA {
		t.Errorf("%d of %d were answered, %d at once; want at most %d at once", v.all, asked, v.most, atA)
	}
}
