package bench

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"entgo.io/ent/privacy"

	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// relativesQuery is what a relative asks of these residents: the levels that a
// relative sees.
func relativesQuery(these string) string {
	return `{residents(first: 50, where: {status: ACTIVE` + these + `}, orderBy: [{field: FAMILY_NAME}]) {totalCount edges {node {
		id givenName familyName
		wellness(first: 5, orderBy: [{field: TAKEN_AT, direction: DESC}]) {edges {node {id takenAt mood energy systolic diastolic}}}
		participations(first: 5) {edges {node {id occurrenceDate status activity {title}}}}
	}}}}`
}

// coordinatorsQuery is what an activity coordinator asks, who sees no check and no
// prescription.
const coordinatorsQuery = `{residents(first: 200, orderBy: [{field: FAMILY_NAME}]) {edges {node {
	id givenName familyName birthDate resuscitation
	allergies {id display criticality}
	participations(first: 10, orderBy: [{field: OCCURRENCE_DATE, direction: DESC}]) {edges {node {
		id occurrenceDate status engagement minutes activity {id title category location durationMinutes}
	}}}
}}}}`

// noRules asks in nobody's name, with every rule off.
func noRules(ctx context.Context) context.Context {
	return privacy.DecisionContext(viewer.With(ctx, viewer.System()), privacy.Allow)
}

// idOf is the account of an address.
func idOf(tb testing.TB, db *sql.DB, email string) (id nodeid.ID) {
	tb.Helper()
	if err := db.QueryRow("SELECT id FROM staff_users WHERE email_key = ?", email).Scan(&id); err != nil {
		tb.Fatal(err)
	}
	return id
}

// linkedTo writes the residents of whom an account is a relative as an argument.
func linkedTo(tb testing.TB, db *sql.DB, relative nodeid.ID) string {
	tb.Helper()
	rows, err := db.Query("SELECT resident_id FROM resident_contacts WHERE portal_user_id = ?", relative)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id nodeid.ID
		if err := rows.Scan(&id); err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, strconv.Quote(id.String()))
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return ", idIn: [" + strings.Join(ids, ", ") + "]"
}

// Of what is read together with a relative's residents it is not asked again whose it
// is: the lists of that are looked through for the residents alone.
func TestNestedRowsAreNotLookedUpAgain(t *testing.T) {
	file := small.file(t)
	relative := viewer.Viewer{ID: idOf(t, openReading(t, file), "relative@example.org"), Role: viewer.Family}
	seen := &trace{}
	c := dial(t, serveAs(t, file, nil, seen.add, func(ctx context.Context) context.Context { return viewer.With(ctx, relative) }))
	c.ask(t, request(t, relativesQuery(""), nil))
	looked, statements := 0, seen.take()
	for _, one := range statements {
		if strings.Contains(one, "portal_user_id") {
			looked++
		}
	}
	// The residents, their number, checks, participations, activities.
	if len(statements) != 5 || looked != 2 {
		t.Errorf("%d of %d statements look up whose relative asks; want 2 of 5: %q", looked, len(statements), statements)
	}
}

// BenchmarkAccess asks by the rules of a role and with no rules at all, in turns.
// x-off is how many times longer it takes by the rules.
func BenchmarkAccess(b *testing.B) {
	file := usual.file(b)
	db := openReading(b, file)
	relative := viewer.Viewer{ID: idOf(b, db, "relative@example.org"), Role: viewer.Family}
	daughter := viewer.Viewer{ID: idOf(b, db, "daughter@example.org"), Role: viewer.Family}
	dialAs := func(as func(context.Context) context.Context) *client { return dial(b, serveAs(b, file, nil, nil, as)) }
	off := dialAs(noRules)
	for _, tc := range []struct {
		name  string
		who   viewer.Viewer
		query string
	}{
		{"admin/levels", viewer.Viewer{Role: viewer.Admin}, shapeNamed(b, "levels").query},
		{"admin/report", viewer.Viewer{Role: viewer.Admin}, shapeNamed(b, "report").query},
		{"nurse/levels", viewer.Viewer{Role: viewer.Nurse}, shapeNamed(b, "levels").query},
		{"nurse/report", viewer.Viewer{Role: viewer.Nurse}, shapeNamed(b, "report").query},
		{"carer/report", viewer.Viewer{Role: viewer.Carer}, shapeNamed(b, "report").query},
		{"coordinator/report", viewer.Viewer{Role: viewer.ActivityCoordinator}, coordinatorsQuery},
		{"reporting/report", viewer.Viewer{Role: viewer.Reporting, SeesNames: true}, shapeNamed(b, "report").query},
		{"family/levels", relative, relativesQuery("")},
		{"family/two", daughter, relativesQuery(linkedTo(b, db, daughter.ID))},
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
