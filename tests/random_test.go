package tests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// ids are those of rows that answers have shown, by type, so that random
// operations are about rows that are there.
type ids struct {
	mu sync.Mutex
	of map[string][]string
}

// keep is how many are known of each type.
const keep = 100

func (p *ids) add(object, id string, random *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string][]string{}
	}
	known := p.of[object]
	switch {
	case slices.Contains(known, id):
	case len(known) < keep:
		p.of[object] = append(known, id)
	default:
		known[random.IntN(keep)] = id
	}
}

// pick is an id of the type, or of any if that is empty or unknown.
func (p *ids) pick(object string, random *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.of[object]; len(known) > 0 {
		return known[random.IntN(len(known))]
	}
	var objects []string
	for name := range p.of {
		objects = append(objects, name)
	}
	if len(objects) == 0 {
		return "res_1"
	}
	slices.Sort(objects)
	known := p.of[objects[random.IntN(len(objects))]]
	return known[random.IntN(len(known))]
}

// name is the type that an argument's name speaks of, such as Resident of
// residentID, or nothing.
func (p *ids) name(argument string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := ""
	for object := range p.of {
		if strings.HasPrefix(strings.ToLower(argument), strings.ToLower(object)) && len(object) > len(best) {
			best = object
		}
	}
	return best
}

// enum is the name of an enum's value.
type enum string

// selection is a field, or a fragment where name is empty.
type selection struct {
	head      string // all before the braces
	key, name string
	on        string // a fragment's condition
	typ       *ref
	off       bool // left out by its directives
	sub       []*selection
	parent    string // the type that it is selected on
}

// operation is one that was made up.
type operation struct {
	kind, name string
	root       []*selection
	declared   []string
	variables  map[string]any
	fragments  []*selection // head is "fragment F on T"
}

// Bounds of what is made up, well within the server's limits.
const (
	mostFields  = 60
	mostAliases = 20
	mostDepth   = 5
	mostWheres  = 40
)

// generator makes operations up that are valid for the schema.
type generator struct {
	*rand.Rand
	schema *schema
	ids    *ids
	op     *operation

	fields, aliases, wheres, number int
}

// apart are the kinds of rows by whose change everybody could be locked out: random
// changes are only tried on such that are not there.
var apart = []string{"StaffUser", "ApiKey", "Facility"}

// operation makes up a query or, sometimes, a mutation.
func (g *generator) operation() *operation {
	g.op = &operation{kind: "query", variables: map[string]any{}}
	g.fields, g.aliases, g.wheres, g.number = 0, 0, 0, 0
	root, roots := g.schema.query, 1+g.IntN(3)
	if g.IntN(4) == 0 {
		g.op.kind, root, roots = "mutation", g.schema.mutation, 1+g.IntN(2)
	}
	if g.IntN(3) > 0 {
		g.op.name = "Random" + fmt.Sprint(g.IntN(40))
	}
	for range roots {
		g.op.root = append(g.op.root, g.field(root, g.anyField(root, mostDepth), mostDepth, true))
	}
	if g.IntN(5) == 0 {
		g.op.root = append(g.op.root, g.typename(root.Name))
	}
	return g.op
}

// anyField is a field of the type that can be asked for: all its arguments that
// are required can be made up, and it leads to something within depth.
func (g *generator) anyField(of *typ, depth int) *fieldDef {
	for range 100 {
		f := of.Fields[g.IntN(len(of.Fields))]
		under := g.schema.types[f.Type.named()]
		if under == nil || !under.leaf() && depth <= 0 {
			continue
		}
		// A key that is made ends the time in which nobody needs one.
		can := f.Name != "createApiKey" && (g.aliases < mostAliases || len(f.Args) == 0)
		for _, a := range f.Args {
			can = can && (!a.required() || g.can(a.Type.named(), map[string]bool{}))
		}
		if can {
			return f
		}
	}
	return nil
}

// can reports whether values of the type can be made up.
func (g *generator) can(name string, seen map[string]bool) bool {
	t := g.schema.types[name]
	switch {
	case t == nil || seen[name]:
		return t != nil
	case t.Kind == "SCALAR":
		return scalars[name] != nil || name == "ID"
	}
	seen[name] = true
	for _, f := range t.InputFields {
		if f.required() && !g.can(f.Type.named(), seen) {
			return false
		}
	}
	return true
}

// set makes up what is selected of a type.
func (g *generator) set(of *typ, depth int) []*selection {
	if of.abstract() {
		return g.abstractSet(of, depth)
	}
	var set []*selection
	for range 1 + g.IntN(5) {
		f := g.anyField(of, depth)
		if f == nil || g.fields > mostFields {
			break
		}
		if !g.schema.types[f.Type.named()].leaf() && g.IntN(2) == 0 {
			continue
		}
		set = append(set, g.field(of, f, depth, false))
	}
	// Those that answers are told apart by, and that later operations ask for.
	if id := of.field("id"); id != nil && g.IntN(2) == 0 {
		set = append(set, g.field(of, id, depth, false))
	}
	// Edges lead on.
	if edges := of.field("edges"); edges != nil && depth > 1 {
		set = append(set, g.field(of, edges, depth, false))
	}
	if node := of.field("node"); node != nil && depth > 0 && strings.HasSuffix(of.Name, "Edge") {
		set = append(set, g.field(of, node, depth, false))
	}
	if len(set) == 0 || g.IntN(10) == 0 {
		set = append(set, g.typename(of.Name))
	}
	switch g.IntN(12) {
	case 0:
		// The same once more: answers are merged.
		again := *set[g.IntN(len(set))]
		if again.name != "" && again.sub == nil && !again.off {
			set = append(set, &again)
		}
	case 1:
		return append(set[:len(set)/2:len(set)/2], g.inline(of, set[len(set)/2:], g.IntN(2) == 0))
	case 2:
		return append(set[:len(set)/2:len(set)/2], g.spread(of, set[len(set)/2:]))
	}
	return set
}

// abstractSet selects what all have, and fields of some of the types. Their names
// are aliased: fields of one name may differ in type.
func (g *generator) abstractSet(of *typ, depth int) []*selection {
	set := []*selection{g.typename(of.Name)}
	if of.field("id") != nil {
		set = append(set, g.field(of, of.field("id"), depth, false))
	}
	for range 1 + g.IntN(2) {
		on := g.schema.types[of.PossibleTypes[g.IntN(len(of.PossibleTypes))].Name]
		var under []*selection
		for range 1 + g.IntN(3) {
			if f := g.anyField(on, depth-1); f != nil && g.aliases < mostAliases && g.fields < mostFields {
				under = append(under, g.field(on, f, depth-1, true))
			}
		}
		if len(under) > 0 {
			set = append(set, g.inline(on, under, true))
		}
	}
	return set
}

func (g *generator) typename(of string) *selection {
	g.fields++
	return &selection{head: "__typename", key: "__typename", name: "__typename", parent: of,
		typ: &ref{Kind: "NON_NULL", OfType: &ref{Kind: "SCALAR", Name: "String"}}}
}

func (g *generator) inline(on *typ, sub []*selection, condition bool) *selection {
	s := &selection{head: "...", sub: sub, parent: on.Name}
	if condition {
		s.head, s.on = "... on "+on.Name, on.Name
	}
	g.directives(s)
	return s
}

func (g *generator) spread(on *typ, sub []*selection) *selection {
	name := fmt.Sprintf("F%d", len(g.op.fragments))
	g.op.fragments = append(g.op.fragments, &selection{head: "fragment " + name + " on " + on.Name, sub: sub, parent: on.Name})
	s := &selection{head: "..." + name, on: on.Name, sub: sub, parent: on.Name}
	g.directives(s)
	return s
}

// directives sometimes leave the selection out, or not.
func (g *generator) directives(s *selection) {
	if g.IntN(12) > 0 {
		return
	}
	name, value := "include", g.IntN(3) > 0
	s.off = !value
	if g.IntN(2) == 0 {
		name, s.off = "skip", value
	}
	boolean := &ref{Kind: "NON_NULL", OfType: &ref{Kind: "SCALAR", Name: "Boolean"}}
	s.head += " @" + name + "(if: " + g.literal(value, boolean) + ")"
}

// field selects a field. Where it has arguments it gets an alias, so that it
// cannot be in the way of another of its name.
func (g *generator) field(of *typ, f *fieldDef, depth int, alias bool) *selection {
	g.fields++
	s := &selection{key: f.Name, name: f.Name, typ: f.Type, parent: of.Name}
	arguments := g.arguments(f)
	if alias || len(arguments) > 0 {
		g.number++
		g.aliases++
		s.key = fmt.Sprintf("a%d", g.number)
		s.head = s.key + ": "
	}
	s.head += f.Name
	if len(arguments) > 0 {
		s.head += "(" + strings.Join(arguments, ", ") + ")"
	}
	g.directives(s)
	under := g.schema.types[f.Type.named()]
	if !under.leaf() {
		if g.aliases >= mostAliases || g.fields >= mostFields {
			depth = min(depth, 1)
		}
		s.sub = g.set(under, depth-1)
	}
	return s
}

// arguments makes up those that are required and some of the others.
func (g *generator) arguments(f *fieldDef) (list []string) {
	size := []string{"first", "last"}[g.IntN(2)]
	for _, a := range f.Args {
		name := a.Type.named()
		if !g.can(name, map[string]bool{}) {
			continue
		}
		var value any
		switch {
		case f.arg("first") != nil && f.arg("last") != nil && (a.Name == "first" || a.Name == "last"):
			if a.Name != size {
				continue
			}
			// Always given: what is nested multiplies.
			value = g.IntN(4)
		case name == "Cursor":
			continue
		case !a.required() && g.IntN(2) == 0:
			continue
		default:
			value = g.value(a.Type, g.owner(f), a.Name, 0)
		}
		list = append(list, a.Name+": "+g.literal(value, a.Type))
	}
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// owner is what the id of a field is about: the object of resident(id:), of
// updateResident(id:).
func (g *generator) owner(f *fieldDef) string {
	best := ""
	for name, t := range g.schema.types {
		if t.Kind == "OBJECT" && strings.Contains(strings.ToLower(f.Name), strings.ToLower(name)) && len(name) > len(best) {
			best = name
		}
	}
	if best == "" {
		return f.Type.named()
	}
	return best
}

// id is mostly that of a row that is there.
func (g *generator) id(owner, argument string) string {
	object := owner
	if about := g.ids.name(argument); about != "" {
		object = about
	}
	id := g.ids.pick(object, g.Rand)
	if g.IntN(10) == 0 || g.op.kind == "mutation" && argument == "id" && slices.Contains(apart, object) {
		const nothing = 4000000000 // a number of no row
		prefix, _, _ := strings.Cut(id, "_")
		return fmt.Sprintf("%s_%d", prefix, nothing+g.IntN(1000))
	}
	return id
}

// value makes a value up.
func (g *generator) value(of *ref, owner, name string, level int) any {
	switch of.Kind {
	case "NON_NULL":
		return g.some(of.OfType, owner, name, level)
	default:
		if g.IntN(12) == 0 {
			return nil
		}
		return g.some(of, owner, name, level)
	}
}

// some is a value that is not null.
func (g *generator) some(of *ref, owner, name string, level int) any {
	if of.Kind == "LIST" {
		if g.IntN(10) == 0 && of.OfType.named() != "JSON" {
			return g.some(of.OfType.unwrapped(), owner, name, level) // stands for a list of one
		}
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(of.OfType, owner, name, level))
		}
		return list
	}
	t := g.schema.types[of.Name]
	switch t.Kind {
	case "ENUM":
		return enum(t.EnumValues[g.IntN(len(t.EnumValues))].Name)
	case "SCALAR":
		if t.Name == "ID" {
			return g.id(owner, name)
		}
		return scalars[t.Name](g)
	}
	return g.input(t, owner, level)
}

// unwrapped is the type without its NON_NULL.
func (r *ref) unwrapped() *ref {
	if r.Kind == "NON_NULL" {
		return r.OfType
	}
	return r
}

// input makes an input object up.
func (g *generator) input(t *typ, owner string, level int) any {
	object := map[string]any{}
	about, where := strings.CutSuffix(t.Name, "WhereInput")
	if where {
		owner = about
	}
	some := 3
	if where || t.IsOneOf {
		some = 1 + len(t.InputFields)/2
	}
	for _, f := range t.InputFields {
		if !g.can(f.Type.named(), map[string]bool{}) {
			continue
		}
		deeper := g.schema.types[f.Type.named()].Kind == "INPUT_OBJECT"
		if !f.required() && (g.IntN(some) > 0 || deeper && (level >= 2 || g.wheres > mostWheres)) {
			continue
		}
		g.wheres++
		object[f.Name] = g.value(f.Type, owner, f.Name, level+1)
	}
	if t.IsOneOf {
		f := t.InputFields[g.IntN(len(t.InputFields))]
		return map[string]any{f.Name: g.some(f.Type.unwrapped(), owner, f.Name, level+1)}
	}
	return object
}

// scalars make values of scalars up. One that is not here is not asked with.
var scalars = map[string]func(*generator) any{
	"Int": func(g *generator) any {
		return []int{g.IntN(20), g.IntN(300) - 5, 1<<31 - 1, -1 << 31}[min(g.IntN(12), 3)%4]
	},
	"Float":   func(g *generator) any { return float64(g.IntN(1000)) / 8 },
	"Boolean": func(g *generator) any { return g.IntN(2) == 0 },
	"String":  func(g *generator) any { return texts[g.IntN(len(texts))] },
	"Time": func(g *generator) any {
		at := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(700*24*60)) * time.Minute)
		return at.In(time.FixedZone("", (g.IntN(27)-12)*1800)).Format([]string{time.RFC3339, "2006-01-02T15:04:05.000Z07:00"}[g.IntN(2)])
	},
	"Date": func(g *generator) any {
		return time.Date(1930+g.IntN(100), 1, 1+g.IntN(365), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	},
	"LocalTime": func(g *generator) any { return fmt.Sprintf("%02d:%02d", g.IntN(24), g.IntN(60)) },
	"LocalDateTime": func(g *generator) any {
		return fmt.Sprintf("2026-%02d-%02dT%02d:%02d", 1+g.IntN(12), 1+g.IntN(28), g.IntN(24), g.IntN(60))
	},
	"Decimal": func(g *generator) any {
		return []string{fmt.Sprintf("%d.%d", g.IntN(200), g.IntN(1000)), fmt.Sprint(g.IntN(50)), "-1", "0", "99999999"}[min(g.IntN(12), 4)]
	},
}

var texts = []string{
	"García", "ana", "Ana María", "", " ", "a\tb", "línea\nnueva", `"quoted"`, `back\slash`, "100%", "_", "'; --", "null", "𝒳 👵🏽", "é", "\u200b",
	"\u0000", "\u202e", "</script>", "$x {y}", strings.Repeat("long ", 90), "12", "true", "Paracetamol", "MORNING", "Europe/Madrid", "no pork",
}

// literal writes a value into the document, or as a variable.
func (g *generator) literal(value any, of *ref) string {
	if g.IntN(6) > 0 {
		return g.plain(value, of, true)
	}
	name := fmt.Sprintf("v%d", len(g.op.declared))
	declared := "$" + name + ": " + of.String()
	given := true
	if value != nil && g.IntN(5) == 0 { // a default, which the value may do without
		declared += " = " + g.plain(value, of, false)
		given = g.IntN(2) == 0
	}
	g.op.declared = append(g.op.declared, declared)
	if given {
		g.op.variables[name] = value
	}
	return "$" + name
}

// plain writes a value into the document; what is inside may still be variables.
func (g *generator) plain(value any, of *ref, variables bool) string {
	inside := func(value any, of *ref) string {
		if variables && g.IntN(2) == 0 {
			return g.literal(value, of)
		}
		return g.plain(value, of, variables)
	}
	switch value := value.(type) {
	case nil:
		return "null"
	case enum:
		return string(value)
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, inside(item, of.unwrapped().OfType))
		}
		return "[" + strings.Join(items, []string{", ", " ", ","}[g.IntN(3)]) + "]"
	case map[string]any:
		var fields []string
		for _, f := range g.schema.types[of.named()].InputFields {
			if v, there := value[f.Name]; there {
				fields = append(fields, f.Name+": "+inside(v, f.Type))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case string:
		if of.named() == "String" && g.IntN(4) == 0 && value != "" && !strings.ContainsAny(value, "\\\"\n\t\u0000 ") {
			return `"""` + value + `"""`
		}
		return quoted(value)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // numbers and booleans of ours
	}
	return string(text)
}

// quoted is a text as GraphQL writes it, which is as JSON does.
func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String())
}

// document is the operation's text.
func (o *operation) document() string {
	var text strings.Builder
	if o.kind != "query" || o.name != "" || len(o.declared) > 0 || len(o.fragments) > 1 {
		text.WriteString(o.kind + " " + o.name)
		if len(o.declared) > 0 {
			text.WriteString("(" + strings.Join(o.declared, ", ") + ")")
		}
	}
	write(&text, o.root)
	for _, f := range o.fragments {
		text.WriteString("\n" + f.head)
		write(&text, f.sub)
	}
	return text.String()
}

func write(text *strings.Builder, set []*selection) {
	text.WriteString(" {")
	for _, s := range set {
		text.WriteString(" " + s.head)
		// A spread's selections are written where it is defined.
		if len(s.sub) > 0 && !(strings.HasPrefix(s.head, "...F")) {
			write(text, s.sub)
		}
	}
	text.WriteString(" }")
}

// body is the request.
func (o *operation) body() []byte {
	question := map[string]any{"query": o.document()}
	if len(o.variables) > 0 {
		question["variables"] = o.variables
	}
	if o.name != "" {
		question["operationName"] = o.name
	}
	return encoded(question)
}

func encoded(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // values that we made up
	}
	return body
}
