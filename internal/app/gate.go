package app

import "sync"

// phase is where a server is in its life.
type phase int

const (
	starting phase = iota
	serving
	stopping
)

// gate lets requests in while the server is serving, and tells when the last
// one has left after it was shut. The zero gate belongs to a starting server.
type gate struct {
	mu     sync.Mutex
	phase  phase
	inside int
	came   uint64        // in all
	empty  chan struct{} // closed when stopping and nobody is inside
}

// open begins to let requests in, unless the gate was shut meanwhile.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == starting {
		g.phase = serving
	}
}

// enter reports whether a request may go on; then it must leave in the end.
func (g *gate) enter() (phase, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase != serving {
		return g.phase, false
	}
	g.inside++
	g.came++
	return g.phase, true
}

// leave ends what enter began.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.phase == stopping && g.inside == 0 {
		close(g.empty)
	}
}

// shut keeps further requests out for good. The channel is closed once those
// inside have left. It is called once.
func (g *gate) shut() (empty <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase = stopping
	g.empty = make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	return g.empty
}

// state is the phase and how many requests are inside.
func (g *gate) state() (phase, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase, g.inside
}

// count is how many requests have been let in so far.
func (g *gate) count() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came
}
