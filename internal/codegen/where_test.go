package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/privacy"
	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/ent/intercept"
	"carehome/ent/wellness"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"

	"entgo.io/ent/dialect/sql"
)

func TestWhere(t *testing.T) {
	h := openHome(t)
	ctx, c := h.ctx, h.client
	for _, name := range []string{"María García Ruiz", "Ana Gómez", "Ana % García", "Zoë Núñez"} {
		given, family, _ := strings.Cut(name, " ")
		in := newResident()
		in.GivenName, in.FamilyName = given, family
		must(in.Save(ctx, c))
	}
	res := func(n uint32) nodeid.ID { return nodeid.New(nodeid.Resident, n) }
	must(c.Wellness.Create().SetResidentID(res(1)).SetTakenAt(must(scalar.ParseTime("2026-01-01T00:00:00Z"))).SetEnergy(3).Save(ctx))
	must(c.Wellness.Create().SetResidentID(res(2)).SetTakenAt(must(scalar.ParseTime("2026-01-01T00:00:00Z"))).SetEnergy(3).
		SetStatus(wellness.StatusEnteredInError).Save(ctx))
	type where = ent.ResidentWhereInput
	type checks = ent.WellnessWhereInput
	yes, no := true, false
	for name, tc := range map[string]struct {
		where *where
		want  []uint32
	}{
		"nothing":               {nil, []uint32{1, 2, 3, 4}},
		"empty":                 {&where{}, []uint32{1, 2, 3, 4}},
		"accents":               {&where{SearchText: new("garcia")}, []uint32{1, 3}},
		"words in any order":    {&where{SearchText: new("RUIZ maria")}, []uint32{1}},
		"each word":             {&where{SearchText: new("ana garcia")}, []uint32{3}},
		"wildcard is a text":    {&where{SearchText: new("%")}, []uint32{3}},
		"underscore is a text":  {&where{SearchText: new("_")}, nil},
		"no words":              {&where{SearchText: new("  ")}, []uint32{1, 2, 3, 4}},
		"not of two words":      {&where{Not: &where{SearchText: new("ana garcia")}}, []uint32{1, 2, 4}},
		"not of no words":       {&where{Not: &where{SearchText: new(" ")}}, nil},
		"not empty":             {&where{Not: &where{}}, nil},
		"and empty":             {&where{And: []*where{{}, {GivenName: new("Ana")}}}, []uint32{2, 3}},
		"or empty":              {&where{Or: []*where{{}, {GivenName: new("Ana")}}}, []uint32{1, 2, 3, 4}},
		"or":                    {&where{Or: []*where{{GivenName: new("Zoë")}, {FamilyNameHasSuffix: new("Ruiz")}}}, []uint32{1, 4}},
		"or beside a field":     {&where{GivenName: new("Ana"), Or: []*where{{GivenName: new("Zoë")}, {FamilyNameHasSuffix: new("García")}}}, []uint32{3}},
		"in none":               {&where{IDIn: []nodeid.ID{}}, nil},
		"in":                    {&where{IDIn: []nodeid.ID{res(2), res(9)}}, []uint32{2}},
		"not in none":           {&where{IDNotIn: []nodeid.ID{}}, []uint32{1, 2, 3, 4}},
		"null":                  {&where{PreferredNameIsNil: true}, []uint32{1, 2, 3, 4}},
		"has":                   {&where{HasWellness: &yes}, []uint32{1}},
		"has no":                {&where{HasWellness: &no}, []uint32{2, 3, 4}},
		"has with":              {&where{HasWellnessWith: []*checks{{Energy: new(3)}}}, []uint32{1}},
		"has with voided":       {&where{HasWellnessWith: []*checks{{Energy: new(3)}, {StatusIn: []wellness.Status{"FINAL", "ENTERED_IN_ERROR"}}}}, []uint32{1, 2}},
		"has with voided, deep": {&where{HasWellnessWith: []*checks{{Not: &checks{Or: []*checks{{Status: new(wellness.StatusCorrected)}}}}}}, []uint32{1, 2}},
		"has with nothing":      {&where{HasWellnessWith: []*checks{{}}}, []uint32{1}},
		"not has with":          {&where{Not: &where{HasWellnessWith: []*checks{{EnergyGT: new(1)}}}}, []uint32{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := c.Resident.Query().Paginate(ctx, nil, nil, nil, nil, nil, tc.where)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint32
			for _, r := range page.Nodes() {
				got = append(got, r.ID.Number())
			}
			if !slices.Equal(got, tc.want) || page.TotalCount != len(tc.want) {
				t.Errorf("got %v of %d, want %v", got, page.TotalCount, tc.want)
			}
		})
	}
}

// What hides rows from reads hides them from filters over edges, counts and
// nested pages as well.
func TestPolicyReachesFilters(t *testing.T) {
	h := openHome(t)
	ctx, c := h.ctx, h.client
	r := must(newResident().Save(ctx, c))
	must(c.Wellness.Create().SetResident(r).SetTakenAt(must(scalar.ParseTime("2026-01-01T00:00:00Z"))).SetEnergy(3).Save(ctx))
	ask := func() (filtered, nested, total int) {
		page := must(c.Resident.Query().Paginate(ctx, nil, nil, nil, nil, nil,
			&ent.ResidentWhereInput{HasWellnessWith: []*ent.WellnessWhereInput{{Energy: new(3)}}}))
		inner := must(r.Wellness(ctx, nil, nil, nil, nil, nil, nil))
		return len(page.Nodes()), len(inner.Nodes()), inner.TotalCount
	}
	if a, b, n := ask(); a != 1 || b != 1 || n != 1 {
		t.Fatalf("before: %d, %d, %d", a, b, n)
	}
	c.Wellness.Intercept(intercept.TraverseFunc(func(_ context.Context, q intercept.Query) error {
		q.WhereP(func(s *sql.Selector) { s.Where(sql.LT(s.C("energy"), 3)) })
		return nil
	}))
	if a, b, n := ask(); a != 0 || b != 0 || n != 0 {
		t.Errorf("hidden: %d, %d, %d", a, b, n)
	}
}

// Nobody in the context gets nothing, in whatever way it is asked.
func TestNobodyIsDenied(t *testing.T) {
	h := openHome(t)
	r := must(newResident().Save(h.ctx, h.client))
	nobody := t.Context()
	one := 1
	for name, err := range map[string]error{
		"page":  second(h.client.Resident.Query().Paginate(nobody, nil, &one, nil, nil, nil, nil)),
		"edge":  second(r.Wellness(nobody, nil, &one, nil, nil, nil, nil)),
		"save":  second(newResident().Save(nobody, h.client)),
		"node":  second(h.client.Noder(nobody, r.ID)),
		"nodes": second(h.client.Noders(nobody, []nodeid.ID{r.ID})),
	} {
		if !errors.Is(err, privacy.Deny) && !errors.Is(err, &problem.Problem{Code: problem.Unauthenticated}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestNoders(t *testing.T) {
	h := openHome(t)
	h.fill()
	id := func(k nodeid.Kind, n uint32) nodeid.ID { return nodeid.New(k, n) }
	before := h.driver.n.Load()
	nodes, err := h.client.Noders(h.ctx, []nodeid.ID{
		id(nodeid.Resident, 2), id(nodeid.Medication, 1), id(nodeid.Resident, 99), id(nodeid.Resident, 1), id(nodeid.Resident, 2), id(nodeid.Room, 1), 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := h.driver.n.Load() - before; n != 2 {
		t.Errorf("%d statements for two kinds", n)
	}
	var got []string
	for _, n := range nodes {
		switch n := n.(type) {
		case nil:
			got = append(got, "-")
		case *ent.Resident:
			got = append(got, n.ID.String())
		case *ent.Medication:
			got = append(got, n.ID.String())
		}
	}
	if want := "res_2 med_1 - res_1 res_2 - -"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	_, err = h.client.Noders(h.ctx, make([]nodeid.ID, 201))
	if !errors.Is(err, &problem.Problem{Code: problem.LimitExceeded, Field: "ids"}) {
		t.Errorf("201 ids gave %v", err)
	}
	if nodes := must(h.client.Noders(h.ctx, nil)); nodes == nil || len(nodes) != 0 {
		t.Errorf("no ids gave %v", nodes)
	}
}

// A wrong argument of a nested connection is one coded error, not a panic, and
// not one for each parent.
func TestNestedArgumentsAreChecked(t *testing.T) {
	h := openHome(t)
	h.fill()
	for name, tc := range map[string]struct {
		args string
		code problem.Code
		on   string
	}{
		"ErrCursor":    {`after: "nonsense"`, problem.Invalid, "after"},
		"ErrBefore":    {`before: ""`, problem.Invalid, "before"},
		"ErrOver":      {`first: 201`, problem.LimitExceeded, "first"},
		"ErrHuge":      {`last: 2147483647`, problem.LimitExceeded, "last"},
		"ErrNegative":  {`last: -1`, problem.Invalid, "last"},
		"ErrBothSizes": {`first: 1, last: 1`, problem.Invalid, "last"},
	} {
		t.Run(name, func(t *testing.T) {
			query := fmt.Sprintf(`{residents {edges {node {wellness(%s) {totalCount}}}}}`, tc.args)
			ctx := graphql.StartOperationTrace(h.ctx)
			op, errs := h.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			handler, ctx := h.exec.DispatchOperation(ctx, op)
			response := handler(ctx)
			if len(response.Errors) != 1 {
				t.Fatalf("got %v", response.Errors)
			}
			if err := response.Errors[0]; !errors.Is(err, &problem.Problem{Code: tc.code, Field: tc.on}) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A single order object stands for a list of one, in a variable too.
func TestOrderOfOne(t *testing.T) {
	h := openHome(t)
	h.fill()
	data := h.ask(t, `query($by: [WellnessOrder!]) {node(id: "res_5") {... on Resident {
		a: wellness(orderBy: {field: TAKEN_AT, direction: DESC}) {edges {node {id}}}
		b: wellness(orderBy: $by) {edges {node {id}}}
		c: wellness(orderBy: [{field: TAKEN_AT, direction: DESC}], where: null, first: null, after: null) {edges {node {id}}}
	}}}`, map[string]any{"by": map[string]any{"field": "TAKEN_AT", "direction": "DESC"}})
	node := data["node"].(map[string]any)
	a := fmt.Sprint(node["a"])
	if a != fmt.Sprint(node["b"]) || a != fmt.Sprint(node["c"]) || len(node["a"].(map[string]any)["edges"].([]any)) != 6 {
		t.Errorf("got %v", node)
	}
}

// ent's own eager loading takes the limit too, and without it loads everything.
func TestLimitPerParent(t *testing.T) {
	h := openHome(t)
	h.fill()
	load := func(limit int) map[nodeid.ID][]nodeid.ID {
		rows := must(h.client.Resident.Query().WithWellness(func(q *ent.WellnessQuery) {
			if q.Order(wellness.ByTakenAt(sql.OrderDesc()), wellness.ByID(sql.OrderDesc())); limit > 0 {
				q.LimitPerParent(limit)
			}
		}).All(h.ctx))
		loaded := map[nodeid.ID][]nodeid.ID{}
		for _, r := range rows {
			for _, w := range r.Edges.Wellness {
				loaded[r.ID] = append(loaded[r.ID], w.ID)
			}
		}
		return loaded
	}
	all, some := load(0), load(3)
	for id, rows := range all {
		if want := rows[:min(3, len(rows))]; !slices.Equal(some[id], want) {
			t.Errorf("%s has %v, want %v", id, some[id], want)
		}
	}
	people := must(h.client.Activity.Query().WithFacilitators(func(q *ent.StaffUserQuery) { q.LimitPerParent(2) }).All(h.ctx))
	for i, a := range people {
		if n := len(a.Edges.Facilitators); n != min(i+1, 2) {
			t.Errorf("%s has %d", a.ID, n)
		}
	}
}

// A query that came over an edge is paged as well, each row once.
func TestPaginateOverAnEdge(t *testing.T) {
	h := openHome(t)
	h.fill()
	first := 2
	q := func() *ent.StaffUserQuery { return h.client.Activity.Query().QueryFacilitators() }
	page := must(q().Paginate(h.ctx, nil, &first, nil, nil, nil, nil))
	if len(page.Nodes()) != 2 || page.TotalCount != 3 || !page.PageInfo.HasNextPage {
		t.Errorf("the first page has %d of %d, more %v", len(page.Nodes()), page.TotalCount, page.PageInfo.HasNextPage)
	}
	page = must(q().Paginate(h.ctx, must(page.PageInfo.EndCursor()), &first, nil, nil, nil, nil))
	if len(page.Nodes()) != 1 || page.TotalCount != 3 || page.PageInfo.HasNextPage || !page.PageInfo.HasPreviousPage {
		t.Errorf("the second page has %d of %d: %v", len(page.Nodes()), page.TotalCount, page.PageInfo)
	}
}

// An entity that was made without its edges loads them when they are asked for.
func TestEdgesOfAnUnloadedRow(t *testing.T) {
	h := openHome(t)
	h.fill()
	a := must(h.client.Activity.Get(h.ctx, nodeid.New(nodeid.Activity, 3)))
	if people := must(a.Facilitators(h.ctx)); len(people) != 3 || people[0].ID > people[1].ID {
		t.Errorf("its facilitators are %v", people)
	}
	p := must(h.client.Prescription.Query().First(h.ctx))
	if m := must(p.Medication(h.ctx)); m.ID != p.MedicationID {
		t.Errorf("its medication is %v", m)
	}
	if by, err := p.Replaces(h.ctx); by != nil || err != nil {
		t.Errorf("it replaces %v, %v", by, err)
	}
}
