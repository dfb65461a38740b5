package bench

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkMemory starts the program, asks it once, and then lets 16 clients ask
// for the whole home at once, a round for each of b.N. asked-MiB is what it holds
// after the first question, idle-MiB after it has been left alone and rests, and
// peak-MiB the most it ever held.
func BenchmarkMemory(b *testing.B) {
	report := shapeNamed(b, "report")
	measure := func(b *testing.B, flags ...string) {
		server := run(b, append(flags, "--limit-cost", strconv.Itoa(dearest), "--limit-rate", "0", "--limit-time", "1m")...)
		ask := request(b, report.query, nil)
		dialAll(b, server.address, 1)[0].ask(b, request(b, shapeNamed(b, "list").query, nil))
		asked := server.memory("VmRSS")
		idle := asked
		for range 40 {
			time.Sleep(time.Second)
			idle = min(idle, server.memory("VmRSS"))
		}
		clients := dialAll(b, server.address, 16)
		for b.Loop() {
			if err := together(clients, func(c *client, _ int) error { _, err := c.send(ask); return err }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(asked, "asked-MiB")
		b.ReportMetric(idle, "idle-MiB")
		b.ReportMetric(server.memory("VmHWM"), "peak-MiB")
	}
	b.Run("demo", func(b *testing.B) {
		demo := []string{"--demo", "--database", filepath.Join(b.TempDir(), "demo.db")}
		first := run(b, append(demo, "--no-progress")...)
		made := first.memory("VmHWM")
		first.stop()
		measure(b, demo...)
		b.ReportMetric(made, "making-MiB")
	})
	b.Run("home", func(b *testing.B) { measure(b, "--database", usual.file(b)) })
}
