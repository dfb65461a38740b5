package bench

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entsql "entgo.io/ent/dialect/sql"

	carehome "carehome/ent"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	"carehome/ent/wellness"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// lastChecks is how many checks of each resident are asked for, and lastRead how
// many are read: one more tells whether there are further ones.
const (
	lastChecks = 5
	lastRead   = lastChecks + 1
)

// byWindow limits the checks of each parent as entgql does it, by a window
// function over all of them.
func byWindow(q *carehome.WellnessQuery) {
	q.LimitPerParent(0).Modify(entgql.LimitPerRow(wellness.FieldResidentID, lastRead, entsql.ExprFunc(func(b *entsql.Builder) {
		b.Ident(wellness.FieldTakenAt).WriteString(" DESC, ").Ident(wellness.FieldID).WriteString(" DESC")
	})))
}

// windowed makes every query of checks that a client runs be limited by window.
func windowed(client *carehome.Client) {
	client.Wellness.Intercept(ent.TraverseFunc(func(_ context.Context, q ent.Query) error {
		if checks, ok := q.(*carehome.WellnessQuery); ok {
			byWindow(checks)
		}
		return nil
	}))
}

// levels is the question of the shape of that name, asked of ent.
func levels(ctx context.Context, client *carehome.Client, limit func(*carehome.WellnessQuery)) ([]*carehome.Resident, error) {
	return client.Resident.Query().
		Order(carehome.Asc(resident.FieldFamilyName, resident.FieldID)).Limit(50).
		WithPrescriptions(func(q *carehome.PrescriptionQuery) {
			q.Where(prescription.StatusEQ(prescription.StatusActive)).
				Order(carehome.Asc(prescription.FieldStartsAt, prescription.FieldID)).WithMedication()
		}).
		WithWellness(func(q *carehome.WellnessQuery) {
			q.Order(carehome.Desc(wellness.FieldTakenAt, wellness.FieldID))
			limit(q)
		}).All(ctx)
}

// BenchmarkPerParent asks 50 residents for their last 5 checks each, by the
// program's limit through the index and by entgql's window function, in turns.
// x-window is how many times longer the window takes.
func BenchmarkPerParent(b *testing.B) {
	usualFile := usual.file(b)
	report := func(b *testing.B, found comparison) {
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(found.time, "x-window")
		b.ReportMetric(found.cpu, "x-window-cpu")
		b.ReportMetric(micros(found.first.time), "window-µs")
		b.ReportMetric(micros(found.second.time), "ours-µs")
	}
	inGraph := func(b *testing.B, file string) {
		ask := request(b, shapeNamed(b, "levels").query, nil)
		window, own := dial(b, serveGraph(b, file, windowed, nil)), dial(b, serveGraph(b, file, nil, nil))
		sameAnswers(b, own.ask(b, ask), append([]byte{}, window.ask(b, ask)...))
		report(b, compare(b,
			func() error { _, err := window.send(ask); return err },
			func() error { _, err := own.send(ask); return err }))
	}
	b.Run("graph", func(b *testing.B) { inGraph(b, usualFile) })
	b.Run("ent", func(b *testing.B) {
		st, err := store.Open(b.Context(), store.Options{Database: usualFile, ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				b.Error(err)
			}
		}()
		ctx := viewer.With(b.Context(), viewer.System())
		byIndex := func(q *carehome.WellnessQuery) { q.LimitPerParent(lastRead) }
		if one, two := checks(b, ctx, st, byWindow), checks(b, ctx, st, byIndex); one != two {
			b.Fatalf("the checks differ:\n%.500s\n%.500s", one, two)
		}
		report(b, compare(b,
			func() error { _, err := levels(ctx, st.Client(), byWindow); return err },
			func() error { _, err := levels(ctx, st.Client(), byIndex); return err }))
	})

	big, err := large()
	if err != nil {
		b.Fatal(err)
	}
	if big.checks == 0 {
		return
	}
	b.Run("large/graph", func(b *testing.B) { inGraph(b, big.file(b)) })
	// x-home is how many times longer the large home takes than the usual one.
	b.Run("large/home", func(b *testing.B) {
		ask := request(b, shapeNamed(b, "levels").query, nil)
		at := dial(b, serveGraph(b, big.file(b), nil, nil))
		home := dial(b, serveGraph(b, usualFile, nil, nil))
		found := compare(b,
			func() error { _, err := at.send(ask); return err },
			func() error { _, err := home.send(ask); return err })
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(found.time, "x-home")
		b.ReportMetric(found.cpu, "x-home-cpu")
		b.ReportMetric(micros(found.first.time), "large-µs")
		b.ReportMetric(micros(found.second.time), "home-µs")
	})
}

// checks is the text of all checks that levels finds.
func checks(b *testing.B, ctx context.Context, st *store.Store, limit func(*carehome.WellnessQuery)) string {
	b.Helper()
	found, err := levels(ctx, st.Client(), limit)
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for _, who := range found {
		for _, check := range who.Edges.Wellness {
			text.WriteString(check.String() + "\n")
		}
	}
	return text.String()
}

// checkPlan fails if a statement reads a whole table, or sorts the rows of one
// parent after another instead of walking an index.
func checkPlan(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		t.Fatalf("%v: %s", err, statement)
	}
	defer rows.Close()
	var plan strings.Builder
	var wrong bool
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		whole := strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, " USING ") && !strings.Contains(step, "VIRTUAL TABLE")
		sorted := strings.HasPrefix(step, "USE TEMP B-TREE") && parent != 0
		wrong = wrong || whole || sorted || strings.Contains(step, "AUTOMATIC")
		plan.WriteString("\n  " + step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if wrong || plan.Len() == 0 {
		t.Errorf("%s\nis run as%s", statement, &plan)
	}
	if perParent := strings.Contains(statement, "CROSS JOIN"); perParent != strings.Contains(plan.String(), "CORRELATED") {
		t.Errorf("%s\nis run as%s", statement, &plan)
	}
}
