package app

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// restAfter is how long a server must have let nobody in before it rests.
const restAfter = 10 * time.Second

// restWhenQuiet rests beside the server until the returned function is called.
func (p Program) restWhenQuiet(ctx context.Context, g *gate, log *slog.Logger) (wake func()) {
	ticks, stop := p.Ticker(restAfter)
	ctx, cancel := context.WithCancel(ctx)
	var resting sync.WaitGroup
	resting.Go(func() { rest(ctx, g, ticks, log) })
	return func() {
		cancel()
		resting.Wait()
		stop()
	}
}

// rest gives memory back to the machine whenever the server has been quiet for a
// while: what the heap has free, and the parts of the program that were read from
// its file and will be read from it again. A home's server is idle for most of a
// day, often on a small machine that has other work.
func rest(ctx context.Context, g *gate, ticks <-chan time.Time, log *slog.Logger) {
	var last, rested uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		// One more than have come in, so that a start counts as work.
		now := g.count() + 1
		if now == last && now != rested {
			debug.FreeOSMemory()
			if err := dropProgramPages(); err != nil {
				log.DebugContext(ctx, "parts of the program stay in memory", "error", err)
			}
			rested = now
		}
		last = now
	}
}
