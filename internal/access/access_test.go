package access_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"carehome/internal/access"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Whoever writes a type sees all of it: the answers of changes need no masks.
func TestWritersSeeAllOfWhatTheyWrite(t *testing.T) {
	writers := 0
	for _, kind := range access.Kinds() {
		for _, role := range viewer.Roles() {
			g := access.Of(role, kind)
			if g.Acts == 0 {
				continue
			}
			writers++
			if g.Read != access.Everything || g.Rows != access.All {
				t.Errorf("%s changes rows of %s and does not see all of them", role, kind)
			}
			if g.Acts&access.Delete != 0 && g.Acts&access.Update == 0 {
				t.Errorf("%s deletes %s but cannot update it", role, kind)
			}
		}
	}
	if writers < 20 {
		t.Errorf("found %d writers only", writers)
	}
}

func TestTheTableIsWhole(t *testing.T) {
	for _, kind := range access.Kinds() {
		for _, role := range viewer.Roles() {
			g := access.Of(role, kind)
			if (g.Read == 0) != (g.Rows == access.None) {
				t.Errorf("%s of %s: the classes are %q, the rows %d", role, kind, g.Read, g.Rows)
			}
			if g.Read != 0 && !g.Read.Has(access.Open) {
				t.Errorf("%s sees rows of %s but not what is open of them", role, kind)
			}
		}
		if g := access.Of("STRANGER", kind); g != (access.Grant{}) {
			t.Errorf("a role that is none sees %s of %s", g, kind)
		}
	}
}

// What the design says of each role, in figures that a slip would change.
func TestRoles(t *testing.T) {
	clinical := []nodeid.Kind{nodeid.Resident, nodeid.ResidentContact, nodeid.Allergy, nodeid.Medication, nodeid.MedicationIngredient,
		nodeid.Prescription, nodeid.Wellness, nodeid.ActivityParticipation, nodeid.Revision, nodeid.Activity}
	for _, kind := range clinical {
		if g := access.Of(viewer.Sysadmin, kind); g != (access.Grant{}) {
			t.Errorf("SYSADMIN has %s of %s", g, kind)
		}
	}
	for _, kind := range access.Kinds() {
		for _, role := range []viewer.Role{viewer.Reporting, viewer.Family} {
			g := access.Of(role, kind)
			if g.Acts != 0 {
				t.Errorf("%s changes %s", role, kind)
			}
			if g.Read.Has(access.Notes) && access.Maskable(kind, access.Notes) {
				t.Errorf("%s reads the notes of %s", role, kind)
			}
			if role == viewer.Family && g.Rows == access.All && kind != nodeid.Facility {
				t.Errorf("FAMILY sees every row of %s", kind)
			}
		}
	}
	if access.Of(viewer.Carer, nodeid.Prescription).Acts != 0 || access.Of(viewer.Manager, nodeid.APIKey).Rows != access.None {
		t.Error("carers write no prescriptions, managers see no keys")
	}
	for _, kind := range []nodeid.Kind{nodeid.Wellness, nodeid.Medication, nodeid.Prescription, nodeid.MedicationIngredient} {
		if access.Of(viewer.ActivityCoordinator, kind).Rows != access.None {
			t.Errorf("ACTIVITY_COORDINATOR sees %s", kind)
		}
	}
}

func TestNobodyReachesFurtherThroughAnAccount(t *testing.T) {
	for _, by := range viewer.Roles() {
		for _, of := range viewer.Roles() {
			if !access.Grants(by, of) || by == viewer.Admin {
				continue
			}
			for _, kind := range access.Kinds() {
				mine, theirs := access.Of(by, kind), access.Of(of, kind)
				if theirs.Read&^mine.Read != 0 || theirs.Rows > mine.Rows || theirs.Acts&^mine.Acts != 0 {
					t.Errorf("%s makes accounts of %s, which has %s of %s, itself %s", by, of, theirs, kind, mine)
				}
			}
		}
	}
}

func as(v viewer.Viewer) context.Context { return viewer.With(context.Background(), v) }

func TestCheck(t *testing.T) {
	nurse := viewer.Viewer{Role: viewer.Nurse}
	readOnly := nurse
	readOnly.ReadOnly = true
	for name, tc := range map[string]struct {
		ctx  context.Context
		kind nodeid.Kind
		act  access.Act
		want problem.Code
	}{
		"OK":               {as(nurse), nodeid.Wellness, access.Create, ""},
		"OKSystem":         {as(viewer.System()), nodeid.Wellness, access.Delete, ""},
		"OKLifted":         {access.Lift(as(nurse), access.Acts), nodeid.Facility, access.Update, ""},
		"ErrRole":          {as(nurse), nodeid.Facility, access.Update, problem.Forbidden},
		"ErrReadOnly":      {as(readOnly), nodeid.Wellness, access.Create, problem.Forbidden},
		"ErrOtherIsLifted": {access.Lift(as(nurse), access.Rows), nodeid.Facility, access.Update, problem.Forbidden},
		"ErrNobody":        {context.Background(), nodeid.Wellness, access.Create, problem.Unauthenticated},
		"ErrUnknownRole":   {as(viewer.Viewer{Role: "BOSS"}), nodeid.Wellness, access.Create, problem.Forbidden},
		"ErrNoSuchType":    {as(viewer.Viewer{Role: viewer.Admin}), nodeid.Kind(999), access.Create, problem.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			err := access.Check(tc.ctx, tc.kind, tc.act)
			if tc.want == "" && err != nil || tc.want != "" && !errors.Is(err, &problem.Problem{Code: tc.want}) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestHidden(t *testing.T) {
	reporting, family := viewer.Viewer{Role: viewer.Reporting}, viewer.Viewer{Role: viewer.Family}
	named := reporting
	named.SeesNames = true
	carer, broken := viewer.Viewer{Role: viewer.ActivityCoordinator}, viewer.Viewer{Role: viewer.ActivityCoordinator, BreakGlass: true}
	relative := family
	relative.BreakGlass = true
	for name, tc := range map[string]struct {
		who               viewer.Viewer
		kind              nodeid.Kind
		hidden, unaskable access.Classes
		rows              access.Scope
	}{
		"all":                        {viewer.Viewer{Role: viewer.Manager}, nodeid.Resident, 0, 0, access.All},
		"system":                     {viewer.System(), nodeid.APIKey, 0, 0, access.All},
		"masked":                     {reporting, nodeid.ResidentContact, access.Everything &^ access.Open, access.Everything &^ access.Open, access.All},
		"names":                      {named, nodeid.ResidentContact, access.Clinical | access.Admin, access.Clinical | access.Admin, access.All},
		"names of nothing":           {named, nodeid.APIKey, access.Everything, 0, access.None},
		"linked":                     {family, nodeid.Wellness, access.Everything &^ (access.Open | access.Clinical), access.Everything &^ (access.Open | access.Clinical), access.Linked},
		"none":                       {carer, nodeid.Wellness, access.Everything, 0, access.None},
		"in an emergency":            {broken, nodeid.Wellness, 0, 0, access.All},
		"keys, in an emergency":      {broken, nodeid.APIKey, access.Everything, 0, access.None},
		"family has no emergency":    {relative, nodeid.Prescription, access.Everything, 0, access.None},
		"a role that does not exist": {viewer.Viewer{Role: "BOSS"}, nodeid.Resident, access.Everything, 0, access.None},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := as(tc.who)
			if got := access.Hidden(ctx, tc.kind); got != tc.hidden {
				t.Errorf("hidden are %s, want %s", got, tc.hidden)
			}
			if got := access.Unaskable(ctx, tc.kind); got != tc.unaskable {
				t.Errorf("unaskable are %s, want %s", got, tc.unaskable)
			}
			if _, got := access.RowsOf(ctx, tc.kind); got != tc.rows {
				t.Errorf("the rows are %d, want %d", got, tc.rows)
			}
			if tc.rows == access.None {
				return
			}
			if lifted := access.Lift(ctx, access.EveryRule); access.Hidden(lifted, tc.kind) != 0 || access.Unaskable(lifted, tc.kind) != 0 {
				t.Error("lifted rules still hide")
			}
		})
	}
	nobody := context.Background()
	if _, rows := access.RowsOf(nobody, nodeid.Facility); rows != access.None || access.Hidden(nobody, nodeid.Facility) != access.Everything || access.Unaskable(nobody, nodeid.Facility) != access.Everything {
		t.Error("nobody sees something")
	}
}

// An emergency ends by itself, also for what was asked before.
func TestEmergencyEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	until := now.Add(20 * time.Minute)
	ctx := scalar.WithClock(as(viewer.Viewer{Role: viewer.ActivityCoordinator, BreakGlass: true, BreakGlassUntil: until}), func() time.Time { return now })
	during := access.CursorScope(ctx)
	for range 2 {
		over := !now.Before(until)
		who, rows := access.RowsOf(ctx, nodeid.Wellness)
		if who.BreakGlass == over || (rows == access.None) != over || (access.Hidden(ctx, nodeid.Resident) != 0) != over ||
			(access.Unaskable(ctx, nodeid.Resident) != 0) != over || (access.CursorScope(ctx) != during) != over {
			t.Errorf("at %v the rows are %d and %s are hidden", now, rows, access.Hidden(ctx, nodeid.Resident))
		}
		if access.Over(ctx, until) != over || access.Over(ctx, time.Time{}) {
			t.Errorf("at %v it is over: %t", now, !over)
		}
		now = until
	}
}

func TestCursorScope(t *testing.T) {
	a, b := viewer.Viewer{ID: 1, Role: viewer.Nurse}, viewer.Viewer{ID: 2, Role: viewer.Nurse}
	if access.CursorScope(as(a)) == access.CursorScope(as(b)) {
		t.Error("two viewers have one scope")
	}
	keyed := a
	keyed.Key = 7
	if access.CursorScope(as(a)) != access.CursorScope(as(keyed)) {
		t.Error("another key of the same viewer has another scope")
	}
}

func TestPage(t *testing.T) {
	page := access.Page(map[nodeid.Kind][]access.Field{nodeid.Resident: {{Name: "givenName", Class: access.Personal}}})
	for _, want := range []string{
		"| Wellness | all · CUD | all · CUD | all · CUD | all · CUD | – | open, clinical | linked: open, clinical | – |\n",
		"| Resident |  | givenName |  |  |  |\n",
		"- SYSADMIN: SYSADMIN\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestClasses(t *testing.T) {
	for _, class := range access.Everything.Each() {
		if got, ok := access.ParseClass(class.String()); !ok || got != class {
			t.Errorf("%s is read as %s", class, got)
		}
	}
	if _, ok := access.ParseClass("secret"); ok {
		t.Error("a class that is none is read")
	}
}
