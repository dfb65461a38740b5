package app

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		live uint64
		want int
	}{{0, 1200}, {1 << 20, 1200}, {8 << 20, 500}, {12 << 20, 300}, {24 << 20, 100}, {40 << 20, 100}, {48 << 20, 100}, {1 << 40, 100}} {
		if got := gcPercent(test.live); got != test.want {
			t.Errorf("with %d bytes in use it is %d; want %d", test.live, got, test.want)
		}
	}
}

// The runtime is told after each collection, of whatever heap there is then.
func TestSpareHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	spareHeap()
	settings := func() (live, percent uint64) {
		both := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
		metrics.Read(both)
		return both[0].Value.Uint64(), both[1].Value.Uint64()
	}
	waitFor := func(what string, is func(live, percent uint64) bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			runtime.GC()
			live, percent := settings()
			if is(live, percent) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %d bytes are in use, and it is %d", what, live, percent)
			}
		}
	}
	func() {
		large := make([]byte, 256<<20)
		waitFor("large", func(live, percent uint64) bool { return live >= 256<<20 && percent == leastPercent })
		runtime.KeepAlive(large)
	}()
	waitFor("small", func(live, percent uint64) bool { return live < 256<<20 && percent == uint64(gcPercent(live)) })
}
