package tests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// connection is one of the schema: a list of rows that can be paged through.
type connection struct {
	name  string // such as Resident.wellness
	field *fieldDef
	// parent is empty for a list of all; else the type whose rows have one each.
	parent string
	// list is the root field by which several parents are read at once.
	list string
}

// connectionsOf are all connections that need no more than the paging arguments.
func connectionsOf(s *schema) (all []connection) {
	lists := map[string]string{}
	is := func(f *fieldDef) bool {
		for _, a := range f.Args {
			if a.required() {
				return false
			}
		}
		return strings.HasSuffix(f.Type.named(), "Connection") && f.arg("first") != nil && f.arg("orderBy") != nil
	}
	for _, f := range s.query.Fields {
		if is(f) {
			all = append(all, connection{name: "Query." + f.Name, field: f})
			lists[strings.TrimSuffix(f.Type.named(), "Connection")] = f.Name
		}
	}
	for name, of := range s.types {
		for _, f := range of.Fields {
			if of != s.query && of.Kind == "OBJECT" && is(f) && lists[name] != "" {
				all = append(all, connection{name: name + "." + f.Name, field: f, parent: name, list: lists[name]})
			}
		}
	}
	slices.SortFunc(all, func(a, b connection) int { return strings.Compare(a.name, b.name) })
	return all
}

// row is one of a list.
type row struct{ id, cursor string }

func idsOf(rows []row) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = r.id
	}
	return list
}

// page is what a connection answers.
type page struct {
	total            int
	rows             []row
	previous, next   bool
	start, end       any
	alone, withEdges any // pageInfo, asked for without edges and with them
	countedWithout   int
}

// reader reads pages of one connection with one order and filter.
type reader struct {
	t         *testing.T
	to        string
	c         connection
	object    string // the type of the rows
	parent    string // id
	together  bool   // with other parents, as one list
	order     any
	where     any
	variables string
}

// page reads one, with arguments such as `, first: 3`.
func (r reader) page(arguments string) page {
	r.t.Helper()
	got := ask(r.t, r.to, r.document(arguments), r.given())
	if len(got.Errors) > 0 {
		r.t.Fatalf("%s: asking %s\nwith %v: %s", r.c.name, r.document(arguments), r.given(), got.raw)
	}
	at1 := at(r.t, got.Data, "x")
	switch {
	case r.together:
		for _, edge := range at(r.t, at1, "edges").([]any) {
			if at(r.t, edge, "node", "id") == r.parent {
				return r.read(at(r.t, edge, "node", "p"), at(r.t, edge, "node", "q"))
			}
		}
		r.t.Fatalf("%s: %s is not in the list", r.c.name, r.parent)
	case r.parent != "":
		return r.read(at(r.t, at1, "p"), at(r.t, at1, "q"))
	}
	return r.read(at1, at(r.t, got.Data, "y"))
}

// document asks for the connection twice: for the whole page, and for what stands
// beside the edges alone.
func (r reader) document(arguments string) string {
	field := func(alias, selection string) string {
		return fmt.Sprintf("%s: %s(orderBy: $o, where: $w%s) %s", alias, r.c.field.Name, arguments, selection)
	}
	const info = "pageInfo { hasPreviousPage hasNextPage startCursor endCursor }"
	both := func(a, b string) string {
		return field(a, "{ totalCount edges { cursor node { id } } "+info+" }") + " " + field(b, "{ "+info+" totalCount }")
	}
	order := r.c.field.arg("orderBy").Type
	where := r.c.field.arg("where").Type
	head := fmt.Sprintf("query Page($o: %s, $w: %s", order, where)
	switch {
	case r.together:
		parents := r.c.list
		return head + ", $p: [ID!]) { x: " + parents + "(first: 5, where: {idIn: $p}) { edges { node { id " + both("p", "q") + " } } } }"
	case r.parent != "":
		return head + ", $n: ID!) { x: node(id: $n) { ... on " + r.c.parent + " { " + both("p", "q") + " } } }"
	}
	return head + ") { " + both("x", "y") + " }"
}

func (r reader) given() map[string]any {
	given := map[string]any{"o": r.order, "w": r.where}
	switch {
	case r.together:
		given["p"] = append([]string{r.parent}, strings.Fields(r.variables)...)
	case r.parent != "":
		given["n"] = r.parent
	}
	return given
}

func (r reader) read(whole, beside any) page {
	r.t.Helper()
	t := r.t
	p := page{alone: at(t, beside, "pageInfo"), withEdges: at(t, whole, "pageInfo")}
	p.total = int(at(t, whole, "totalCount").(float64))
	p.countedWithout = int(at(t, beside, "totalCount").(float64))
	for _, edge := range at(t, whole, "edges").([]any) {
		p.rows = append(p.rows, row{at(t, edge, "node", "id").(string), at(t, edge, "cursor").(string)})
	}
	p.previous, p.next = at(t, p.withEdges, "hasPreviousPage").(bool), at(t, p.withEdges, "hasNextPage").(bool)
	p.start, p.end = at(t, p.withEdges, "startCursor"), at(t, p.withEdges, "endCursor")
	return p
}

// forward reads all rows by pages of the size, from the front.
func (r reader) forward(size int) (all []row) {
	r.t.Helper()
	after := ""
	for range 1000 {
		p := r.page(fmt.Sprintf(", first: %d%s", size, after))
		all = append(all, p.rows...)
		if !p.next {
			return all
		}
		if len(p.rows) != size {
			r.t.Fatalf("%s: a page of %d has %d rows, and says that more follow", r.c.name, size, len(p.rows))
		}
		after = fmt.Sprintf(", after: %q", p.end)
	}
	r.t.Fatalf("%s: the pages have no end", r.c.name)
	return nil
}

// backward reads all rows by pages of the size, from the back.
func (r reader) backward(size int) (all []row) {
	r.t.Helper()
	before := ""
	for range 1000 {
		p := r.page(fmt.Sprintf(", last: %d%s", size, before))
		all = append(slices.Clone(p.rows), all...)
		if !p.previous {
			return all
		}
		if len(p.rows) != size {
			r.t.Fatalf("%s: a page of %d has %d rows, and says that more precede", r.c.name, size, len(p.rows))
		}
		before = fmt.Sprintf(", before: %q", p.start)
	}
	r.t.Fatalf("%s: the pages have no end", r.c.name)
	return nil
}

// laws tries all combinations of the paging arguments.
func (r reader) laws(random *rand.Rand) {
	r.t.Helper()
	t := r.t
	all := r.forward(100)
	names := idsOf(all)
	if sorted := slices.Sorted(slices.Values(names)); len(slices.Compact(sorted)) != len(names) {
		t.Fatalf("%s: a row comes twice in %v", r.describe(), names)
	}
	if len(all) > 0 {
		size := min(200, 1+len(all)/3+random.IntN(3))
		if got := idsOf(r.forward(size)); !slices.Equal(got, names) {
			t.Fatalf("%s: pages of %d forward are %v, want %v", r.describe(), size, got, names)
		}
		if got := idsOf(r.backward(size)); !slices.Equal(got, names) {
			t.Fatalf("%s: pages of %d backward are %v, want %v", r.describe(), size, got, names)
		}
	}
	for combination := range 12 {
		after, before, first, last, arguments := "", "", -1, -1, ""
		if combination&1 != 0 {
			if len(all) == 0 {
				continue
			}
			one := all[random.IntN(len(all))]
			after = one.id
			arguments += fmt.Sprintf(", after: %q", one.cursor)
		}
		if combination&2 != 0 {
			if len(all) == 0 {
				continue
			}
			one := all[random.IntN(len(all))]
			before = one.id
			arguments += fmt.Sprintf(", before: %q", one.cursor)
		}
		most := min(len(all)+1, 30)
		switch combination / 4 {
		case 1:
			first = random.IntN(most + 1)
			arguments += fmt.Sprintf(", first: %d", first)
		case 2:
			last = random.IntN(most + 1)
			arguments += fmt.Sprintf(", last: %d", last)
		}
		if after != "" && before != "" && slices.Index(names, before) <= slices.Index(names, after) {
			continue // the cursors cross: the laws leave the flags open
		}
		sized := first
		if first < 0 && last < 0 {
			sized = 50 // as the description says
		}
		want, previous, next := window(names, after, before, sized, last)
		p := r.page(arguments)
		if got := idsOf(p.rows); !slices.Equal(got, want) {
			t.Fatalf("%s%s is %v, want %v of %v", r.describe(), arguments, got, want, names)
		}
		if p.total != len(all) || p.countedWithout != len(all) {
			t.Errorf("%s%s: totalCount is %d and %d, want %d", r.describe(), arguments, p.total, p.countedWithout, len(all))
		}
		if fmt.Sprint(p.alone) != fmt.Sprint(p.withEdges) {
			t.Errorf("%s%s: pageInfo without edges is %v, with them %v", r.describe(), arguments, p.alone, p.withEdges)
		}
		if len(want) == 0 {
			if p.start != nil || p.end != nil {
				t.Errorf("%s%s: an empty page has cursors", r.describe(), arguments)
			}
			continue
		}
		if p.start != p.rows[0].cursor || p.end != p.rows[len(p.rows)-1].cursor {
			t.Errorf("%s%s: pageInfo has other cursors than the edges", r.describe(), arguments)
		}
		if p.previous != previous || p.next != next {
			t.Errorf("%s%s: previous %t and next %t, want %t and %t", r.describe(), arguments, p.previous, p.next, previous, next)
		}
	}
}

func (r reader) describe() string {
	text, err := json.Marshal(map[string]any{"orderBy": r.order, "where": r.where, "parent": r.parent, "together": r.together})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.c.name + " " + string(text)
}

// orders are random ones, of no key to three.
func orders(s *schema, f *fieldDef, random *rand.Rand) any {
	input := s.types[f.arg("orderBy").Type.named()]
	var keys []string
	for _, field := range input.InputFields {
		if field.Name == "field" {
			for _, value := range s.types[field.Type.named()].EnumValues {
				keys = append(keys, value.Name)
			}
		}
	}
	list := []any{}
	for range random.IntN(4) {
		one := map[string]any{"field": keys[random.IntN(len(keys))]}
		if random.IntN(3) > 0 {
			one["direction"] = []string{"ASC", "DESC"}[random.IntN(2)]
		}
		list = append(list, one)
	}
	return list
}

// filters are random ones over rows that are known; what is none leaves all.
func filters(known []string, volatile bool, g *generator, f *fieldDef) any {
	some := []string{}
	for _, id := range known {
		if g.IntN(3) > 0 {
			some = append(some, id)
		}
	}
	if volatile || len(known) == 0 {
		return map[string]any{"idIn": some}
	}
	one := known[g.IntN(len(known))]
	switch g.IntN(7) {
	case 0:
		return nil
	case 1:
		return map[string]any{"idIn": some}
	case 2:
		return map[string]any{"not": map[string]any{"idIn": some}}
	case 3:
		return map[string]any{"or": []any{map[string]any{"id": one}, map[string]any{"idGT": one}}}
	case 4:
		return map[string]any{"and": []any{map[string]any{"idLTE": one}, map[string]any{"idNEQ": known[0]}}}
	case 5:
		at := "createdAtNEQ"
		if strings.HasPrefix(f.Type.named(), "AuditEvent") { // which are written once
			at = "atNEQ"
		}
		return map[string]any{at: "2001-01-01T00:00:00Z"}
	}
	// Anything: mostly that leaves little, and the laws hold of that too.
	g.op = &operation{kind: "query", variables: map[string]any{}}
	g.wheres = mostWheres - 6
	return g.some(f.arg("where").Type.unwrapped(), strings.TrimSuffix(f.Type.named(), "Connection"), "where", 1)
}

// obey tries the laws on the connections, n orders and filters each.
func obey(t *testing.T, n int) {
	to := livedIn(t)
	s := schemaOf(t, to)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	known := &ids{}
	harvest(t, known)
	roots, nested := 0, 0
	for i, c := range connectionsOf(s) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(i))), schema: s, ids: known}
		t.Run(c.name, func(t *testing.T) {
			r := reader{t: t, to: to, c: c, object: strings.TrimSuffix(c.field.Type.named(), "Connection")}
			if c.parent == "" {
				roots++
				first, again := r.page(", first: 200"), r.page(", first: 200")
				for range n {
					r.order = orders(s, c.field, g.Rand)
					r.where = filters(idsOf(first.rows), first.total != again.total, g, c.field)
					r.laws(g.Rand)
				}
				return
			}
			nested++
			parents := crowded(t, to, c)
			if len(parents) == 0 {
				t.Skip("there is no " + c.parent)
			}
			for i := range n {
				r.parent = parents[min(g.IntN(2)*g.IntN(len(parents)), len(parents)-1)]
				r.together = i%2 == 1
				r.variables = strings.Join(parents[:min(len(parents), 4)], " ")
				r.order, r.where = []any{}, nil
				first, again := r.page(", first: 200"), r.page(", first: 200")
				r.order = orders(s, c.field, g.Rand)
				r.where = filters(idsOf(first.rows), first.total != again.total, g, c.field)
				r.laws(g.Rand)
			}
		})
	}
	if roots < 10 || nested < 5 {
		t.Errorf("tried %d lists of all and %d nested ones only", roots, nested)
	}
}

// crowded are parents by how many rows they have, most first.
func crowded(t *testing.T, to string, c connection) []string {
	t.Helper()
	got := read(t, to, fmt.Sprintf("{ x: %s(first: 50) { edges { node { id p: %s(first: 1) { totalCount } } } } }", c.list, c.field.Name), nil)
	edges := at(t, got, "x", "edges").([]any)
	slices.SortStableFunc(edges, func(a, b any) int {
		return int(at(t, b, "node", "p", "totalCount").(float64) - at(t, a, "node", "p", "totalCount").(float64))
	})
	var parents []string
	for _, edge := range edges {
		parents = append(parents, at(t, edge, "node", "id").(string))
	}
	return parents
}

// TestRelayLawsEverywhere holds the laws against every connection of the schema
// under all combinations of arguments, and once more after random changes.
func TestRelayLawsEverywhere(t *testing.T) {
	t.Run("fresh", func(t *testing.T) { obey(t, 4) })
	known := &ids{}
	harvest(t, known)
	try(t, 150, known, func(g *generator) request {
		op := g.operation()
		for op.kind != "mutation" {
			op = g.operation()
		}
		return request{what: "a change", method: "POST", header: accepting(g), body: op.body(), op: op}
	})
	t.Run("changed", func(t *testing.T) { obey(t, 2) })
}

// TestPagesWhileRowsChange pages through lists while rows come and go: no row
// comes twice, and each that was there all the time comes.
func TestPagesWhileRowsChange(t *testing.T) {
	to := livedIn(t)
	s := schemaOf(t, to)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	for _, kind := range []struct{ name, create, remove string }{
		{"residents", `createResident(input: {givenName: "N%[1]d", familyName: "F%[1]d", birthDate: "1940-01-01", sex: OTHER}) { x: resident { id } }`, "deleteResident"},
		{"medications", `createMedication(input: {name: "M%[1]d", form: TABLET, unit: TABLET}) { x: medication { id } }`, "deleteMedication"},
		{"activities", `createActivity(input: {title: "T%[1]d", category: SOCIAL, startsAtLocal: "2027-01-01T10:00", durationMinutes: 30}) { x: activity { id } }`, "deleteActivity"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			c := connection{name: kind.name, field: s.query.field(kind.name)}
			create := func() string {
				got := read(t, to, "mutation { m: "+fmt.Sprintf(kind.create, random.Uint64())+" }", nil)
				return at(t, got, "m", "x", "id").(string)
			}
			var mine []string // those that may go
			for range 6 {
				mine = append(mine, create())
			}
			for _, backward := range []bool{false, true} {
				r := reader{t: t, to: to, c: c, order: orders(s, c.field, random)}
				before := idsOf(r.forward(100))
				var seen []string
				cursor := ""
				for range 1000 {
					size := 1 + random.IntN(7)
					arguments := fmt.Sprintf(", first: %d%s", size, cursor)
					if backward {
						arguments = fmt.Sprintf(", last: %d%s", size, cursor)
					}
					p := r.page(arguments)
					seen = append(seen, idsOf(p.rows)...)
					switch more := p.next; {
					case backward && p.previous:
						cursor = fmt.Sprintf(", before: %q", p.start)
					case !backward && more:
						cursor = fmt.Sprintf(", after: %q", p.end)
					default:
						cursor = ""
					}
					if cursor == "" {
						break
					}
					switch random.IntN(4) {
					case 0:
						mine = append(mine, create())
					case 1:
						// Often the very row that the cursor stands on.
						if gone := random.IntN(len(mine) + 1); gone < len(mine) {
							read(t, to, fmt.Sprintf("mutation { %s(id: %q) { deletedID } }", kind.remove, mine[gone]), nil)
							mine = slices.Delete(mine, gone, gone+1)
						}
					}
				}
				after := idsOf(r.forward(100))
				if sorted := slices.Sorted(slices.Values(seen)); len(slices.Compact(sorted)) != len(seen) {
					t.Errorf("seed %d: by %v a row came twice: %v", seed, r.order, seen)
				}
				for _, id := range before {
					if slices.Contains(after, id) && !slices.Contains(seen, id) {
						t.Errorf("seed %d: by %v %s was left out", seed, r.order, id)
					}
				}
			}
		})
	}
}
