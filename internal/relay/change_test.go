package relay

import (
	"context"
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"carehome/internal/nodeid"
	"carehome/internal/problem"
)

func TestSet(t *testing.T) {
	three := 3
	for name, tc := range map[string]struct {
		in      graphql.Omittable[*int]
		set     int
		cleared bool
		wrong   bool
	}{
		"omitted": {graphql.Omittable[*int]{}, 0, false, false},
		"null":    {graphql.OmittableOf[*int](nil), 0, true, true},
		"given":   {graphql.OmittableOf(&three), 3, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var required, optional Changes
			got, cleared := 0, false
			Set(&required, "energy", tc.in, func(v int) { got = v })
			if got != tc.set || required.Any != tc.in.IsSet() {
				t.Errorf("set to %d, any %v", got, required.Any)
			}
			if wrong := errors.Is(required.Problems.Err(), &problem.Problem{Code: problem.Invalid, Field: "input.energy"}); wrong != tc.wrong {
				t.Errorf("the problems are %v", required.Problems)
			}
			got = 0
			SetOrClear(&optional, "energy", tc.in, func(v int) { got = v }, func() { cleared = true })
			if got != tc.set || cleared != tc.cleared || len(optional.Problems) > 0 {
				t.Errorf("set to %d, cleared %v, problems %v", got, cleared, optional.Problems)
			}
		})
	}
}

func TestRefer(t *testing.T) {
	med, res, gone := nodeid.New(nodeid.Medication, 1), nodeid.New(nodeid.Resident, 1), nodeid.New(nodeid.Medication, 9)
	known := func(context.Context, []nodeid.ID) ([]nodeid.ID, error) { return []nodeid.ID{med}, nil }
	for name, tc := range map[string]struct {
		id   nodeid.ID
		want problem.Code
	}{
		"OK":           {med, ""},
		"ErrWrongKind": {res, problem.Invalid},
		"ErrUnknown":   {gone, problem.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			var c Changes
			var set nodeid.ID
			if err := Refer(t.Context(), &c, "medicationID", nodeid.Medication, tc.id, func(id nodeid.ID) { set = id }, known); err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if set != tc.id || len(c.Problems) > 0 {
					t.Fatalf("set %v, problems %v", set, c.Problems)
				}
				return
			}
			if set != 0 || !errors.Is(c.Problems.Err(), &problem.Problem{Code: tc.want, Field: "input.medicationID"}) {
				t.Fatalf("set %v, problems %v", set, c.Problems)
			}
		})
	}
	t.Run("ErrDatabase", func(t *testing.T) {
		broken := errors.New("disk on fire")
		err := Refer(t.Context(), &Changes{}, "medicationID", nodeid.Medication, med, func(nodeid.ID) { t.Error("it was set") },
			func(context.Context, []nodeid.ID) ([]nodeid.ID, error) { return nil, broken })
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFindings(t *testing.T) {
	var f Findings
	f.Given("sex", false)
	f.Check("energy", errors.New("must be from 1 to 10, is 999"))
	f.Check("energy", errors.New("must be even"))
	f.Add("CONFLICT", "status", "A resident who died stays so.")
	want := []string{
		"INVALID at input.sex: sex must be given.",
		"INVALID at input.energy: energy must be from 1 to 10, is 999.",
		"CONFLICT at input.status: A resident who died stays so.",
	}
	if len(f.Problems) != len(want) {
		t.Fatalf("got %v", f.Problems)
	}
	for i, p := range f.Problems {
		if p.Error() != want[i] {
			t.Errorf("got %q, want %q", p, want[i])
		}
	}
}
