package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"carehome/internal/nodeid"
)

// durabilities are compared with the first.
var durabilities = []string{"group", "full", "relaxed"}

// turnTime is how long one server is written to before it is the next one's
// turn.
const turnTime = 100 * time.Millisecond

// writes is what was measured of one server.
type writes struct {
	clients []*client
	rates   []float64 // writes a second, by round
	waits   []time.Duration
}

// BenchmarkWrite records wellness checks over HTTP, one a request, at a server
// of each durability in turns. x-full and x-relaxed are how many times more
// writes a second group does.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			servers := make([]*writes, len(durabilities))
			for i, durability := range durabilities {
				file := filepath.Join(b.TempDir(), durability+".db")
				if err := fill(context.Background(), file, homeResidents, homeResidents); err != nil {
					b.Fatal(err)
				}
				server := run(b, "--database", file, "--durability", durability, "--no-playground")
				servers[i] = &writes{clients: dialAll(b, server.address, n)}
				servers[i].turn(b) // warms up
				servers[i].rates, servers[i].waits = nil, nil
			}
			round := 0
			for b.Loop() {
				for turn := range servers {
					servers[(round+turn)%len(servers)].turn(b)
				}
				round++
			}
			b.ReportMetric(0, "ns/op")
			for i, s := range servers {
				name := durabilities[i]
				slices.Sort(s.waits)
				at := func(percent int) float64 { return micros(s.waits[len(s.waits)*percent/100]) / 1000 }
				b.ReportMetric(median(s.rates, func(r float64) float64 { return r }), name+"/s")
				b.ReportMetric(at(50), name+"-p50-ms")
				b.ReportMetric(at(99), name+"-p99-ms")
				if i > 0 {
					ratios := make([]float64, round)
					for r := range ratios {
						ratios[r] = servers[0].rates[r] / s.rates[r]
					}
					b.ReportMetric(median(ratios, func(r float64) float64 { return r }), "x-"+name)
				}
			}
		})
	}
}

// turn lets the clients of one server write for a while.
func (s *writes) turn(b *testing.B) {
	b.Helper()
	waits := make([][]time.Duration, len(s.clients))
	began := time.Now()
	err := together(s.clients, func(c *client, i int) error {
		ask := post(b, map[string]any{
			"query": `mutation ($input: CreateWellnessInput!) { createWellness(input: $input) { wellness { id } } }`,
			"variables": map[string]any{"input": map[string]any{
				"residentID": nodeid.ID(nodeid.Resident.Start() + int64(1+i%homeResidents)).String(), "takenAt": "2026-06-01T08:00:00Z",
				"mood": 4, "energy": 6, "systolic": 128, "diastolic": 74, "temperature": "36.6",
			}},
		})
		for time.Since(began) < turnTime {
			sent := time.Now()
			if _, err := c.send(ask); err != nil {
				return err
			}
			waits[i] = append(waits[i], time.Since(sent))
		}
		return nil
	})
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	all := slices.Concat(waits...)
	s.rates = append(s.rates, float64(len(all))/took.Seconds())
	s.waits = append(s.waits, all...)
}
