package bench

import (
	"bytes"
	"encoding/json"
	"reflect"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// cost is what one request costs.
type cost struct {
	time, cpu     time.Duration
	bytes, allocs float64
}

// costs are those of the rounds of a run.
type costs []cost

func (c costs) median() cost {
	return cost{
		time:   median(c, func(c cost) time.Duration { return c.time }),
		cpu:    median(c, func(c cost) time.Duration { return c.cpu }),
		bytes:  median(c, func(c cost) float64 { return c.bytes }),
		allocs: median(c, func(c cost) float64 { return c.allocs }),
	}
}

func median[T any, V float64 | time.Duration](all []T, value func(T) V) V {
	values := make([]V, len(all))
	for i, one := range all {
		values[i] = value(one)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// blockTime is about how long one side works before it is the other's turn:
// long enough to pay for its own garbage, short enough that both meet the same
// machine.
const blockTime = 50 * time.Millisecond

// comparison is what a request cost each of two sides, and how many times more
// the first cost: the medians over the rounds of first / second.
type comparison struct {
	first, second cost
	time, cpu     float64
}

// compare lets two sides work in turns, round after round.
func compare(b *testing.B, first, second func() error) comparison {
	b.Helper()
	sides := [2]func() error{first, second}
	var sizes [2]int
	for i, ask := range sides {
		const warm = 3
		block(b, ask, warm)
		sizes[i] = int(max(1, blockTime/block(b, ask, warm).time))
	}
	var rounds [2]costs
	for round := 0; b.Loop(); round++ {
		for turn := range sides {
			side := (round + turn) % len(sides)
			rounds[side] = append(rounds[side], block(b, sides[side], sizes[side]))
		}
	}
	var times, cpus []float64
	for i, one := range rounds[0] {
		two := rounds[1][i]
		times = append(times, float64(one.time)/float64(two.time))
		cpus = append(cpus, float64(one.cpu)/float64(two.cpu))
	}
	self := func(r float64) float64 { return r }
	return comparison{rounds[0].median(), rounds[1].median(), median(times, self), median(cpus, self)}
}

// block asks n times and returns what one request cost, its client included.
func block(b *testing.B, ask func() error, n int) cost {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, worked := time.Now(), processorTime(b)
	for range n {
		if err := ask(); err != nil {
			b.Fatal(err)
		}
	}
	took, worked := time.Since(began), processorTime(b)-worked
	runtime.ReadMemStats(&after)
	return cost{
		time:   took / time.Duration(n),
		cpu:    worked / time.Duration(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
	}
}

// processorTime is how long the processors have worked for this process: unlike
// the time on the clock, it hardly depends on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// sameAnswers fails unless two answers are the same JSON.
func sameAnswers(tb testing.TB, got, want []byte) {
	tb.Helper()
	parse := func(answer []byte) (value any) {
		decoder := json.NewDecoder(bytes.NewReader(answer))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			tb.Fatalf("%v: %.300s", err, answer)
		}
		return value
	}
	one, two := parse(got), parse(want)
	for _, answer := range []any{one, two} {
		if ours, ok := answer.(map[string]any); ok {
			// What it has cost is told beside the data.
			delete(ours, "extensions")
		}
	}
	if reflect.DeepEqual(one, two) {
		return
	}
	// With sorted keys the first difference can be shown.
	canonical := func(value any) []byte {
		text, err := json.Marshal(value)
		if err != nil {
			tb.Fatal(err)
		}
		return text
	}
	left, right := canonical(one), canonical(two)
	i := 0
	for i < min(len(left), len(right)) && left[i] == right[i] {
		i++
	}
	from := max(0, i-200)
	tb.Fatalf("the answers differ (%d and %d bytes):\n got %.400s\nwant %.400s", len(left), len(right), left[from:], right[from:])
}
