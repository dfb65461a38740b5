package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/ent/residentcontact"
	"carehome/ent/staffuser"
	"carehome/ent/wellness"
	"carehome/internal/viewer"
)

// crowd fills a home with residents and wellness checks, a tenth of them void,
// many at the same time.
func (h *home) crowd(t testing.TB, residents, checks int) {
	t.Helper()
	stamps := "'2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1"
	for _, statement := range []string{
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO residents (id, created_at, updated_at, version, search_text, given_name, family_name, birth_date, sex, birth_date_precision, status, spo2_scale, resuscitation, allergy_status, wellness_interval_hours, consent_family_access)
			SELECT (3 << 32) + i, %s, 'x', 'G', 'F' || i, '1940-01-01', 'FEMALE', 'DAY', 'ACTIVE', 'SCALE_1', 'FULL', 'NO_KNOWN', 24, 0 FROM n`, residents, stamps),
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO wellnesses (id, created_at, updated_at, version, resident_id, taken_at, kind, energy, status, recorded_at)
			SELECT (12 << 32) + 1 + i, %s, (3 << 32) + 1 + i %% %d, strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 1700000000 + (i * 7919 %% 65536) * 3600, 'unixepoch'),
				'ROUTINE', i %% 10 + 1, iif(i / %[3]d %% 10 = 0, 'ENTERED_IN_ERROR', 'FINAL'), '2026-01-01T00:00:00.000Z' FROM n`, checks-1, stamps, residents),
	} {
		var result sql.Result
		if err := h.driver.Exec(h.ctx, statement, []any{}, &result); err != nil {
			t.Fatal(err)
		}
	}
}

// latest loads fifty residents with the last five wellness checks of each, as
// limit says.
func (h *home) latest(limit func(*ent.WellnessQuery)) ([]*ent.Resident, error) {
	return h.client.Resident.Query().Order(resident.ByID()).Limit(50).WithWellness(func(q *ent.WellnessQuery) {
		q.Where(wellness.StatusNEQ(wellness.StatusEnteredInError)).
			Order(wellness.ByTakenAt(sql.OrderDesc()), wellness.ByID(sql.OrderDesc()))
		limit(q)
	}).All(h.ctx)
}

// ours is the limit of this package's templates, window that of entgql.
func ours(q *ent.WellnessQuery) { q.LimitPerParent(5) }

func window(q *ent.WellnessQuery) {
	q.Modify(entgql.LimitPerRow(wellness.FieldResidentID, 5, sql.ExprFunc(func(b *sql.Builder) {
		b.Ident("taken_at").WriteString(" DESC, ").Ident("id").WriteString(" DESC")
	})))
}

func TestPerParentEqualsWindow(t *testing.T) {
	h := openHome(t)
	h.crowd(t, 60, 3000)
	got, want := must(h.latest(ours)), must(h.latest(window))
	if len(got) != 50 || len(want) != 50 {
		t.Fatalf("%d and %d residents", len(got), len(want))
	}
	for i := range got {
		if len(got[i].Edges.Wellness) != 5 {
			t.Fatalf("%s has %d checks", got[i].ID, len(got[i].Edges.Wellness))
		}
		for k, w := range got[i].Edges.Wellness {
			if w.ID != want[i].Edges.Wellness[k].ID {
				t.Errorf("check %d of %s is %s, by the window %s", k, got[i].ID, w.ID, want[i].Edges.Wellness[k].ID)
			}
		}
	}
}

// relative makes somebody who is linked to every second resident.
func (h *home) relative(t testing.TB) viewer.Viewer {
	t.Helper()
	who := must(h.client.StaffUser.Create().SetDisplayName("R").SetEmail("r@example.org").SetRole(staffuser.RoleFamily).Save(h.ctx))
	for i, id := range h.client.Resident.Query().Order(resident.ByID()).IDsX(h.ctx) {
		if i%2 == 0 {
			h.client.Resident.UpdateOneID(id).SetConsentFamilyAccess(true).ExecX(h.ctx)
			h.client.ResidentContact.Create().SetResidentID(id).SetName("R").SetRelationship(residentcontact.RelationshipChild).
				SetPhone("+34 600 123 456").SetIsFamilyPortal(true).SetPortalUserID(who.ID).ExecX(h.ctx)
		}
	}
	return viewer.Viewer{ID: who.ID, Role: viewer.Family}
}

// explained is a driver that keeps the plan of each query.
type explained struct {
	dialect.Driver
	plan strings.Builder
}

func (d *explained) Query(ctx context.Context, query string, args, v any) error {
	var rows sql.Rows
	if err := d.Driver.Query(ctx, "EXPLAIN QUERY PLAN "+query, args, &rows); err != nil {
		return err
	}
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return err
		}
		d.plan.WriteString(step + "\n")
	}
	if err := rows.Close(); err != nil {
		return err
	}
	return d.Driver.Query(ctx, query, args, v)
}

// The pages of nested connections are read through the index on parent and order
// key, and no table but the root's is read whole.
func TestNestedPagesGoThroughTheIndex(t *testing.T) {
	for name, tc := range map[string]struct {
		ask  string
		want []string
		// relative asks as somebody who sees some of the residents only.
		relative bool
	}{
		"latest": {`wellness(first: 5, orderBy: [{field: TAKEN_AT, direction: DESC}]) {edges {node {energy}}}`,
			[]string{"SEARCH wellnesses USING INDEX wellness_resident_id_taken_at (resident_id=?)"}, false},
		"latest, for a relative": {`wellness(first: 5, orderBy: [{field: TAKEN_AT, direction: DESC}]) {edges {node {energy}}}`,
			[]string{
				"SEARCH wellnesses USING INDEX wellness_resident_id_taken_at (resident_id=?)",
				"SEARCH resident_contacts USING INDEX residentcontact_portal_user_id (portal_user_id=?)",
			}, true},
		"latest without the voided": {`wellness(last: 5, orderBy: [{field: TAKEN_AT, direction: ASC}], where: {status: FINAL}) {edges {node {energy}}}`,
			[]string{"SEARCH wellnesses USING COVERING INDEX wellness_resident_id_status_taken_at (resident_id=? AND status=?)"}, false},
		"counted": {`prescriptions(first: 3, orderBy: [{field: STARTS_AT, direction: DESC}]) {totalCount edges {node {medication {name}}}}`,
			[]string{"SEARCH prescriptions USING INDEX prescription_resident_id_starts_at (resident_id=?)"}, false},
		"by status": {`prescriptions(first: 3, where: {status: ACTIVE}, orderBy: [{field: STATUS, direction: ASC}]) {edges {node {id}}}`,
			[]string{"SEARCH prescriptions USING COVERING INDEX prescription_resident_id_status (resident_id=? AND status=?)"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := openHome(t)
			h.crowd(t, 20, 400)
			if tc.relative {
				h.ctx = viewer.With(h.ctx, h.relative(t))
			}
			plan := &explained{Driver: h.driver.Driver}
			h.driver.Driver = plan
			h.ask(t, `{residents(first: 10) {edges {node {`+tc.ask+`}}}}`, nil)
			for _, step := range tc.want {
				if !strings.Contains(plan.plan.String(), step) {
					t.Errorf("the plan lacks %q:\n%s", step, plan.plan.String())
				}
			}
			for line := range strings.Lines(plan.plan.String()) {
				if strings.HasPrefix(line, "SCAN ") && !strings.HasPrefix(line, "SCAN residents") && !strings.HasPrefix(line, "SCAN parent VIRTUAL TABLE") {
					t.Errorf("a table is read whole: %s", line)
				}
			}
		})
	}
}

// BenchmarkPerParent reads the last five of 100,000 wellness checks for each of
// 50 residents, by the index and by entgql's window.
func BenchmarkPerParent(b *testing.B) {
	h := openHome(b)
	h.crowd(b, 50, 100_000)
	for name, limit := range map[string]func(*ent.WellnessQuery){"index": ours, "window": window} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := h.latest(limit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
