package bench

import (
	"context"
	"testing"

	"entgo.io/ent/privacy"

	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// relativesQuery is what a relative of every resident asks: the levels that a
// relative sees.
const relativesQuery = `{residents(first: 50, where: {status: ACTIVE}, orderBy: [{field: FAMILY_NAME}]) {totalCount edges {node {
	id givenName familyName
	wellness(first: 5, orderBy: [{field: TAKEN_AT, direction: DESC}]) {edges {node {id takenAt mood energy systolic diastolic}}}
	participations(first: 5) {edges {node {id occurrenceDate status activity {title}}}}
}}}}`

// BenchmarkAccess asks by the rules of a role and with no rules at all, in turns.
// x-off is how many times longer it takes by the rules.
func BenchmarkAccess(b *testing.B) {
	file := usual.file(b)
	db := openReading(b, file)
	person := func(email string) (id nodeid.ID) {
		if err := db.QueryRow("SELECT id FROM staff_users WHERE email_key = ?", email).Scan(&id); err != nil {
			b.Fatal(err)
		}
		return id
	}
	relative := viewer.Viewer{ID: person("relative@example.org"), Role: viewer.Family}
	dialAs := func(as func(context.Context) context.Context) *client { return dial(b, serveAs(b, file, nil, nil, as)) }
	off := dialAs(func(ctx context.Context) context.Context {
		return privacy.DecisionContext(viewer.With(ctx, viewer.System()), privacy.Allow)
	})
	for _, tc := range []struct {
		name  string
		who   viewer.Viewer
		query string
	}{
		{"admin/levels", viewer.Viewer{Role: viewer.Admin}, shapeNamed(b, "levels").query},
		{"admin/report", viewer.Viewer{Role: viewer.Admin}, shapeNamed(b, "report").query},
		{"nurse/levels", viewer.Viewer{Role: viewer.Nurse}, shapeNamed(b, "levels").query},
		{"nurse/report", viewer.Viewer{Role: viewer.Nurse}, shapeNamed(b, "report").query},
		{"reporting/report", viewer.Viewer{Role: viewer.Reporting, SeesNames: true}, shapeNamed(b, "report").query},
		{"family/levels", relative, relativesQuery},
	} {
		b.Run(tc.name, func(b *testing.B) {
			ask := request(b, tc.query, nil)
			on := dialAs(func(ctx context.Context) context.Context { return viewer.With(ctx, tc.who) })
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
