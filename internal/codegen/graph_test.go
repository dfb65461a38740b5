package main

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	_ "github.com/mattn/go-sqlite3"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"carehome/ent"
	"carehome/ent/activityparticipation"
	"carehome/ent/allergy"
	"carehome/ent/medication"
	"carehome/ent/migrate"
	"carehome/ent/prescription"
	"carehome/ent/resident"
	_ "carehome/ent/runtime"
	"carehome/ent/staffuser"
	"carehome/ent/wellness"
	"carehome/graph/generated"
	"carehome/internal/nodeid"
	"carehome/internal/relay"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// The roots of the graph that these tests need, in the one line each that the
// resolvers have. Other fields are not asked for.
type root struct {
	generated.ResolverRoot
	client *ent.Client
}

type query struct {
	generated.QueryResolver
	client *ent.Client
}

func (r root) Query() generated.QueryResolver { return query{client: r.client} }

func (q query) Node(ctx context.Context, id nodeid.ID) (ent.Noder, error) {
	return q.client.Noder(ctx, id)
}

func (q query) Nodes(ctx context.Context, ids []nodeid.ID) ([]ent.Noder, error) {
	return q.client.Noders(ctx, ids)
}

func (q query) Residents(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.ResidentOrder, where *ent.ResidentWhereInput) (*ent.ResidentConnection, error) {
	return q.client.Resident.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) Wellness(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.WellnessOrder, where *ent.WellnessWhereInput) (*ent.WellnessConnection, error) {
	return q.client.Wellness.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) Prescriptions(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.PrescriptionOrder, where *ent.PrescriptionWhereInput) (*ent.PrescriptionConnection, error) {
	return q.client.Prescription.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) Medications(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.MedicationOrder, where *ent.MedicationWhereInput) (*ent.MedicationConnection, error) {
	return q.client.Medication.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) Activities(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.ActivityOrder, where *ent.ActivityWhereInput) (*ent.ActivityConnection, error) {
	return q.client.Activity.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) ActivityParticipations(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.ActivityParticipationOrder, where *ent.ActivityParticipationWhereInput) (*ent.ActivityParticipationConnection, error) {
	return q.client.ActivityParticipation.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

func (q query) StaffUsers(ctx context.Context, after *relay.Cursor, first *int, before *relay.Cursor, last *int, orderBy []*ent.StaffUserOrder, where *ent.StaffUserWhereInput) (*ent.StaffUserConnection, error) {
	return q.client.StaffUser.Query().Paginate(ctx, after, first, before, last, orderBy, where)
}

// counted is a driver that counts the statements it is given.
type counted struct {
	dialect.Driver
	n atomic.Int64
}

func (d *counted) Query(ctx context.Context, query string, args, v any) error {
	d.n.Add(1)
	return d.Driver.Query(ctx, query, args, v)
}

// home is a small home in a database.
type home struct {
	client *ent.Client
	driver *counted
	exec   *executor.Executor
	schema *ast.Schema
	ctx    context.Context
}

func openHome(t testing.TB) *home {
	t.Helper()
	db, err := stdsql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "home.db")+"?_foreign_keys=1&_synchronous=OFF")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &home{driver: &counted{Driver: sql.OpenDB(dialect.SQLite, db)}, ctx: relay.WithSealer(viewer.With(t.Context(), viewer.System()), relay.RandomSealer())}
	h.client = ent.NewClient(ent.Driver(h.driver))
	if err := migrate.NewSchema(h.driver).Create(h.ctx); err != nil {
		t.Fatal(err)
	}
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: root{client: h.client}})
	h.exec, h.schema = executor.New(schema), schema.Schema()
	return h
}

// ask runs an operation and returns its data.
func (h *home) ask(t interface {
	Helper()
	Fatalf(string, ...any)
}, query string, variables map[string]any) map[string]any {
	t.Helper()
	ctx := graphql.StartOperationTrace(h.ctx)
	op, errs := h.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if len(errs) > 0 {
		t.Fatalf("%v\n%s", errs, query)
	}
	handler, ctx := h.exec.DispatchOperation(ctx, op)
	response := handler(ctx)
	if len(response.Errors) > 0 {
		t.Fatalf("%v\n%s", response.Errors, query)
	}
	var data map[string]any
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return data
}

// must is for making rows that cannot fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (h *home) fill() {
	ctx, c := h.ctx, h.client
	day := func(n int) scalar.Time { return scalar.At(time.Date(2026, 1, 1+n, 8, 0, 0, 0, time.UTC)) }
	var staff []*ent.StaffUser
	for i := range 3 {
		staff = append(staff, must(c.StaffUser.Create().SetDisplayName(fmt.Sprint("Nurse ", i%2)).
			SetEmail(fmt.Sprintf("n%d@example.org", i)).SetRole(staffuser.RoleNurse).Save(ctx)))
	}
	var medications []*ent.Medication
	for i := range 4 {
		status := medication.StatusActive
		if i == 3 {
			status = medication.StatusEnteredInError
		}
		medications = append(medications, must(c.Medication.Create().SetName(fmt.Sprint("Drug ", i)).
			SetForm(medication.FormTablet).SetUnit(medication.UnitTablet).SetStatus(status).Save(ctx)))
	}
	var activities []*ent.Activity
	for i := range 3 {
		activities = append(activities, must(c.Activity.Create().SetTitle(fmt.Sprint("Music ", i%2)).SetCategory("MUSIC").
			SetStartsAtLocal(must(scalar.ParseLocalDateTime(fmt.Sprintf("2026-01-0%dT10:00", i+1)))).SetDurationMinutes(60).
			AddFacilitators(staff[:i+1]...).Save(ctx)))
	}
	for i := range 5 {
		r := must(c.Resident.Create().SetGivenName(fmt.Sprint("G", i%2)).SetFamilyName(fmt.Sprint("F", i%3)).
			SetBirthDate(scalar.DateOf(1940, 1, 1+i)).SetSex(resident.SexFemale).Save(ctx))
		for k := range i * 2 {
			status := wellness.StatusFinal
			if k%4 == 3 {
				status = wellness.StatusEnteredInError
			}
			must(c.Wellness.Create().SetResident(r).SetTakenAt(day(k / 2)).SetEnergy(k%3 + 1).SetStatus(status).Save(ctx))
		}
		for k := range i {
			status := []prescription.Status{"DRAFT", "DRAFT", "CANCELLED", "ENTERED_IN_ERROR"}[k%4]
			must(c.Prescription.Create().SetResident(r).SetMedication(medications[(i+k)%4]).SetStatus(status).
				SetStartsAt(day(k % 2)).SetPrescriberName("Dr. Ruiz").Save(ctx))
		}
		for k, a := range activities[:i%4] {
			status := activityparticipation.StatusInvited
			if k == 1 {
				status = activityparticipation.StatusEnteredInError
			}
			must(c.ActivityParticipation.Create().SetResident(r).SetActivity(a).SetStatus(status).
				SetOccurrenceDate(scalar.DateOf(2026, 1, 1+k%2)).Save(ctx))
		}
		for k := range i % 3 {
			verification := allergy.VerificationConfirmed
			if k == 1 {
				verification = allergy.VerificationEnteredInError
			}
			must(c.Allergy.Create().SetResident(r).SetDisplay(fmt.Sprint("Allergy ", k)).SetSubstance(fmt.Sprint("s", k)).
				SetCategory(allergy.CategoryMedication).SetVerification(verification).Save(ctx))
		}
	}
}

// thing is a row in memory, as the oracle sees it.
type thing struct {
	typ    string
	id     nodeid.ID
	fields map[string]any
	// keys are the values it is ordered by.
	keys map[string]any
	one  map[string]*thing
	many map[string][]*thing
	void bool
}

// kind is what the oracle knows of a type of the graph.
type kind struct {
	root   string
	keys   []string
	scalar []string
	one    map[string]string
	// pages are connections, lists are plain lists.
	pages, lists map[string]string
	// status is the void column and its values.
	status   string
	statuses []string
	things   []*thing
}

// oracle answers queries from memory.
type oracle struct {
	kinds   map[string]*kind
	cursors map[string]map[nodeid.ID]string
}

func newOracle(h *home) *oracle {
	ctx, c := h.ctx, h.client
	o := &oracle{cursors: map[string]map[nodeid.ID]string{}, kinds: map[string]*kind{
		"Resident": {root: "residents", keys: []string{"GIVEN_NAME", "FAMILY_NAME", "BIRTH_DATE", "ID"}, scalar: []string{"givenName", "familyName"},
			pages: map[string]string{"wellness": "Wellness", "prescriptions": "Prescription", "participations": "ActivityParticipation"},
			lists: map[string]string{"allergies": "Allergy"}},
		"Wellness": {root: "wellness", keys: []string{"TAKEN_AT", "ID"}, scalar: []string{"energy"},
			one: map[string]string{"resident": "Resident"}, status: "status", statuses: []string{"FINAL", "ENTERED_IN_ERROR"}},
		"Prescription": {root: "prescriptions", keys: []string{"STATUS", "STARTS_AT", "ID"}, scalar: []string{"status"},
			one: map[string]string{"resident": "Resident", "medication": "Medication"}, status: "status", statuses: []string{"DRAFT", "ENTERED_IN_ERROR"}},
		"Medication": {root: "medications", keys: []string{"NAME", "ID"}, scalar: []string{"name"},
			pages: map[string]string{"prescriptions": "Prescription"}, status: "status", statuses: []string{"ACTIVE", "ENTERED_IN_ERROR"}},
		"Activity": {root: "activities", keys: []string{"TITLE", "ID"}, scalar: []string{"title"},
			pages: map[string]string{"participations": "ActivityParticipation"}, lists: map[string]string{"facilitators": "StaffUser"}},
		"ActivityParticipation": {root: "activityParticipations", keys: []string{"OCCURRENCE_DATE", "ID"}, scalar: []string{"status"},
			one: map[string]string{"resident": "Resident", "activity": "Activity"}, status: "status", statuses: []string{"INVITED", "ENTERED_IN_ERROR"}},
		"StaffUser": {root: "staffUsers", keys: []string{"DISPLAY_NAME", "ID"}, scalar: []string{"displayName"},
			pages: map[string]string{"activities": "Activity"}},
		"Allergy": {keys: []string{"ID"}, scalar: []string{"display"}, one: map[string]string{"resident": "Resident"},
			status: "verification", statuses: []string{"CONFIRMED", "ENTERED_IN_ERROR"}},
	}}
	all := map[nodeid.ID]*thing{}
	add := func(typ string, id nodeid.ID, keys, fields map[string]any) *thing {
		fields["id"], fields["__typename"] = id.String(), typ
		keys["ID"] = int64(id)
		k := o.kinds[typ]
		t := &thing{typ: typ, id: id, keys: keys, fields: fields, one: map[string]*thing{}, many: map[string][]*thing{}}
		t.void = k.status != "" && fields[k.status] == "ENTERED_IN_ERROR"
		k.things, all[id] = append(k.things, t), t
		return t
	}
	for _, r := range must(c.Resident.Query().All(ctx)) {
		add("Resident", r.ID, map[string]any{"GIVEN_NAME": r.GivenName, "FAMILY_NAME": r.FamilyName, "BIRTH_DATE": r.BirthDate.String()},
			map[string]any{"givenName": r.GivenName, "familyName": r.FamilyName})
	}
	for _, s := range must(c.StaffUser.Query().All(ctx)) {
		add("StaffUser", s.ID, map[string]any{"DISPLAY_NAME": s.DisplayName}, map[string]any{"displayName": s.DisplayName})
	}
	for _, m := range must(c.Medication.Query().All(ctx)) {
		add("Medication", m.ID, map[string]any{"NAME": m.Name}, map[string]any{"name": m.Name, "status": m.Status.String()})
	}
	for _, a := range must(c.Activity.Query().All(ctx)) {
		t := add("Activity", a.ID, map[string]any{"TITLE": a.Title}, map[string]any{"title": a.Title})
		for _, id := range must(a.QueryFacilitators().IDs(ctx)) {
			t.many["facilitators"] = append(t.many["facilitators"], all[id])
			all[id].many["activities"] = append(all[id].many["activities"], t)
		}
	}
	join := func(t *thing, one string, id nodeid.ID, many string) {
		t.one[one] = all[id]
		if many != "" {
			all[id].many[many] = append(all[id].many[many], t)
		}
	}
	for _, w := range must(c.Wellness.Query().All(ctx)) {
		join(add("Wellness", w.ID, map[string]any{"TAKEN_AT": w.TakenAt.String()},
			map[string]any{"energy": float64(*w.Energy), "status": w.Status.String()}), "resident", w.ResidentID, "wellness")
	}
	for _, p := range must(c.Prescription.Query().All(ctx)) {
		t := add("Prescription", p.ID, map[string]any{"STATUS": p.Status.String(), "STARTS_AT": p.StartsAt.String()}, map[string]any{"status": p.Status.String()})
		join(t, "resident", p.ResidentID, "prescriptions")
		join(t, "medication", p.MedicationID, "prescriptions")
	}
	for _, p := range must(c.ActivityParticipation.Query().All(ctx)) {
		t := add("ActivityParticipation", p.ID, map[string]any{"OCCURRENCE_DATE": p.OccurrenceDate.String()}, map[string]any{"status": p.Status.String()})
		join(t, "resident", p.ResidentID, "participations")
		join(t, "activity", p.ActivityID, "participations")
	}
	for _, a := range must(c.Allergy.Query().All(ctx)) {
		join(add("Allergy", a.ID, map[string]any{}, map[string]any{"display": a.Display, "verification": a.Verification.String()}), "resident", a.ResidentID, "allergies")
	}
	return o
}

// term is one key of an order.
type term struct {
	key  string
	desc bool
}

func orderText(terms []term) string {
	var parts []string
	for _, t := range terms {
		direction := "ASC"
		if t.desc {
			direction = "DESC"
		}
		parts = append(parts, fmt.Sprintf("{field: %s, direction: %s}", t.key, direction))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func compareThings(terms []term, a, b *thing) int {
	id := term{key: "ID"}
	if n := len(terms); n > 0 {
		id.desc = terms[n-1].desc
	}
	// Where the terms name the id, the one added here decides nothing any more.
	for _, t := range append(terms[:len(terms):len(terms)], id) {
		var c int
		switch x := a.keys[t.key].(type) {
		case string:
			c = strings.Compare(x, b.keys[t.key].(string))
		case int64:
			c = cmp.Compare(x, b.keys[t.key].(int64))
		}
		if t.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// cursorsOf asks the graph for the cursor of every row of a type in an order.
func (o *oracle) cursorsOf(t *rapid.T, h *home, typ string, terms []term) map[nodeid.ID]string {
	key := typ + orderText(terms)
	if o.cursors[key] == nil {
		k := o.kinds[typ]
		where := ""
		if k.status != "" {
			where = fmt.Sprintf(", where: {%sNotIn: []}", k.status)
		}
		data := h.ask(t, fmt.Sprintf("{c: %s(first: 200, orderBy: %s%s) {edges {cursor node {id}}}}", k.root, orderText(terms), where), nil)
		o.cursors[key] = map[nodeid.ID]string{}
		for _, e := range data["c"].(map[string]any)["edges"].([]any) {
			edge := e.(map[string]any)
			id := must(nodeid.Parse(edge["node"].(map[string]any)["id"].(string)))
			o.cursors[key][id] = edge["cursor"].(string)
		}
	}
	return o.cursors[key]
}

// asker writes random queries.
type asker struct {
	t       *rapid.T
	h       *home
	o       *oracle
	aliases int
	// orders remembers, by alias, which order a connection asks for.
	orders map[string][]term
	// loads bounds the statements that the query may take.
	loads int
}

func (a *asker) alias() string {
	a.aliases++
	return "a" + strconv.Itoa(a.aliases)
}

func (a *asker) coin(label string) bool { return rapid.Bool().Draw(a.t, label) }

// object writes a selection of a type.
func (a *asker) object(typ string, depth int) string {
	k := a.o.kinds[typ]
	parts := []string{"id"}
	for _, f := range k.scalar {
		if a.coin(f) {
			parts = append(parts, f)
		}
	}
	if a.coin("typename") {
		parts = append(parts, "__typename")
	}
	var nested []string
	if depth > 0 {
		for _, f := range sortedKeys(k.one) {
			for range rapid.IntRange(0, 2).Draw(a.t, f) {
				a.loads++
				nested = append(nested, fmt.Sprintf("%s: %s {%s}", a.alias(), f, a.object(k.one[f], depth-1)))
			}
		}
		for _, f := range sortedKeys(k.lists) {
			if a.coin(f) {
				a.loads++
				nested = append(nested, fmt.Sprintf("%s: %s {%s}", a.alias(), f, a.object(k.lists[f], depth-1)))
			}
		}
		for _, f := range sortedKeys(k.pages) {
			for range rapid.IntRange(0, 2).Draw(a.t, f) {
				nested = append(nested, a.connection(f, k.pages[f], depth-1)...)
			}
		}
	}
	for _, part := range nested {
		switch rapid.IntRange(0, 5).Draw(a.t, "wrap") {
		case 0:
			part = fmt.Sprintf("... on %s {%s}", typ, part)
		case 1:
			part = fmt.Sprintf("... @include(if: $yes) {%s}", part)
		case 2:
			part = fmt.Sprintf("... on Node {... on %s {%s}}", typ, part)
		case 3:
			part = fmt.Sprintf("... @skip(if: $yes) {%s}", part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// connection writes a connection field; at times in two pieces, which the
// executor merges.
func (a *asker) connection(field, typ string, depth int) []string {
	k := a.o.kinds[typ]
	a.loads += 4
	var terms []term
	for range rapid.IntRange(0, 3).Draw(a.t, "terms") {
		t := term{rapid.SampledFrom(k.keys).Draw(a.t, "key"), a.coin("desc")}
		if !slices.ContainsFunc(terms, func(u term) bool { return u.key == t.key }) {
			terms = append(terms, t)
		}
		if t.key == "ID" {
			break
		}
	}
	var args []string
	if len(terms) > 0 {
		args = append(args, "orderBy: "+orderText(terms))
	}
	if size := rapid.IntRange(0, 4).Draw(a.t, "size"); a.coin("last") {
		args = append(args, fmt.Sprintf("last: %d", size))
	} else if a.coin("first") {
		args = append(args, fmt.Sprintf("first: %d", size))
	}
	for _, side := range []string{"after", "before"} {
		if rapid.IntRange(0, 2).Draw(a.t, side) == 0 {
			at := rapid.SampledFrom(k.things).Draw(a.t, side)
			args = append(args, fmt.Sprintf("%s: %q", side, a.o.cursorsOf(a.t, a.h, typ, terms)[at.id]))
		}
	}
	if k.status != "" && rapid.IntRange(0, 2).Draw(a.t, "where") == 0 {
		args = append(args, fmt.Sprintf("where: {%sIn: [%s]}", k.status, strings.Join(k.statuses[:1+rapid.IntRange(0, 1).Draw(a.t, "statuses")], ", ")))
	}
	head := a.alias() + ": " + field
	a.orders[strings.Fields(head)[0][:len(strings.Fields(head)[0])-1]] = terms
	if len(args) > 0 {
		head += "(" + strings.Join(args, ", ") + ")"
	}
	pieces := func() string {
		parts := []string{"__typename"}
		if a.coin("total") {
			parts = append(parts, "totalCount")
		}
		if a.coin("info") {
			parts = append(parts, "pageInfo {hasNextPage endCursor}")
		}
		if a.coin("info") {
			parts = append(parts, "pageInfo {hasPreviousPage startCursor}")
		}
		if a.coin("cursor") {
			parts = append(parts, "edges {cursor}")
		}
		if a.coin("edges") {
			parts = append(parts, fmt.Sprintf("edges {node {%s}}", a.object(typ, depth)))
		}
		return strings.Join(parts, " ")
	}
	fields := []string{fmt.Sprintf("%s {%s}", head, pieces())}
	if a.coin("twice") {
		fields = append(fields, fmt.Sprintf("%s {%s}", head, pieces()))
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// answerer evaluates a query in memory.
type answerer struct {
	o         *oracle
	h         *home
	t         *rapid.T
	orders    map[string][]term
	variables map[string]any
}

// asked is one field of a merged selection.
type asked struct {
	*ast.Field
	sets []ast.SelectionSet
}

func (a *answerer) collect(typ string, sets []ast.SelectionSet) []*asked {
	var fields []*asked
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				i := slices.IndexFunc(fields, func(f *asked) bool { return f.Alias == s.Alias })
				if i < 0 {
					fields, i = append(fields, &asked{Field: s}), len(fields)
				}
				fields[i].sets = append(fields[i].sets, s.SelectionSet)
			case *ast.InlineFragment:
				if d := s.Directives.ForName("skip"); d != nil {
					continue // the variable is always true
				}
				if s.TypeCondition == "" || s.TypeCondition == typ || s.TypeCondition == "Node" {
					walk(s.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	return fields
}

func (a *answerer) object(t *thing, sets []ast.SelectionSet) any {
	if t == nil {
		return nil
	}
	k := a.o.kinds[t.typ]
	answer := map[string]any{}
	for _, f := range a.collect(t.typ, sets) {
		switch {
		case k.one[f.Name] != "":
			answer[f.Alias] = a.object(t.one[f.Name], f.sets)
		case k.lists[f.Name] != "":
			list := []any{}
			for _, far := range a.sorted(t.many[f.Name], nil) {
				if !far.void {
					list = append(list, a.object(far, f.sets))
				}
			}
			answer[f.Alias] = list
		case k.pages[f.Name] != "":
			answer[f.Alias] = a.connection(k.pages[f.Name], t.many[f.Name], f)
		default:
			answer[f.Alias] = t.fields[f.Name]
		}
	}
	return answer
}

func (a *answerer) sorted(things []*thing, terms []term) []*thing {
	things = slices.Clone(things)
	slices.SortFunc(things, func(x, y *thing) int { return compareThings(terms, x, y) })
	return things
}

func (a *answerer) connection(typ string, things []*thing, f *asked) any {
	k := a.o.kinds[typ]
	args := f.ArgumentMap(a.variables)
	terms := a.orders[f.Alias]
	cursors := a.o.cursorsOf(a.t, a.h, typ, terms)
	at := func(side string) *thing {
		for _, t := range k.things {
			if args[side] != nil && cursors[t.id] == args[side] {
				return t
			}
		}
		return nil
	}
	var all, page []*thing
	for _, t := range a.sorted(things, terms) {
		if where, ok := args["where"].(map[string]any); ok {
			if slices.Contains(where[k.status+"In"].([]any), t.fields[k.status]) {
				all = append(all, t)
			}
		} else if !t.void {
			all = append(all, t)
		}
	}
	after, before := at("after"), at("before")
	var previous, next bool
	for _, t := range all {
		early := after != nil && compareThings(terms, t, after) <= 0
		late := before != nil && compareThings(terms, t, before) >= 0
		previous, next = previous || early, next || late
		if !early && !late {
			page = append(page, t)
		}
	}
	size := func(name string) (int, bool) {
		n, ok := args[name].(int64)
		return int(n), ok
	}
	if n, ok := size("last"); ok {
		if len(page) > n {
			page, previous = page[len(page)-n:], true
		}
	} else if n, ok := size("first"); ok && len(page) > n {
		page, next = page[:n], true
	}
	answer := map[string]any{}
	for _, f := range a.collect(typ+"Connection", f.sets) {
		switch f.Name {
		case "__typename":
			answer[f.Alias] = typ + "Connection"
		case "totalCount":
			answer[f.Alias] = float64(len(all))
		case "pageInfo":
			info := map[string]any{}
			for _, f := range a.collect("PageInfo", f.sets) {
				switch f.Name {
				case "hasNextPage":
					info[f.Alias] = next
				case "hasPreviousPage":
					info[f.Alias] = previous
				case "startCursor", "endCursor":
					info[f.Alias] = nil
					if len(page) > 0 {
						t := page[0]
						if f.Name == "endCursor" {
							t = page[len(page)-1]
						}
						info[f.Alias] = cursors[t.id]
					}
				}
			}
			answer[f.Alias] = info
		case "edges":
			edges := []any{}
			for _, t := range page {
				edge := map[string]any{}
				for _, f := range a.collect(typ+"Edge", f.sets) {
					switch f.Name {
					case "cursor":
						edge[f.Alias] = cursors[t.id]
					case "node":
						edge[f.Alias] = a.object(t, f.sets)
					}
				}
				edges = append(edges, edge)
			}
			answer[f.Alias] = edges
		}
	}
	return answer
}

// Any query over connections, edges and lists, with aliases, fragments and
// directives at every level, answers as the oracle does, in a number of
// statements that does not depend on the rows.
func TestQueriesAnswerAsTheOracle(t *testing.T) {
	h := openHome(t)
	h.fill()
	o := newOracle(h)
	rapid.Check(t, func(t *rapid.T) {
		a := &asker{t: t, h: h, o: o, orders: map[string][]term{}}
		var parts []string
		typ := rapid.SampledFrom([]string{"Resident", "Prescription", "Medication", "Activity", "StaffUser", "ActivityParticipation", "Wellness"}).Draw(t, "root")
		if a.coin("connection") {
			parts = a.connection(o.kinds[typ].root, typ, 3)
		} else {
			a.loads++
			node := rapid.SampledFrom(o.kinds[typ].things).Draw(t, "node")
			parts = []string{fmt.Sprintf("%s: node(id: %q) {id ... on %s {%s}}", a.alias(), node.id, typ, a.object(typ, 3))}
		}
		text := "query($yes: Boolean = true) {__typename ... @include(if: $yes) {" + strings.Join(parts, "\n") + "}}"
		before := h.driver.n.Load()
		got := h.ask(t, text, nil)
		if n := int(h.driver.n.Load() - before); n > a.loads {
			t.Fatalf("%d statements, want at most %d\n%s", n, a.loads, text)
		}
		doc, err := gqlparser.LoadQueryWithRules(h.schema, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := &answerer{o: o, h: h, t: t, orders: a.orders, variables: map[string]any{"yes": true}}
		want := map[string]any{}
		for _, f := range answer.collect("Query", []ast.SelectionSet{doc.Operations[0].SelectionSet}) {
			switch f.Name {
			case "__typename":
				want[f.Alias] = "Query"
			case "node":
				id := must(nodeid.Parse(f.ArgumentMap(nil)["id"].(string)))
				for _, t := range o.kinds[id.Kind().String()].things {
					if t.id == id {
						want[f.Alias] = answer.object(t, f.sets)
					}
				}
			default:
				want[f.Alias] = answer.connection(typ, o.kinds[typ].things, f)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %s\nwant %s", text, must(json.Marshal(got)), must(json.Marshal(want)))
		}
	})
}
