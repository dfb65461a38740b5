package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// conditions is a filter of n conditions: one list, and half of n names in it.
func conditions(n int) string {
	var text strings.Builder
	// One is the list itself, each filter in it is one, and so is what it says.
	pairs := (n - 1) / 2
	text.WriteString("{or: [")
	for range pairs {
		text.WriteString(`{status: ACTIVE} `)
	}
	text.WriteString("]")
	if 1+2*pairs < n {
		text.WriteString(" familyName: \"x\"")
	}
	return text.String() + "}"
}

// hops is a filter that follows n edges.
func hops(n int) string {
	text, of := "{status: ACTIVE}", 0
	for i := n; i > 0; i-- {
		field := "hasPrescriptionsWith"
		if i%2 == 0 {
			field = "hasResidentWith"
		}
		text = "{" + field + ": [" + text + "]}"
		of++
	}
	return text
}

// Each limit lets what is as much as it allows through, and refuses one more with its
// name, itself and what was asked for.
func TestLimits(t *testing.T) {
	server := shared.get(t)
	repeat := func(n int, each func(i int) string) string {
		var text strings.Builder
		for i := range n {
			text.WriteString(each(i) + " ")
		}
		return text.String()
	}
	same := func(text string) func(int) string { return func(int) string { return text } }
	for name, tc := range map[string]struct {
		limit int
		// query asks for n; actual is what is told where it is not n.
		query     func(n int) string
		variables func(n int) map[string]any
	}{
		// Braces and the query's name are words and signs as well.
		"tokens": {limit: 2_000, query: func(n int) string { return "{ __typename } " + repeat(n-3, same("#\n")) }},
		"depth":  {limit: 12, query: func(n int) string { return deep(n) }},
		"aliases": {limit: 30, query: func(n int) string {
			return "{ resident(id: \"res_1\") { " + repeat(n, func(i int) string { return fmt.Sprintf("a%d: id", i) }) + "} }"
		}},
		"rootFields": {limit: 20, query: func(n int) string {
			return "{ " + repeat(n, func(i int) string { return fmt.Sprintf("a%d: __typename", i) }) + "}"
		}},
		"directives": {limit: 50, query: func(n int) string {
			return "{ __typename " + repeat(n, func(int) string { return "... @skip(if: true) { __typename }" }) + "}"
		}},
		"repeats": {limit: 100, query: func(n int) string { return "{ " + repeat(n, same("__typename")) + "}" }},
		"fields":  {limit: 10_000, query: manyFields},
		"conditions": {limit: 200, query: func(n int) string {
			return "{ residents(where: " + conditions(n) + ") { totalCount } }"
		}},
		"conditions in variables": {
			limit: 200,
			query: func(int) string { return "query($w: ResidentWhereInput) { residents(where: $w) { totalCount } }" },
			variables: func(n int) map[string]any {
				filters := []any{}
				for range (n - 1) / 2 {
					filters = append(filters, map[string]any{"status": "ACTIVE"})
				}
				where := map[string]any{"or": filters}
				if n%2 == 0 {
					where["familyName"] = "x"
				}
				return map[string]any{"w": where}
			},
		},
		"hops": {limit: 4, query: func(n int) string { return "{ residents(where: " + hops(n) + ") { totalCount } }" }},
		"items": {
			limit: 1_000,
			query: func(int) string { return "query($v: [String!]) { residents(where: {givenNameIn: $v}) { totalCount } }" },
			variables: func(n int) map[string]any {
				return map[string]any{"v": make([]string, n)}
			},
		},
		"cost": {limit: 50_000, query: func(n int) string {
			const nested = "edges { node { prescriptions(first: 200) { edges { cursor } } } }"
			return fmt.Sprintf("{ a: residents(first: 200) { %s } b: residents(first: 47) { %s } c: residents(first: %d) { edges { cursor } } }",
				nested, nested, n-1-(1+200*202)-(1+47*202))
		}},
		"introspectionDepth": {limit: 20, query: func(n int) string {
			return "{ __schema { queryType " + strings.Repeat("{ ofType ", n-3) + "{ name }" + strings.Repeat("}", n-3) + " } }"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(n int) received {
				request := map[string]any{"query": tc.query(n)}
				if tc.variables != nil {
					request["variables"] = tc.variables(n)
				}
				body, err := json.Marshal(request)
				if err != nil {
					t.Fatal(err)
				}
				return asked{body: string(body), header: accept(graphql)}.tell(t, server)
			}
			for _, e := range ask(tc.limit).Errors {
				if e.Extensions["code"] != "NOT_FOUND" { // of a resident who is not there
					t.Errorf("at the limit: %v", e)
				}
			}
			over := ask(tc.limit + 1)
			if len(over.Errors) != 1 || over.status != http.StatusBadRequest || over.Data != nil {
				t.Fatalf("over the limit: %d %.500s", over.status, over.body)
			}
			told := over.Errors[0].Extensions
			word, _, _ := strings.Cut(name, " ")
			if told["code"] != "LIMIT_EXCEEDED" || told["name"] != word || told["limit"] != float64(tc.limit) || told["actual"] != float64(tc.limit+1) {
				t.Errorf("over the limit: %v", told)
			}
		})
	}
}

// deep asks n fields deep.
func deep(n int) string {
	text := "id"
	for i := range n - 2 {
		field := "createdBy"
		if i%2 == 1 {
			field = "updatedBy"
		}
		text = field + " { " + text + " }"
	}
	return "{ resident(id: \"res_1\") { " + text + " } }"
}

// manyFields has n fields once its fragments are put in: some residents, each with a
// staff user in several places, in each of which the same fragment is spread.
func manyFields(n int) string {
	const (
		block = 98 // fields of the fragment
		place = 2 + block
	)
	var text strings.Builder
	left, number := n, 0
	resident := func(parts ...string) {
		fmt.Fprintf(&text, "r%d: resident(id: \"res_1\") { %s } ", number, strings.Join(parts, " "))
		number++
		left--
		for _, part := range parts {
			places := strings.Count(part, "...B")
			left -= places*place + strings.Count(part, "{") - places
		}
	}
	for left > 10*place {
		resident("createdBy { ...B }", "updatedBy { ...B }", "createdBy { createdBy { ...B } updatedBy { ...B } }", "updatedBy { updatedBy { ...B } }",
			"createdBy { createdBy { createdBy { ...B } updatedBy { ...B } } }", "updatedBy { updatedBy { createdBy { ...B } updatedBy { ...B } } }")
	}
	for left > place {
		resident("createdBy { ...B }")
	}
	return "{ " + text.String() + strings.Repeat("__typename ", left) + "} fragment B on StaffUser { " + strings.Repeat("id version ", block/2) + "}"
}

// Documents that are made to be dear are refused like any other, and nothing of them
// comes back.
func TestHostileDocuments(t *testing.T) {
	server := shared.get(t)
	var fragments strings.Builder
	for i := range 1_000 {
		fmt.Fprintf(&fragments, "fragment F%d on Resident { ...F%d } ", i, (i+1)%1_000)
	}
	for name, query := range map[string]string{
		"50,000 fields":      "{ " + strings.Repeat("__typename ", 50_000) + "}",
		"60,000 directives":  "{ __typename " + strings.Repeat("@skip(if:true)", 60_000) + "}",
		"20,000 aliases":     "{ " + strings.Repeat("secret: __typename ", 20_000) + "}",
		"1,000 fragments":    "{ residents { edges { node { ...F0 } } } } " + fragments.String(),
		"a circle":           "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
		"a circle, unused":   "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }",
		"a circle, deeper":   "{ node(id: \"res_1\") { ...A } } fragment A on Resident { createdBy { id } contacts { resident { ...A } } }",
		"depth 200":          strings.Repeat("{ secret ", 200) + strings.Repeat("}", 200),
		"depth 100,000":      strings.Repeat("{ a ", 100_000),
		"3,000 filters":      "{ residents(where: " + strings.Repeat("{not: ", 3_000) + "{}" + strings.Repeat("}", 3_000) + ") { totalCount } }",
		"3,000 wide filters": "{ residents(where: {or: [" + strings.Repeat("{status: ACTIVE} ", 3_000) + "]}) { totalCount } }",
		"a long comment":     "{ a } #" + strings.Repeat("secret", 100_000),
		"comments":           strings.Repeat("#\n", 200_000) + "{ __typename }",
		"lists":              "{ resident(id: " + strings.Repeat("[", 100_000),
	} {
		body, err := json.Marshal(map[string]any{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		got := asked{body: string(body), header: accept(graphql)}.tell(t, server)
		code := got.code()
		if got.status != http.StatusBadRequest || code != "LIMIT_EXCEEDED" && code != "INVALID" || len(got.body) > 1_000 || strings.Contains(got.body, "secretsecret") {
			t.Errorf("%s: got %d %.500s", name, got.status, got.body)
		}
	}
	filters := strings.Repeat(`{"not":`, 3_000) + "{}" + strings.Repeat("}", 3_000)
	got := asked{body: `{"query":"query($w: ResidentWhereInput) { residents(where: $w) { totalCount } }","variables":{"w":` + filters + `}}`}.tell(t, server)
	if got.code() != "LIMIT_EXCEEDED" || len(got.body) > 1_000 {
		t.Errorf("3,000 filters in a variable: got %d %.500s", got.status, got.body)
	}
	// A list of requests is none.
	if got := (asked{body: "[" + typename + "]", header: accept(graphql)}).tell(t, server); got.status != http.StatusBadRequest || got.code() != "INVALID" {
		t.Errorf("several requests at once: got %d %.500s", got.status, got.body)
	}
}

// What may be skipped costs as much as if it were not, however that is said.
func TestSkippedFieldsCount(t *testing.T) {
	server := shared.get(t)
	const dear = "residents(first: 200) { edges { node { prescriptions(first: 200) { edges { node { medication { name } } } } } } }"
	for _, query := range []string{
		"{ residents(first: 200) @skip(if: true) { edges { node { prescriptions(first: 200) { edges { node { medication { name } } } } } } } }",
		"{ ... @include(if: false) { " + dear + " } }",
		"query($no: Boolean = false) { ...A @include(if: $no) } fragment A on Query { " + dear + " }",
		"query($n: Int = 200) { residents(first: $n) { edges { node { prescriptions(first: $n) { edges { node { medication { name } } } } } } } }",
	} {
		got := ask(t, server, query, nil)
		if len(got.Errors) != 1 || got.Errors[0].Extensions["name"] != "cost" {
			t.Errorf("%s: got %s", query, got.raw)
		}
	}
}
