package problem

import (
	"errors"
	"fmt"
	"testing"
)

type carried struct{ code string }

func (c carried) Error() string { return "carried" }
func (c carried) Problem() (code, field, message string) {
	return c.code, "input.endDate", "The end is before the start."
}

func TestFrom(t *testing.T) {
	a := Invalidf("input.birthDate", "A birth date cannot be in the future.")
	b := Conflictf("", "Somebody else has changed this.")
	for name, tc := range map[string]struct {
		err  error
		want []Code
	}{
		"one":             {a, []Code{Invalid}},
		"wrapped":         {fmt.Errorf("saving: %w", a), []Code{Invalid}},
		"list":            {List{a, b}, []Code{Invalid, Conflict}},
		"joined":          {fmt.Errorf("saving: %w", errors.Join(a, List{b})), []Code{Invalid, Conflict}},
		"carrier":         {fmt.Errorf("rule: %w", carried{"INVALID"}), []Code{Invalid}},
		"carriers joined": {errors.Join(carried{"CONFLICT"}, carried{"INVALID"}), []Code{Conflict, Invalid}},
		"ErrUnknownCode":  {carried{"SOMETHING"}, nil},
		"ErrForeign":      {errors.New("disk on fire"), nil},
		"ErrForeignAmong": {errors.Join(a, errors.New("disk on fire")), nil},
		"ErrNil":          {nil, nil},
		"ErrEmptyList":    {List{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, ok := From(tc.err)
			if ok != (tc.want != nil) {
				t.Fatalf("From(%v) is %v", tc.err, ok)
			}
			if !ok {
				return
			}
			if len(list) != len(tc.want) {
				t.Fatalf("got %v, want codes %v", list, tc.want)
			}
			for i, p := range list {
				if p.Code != tc.want[i] || p.Message == "" {
					t.Errorf("problem %d is %+v, want code %s", i, p, tc.want[i])
				}
			}
		})
	}
}

func TestListErr(t *testing.T) {
	if err := (List{}).Err(); err != nil {
		t.Errorf("an empty list is the error %v", err)
	}
	p := NotFoundf("id", "There is no such resident.")
	if err := (List{p}).Err(); !errors.Is(err, p) {
		t.Errorf("a list of one is %#v", err)
	}
	err := List{p, Forbiddenf("Only a nurse may do this.")}.Err()
	if !errors.Is(err, &Problem{Code: Forbidden}) || !errors.Is(err, &Problem{Code: NotFound, Field: "id"}) {
		t.Errorf("errors.Is does not look into %v", err)
	}
}

func TestWithCopies(t *testing.T) {
	p := Limit("first", 200, 201, "At most %d.", 200)
	q := p.With("hint", "page")
	if len(p.Details) != 2 || len(q.Details) != 3 || q.Details["actual"] != 201 {
		t.Errorf("details are %v and %v", p.Details, q.Details)
	}
}
