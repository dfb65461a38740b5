package limits_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"carehome/graph"
	"carehome/graph/limits"
	"carehome/internal/problem"
)

// check does what a request's document goes through before it is validated.
func check(schema *limits.Schema, text string) (visits int, err error) {
	l := limits.Default()
	if err := limits.CheckText(text, l); err != nil {
		return 0, err
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return 0, err
	}
	plans, err := schema.Plan(doc, l)
	return plans.Visits, err
}

// chain makes n fragments, each of which spreads the next as often as spread says.
func chain(n int, spread string, circular bool) string {
	var text strings.Builder
	text.WriteString("{ residents { edges { node { ...F0 } } } }\n")
	for i := range n {
		next := fmt.Sprintf("...F%d", i+1)
		if i == n-1 {
			if next = "id"; circular {
				next = "...F0"
			}
		}
		fmt.Fprintf(&text, "fragment F%d on Resident { %s }\n", i, strings.ReplaceAll(spread, "NEXT", next))
	}
	return text.String()
}

// nested makes filters inside one another.
func nested(n int) string {
	return "{ residents(where: " + strings.Repeat("{not: ", n) + "{status: ACTIVE}" + strings.Repeat("}", n) + ") { totalCount } }"
}

// hostile are documents that would be dear to validate or to run, and the limit that
// each exceeds; a limit is empty where the fault is another.
func hostile() map[string]struct{ text, limit string } {
	type h = struct{ text, limit string }
	return map[string]h{
		"50,000 fields":            {"{ " + strings.Repeat("__typename ", 50_000) + "}", "tokens"},
		"500,000 fields":           {"{ " + strings.Repeat("a ", 500_000) + "}", "tokens"},
		"1,900 fields":             {"{ " + strings.Repeat("__typename ", 1_900) + "}", "repeats"},
		"100,000 directives":       {"{ __typename " + strings.Repeat("@skip(if: false) ", 60_000) + "}", "tokens"},
		"900 directives":           {"{ __typename " + strings.Repeat("@a ", 900) + "}", "directives"},
		"20,000 aliases":           {"{ " + aliases(20_000) + "}", "tokens"},
		"600 aliases":              {"{ " + aliases(600) + "}", "aliases"},
		"1,000 fragments":          {chain(1_000, "NEXT", false), "tokens"},
		"180 circular fragments":   {chain(180, "NEXT", true), ""},
		"a fragment of itself":     {"{ ...A } fragment A on Query { ...A }", ""},
		"fragments that double":    {chain(100, "NEXT NEXT a: version", false), "aliases"},
		"fragments that grow":      {chain(10, "createdBy { NEXT } updatedBy { NEXT } version", false), "depth"},
		"wide fragments that grow": {chain(8, wide, false), "fields"},
		"depth 200":                {"{ " + strings.Repeat("a { ", 200) + "a" + strings.Repeat(" }", 200) + " }", "depth"},
		"depth 100,000":            {strings.Repeat("{ a ", 100_000), "tokens"},
		"3,000 filters":            {nested(3_000), "tokens"},
		"comments":                 {strings.Repeat("#\n", 500_000) + "{ __typename }", "tokens"},
		"a list of lists":          {"{ a(b: " + strings.Repeat("[", 100_000) + ") }", "tokens"},
	}
}

func aliases(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "a%d: __typename ", i)
	}
	return text.String()
}

// wide spreads a fragment in five fields.
const wide = "createdBy { NEXT } updatedBy { NEXT } a: createdBy { NEXT } b: updatedBy { NEXT } c: createdBy { NEXT }"

// What hostile documents cost is counted, not timed: how often a selection is looked
// at is bounded by the limits, whatever the document.
func TestHostile(t *testing.T) {
	schema := limits.NewSchema(graph.Schema())
	l := limits.Default()
	for name, h := range hostile() {
		t.Run(name, func(t *testing.T) {
			visits, err := check(schema, h.text)
			var p *problem.Problem
			if !errors.As(err, &p) {
				t.Fatalf("it is not refused: %v after %d visits", err, visits)
			}
			if got, _ := p.Details["name"].(string); got != h.limit {
				t.Errorf("refused with %v %v", p, p.Details)
			}
			if h.limit == "tokens" && p.Details["actual"] != l.Tokens+1 {
				t.Errorf("%v words were read", p.Details["actual"])
			}
			if visits > l.Tokens+l.Fields+1 {
				t.Errorf("%d visits", visits)
			}
			if h.limit == "" && p.Code != problem.Invalid {
				t.Errorf("got %v", p)
			}
		})
	}
}

// BenchmarkHostile shows what it takes to refuse each.
func BenchmarkHostile(b *testing.B) {
	schema := limits.NewSchema(graph.Schema())
	for name, h := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := check(schema, h.text); err == nil {
					b.Fatal("it is not refused")
				}
			}
		})
	}
}

// worst are documents within all limits that are dear to validate.
func worst() map[string]string {
	var many strings.Builder
	for range 90 {
		many.WriteString("residents { edges { node { id } } } ")
	}
	var different strings.Builder
	for i := 1; i <= 20; i++ {
		different.WriteString(strings.Repeat("residents { pageInfo { hasNextPage } } ", 4))
		fmt.Fprintf(&different, "node(id: \"res_1\") { ... on Resident { %s } } ", strings.Repeat("version givenName ", i%5+1))
	}
	return map[string]string{
		"repeated":  "{ " + many.String() + "}",
		"different": "{ " + different.String() + "}",
		"fragments": chain(90, "NEXT version givenName", false),
	}
}

func BenchmarkWorst(b *testing.B) {
	known := graph.Schema()
	schema := limits.NewSchema(known)
	for name, text := range worst() {
		if _, err := check(schema, text); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, err := parser.ParseQuery(&ast.Source{Input: text})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := schema.Plan(doc, limits.Default()); err != nil {
					b.Fatal(err)
				}
				_ = validator.ValidateWithRules(known, doc, nil)
			}
		})
	}
}

func TestCost(t *testing.T) {
	known := graph.Schema()
	schema := limits.NewSchema(known)
	for text, want := range map[string]int{
		"{ __typename }": 0,
		"{ resident(id: \"res_1\") { fullName } }":                                                                          1,
		"{ residents { totalCount } }":                                                                                      1,
		"{ residents { pageInfo { hasNextPage } } }":                                                                        1,
		"{ residents(first: 3) { edges { cursor } } }":                                                                      1 + 3,
		"{ residents { edges { node { id } } } }":                                                                           1 + 50,
		"{ residents(first: null) { edges { node { id } } } }":                                                              1 + 50,
		"{ residents(last: 7) { edges { node { id } } } }":                                                                  1 + 7,
		"{ residents(first: 0) { edges { node { id } } } }":                                                                 1,
		"{ residents(first: -1) { edges { node { id } } } }":                                                                1,
		"{ residents(first: 1000000) { edges { node { id } } } }":                                                           1 + 201,
		"{ residents(first: 3) { edges { node { prescriptions(first: 4) { edges { node { medication { name } } } } } } } }": 1 + 3*(1+1+4*2),
		// A fragment counts wherever it is spread; twice in one place is once.
		"{ a: residents(first: 2) { ...C } b: residents(first: 3) { ...C ...C } } fragment C on ResidentConnection { edges { node { id } } }": 2 + 2 + 3,
		// The edges of a page may stand in different fragments.
		"{ residents(first: 5) { ...C ... on ResidentConnection { edges { node { createdBy { id } } } } } } fragment C on ResidentConnection { edges { node { updatedBy { id } } } }": 1 + 5*3,
		// What may be skipped may also not be.
		"query($x: Boolean!) { residents(first: 4) @skip(if: true) { edges { node { id } } } b: residents(first: 4) @include(if: $x) { edges @skip(if: $x) { node { id } } } }": 2 * (1 + 4),
		"query($n: Int = 6) { residents(first: $n) { edges { cursor } } }":                                                                                                   1 + 6,
		"query($given: Int) { residents(first: $given) { edges { cursor } } }":                                                                                               1 + 9,
		"query($none: Int) { residents(first: $none) { edges { cursor } } }":                                                                                                 1 + 50,
		"{ nodes(ids: [\"res_1\", \"res_2\"]) { id } }":                                                                                                                      2,
		"query($ids: [ID!]!) { nodes(ids: $ids) { id } }":                                                                                                                    3,
		"{ residents(first: 2) { edges { node { contacts { id } } } } }":                                                                                                     1 + 2*(1+10),
		"{ node(id: \"res_1\") { ... on Resident { createdBy { id } } ... on Medication { createdBy { id } } } }":                                                            1 + 2,
		"{ __schema { types { name } } __type(name: \"Resident\") { name } }":                                                                                                2000,
		"mutation { a: deleteResident(id: \"res_1\") { __typename } b: deleteResident(id: \"res_2\") { __typename } }":                                                       20,
		"{ residents(first: 200) { edges { node { prescriptions(first: 200) { edges { node { resident { prescriptions(first: 200) { edges { node { id } } } } } } } } } } }": 1 + 200*(2+200*(3+200)),
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		plans, err := schema.Plan(doc, limits.Default())
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		given := map[string]any{}
		for name, value := range map[string]any{"x": true, "given": 9, "ids": []any{"res_1", "res_2", "res_3"}} {
			if doc.Operations[0].VariableDefinitions.ForName(name) != nil {
				given[name] = value
			}
		}
		if list := validator.ValidateWithRules(known, doc, nil); len(list) > 0 {
			t.Fatalf("%s: %v", text, list)
		}
		variables, err := validator.VariableValues(known, doc.Operations[0], given)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := plans.Of(doc.Operations[0]).Cost(variables, 201); got != want {
			t.Errorf("%s costs %d, want %d", text, got, want)
		}
	}
}

// Whatever the sizes, costs do not overflow.
func TestCostIsBounded(t *testing.T) {
	known := graph.Schema()
	doc, err := parser.ParseQuery(&ast.Source{Input: "query { " + deepPages(3) + " }"})
	if err != nil {
		t.Fatal(err)
	}
	l := limits.Default()
	l.Depth = 100
	plans, err := limits.NewSchema(known).Plan(doc, l)
	if err != nil {
		t.Fatal(err)
	}
	if got := plans.Of(doc.Operations[0]).Cost(nil, 1<<30); got < 1<<30 {
		t.Errorf("it costs %d", got)
	}
}

// deepPages nests pages of any size.
func deepPages(n int) string {
	page := "totalCount"
	for range n {
		page = "edges { node { resident { prescriptions(first: 1000000000) { " + page + " } } } }"
	}
	return "prescriptions(first: 1000000000) { " + page + " }"
}

func TestRates(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := limits.NewRates(10, 20, func() time.Time { return now })
	const burst = 100
	if p := r.Take("a", burst); p != nil {
		t.Fatalf("a full account refuses: %v", p)
	}
	p := r.Take("a", 25)
	if p == nil || p.Code != problem.LimitExceeded || p.Details["retryAfter"] != 3 || p.Details["limit"] != 10 || p.Details["name"] != "rate" {
		t.Fatalf("an empty account says %v", p)
	}
	if p := r.Take("b", 25); p != nil {
		t.Errorf("one viewer pays for another: %v", p)
	}
	now = now.Add(2 * time.Second)
	if p := r.Take("a", 25); p == nil {
		t.Error("it may ask too early")
	}
	now = now.Add(time.Second)
	if p := r.Take("a", 25); p != nil {
		t.Errorf("it was to come again now: %v", p)
	}
	r.Return("a", 7)
	if p := r.Take("a", 12); p != nil {
		t.Errorf("what was given back is gone: %v", p)
	}
	// Nobody saves up for more than the burst, also not by a clock that goes wrong.
	now = now.Add(-time.Hour)
	_ = r.Take("a", 0)
	now = now.Add(100 * time.Hour)
	r.Return("a", 1_000)
	if p := r.Take("a", burst+1); p == nil {
		t.Error("an account holds more than it may")
	}
	if p := r.Take("a", burst); p != nil {
		t.Error(p)
	}
}

// What cannot wait for long goes out on credit, and the rest waits for that.
func TestRatesGiveCredit(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := limits.NewRates(10, 20, func() time.Time { return now })
	afford := func(cost, most, want int, after time.Duration) {
		t.Helper()
		if n, wait := r.Afford("a", cost, most); n != want || wait != after {
			t.Fatalf("%d of %d at %d can be paid for, after %v; want %d after %v", n, most, cost, wait, want, after)
		}
	}
	afford(10, 4, 4, 0)  // 60 are left
	afford(25, 32, 2, 0) // 10
	r.Settle("a", 50, 40)
	afford(25, 32, 1, 0) // 5 are owed
	afford(25, 32, 0, 500*time.Millisecond)
	if p := r.Take("a", 1); p == nil {
		t.Error("who owes something may ask")
	}
	now = now.Add(500 * time.Millisecond)
	afford(25, 32, 1, 0) // 25 are owed
	r.Return("a", 25)
	afford(0, 32, 1, 0)
	r.Settle("a", 10, 30)
	afford(1, 1, 0, 2*time.Second)
	now = now.Add(time.Hour)
	r.Settle("a", 50, 0)
	afford(100, 2, 1, 0) // nobody saves up for more than the burst
	afford(1, 2, 1, 0)
	afford(1, 2, 0, 100*time.Millisecond)
}

func TestRatesAreOff(t *testing.T) {
	r := limits.NewRates(0, 20, time.Now)
	if n, wait := r.Afford("a", 1<<30, 32); n != 32 || wait != 0 {
		t.Errorf("%d are told after %v", n, wait)
	}
	for range 100 {
		if p := r.Take("a", 1<<30); p != nil {
			t.Fatal(p)
		}
	}
}

// The accounts of those who have not asked for long are forgotten, so that names that
// are made up fill no memory.
func TestRatesForget(t *testing.T) {
	r := limits.NewRates(1, 10, func() time.Time { return time.Unix(0, 0) })
	if p := r.Take("first", 20); p != nil {
		t.Fatal(p)
	}
	if p := r.Take("first", 1); p == nil {
		t.Fatal("the account is not empty")
	}
	for range 50_000 {
		_ = r.Take(fmt.Sprint(rand.Uint64()), 1)
	}
	if p := r.Take("first", 1); p != nil {
		t.Error("50,000 accounts are kept")
	}
}
