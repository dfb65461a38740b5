package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heapFloor is how large the heap may grow before it is collected, in bytes,
// however little of it is in use. With Go's default a home's server, which has some
// 10 MiB in use, would collect at 20, after every hundred requests.
const heapFloor = 48 << 20

// leastPercent is Go's default: a heap of more than half the floor in use may grow
// by as much as is in use.
const leastPercent = 100

// mostPercent is what brings the runtime's own least size of a heap, 4 MiB at 100, to
// the floor.
const mostPercent = 1200

// spareHeap keeps the floor from now on: after each collection, what the next waits
// for is set anew. Whoever sets GOGC has decided otherwise.
var spareHeap = sync.OnceFunc(func() {
	if os.Getenv("GOGC") != "" {
		return
	}
	setGCPercent()
	// A finalizer runs after each collection, as it is given back its object.
	var again func(*cycle)
	again = func(c *cycle) {
		setGCPercent()
		runtime.SetFinalizer(c, again)
	}
	runtime.SetFinalizer(&cycle{}, again)
})

// cycle is an object that nothing refers to. It has a size and a pointer, so that it
// is allocated by itself.
type cycle struct{ _ *cycle }

// setGCPercent sets by how much the heap may grow beyond what is in use.
func setGCPercent() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(gcPercent(live[0].Value.Uint64()))
}

func gcPercent(live uint64) int {
	live = max(live, 1<<20)
	if live >= heapFloor {
		return leastPercent
	}
	return min(max(leastPercent, int((heapFloor-live)*100/live)), mostPercent)
}
