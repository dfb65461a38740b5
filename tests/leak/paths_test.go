package leak

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// path is a way by which something could come out.
type path struct {
	name string
	// does is what its cells do to the rows. Those that do anything go one by one.
	does effect
	// cells are what is tried in a viewer's name.
	cells func(w *world, a asker) []cell
}

// effect is what cells do to rows.
type effect int

const (
	// reads looks only.
	reads effect = iota
	// tries tries to change, and must not.
	tries
	// changes does change.
	changes
)

// cell is one attempt, at what a type or a mutation shows. It returns what leaked.
type cell struct {
	of  string
	try func() []string
}

// leakPaths are all of them. Whoever opens another way out of the graph adds it
// here.
func leakPaths() []path {
	return []path{
		{"node", reads, nodeCells},
		{"nodes", reads, nodesCells},
		{"list", reads, listCells},
		{"count", reads, countCells},
		{"edge", reads, edgeCells},
		{"nested", reads, nestedCells},
		{"filter", reads, filterCells},
		{"hop", reads, hopCells},
		{"order", reads, orderCells},
		{"cursor", reads, cursorCells},
		{"search", reads, searchCells},
		{"about", reads, aboutCells},
		{"bisect", reads, bisectCells},
		{"nobody", tries, nobodyCells},
		{"act", tries, actCells},
		{"reference", tries, referenceCells},
		{"payload", changes, payloadCells},
		{"subscription", changes, subscriptionCells},
		{"retry", changes, retryCells},
		{"grant", changes, grantCells},
	}
}

// got asks, and looks through the whole answer for what may not be in it.
func (w *world) got(a asker, query string, variables map[string]any) (raw []byte, leaks []string) {
	raw = w.ask(a, query, variables)
	request, err := json.Marshal(variables)
	if err != nil {
		panic(err)
	}
	return raw, w.oracle.spilled(a, query+string(request), raw)
}

// same tells whether two answers differ but in what was asked for.
func same(what string, a, b []byte, of ...string) []string {
	one, other := string(a), string(b)
	// The longest first: con_4 stands in con_40 too.
	slices.SortFunc(of, func(a, b string) int { return len(b) - len(a) })
	for _, text := range of {
		one, other = strings.ReplaceAll(one, text, "THIS"), strings.ReplaceAll(other, text, "THIS")
	}
	if one == other {
		return nil
	}
	return []string{what + " can be told apart: " + one + " and " + other}
}

// dig follows a path of names and places in data; nil where it ends.
func dig(data any, steps ...any) any {
	for _, step := range steps {
		switch s := step.(type) {
		case string:
			m, _ := data.(map[string]any)
			data = m[s]
		case int:
			l, _ := data.([]any)
			if s >= len(l) {
				return nil
			}
			data = l[s]
		}
	}
	return data
}

// idsIn are the ids of the rows of a connection, or of a list of rows, or of one.
func idsIn(data any) []string {
	ids := []string{}
	add := func(node any) {
		if id, ok := dig(node, "id").(string); ok {
			ids = append(ids, id)
		}
	}
	switch data := data.(type) {
	case []any:
		for _, node := range data {
			add(node)
		}
	case map[string]any:
		edges, paged := data["edges"].([]any)
		if !paged {
			add(data)
		}
		for _, e := range edges {
			add(dig(e, "node"))
		}
	}
	return ids
}

func sorted(ids []string) []string { return append([]string{}, slices.Sorted(slices.Values(ids))...) }

// missing is an id of a kind that no row has.
func missing(typ string) string {
	for _, kind := range nodeid.Kinds() {
		if kind.String() == typ {
			return nodeid.New(kind, 4_000_000_000).String()
		}
	}
	panic(typ)
}

// root is the root field of a type's connection.
func (o *oracle) root(typ string) string {
	for _, f := range o.schema.Query.Fields {
		if f.Type.Name() == typ+"Connection" {
			return f.Name
		}
	}
	panic("no list of " + typ)
}

func nodeCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		query := "query($id: ID!) { node(id: $id) { ... on " + typ + " {" + o.leaves(typ) + "} } }"
		none, _ := w.got(a, query, map[string]any{"id": missing(typ)})
		if code := read(none).code(); code != "NOT_FOUND" {
			panic("a missing row is " + code)
		}
		for _, r := range o.rows[typ] {
			cells = append(cells, cell{typ, func() []string {
				raw, leaks := w.got(a, query, map[string]any{"id": name(r)})
				if !o.sees(a, typ, r) {
					return append(leaks, same("hidden and missing", raw, none, name(r), missing(typ))...)
				}
				got, ok := read(raw).Data["node"].(map[string]any)
				if !ok {
					return append(leaks, fmt.Sprintf("%s is not shown: %s", name(r), raw))
				}
				return append(leaks, o.differs(a, typ, r, got)...)
			}})
		}
		if hidden := o.hiddenRow(a, typ); hidden != nil {
			// By the state and the headers of the answer as well.
			for _, mediaType := range []string{"application/json", "application/graphql-response+json"} {
				cells = append(cells, cell{typ, func() []string {
					head := func(id string) string {
						answer := w.answer(w.as(context.Background(), a), mediaType, query, map[string]any{"id": id})
						answer.Header().Del("Content-Length") // the ids are not of one length
						return sent(map[string]any{"status": answer.Code, "header": answer.Header()})
					}
					return same("hidden and missing", []byte(head(name(hidden))), []byte(head(missing(typ))))
				}})
			}
		}
		for _, f := range o.schema.Query.Fields {
			// The field of one row, such as resident(id).
			if f.Type.Name() != typ || f.Arguments.ForName("id") == nil {
				continue
			}
			cells = append(cells, cell{typ, func() (leaks []string) {
				query := "query($id: ID!) { " + f.Name + "(id: $id) {" + o.leaves(typ) + "} }"
				none := w.ask(a, query, map[string]any{"id": missing(typ)})
				for _, r := range o.rows[typ] {
					raw, more := w.got(a, query, map[string]any{"id": name(r)})
					leaks = append(leaks, more...)
					if !o.sees(a, typ, r) {
						leaks = append(leaks, same("hidden and missing", raw, none, name(r), missing(typ))...)
					}
				}
				return leaks
			}})
		}
	}
	return cells
}

func nodesCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		cells = append(cells, cell{typ, func() []string {
			asked := []string{missing(typ)}
			for _, r := range o.rows[typ] {
				asked = append(asked, name(r))
			}
			raw, leaks := w.got(a, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", map[string]any{"ids": asked})
			nodes, _ := read(raw).Data["nodes"].([]any)
			if len(nodes) != len(asked) || nodes[0] != nil {
				return append(leaks, fmt.Sprintf("nodes answers %s", raw))
			}
			for i, r := range o.rows[typ] {
				if (nodes[i+1] != nil) != o.sees(a, typ, r) {
					leaks = append(leaks, fmt.Sprintf("in nodes %s is %v", name(r), nodes[i+1]))
				}
			}
			return leaks
		}})
	}
	return cells
}

func listCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		cells = append(cells, cell{typ, func() []string {
			root := o.root(typ)
			raw, leaks := w.got(a, "{ "+root+"(first: 200) { edges { cursor node {"+o.leaves(typ)+"} } } }", nil)
			got := read(raw)
			if want := o.seen(a, typ, o.rows[typ]); !reflect.DeepEqual(sorted(idsIn(got.Data[root])), want) {
				return append(leaks, fmt.Sprintf("the list has %v, should have %v: %v", idsIn(got.Data[root]), want, got.Errors))
			}
			for i := range idsIn(got.Data[root]) {
				node, _ := dig(got.Data, root, "edges", i, "node").(map[string]any)
				id, err := nodeid.Parse(node["id"].(string))
				if err != nil {
					panic(err)
				}
				leaks = append(leaks, o.differs(a, typ, o.byID[int64(id)], node)...)
			}
			return leaks
		}})
	}
	return cells
}

func countCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		want := len(o.seen(a, typ, o.rows[typ]))
		root := o.root(typ)
		cells = append(cells,
			cell{typ, func() []string {
				raw, leaks := w.got(a, "{ "+root+" { totalCount } }", nil)
				if got := dig(read(raw).Data, root, "totalCount"); got != float64(want) {
					leaks = append(leaks, fmt.Sprintf("counted are %v, seen %d", got, want))
				}
				return leaks
			}},
			cell{typ, func() []string {
				raw, leaks := w.got(a, fmt.Sprintf("{ %s(first: %d) { pageInfo { hasNextPage hasPreviousPage } } }", root, min(want, 200)), nil)
				if got := dig(read(raw).Data, root, "pageInfo", "hasNextPage"); got != false {
					leaks = append(leaks, fmt.Sprintf("a page of all %d that are seen has a next: %s", want, raw))
				}
				return leaks
			}})
	}
	return cells
}

// edgeCells goes along every edge from every row that the viewer sees: at once
// from a list, and again from one row.
func edgeCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		for _, e := range o.edges(typ) {
			selection := e.name + " { id }"
			if e.isPaged {
				selection = e.name + "(first: 200) { totalCount edges { node { id } } }"
			}
			// Of a list those are left out that were entered in error, or else only
			// those are asked for.
			look := func(node any, r row, voided bool) (leaks []string) {
				want := []string{}
				for _, far := range o.links(typ, e, r) {
					inList := !e.many || (far.text(void[e.far]) == "ENTERED_IN_ERROR") == voided
					if o.sees(a, e.far, far) && inList && !o.hides(a, typ, edgeClasses[typ+"."+e.name]) {
						want = append(want, name(far))
					}
				}
				got := sorted(idsIn(dig(node, e.name)))
				if !reflect.DeepEqual(got, sorted(want)) {
					leaks = append(leaks, fmt.Sprintf("%s of %s leads to %v, should to %v", e.name, name(r), got, want))
				}
				if n, counted := dig(node, e.name, "totalCount").(float64); counted && int(n) != len(want) {
					leaks = append(leaks, fmt.Sprintf("%s of %s are %v, should be %d", e.name, name(r), n, len(want)))
				}
				return leaks
			}
			fromAll := func(selection string, voided bool) []string {
				asked := []string{}
				for _, r := range o.rows[typ] {
					asked = append(asked, name(r))
				}
				raw, leaks := w.got(a, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on "+typ+" { "+selection+" } } }", map[string]any{"ids": asked})
				got := read(raw)
				if len(got.Errors) > 0 {
					return append(leaks, fmt.Sprintf("%s cannot be followed: %v", e.name, got.Errors))
				}
				for i, r := range o.rows[typ] {
					if o.sees(a, typ, r) {
						leaks = append(leaks, look(dig(got.Data, "nodes", i), r, voided)...)
					}
				}
				return leaks
			}
			if of := void[e.far]; e.isPaged && of != "" && o.refused(a, e.far, o.class(e.far, of), of) == "" {
				cells = append(cells, cell{typ, func() []string {
					return fromAll(e.name+"(first: 200, where: {"+of+": ENTERED_IN_ERROR}) { totalCount edges { node { id } } }", true)
				}})
			}
			cells = append(cells,
				cell{typ, func() []string { return fromAll(selection, false) }},
				cell{typ, func() (leaks []string) {
					for _, r := range o.rows[typ] {
						if !o.sees(a, typ, r) {
							continue
						}
						// Two aliases are loaded one by one.
						raw, more := w.got(a, "query($id: ID!) { node(id: $id) { ... on "+typ+" { "+selection+" again: "+selection+" } } }", map[string]any{"id": name(r)})
						leaks = append(append(leaks, more...), look(dig(read(raw).Data, "node"), r, false)...)
						break
					}
					return leaks
				}})
		}
	}
	return cells
}

// nestedCells filters, orders and pages the lists of rows by their rows' edges.
func nestedCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		asked := []string{}
		for _, r := range o.rows[typ] {
			asked = append(asked, name(r))
		}
		for _, e := range o.edges(typ) {
			if !e.isPaged {
				continue
			}
			ask := func(argument, declared string, variables map[string]any) ([]byte, []string) {
				variables["ids"] = asked
				return w.got(a, "query($ids: [ID!]!"+declared+") { nodes(ids: $ids) { ... on "+typ+" { "+e.name+"(first: 200, "+argument+") { totalCount edges { cursor node { id } } } } } }", variables)
			}
			forbidden := func(raw []byte, at string) []string {
				if got := read(raw); got.code() != "FORBIDDEN" || got.Errors[0].Extensions["field"] != at {
					return []string{fmt.Sprintf("%s should be FORBIDDEN at %s: %s", e.name, at, raw)}
				}
				return nil
			}
			filter := ", $where: " + e.far + "WhereInput"
			for _, c := range o.conditions(a, e.far) {
				at := o.refused(a, e.far, o.class(e.far, c.field), "where."+c.name)
				if at == "" {
					continue
				}
				cells = append(cells, cell{typ, func() []string {
					raw, leaks := ask("where: $where", filter, map[string]any{"where": map[string]any{c.name: c.value}})
					return append(leaks, forbidden(raw, at)...)
				}})
			}
			for _, key := range o.schema.Types[e.far+"OrderField"].EnumValues {
				at := o.refused(a, e.far, o.class(e.far, orderField(key.Name)), "orderBy.0.field")
				if at == "" {
					continue
				}
				cells = append(cells, cell{typ, func() []string {
					raw, leaks := ask("orderBy: [{field: "+key.Name+"}]", "", map[string]any{})
					return append(leaks, forbidden(raw, at)...)
				}})
			}
			if hidden := o.hiddenRow(a, e.far); hidden != nil {
				cells = append(cells, cell{typ, func() []string {
					raw, leaks := ask("where: $where", filter, map[string]any{"where": map[string]any{"id": name(hidden)}})
					none, _ := ask("where: $where", filter, map[string]any{"where": map[string]any{"id": missing(e.far)}})
					return append(leaks, same("a hidden row and none", raw, none, name(hidden), missing(e.far))...)
				}})
			}
			for _, end := range ends {
				side := end.side
				cells = append(cells, cell{typ, func() (leaks []string) {
					for _, id := range asked {
						got := read(w.ask(a, "query($id: ID!) { node(id: $id) { ... on "+typ+" { "+e.name+"(first: 200) { edges { cursor node { id } } } } } }", map[string]any{"id": id}))
						edges, _ := dig(got.Data, "node", e.name, "edges").([]any)
						if len(edges) == 0 {
							continue
						}
						edge := edges[0].(map[string]any)
						if side == "before" {
							edge = edges[len(edges)-1].(map[string]any)
						}
						edge["under"] = id
						leaks = append(leaks, w.ends(a, e.name, typ, side, end.field, edge)...)
					}
					return leaks
				}})
			}
			cells = append(cells, cell{typ, func() []string {
				const after = ", $after: Cursor"
				raw := w.ask(w.askers[0], "query($ids: [ID!]!) { nodes(ids: $ids) { ... on "+typ+" { "+e.name+"(first: 1) { edges { cursor } } } } }", map[string]any{"ids": asked})
				cursor := ""
				for i := range asked {
					if c, ok := dig(read(raw).Data, "nodes", i, e.name, "edges", 0, "cursor").(string); ok {
						cursor = c
					}
				}
				if cursor == "" || a.ID == w.askers[0].ID {
					return nil
				}
				theirs, leaks := ask("after: $after", after, map[string]any{"after": cursor})
				none, _ := ask("after: $after", after, map[string]any{"after": "AAAA"})
				if code := read(theirs).code(); code != "INVALID" {
					leaks = append(leaks, "another's cursor is "+code)
				}
				return append(leaks, same("another's cursor and none", theirs, none)...)
			}})
		}
	}
	return cells
}

// asAdmin are the ids that the administrator gets by an argument of a list, for
// what filters and orders mean.
func (w *world) asAdmin(typ, argument string, variables map[string]any) (ids []string, code string) {
	key := fmt.Sprint(typ, argument, variables)
	if known, ok := w.oracle.first.Load(key); ok {
		return known.([]string), ""
	}
	root := w.oracle.root(typ)
	got := read(w.ask(w.askers[0], "query"+declared(typ, variables)+" { "+root+"(first: 200, "+argument+") { edges { node { id } } } }", variables))
	if code := got.code(); code != "" {
		return nil, code
	}
	ids = idsIn(got.Data[root])
	w.oracle.first.Store(key, ids)
	return ids, ""
}

// declared declares the variable of a filter where there is one.
func declared(typ string, variables map[string]any) string {
	if variables["where"] == nil {
		return ""
	}
	return "($where: " + typ + "WhereInput)"
}

// listed compares what a viewer gets by an argument with what the administrator
// gets, less what is hidden; or expects FORBIDDEN.
func (w *world) listed(a asker, typ, argument string, variables map[string]any, forbidden string, inOrder bool) []string {
	o, root := w.oracle, w.oracle.root(typ)
	raw, leaks := w.got(a, "query"+declared(typ, variables)+" { "+root+"(first: 200, "+argument+") { totalCount edges { node { id } } } }", variables)
	got := read(raw)
	if forbidden != "" {
		if got.code() != "FORBIDDEN" || got.Errors[0].Extensions["field"] != forbidden || got.Data[root] != nil {
			leaks = append(leaks, fmt.Sprintf("%s %v should be FORBIDDEN at %s: %s", argument, variables, forbidden, raw))
		}
		return leaks
	}
	all, code := w.asAdmin(typ, argument, variables)
	if code != "" || got.code() != "" {
		if code != got.code() {
			leaks = append(leaks, fmt.Sprintf("%s %v is %q, for the administrator %q", argument, variables, got.code(), code))
		}
		return leaks
	}
	want := []string{}
	for _, id := range all {
		parsed, err := nodeid.Parse(id)
		if err != nil {
			panic(err)
		}
		if r := o.byID[int64(parsed)]; r != nil && o.sees(a, typ, r) {
			want = append(want, id)
		}
	}
	ids := idsIn(got.Data[root])
	if !inOrder {
		ids, want = sorted(ids), sorted(want)
	}
	if !reflect.DeepEqual(ids, want) {
		leaks = append(leaks, fmt.Sprintf("%s %v gives %v, should give %v", argument, variables, ids, want))
	}
	if n := dig(got.Data, root, "totalCount"); n != float64(len(want)) {
		leaks = append(leaks, fmt.Sprintf("%s %v counts %v, should %d", argument, variables, n, len(want)))
	}
	return leaks
}

// condition is a field of a filter over a value of the row.
type condition struct {
	name, field string
	value       any
}

// conditions are the fields of a type's filter, with values that rows have; a row
// that the viewer does not see has its say first.
func (o *oracle) conditions(a asker, typ string) (all []condition) {
	rows := o.rows[typ]
	if hidden := o.hiddenRow(a, typ); hidden != nil {
		rows = append([]row{hidden}, rows...)
	}
	for _, f := range o.schema.Types[typ+"WhereInput"].Fields {
		field := ""
		for known := range o.classes[typ] {
			if strings.HasPrefix(f.Name, known) && len(known) > len(field) {
				field = known
			}
		}
		if field == "" {
			continue // an edge, a combination, or the search
		}
		var value any
		for _, r := range rows {
			if value = o.shown[name(r)][field]; value != nil {
				break
			}
		}
		op := strings.TrimPrefix(f.Name, field)
		switch {
		case op == "IsNil" || op == "NotNil":
			value = true
		case value == nil:
			continue
		case f.Type.Elem != nil:
			value = []any{value}
		}
		all = append(all, condition{f.Name, field, value})
	}
	return all
}

// refused is the path at which a filter by a field must be refused, or empty.
func (o *oracle) refused(a asker, typ, class, at string) string {
	if o.readsType(a, typ) && class != "" && o.hides(a, typ, class) {
		return at
	}
	return ""
}

func filterCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	if a.Role == viewer.Admin {
		return nil // what a filter means is learnt from there
	}
	for _, typ := range o.types() {
		// Who sees every row and field is asked a part of it.
		every := 1
		if o.hiddenRow(a, typ) == nil && !slices.ContainsFunc(allClasses, func(c string) bool { return o.hides(a, typ, c) }) {
			every = 6
		}
		for i, c := range o.conditions(a, typ) {
			if i%every != 0 {
				continue
			}
			forbidden := o.refused(a, typ, o.class(typ, c.field), "where."+c.name)
			where := map[string]any{c.name: c.value}
			cells = append(cells, cell{typ, func() []string {
				return w.listed(a, typ, "where: $where", map[string]any{"where": where}, forbidden, false)
			}})
			if forbidden == "" {
				continue
			}
			// The refusal stands wherever the question hides, and whatever is asked.
			cells = append(cells, cell{typ, func() (leaks []string) {
				for at, where := range map[string]any{
					"where.not." + c.name:   map[string]any{"not": where},
					"where.and.1." + c.name: map[string]any{"and": []any{map[string]any{}, where}},
					"where.or.1." + c.name:  map[string]any{"or": []any{map[string]any{}, where}},
				} {
					leaks = append(leaks, w.listed(a, typ, "where: $where", map[string]any{"where": where}, at, false)...)
				}
				if text, ok := c.value.(string); ok && marks.MatchString(text) {
					query := "query($where: " + typ + "WhereInput) { " + o.root(typ) + "(where: $where) { totalCount } }"
					right, wrong := w.ask(a, query, map[string]any{"where": where}), w.ask(a, query, map[string]any{"where": map[string]any{c.name: "nobody"}})
					leaks = append(leaks, same("a right and a wrong guess", right, wrong)...)
				}
				return leaks
			}})
		}
	}
	return cells
}

var allClasses = []string{"open", "personal", "clinical", "notes", "admin"}

// pascal writes an edge's name as filters do.
func pascal(field string) string {
	if rest, ok := strings.CutPrefix(field, "api"); ok {
		return "API" + rest
	}
	return strings.ToUpper(field[:1]) + field[1:]
}

func hopCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		input := o.schema.Types[typ+"WhereInput"]
		for _, e := range o.edges(typ) {
			has := "has" + pascal(e.name)
			if input.Fields.ForName(has) == nil {
				continue
			}
			forbidden := func(field string) string { return o.refused(a, typ, edgeClasses[typ+"."+e.name], field) }
			// reaches tells whether a row has a far one that the viewer sees, of an id
			// if one is named.
			reaches := func(r row, id string) bool {
				return slices.ContainsFunc(o.links(typ, e, r), func(far row) bool {
					return o.sees(a, e.far, far) && far.text(void[e.far]) != "ENTERED_IN_ERROR" && (id == "" || name(far) == id)
				})
			}
			ask := func(where map[string]any, at string, keep func(r row) bool) []string {
				raw, leaks := w.got(a, "query($where: "+typ+"WhereInput) { "+o.root(typ)+"(first: 200, where: $where) { totalCount edges { node { id } } } }", map[string]any{"where": where})
				got := read(raw)
				if at != "" {
					if got.code() != "FORBIDDEN" || got.Errors[0].Extensions["field"] != at {
						leaks = append(leaks, fmt.Sprintf("%v should be FORBIDDEN at %s: %s", where, at, raw))
					}
					return leaks
				}
				want := []string{}
				for _, r := range o.rows[typ] {
					if o.sees(a, typ, r) && r.text(void[typ]) != "ENTERED_IN_ERROR" && keep(r) {
						want = append(want, name(r))
					}
				}
				if ids := idsIn(got.Data[o.root(typ)]); !reflect.DeepEqual(sorted(ids), sorted(want)) {
					leaks = append(leaks, fmt.Sprintf("%v gives %v, should give %v: %v", where, ids, want, got.Errors))
				}
				return leaks
			}
			cells = append(cells,
				cell{typ, func() []string {
					return ask(map[string]any{has: true}, forbidden("where."+has), func(r row) bool { return reaches(r, "") })
				}},
				cell{typ, func() []string {
					return ask(map[string]any{has: false}, forbidden("where."+has), func(r row) bool { return !reaches(r, "") })
				}},
				cell{typ, func() []string {
					return ask(map[string]any{has + "With": []any{map[string]any{}}}, forbidden("where."+has+"With"), func(r row) bool { return reaches(r, "") })
				}})
			for _, far := range []row{o.hiddenRow(a, e.far), first(o.rows[e.far])} {
				if far == nil {
					continue
				}
				cells = append(cells, cell{typ, func() []string {
					return ask(map[string]any{has + "With": []any{map[string]any{"id": name(far)}}}, forbidden("where."+has+"With"), func(r row) bool { return reaches(r, name(far)) })
				}})
			}
			// Two hops: what lies behind what is hidden is hidden too.
			for _, next := range o.edges(e.far) {
				hasNext := "has" + pascal(next.name)
				if o.schema.Types[e.far+"WhereInput"].Fields.ForName(hasNext) == nil || edgeClasses[e.far+"."+next.name] != "" {
					continue
				}
				cells = append(cells, cell{typ, func() []string {
					return ask(map[string]any{has + "With": []any{map[string]any{hasNext: true}}}, forbidden("where."+has+"With"), func(r row) bool {
						return slices.ContainsFunc(o.links(typ, e, r), func(far row) bool {
							return o.sees(a, e.far, far) && far.text(void[e.far]) != "ENTERED_IN_ERROR" &&
								slices.ContainsFunc(o.links(e.far, next, far), func(end row) bool {
									return o.sees(a, next.far, end) && end.text(void[next.far]) != "ENTERED_IN_ERROR"
								})
						})
					})
				}})
			}
			// A field of the far type that the viewer does not see is refused there too.
			for field, class := range o.classes[e.far] {
				at := o.refused(a, e.far, class, "where."+has+"With."+field)
				value := o.shown[name(first(o.rows[e.far]))][field]
				if at == "" || value == nil || o.schema.Types[e.far+"WhereInput"].Fields.ForName(field) == nil || forbidden("x") != "" {
					continue
				}
				cells = append(cells, cell{typ, func() []string {
					return ask(map[string]any{has + "With": []any{map[string]any{field: value}}}, at, nil)
				}})
			}
		}
	}
	return cells
}

func first(rows []row) row {
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

func orderCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	if a.Role == viewer.Admin {
		return nil
	}
	for _, typ := range o.types() {
		for _, key := range o.schema.Types[typ+"OrderField"].EnumValues {
			field := orderField(key.Name)
			for _, direction := range []string{"ASC", "DESC"} {
				cells = append(cells, cell{typ, func() []string {
					return w.listed(a, typ, "orderBy: [{field: ID}, {field: "+key.Name+", direction: "+direction+"}]", nil,
						o.refused(a, typ, o.class(typ, field), "orderBy.1.field"), true)
				}}, cell{typ, func() []string {
					return w.listed(a, typ, "orderBy: [{field: "+key.Name+", direction: "+direction+"}]", nil,
						o.refused(a, typ, o.class(typ, field), "orderBy.0.field"), true)
				}})
			}
		}
	}
	return cells
}

func cursorCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		root := o.root(typ)
		page := func(a asker, after string) []byte {
			return w.ask(a, "query($after: Cursor) { "+root+"(first: 200, after: $after) { edges { cursor node { id } } pageInfo { startCursor endCursor hasPreviousPage } } }", map[string]any{"after": after})
		}
		cursors := func(a asker) []string {
			got := read(w.ask(a, "{ "+root+"(first: 200) { edges { cursor node { id } } } }", nil))
			var all []string
			edges, _ := dig(got.Data, root, "edges").([]any)
			for _, e := range edges {
				all = append(all, dig(e, "cursor").(string))
			}
			return all
		}
		cells = append(cells, cell{typ, func() (leaks []string) {
			own := cursors(a)
			for _, c := range own {
				if plain, err := base64.RawURLEncoding.DecodeString(c); err != nil || marks.Match(plain) || strings.Contains(string(plain), "_") && ids.Match(plain) {
					leaks = append(leaks, fmt.Sprintf("a cursor can be read: %q", plain))
				}
			}
			if len(own) > 1 {
				if got := idsIn(read(page(a, own[0])).Data[root]); len(got) != len(own)-1 {
					leaks = append(leaks, fmt.Sprintf("after the first of %d come %v", len(own), got))
				}
			}
			return leaks
		}})
		// Whether anything lies beyond the cursor's own row, which the filter leaves out.
		for _, end := range ends {
			side := end.side
			cells = append(cells, cell{typ, func() []string {
				got := read(w.ask(a, "{ "+root+"(first: 200) { edges { cursor node { id } } } }", nil))
				edges, _ := dig(got.Data, root, "edges").([]any)
				if len(edges) == 0 {
					return nil
				}
				edge := edges[0]
				if side == "before" {
					edge = edges[len(edges)-1]
				}
				return w.ends(a, root, "", side, end.field, edge)
			}})
		}
		// A cursor is good for the order and the type that it was made for.
		for _, list := range []string{root + "(orderBy: [{field: CREATED_AT}], ", o.root(o.types()[(slices.Index(o.types(), typ)+1)%len(o.types())]) + "("} {
			cells = append(cells, cell{typ, func() []string {
				own := cursors(a)
				if len(own) == 0 {
					return nil
				}
				ask := func(after string) []byte {
					return w.ask(a, "query($after: Cursor) { "+list+"first: 200, after: $after) { totalCount } }", map[string]any{"after": after})
				}
				return same("a cursor of another list and none", ask(own[0]), ask("AAAA"))
			}})
		}
		garbage := page(a, "AAAA")
		itself := asker{"itself with another role", viewer.Viewer{ID: a.ID, Role: viewer.Admin}}
		if a.Role == viewer.Admin {
			itself.Role = viewer.Nurse
		}
		for _, other := range []asker{w.askers[0], w.askers[2], w.askers[11], itself} {
			if other.ID == a.ID && other.Role == a.Role {
				continue
			}
			cells = append(cells, cell{typ, func() (leaks []string) {
				theirs := cursors(other)
				for _, c := range theirs[:min(len(theirs), 3)] {
					leaks = append(leaks, same("another's cursor and none", page(a, c), garbage)...)
				}
				return leaks
			}})
		}
	}
	return cells
}

// ends are the two of a page: the argument of the cursor, and the field that tells
// whether anything lies on its other side.
var ends = []struct{ side, field string }{{"after", "hasPreviousPage"}, {"before", "hasNextPage"}}

// ends asks whether there is anything on the other side of a cursor, beside the row
// that it is of: at the end of what the viewer sees there is not.
func (w *world) ends(a asker, list, under, side, end string, edge any) []string {
	query, variables := "query($c: Cursor, $id: ID) { "+list+"(first: 200, "+side+": $c, where: {idNEQ: $id}) { pageInfo { "+end+" } } }", map[string]any{}
	if under != "" {
		query, variables = "query($c: Cursor, $id: ID, $under: ID!) { node(id: $under) { ... on "+under+" { "+list+"(first: 200, "+side+": $c, where: {idNEQ: $id}) { pageInfo { "+end+" } } } } }",
			map[string]any{"under": dig(edge, "under")}
	}
	variables["c"], variables["id"] = dig(edge, "cursor"), dig(edge, "node", "id")
	raw, leaks := w.got(a, query, variables)
	got := read(raw)
	info := dig(got.Data, list, "pageInfo", end)
	if under != "" {
		info = dig(got.Data, "node", list, "pageInfo", end)
	}
	if info != false {
		leaks = append(leaks, fmt.Sprintf("%s at the end of %s is %v: %s", end, list, info, raw))
	}
	return leaks
}

func searchCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, typ := range o.types() {
		if o.schema.Types[typ+"WhereInput"].Fields.ForName("searchText") == nil {
			continue
		}
		class := "open"
		if typ == "Resident" {
			class = "personal"
		}
		for _, r := range append(o.rows[typ][:len(o.rows[typ]):len(o.rows[typ])], row{"search_text": "nothing of the sort"}, row{"search_text": "zq"}) {
			cells = append(cells, cell{typ, func() []string {
				return w.listed(a, typ, "where: $where", map[string]any{"where": map[string]any{"searchText": r.text("search_text")}},
					o.refused(a, typ, class, "where.searchText"), false)
			}})
		}
	}
	return cells
}

// aboutCells asks for the events about each resident.
func aboutCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	about := func(id string, keep func(row) bool) cell {
		return cell{"AuditEvent", func() []string {
			raw, leaks := w.got(a, "query($id: ID!) { auditEvents(first: 200, where: {residentID: $id}) { totalCount edges { node { id residentIDs } } } }", map[string]any{"id": id})
			want := []string{}
			for _, r := range o.rows["AuditEvent"] {
				if o.sees(a, "AuditEvent", r) && keep(r) {
					want = append(want, name(r))
				}
			}
			if ids := idsIn(read(raw).Data["auditEvents"]); !reflect.DeepEqual(sorted(ids), sorted(want)) {
				leaks = append(leaks, fmt.Sprintf("the events about %s are %v, should be %v: %s", id, ids, want, raw))
			}
			return leaks
		}}
	}
	for _, r := range o.rows["Resident"] {
		cells = append(cells, about(name(r), func(event row) bool {
			return slices.Contains(strings.Split(strings.Trim(event.text("residents"), "[]"), ","), strconv.FormatUint(uint64(uint32(r.id())), 10))
		}))
	}
	return append(cells, about(missing("Resident"), func(row) bool { return false }))
}

// bisectCells goes through what a hidden row holds letter by letter, directly and
// from the rows around it: a right guess must look like a wrong one.
func bisectCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	guess := func(typ, what string, right, wrong map[string]any) cell {
		return cell{typ, func() []string {
			query := "query($where: " + typ + "WhereInput) { " + o.root(typ) + "(first: 200, where: $where) { totalCount edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }"
			one, leaks := w.got(a, query, map[string]any{"where": right})
			return append(leaks, same("a right and a wrong guess of "+what, one, w.ask(a, query, map[string]any{"where": wrong}))...)
		}}
	}
	for _, typ := range o.types() {
		hidden := o.hiddenRow(a, typ)
		if hidden == nil {
			continue
		}
		for field := range o.classes[typ] {
			text, ok := o.shown[name(hidden)][field].(string)
			prefixed := field + "HasPrefix"
			if !ok || !marks.MatchString(text) || o.schema.Types[typ+"WhereInput"].Fields.ForName(prefixed) == nil {
				continue
			}
			// The whole value is of the hidden row alone.
			right, wrong := map[string]any{prefixed: text}, map[string]any{prefixed: text + "no"}
			cells = append(cells, guess(typ, field, right, wrong))
			for _, near := range o.types() {
				for _, e := range o.edges(near) {
					with := "has" + pascal(e.name) + "With"
					if e.far == typ && o.schema.Types[near+"WhereInput"].Fields.ForName(with) != nil {
						cells = append(cells, guess(near, field+" through "+e.name, map[string]any{with: []any{right}}, map[string]any{with: []any{wrong}}))
					}
				}
			}
		}
	}
	return cells
}

// writers are the roles that do the acts of a type.
var writers = map[string]map[string]string{
	"create": {
		"Facility": "ADMIN MANAGER", "StaffUser": "ADMIN MANAGER SYSADMIN", "ApiKey": "ADMIN SYSADMIN", "Resident": "ADMIN MANAGER NURSE",
		"ResidentContact": "ADMIN MANAGER NURSE", "Allergy": "ADMIN MANAGER NURSE", "Medication": "ADMIN MANAGER NURSE",
		"MedicationIngredient": "ADMIN MANAGER NURSE", "Prescription": "ADMIN MANAGER NURSE", "Wellness": "ADMIN MANAGER NURSE CARER",
		"Activity": "ADMIN MANAGER ACTIVITY_COORDINATOR", "ActivityException": "ADMIN MANAGER ACTIVITY_COORDINATOR",
		"ActivityParticipation": "ADMIN MANAGER NURSE CARER ACTIVITY_COORDINATOR",
	},
	"delete": {
		"Resident": "ADMIN MANAGER", "ResidentContact": "ADMIN MANAGER NURSE", "Allergy": "ADMIN MANAGER NURSE", "Medication": "ADMIN MANAGER",
		"MedicationIngredient": "ADMIN MANAGER NURSE", "Prescription": "ADMIN MANAGER NURSE", "Wellness": "ADMIN MANAGER NURSE CARER",
		"Activity": "ADMIN MANAGER ACTIVITY_COORDINATOR", "ActivityException": "ADMIN MANAGER ACTIVITY_COORDINATOR",
		"ActivityParticipation": "ADMIN MANAGER NURSE CARER ACTIVITY_COORDINATOR", "ApiKey": "ADMIN SYSADMIN",
	},
}

// may reports whether a viewer does an act to rows of a type.
func may(a asker, verb, typ string) bool {
	if a.ReadOnly {
		return false
	}
	if verb == "update" {
		verb = "create" // who makes rows of a type changes them
	}
	if verb == "revoke" {
		verb = "delete"
	}
	return slices.Contains(strings.Fields(writers[verb][typ]), string(a.Role))
}

// act is a mutation of a type.
type act struct {
	verb, typ string
	field     *ast.FieldDefinition
}

// everyAct are all mutations of the graph.
func (o *oracle) everyAct() []act {
	acts := o.acts()
	for name, typ := range otherActs {
		acts = append(acts, act{name, typ, o.schema.Mutation.Fields.ForName(name)})
	}
	return acts
}

// acts are the mutations of the graph that plainly make, change or delete a row; the
// others are in otherActs.
func (o *oracle) acts() (all []act) {
	for _, f := range o.schema.Mutation.Fields {
		if strings.HasPrefix(f.Name, "__") || otherActs[f.Name] != "" {
			continue
		}
		known := false
		for _, verb := range []string{"create", "update", "delete", "revoke"} {
			for _, typ := range o.types() {
				if strings.EqualFold(f.Name, verb+typ) {
					all, known = append(all, act{verb, typ, f}), true
				}
			}
		}
		if !known {
			panic("the matrix does not know the mutation " + f.Name + ": say in otherActs what it is of, in may who does it, and in feasible how")
		}
	}
	return all
}

// otherActs are mutations of another form, with the type of the row they come to.
var otherActs = map[string]string{"breakGlass": "StaffUser"}

// may reports whether a viewer does a mutation.
func (*world) may(a asker, m act) bool {
	if m.verb == "breakGlass" {
		return !a.ReadOnly && (a.Role == viewer.Carer || a.Role == viewer.ActivityCoordinator)
	}
	return may(a, m.verb, m.typ)
}

// document is the mutation, with the plainest selection of its payload.
func (o *oracle) document(m act) string {
	var declared, given []string
	for _, a := range m.field.Arguments {
		declared = append(declared, "$"+a.Name+": "+a.Type.String())
		given = append(given, a.Name+": $"+a.Name)
	}
	return "mutation(" + strings.Join(declared, ", ") + ") { " + m.field.Name + "(" + strings.Join(given, ", ") + ") { __typename } }"
}

// madeUp is what texts are that may be any.
const madeUp = "a-made-up-text"

// input is an input of a type that GraphQL takes: its required fields, with ids of
// rows by which.
func (o *oracle) input(typ string, which func(far string) string) map[string]any {
	in := map[string]any{}
	for _, f := range o.schema.Types[typ].Fields {
		if !f.Type.NonNull || f.DefaultValue != nil {
			continue
		}
		d := o.schema.Types[f.Type.Name()]
		switch {
		case f.Type.Name() == "ID":
			in[f.Name] = which(o.referred(typ, f.Name))
		case d.Kind == ast.Enum:
			in[f.Name] = d.EnumValues[0].Name
		case f.Type.Name() == "Date":
			in[f.Name] = "1940-01-01"
		case f.Type.Name() == "Time":
			in[f.Name] = "2026-01-01T08:00:00Z"
		case f.Type.Name() == "LocalDateTime":
			in[f.Name] = "2026-01-01T08:00"
		case f.Type.Name() == "Decimal":
			in[f.Name] = "1"
		case f.Type.Name() == "Int":
			in[f.Name] = 30
		case f.Type.Name() == "Boolean":
			in[f.Name] = true
		default:
			in[f.Name] = madeUp
		}
	}
	return in
}

// referred is the type that an id of an input is of.
func (o *oracle) referred(input, field string) string {
	typ := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(input, "Create"), "Update"), "Input")
	name := strings.TrimSuffix(strings.TrimSuffix(field, "IDs"), "ID")
	for _, e := range o.edges(typ) {
		if e.name == name || strings.TrimSuffix(e.name, "s") == name {
			return e.far
		}
	}
	panic("the oracle does not know what " + input + "." + field + " is of")
}

// variables are the arguments of a mutation: an id, and an input that is stale, so
// that nothing changes.
func (o *oracle) variables(m act, id string, which func(string) string) map[string]any {
	v := map[string]any{}
	for _, a := range m.field.Arguments {
		switch {
		case a.Name == "id":
			v["id"] = id
		case a.Name == "input":
			in := o.input(a.Type.Name(), which)
			if o.schema.Types[a.Type.Name()].Fields.ForName("expectedVersion") != nil {
				in["expectedVersion"] = 1_000_000
			}
			v["input"] = in
		}
	}
	return v
}

// actCells tries every mutation on a hidden, a missing and a seen row: what the
// role does not do is refused alike, and nothing changes.
func actCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, m := range o.everyAct() {
		if id := m.field.Arguments.ForName("id"); id == nil && w.may(a, m) {
			continue // it would; see references and payloads
		}
		someID := func(far string) string { return name(first(o.rows[far])) }
		rows := []string{missing(m.typ)}
		for _, r := range []row{first(o.rows[m.typ]), o.hiddenRow(a, m.typ)} {
			if r != nil && m.field.Arguments.ForName("id") != nil {
				rows = append(rows, name(r))
			}
		}
		for i, id := range rows {
			cells = append(cells, cell{m.field.Name, func() []string {
				none := w.ask(a, o.document(m), o.variables(m, missing(m.typ), someID))
				raw, leaks := w.got(a, o.document(m), o.variables(m, id, someID))
				got := read(raw)
				if w.may(a, m) {
					if got.code() == "FORBIDDEN" && m.typ != "StaffUser" && m.typ != "ApiKey" {
						leaks = append(leaks, fmt.Sprintf("%s is FORBIDDEN", m.field.Name))
					}
					return leaks
				}
				if got.code() != "FORBIDDEN" || len(got.Errors) != 1 {
					leaks = append(leaks, fmt.Sprintf("%s should be FORBIDDEN: %s", m.field.Name, raw))
				}
				if i > 0 {
					leaks = append(leaks, same("two rows that may not be changed", raw, none, id, missing(m.typ))...)
				}
				return leaks
			}})
		}
		if m.verb != "create" {
			continue
		}
		// What is taken already must not be told to who may not make it.
		cells = append(cells, cell{m.field.Name, func() []string {
			free, taken := o.variables(m, "", someID), o.variables(m, "", someID)
			in := taken["input"].(map[string]any)
			for field := range in {
				if value := o.shown[name(first(o.rows[m.typ]))][field]; value != nil {
					in[field] = value
				}
			}
			return same("what is taken and what is free", w.ask(a, o.document(m), free), w.ask(a, o.document(m), taken))
		}})
	}
	return cells
}

// referenceCells points new rows, and rows that there are, at rows that are hidden
// and missing.
func referenceCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, m := range o.acts() {
		if m.verb != "create" && m.verb != "update" {
			continue
		}
		for _, f := range o.schema.Types[m.field.Arguments.ForName("input").Type.Name()].Fields {
			if f.Type.Name() != "ID" {
				continue
			}
			far := o.referred(m.field.Arguments.ForName("input").Type.Name(), f.Name)
			ask := func(id string) ([]byte, []string) {
				v := o.variables(m, name(first(o.rows[m.typ])), func(string) string { return missing(far) })
				in := v["input"].(map[string]any)
				for field, value := range in {
					if s, ok := value.(string); ok && s == missing(far) {
						in[field] = missing(o.referred(m.field.Arguments.ForName("input").Type.Name(), field))
					}
				}
				in[f.Name] = id
				if f.Type.Elem != nil {
					in[f.Name] = []any{id}
				}
				delete(in, "expectedVersion") // it would be told first
				return w.got(a, o.document(m), v)
			}
			cells = append(cells, cell{m.field.Name, func() []string {
				none, leaks := ask(missing(far))
				want := "NOT_FOUND"
				if !may(a, m.verb, m.typ) {
					want = "FORBIDDEN"
				}
				found := slices.ContainsFunc(read(none).Errors, func(e struct {
					Message    string         `json:"message"`
					Path       []any          `json:"path"`
					Extensions map[string]any `json:"extensions"`
				}) bool {
					return e.Extensions["code"] == want
				})
				if !found {
					leaks = append(leaks, fmt.Sprintf("%s of a missing %s should be %s: %s", m.field.Name, far, want, none))
				}
				if hidden := o.hiddenRow(a, far); hidden != nil {
					raw, more := ask(name(hidden))
					leaks = append(append(leaks, more...), same("a hidden and a missing "+far, raw, none, name(hidden), missing(far))...)
				}
				return leaks
			}})
		}
	}
	return cells
}

// harmless are changes that every rule allows, by type.
var harmless = map[string]map[string]any{
	"Resident": {"heightCm": 170}, "ResidentContact": {"relationship": "FRIEND"}, "Allergy": {"criticality": "HIGH"}, "Medication": {"reorderLevelDays": 9},
	"MedicationIngredient": {"amountUnit": "G"}, "Prescription": {"foodRelation": "WITH_FOOD"}, "Wellness": {"energy": 7}, "Activity": {"capacity": 77},
	"ActivityException": {"newDurationMinutes": 45}, "ActivityParticipation": {"engagement": 3, "reasonDeclined": nil}, "Facility": {"windowBeforeMinutes": 31},
}

// payloadCells does every change that the viewer may do, and looks at what comes back
// with it and everything around it.
func payloadCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, m := range o.everyAct() {
		if !w.may(a, m) {
			continue
		}
		cells = append(cells, cell{m.field.Name, func() []string {
			defer w.calm()
			query := strings.Replace(o.document(m), "{ __typename }", "{"+o.payload(m)+"}", 1)
			raw, leaks := w.got(a, query, w.feasibleFor(a, m).variables)
			if got := read(raw); len(got.Errors) > 0 {
				leaks = append(leaks, fmt.Sprintf("%s failed: %s", m.field.Name, raw))
			}
			return leaks
		}})
	}
	return cells
}

// payload is the selection of all that a mutation answers with: rows with all that
// hangs on them.
func (o *oracle) payload(m act) (selection string) {
	for _, p := range o.schema.Types[m.field.Type.Name()].Fields {
		selection += " " + p.Name
		typ := p.Type.Name()
		if !o.isNode(typ) {
			continue
		}
		selection += " {" + o.leaves(typ)
		for _, e := range o.edges(typ) {
			if e.isPaged {
				selection += " " + e.name + "(first: 50) { totalCount edges { node {" + o.leaves(e.far) + "} } }"
			} else {
				selection += " " + e.name + " {" + o.leaves(e.far) + "}"
			}
		}
		selection += "}"
	}
	return selection
}
