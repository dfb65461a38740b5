package bench

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"carehome/graph"
	"carehome/graph/limits"
	"carehome/internal/audit"
	"carehome/internal/problem"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// serveRecorded serves the graph on a home that is written to, for whom as says;
// with what is read put on record, or not.
func serveRecorded(b *testing.B, st *store.Store, recorded bool, as func(context.Context) context.Context) string {
	b.Helper()
	bounds := limits.Default()
	bounds.Cost, bounds.Rate = dearest, 0
	deps := graph.Deps{
		Client: st.Client(), Write: st.Write, Snapshot: st.Snapshot, Limits: bounds,
		Explain: func(error) *problem.Problem { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	if recorded {
		recorder := audit.NewRecorder(audit.RecorderOptions{Keep: st.Record, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		b.Cleanup(recorder.Close)
		deps.Reads = recorder.Tell
	}
	api := graph.NewHandler(deps)
	return serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(as(r.Context())))
	}))
}

// BenchmarkRecord asks with what is read put on record and without, in turns, and
// with the record and the rules of a role beside neither. x-off is how many times
// longer it takes with them; the disk is that of the folder for temporary files.
func BenchmarkRecord(b *testing.B) {
	file := filepath.Join(b.TempDir(), "home.db")
	home, err := os.ReadFile(usual.file(b))
	if err == nil {
		err = os.WriteFile(file, home, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	st, err := store.Open(context.Background(), store.Options{Database: file})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	by := func(who viewer.Viewer) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return viewer.With(ctx, who) }
	}
	admin, nurse := viewer.Viewer{Role: viewer.Admin}, viewer.Viewer{Role: viewer.Nurse}
	relative := viewer.Viewer{ID: idOf(b, openReading(b, file), "relative@example.org"), Role: viewer.Family}
	levels, report := shapeNamed(b, "levels").query, shapeNamed(b, "report").query
	for _, tc := range []struct {
		name  string
		who   viewer.Viewer
		off   func(context.Context) context.Context
		query string
	}{
		{"levels", admin, by(admin), levels},
		{"report", admin, by(admin), report},
		{"rules/nurse/levels", nurse, noRules, levels},
		{"rules/nurse/report", nurse, noRules, report},
		{"rules/family/levels", relative, noRules, relativesQuery("")},
	} {
		b.Run(tc.name, func(b *testing.B) {
			ask := request(b, tc.query, nil)
			on, off := dial(b, serveRecorded(b, st, true, by(tc.who))), dial(b, serveRecorded(b, st, false, tc.off))
			sameAnswers(b, on.ask(b, ask), append([]byte{}, off.ask(b, ask)...))
			found := compare(b,
				func() error { _, err := on.send(ask); return err },
				func() error { _, err := off.send(ask); return err })
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(found.time, "x-off")
			b.ReportMetric(found.cpu, "x-off-cpu")
			b.ReportMetric(micros(found.first.time), "on-µs")
			b.ReportMetric(micros(found.second.time), "off-µs")
		})
	}
}
