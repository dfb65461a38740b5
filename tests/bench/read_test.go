package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// BenchmarkRead asks the whole program and the hand-written server the same
// questions in turns. x-hand is how many times longer ours takes.
func BenchmarkRead(b *testing.B) {
	homes := []struct {
		name string
		home home
	}{{"home", usual}}
	if big, err := large(); err != nil {
		b.Fatal(err)
	} else if big.checks > 0 {
		homes = append(homes, struct {
			name string
			home home
		}{"large", big})
	}
	for _, at := range homes {
		b.Run(at.name, func(b *testing.B) {
			file := at.home.file(b)
			both := openBoth(b, file, serveOurs(b, file))
			for _, s := range shapes {
				b.Run(s.name, func(b *testing.B) {
					mine, theirs := both.requests(b, s)
					answer := both.same(b, mine, theirs)
					found := compare(b,
						func() error { _, err := both.ours.send(mine); return err },
						func() error { _, err := both.hand.send(theirs); return err })
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(found.time, "x-hand")
					b.ReportMetric(found.cpu, "x-hand-cpu")
					b.ReportMetric(micros(found.first.time), "ours-µs")
					b.ReportMetric(micros(found.second.time), "hand-µs")
					b.ReportMetric(found.first.bytes/1024, "ours-KiB")
					b.ReportMetric(found.first.allocs, "ours-allocs")
					b.ReportMetric(float64(len(both.statements(b, s))), "sql")
					b.ReportMetric(float64(answer), "answer-B")
				})
			}
		})
	}
}

// both are ours and the hand-written server on one file.
type both struct {
	db         *sql.DB
	ours, hand *client
	// traced is a third one: ours with its statements counted.
	traced *client
	trace  *trace
}

// openBoth opens both servers on a file; ours is at an address already.
func openBoth(tb testing.TB, file, ours string) both {
	tb.Helper()
	db, seen := openReading(tb, file), &trace{}
	return both{
		db: db, ours: dial(tb, ours), hand: dial(tb, serveByHand(tb, db)),
		traced: dial(tb, serveGraph(tb, file, nil, seen.add)), trace: seen,
	}
}

// requests are the requests of a shape for ours and for the hand-written server.
func (s both) requests(tb testing.TB, asked shape) (ours, hand []byte) {
	tb.Helper()
	var variables map[string]any
	var arguments []any
	if asked.given != nil {
		variables, arguments = asked.given(tb, s.db, s.ours)
	}
	return request(tb, asked.query, variables), post(tb, question{asked.name, arguments})
}

// same fails unless both answer alike; it returns the length of our answer.
func (s both) same(tb testing.TB, ours, hand []byte) int {
	tb.Helper()
	got, want := s.ours.ask(tb, ours), s.hand.ask(tb, hand)
	sameAnswers(tb, got, want)
	return len(got)
}

// statements are those that the request of a shape takes. It is made for the
// traced server: a cursor is good only where it comes from.
func (s both) statements(tb testing.TB, asked shape) []string {
	tb.Helper()
	var variables map[string]any
	if asked.given != nil {
		variables, _ = asked.given(tb, s.db, s.traced)
	}
	s.trace.take()
	s.traced.ask(tb, request(tb, asked.query, variables))
	return s.trace.take()
}

// trace keeps statements.
type trace struct {
	mu   sync.Mutex
	seen []string
}

func (t *trace) add(_ context.Context, statement string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, statement)
}

// take returns the statements since the last time.
func (t *trace) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.seen
	t.seen = nil
	return seen
}

// Both servers give the same answers, so that their times may be compared.
func TestBothAnswerAlike(t *testing.T) {
	file := small.file(t)
	both := openBoth(t, file, serveOurs(t, file))
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			ours, hand := both.requests(t, s)
			if n := both.same(t, ours, hand); n < 200 {
				t.Errorf("the answer has %d bytes: it shows nothing", n)
			}
		})
	}
}

// The statements of a query are as many as its levels, whatever the number of
// rows above, and each finds its rows through an index.
func TestHotQueries(t *testing.T) {
	file := small.file(t)
	both := openBoth(t, file, serveOurs(t, file))
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			statements := both.statements(t, s)
			if len(statements) != s.statements {
				t.Errorf("%d statements; want %d: %q", len(statements), s.statements, statements)
			}
			for _, statement := range statements {
				checkPlan(t, both.db, statement)
			}
		})
	}
	t.Run("AnyNumberOfParents", func(t *testing.T) {
		var counts []int
		for _, first := range []int{2, 30} {
			var answer struct {
				Data struct {
					Residents struct{ Edges []json.RawMessage }
				}
			}
			report := shapeNamed(t, "report")
			report.query = strings.Replace(report.query, "first: 200", fmt.Sprintf("first: %d", first), 1)
			if err := json.Unmarshal(both.ours.ask(t, request(t, report.query, nil)), &answer); err != nil || len(answer.Data.Residents.Edges) != first {
				t.Fatalf("%d residents, %v; want %d", len(answer.Data.Residents.Edges), err, first)
			}
			counts = append(counts, len(both.statements(t, report)))
		}
		if counts[0] != counts[1] {
			t.Errorf("2 residents take %d statements, 30 take %d", counts[0], counts[1])
		}
	})
}
