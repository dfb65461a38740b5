package leak

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/ent"
	"carehome/graph"
	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// row is a row of the database, by column.
type row map[string]any

func (r row) id() int64 {
	n, _ := r["id"].(int64)
	return n
}

func (r row) text(column string) string {
	s, _ := r[column].(string)
	return s
}

func (r row) number(column string) int64 {
	n, _ := r[column].(int64)
	return n
}

// is tells of a column whether it is true.
func (r row) is(column string) bool {
	b, isBool := r[column].(bool)
	return isBool && b || r.number(column) == 1
}

// oracle knows what is in the database, and who may know of it. It shares no code
// with what it judges: which class a field has is all that it is told.
type oracle struct {
	file   string
	schema *ast.Schema
	rows   map[string][]row
	byID   map[int64]row
	// joins are the pairs of tables in between.
	joins map[string][][2]int64
	// classes are those of the fields, by type and field.
	classes map[string]map[string]string
	// shown is what the administrator is shown of each row.
	shown map[string]map[string]any
	// first are the answers that the administrator has got, by request.
	first sync.Map
}

// tableOf has the table of each type. A new type has its line here, and its rules
// in sees.
var tableOf = map[string]string{
	"Facility": "facilities", "StaffUser": "staff_users", "ApiKey": "api_keys", "Resident": "residents",
	"ResidentContact": "resident_contacts", "Allergy": "allergies", "Medication": "medications",
	"MedicationIngredient": "medication_ingredients", "Prescription": "prescriptions", "Wellness": "wellnesses",
	"Activity": "activities", "ActivityException": "activity_exceptions", "ActivityParticipation": "activity_participations",
	"Revision": "revisions", "AuditEvent": "audit_events",
}

// void has the column of each type in which ENTERED_IN_ERROR takes a row out of
// lists.
var void = map[string]string{
	"Allergy": "verification", "Prescription": "status", "Wellness": "status", "ActivityParticipation": "status", "Medication": "status",
}

// standIns are what names are masked as.
var standIns = map[string]string{
	"Resident.givenName": "Resident", "Resident.familyName": "%d", "ResidentContact.name": "Contact %d",
	"StaffUser.displayName": "Staff %d", "StaffUser.email": "staff-%d@hidden.invalid", "Prescription.prescriberName": "Prescriber %d",
}

// edgeClasses are those of the edges that not everybody sees who sees the row.
var edgeClasses = map[string]string{
	"Resident.spo2ScaleAuthorisedBy": "clinical", "ResidentContact.portalUser": "admin",
}

// computed are the fields that are made of others, with the class of what they are
// made of. The field of a row that has no class and no line here is refused.
var computed = map[string]string{
	"Resident.fullName": "personal", "Resident.age": "open", "Activity.startsAt": "open", "AuditEvent.residentIDs": "admin",
}

// farColumns lead to the many rows of an edge: the column in which they name this
// one.
var farColumns = map[string]string{
	"Resident.contacts": "resident_id", "Resident.allergies": "resident_id", "Resident.prescriptions": "resident_id",
	"Resident.wellness": "resident_id", "Resident.participations": "resident_id",
	"Medication.ingredients": "medication_id", "Medication.prescriptions": "medication_id",
	"Activity.exceptions": "activity_id", "Activity.participations": "activity_id",
	"StaffUser.apiKeys": "staff_user_id", "Prescription.replacedBy": "replaces_id",
}

// inBetween has the edges through a table in between, and which of its columns is
// this side.
var inBetween = map[string]int{"Activity.facilitators": 0, "StaffUser.activities": 1}

func newOracle(t testing.TB, file string) *oracle {
	t.Helper()
	o := &oracle{file: file, schema: graph.Schema(), classes: map[string]map[string]string{}}
	for kind, fields := range ent.AccessFields() {
		of := map[string]string{"id": "open"}
		for _, f := range fields {
			of[f.Name] = f.Class.String()
		}
		o.classes[kind.String()] = of
	}
	o.load(t)
	return o
}

// types are those of the graph that have rows.
func (o *oracle) types() []string {
	var names []string
	for _, d := range o.schema.GetPossibleTypes(o.schema.Types["Node"]) {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// load reads the whole database.
func (o *oracle) load(t testing.TB) {
	t.Helper()
	db := openRaw(t, o.file)
	o.rows, o.byID, o.joins = map[string][]row{}, map[int64]row{}, map[string][][2]int64{}
	for _, typ := range o.types() {
		table, known := tableOf[typ]
		if !known {
			t.Fatalf("the oracle does not know the type %s: say its table, and who sees it", typ)
		}
		o.rows[typ] = everyRow(t, db, "SELECT * FROM "+table+" ORDER BY id")
		for _, r := range o.rows[typ] {
			o.byID[r.id()] = r
		}
	}
	for _, r := range everyRow(t, db, "SELECT activity_id, staff_user_id FROM activity_facilitators") {
		o.joins["facilitators"] = append(o.joins["facilitators"], [2]int64{r.number("activity_id"), r.number("staff_user_id")})
	}
}

func everyRow(t testing.TB, db *sql.DB, query string) (all []row) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		r := row{}
		for i, column := range columns {
			if b, ok := values[i].([]byte); ok {
				values[i] = string(b)
			}
			r[column] = values[i]
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// camel is the graph's name of a column.
func camel(column string) string {
	parts := strings.Split(column, "_")
	for i, part := range parts[1:] {
		if part == "id" {
			parts[i+1] = "ID"
		} else {
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// snake is the column of a field of the graph.
func snake(field string) string {
	field = strings.ReplaceAll(field, "ID", "Id")
	return strings.ToLower(regexp.MustCompile(`([A-Z])`).ReplaceAllString(field, "_$1"))
}

// marks are how texts are marked: table, column and number of the row.
var marks = regexp.MustCompile(`(?i)zq(\d+)x(\d+)x(\d+)qz`)

func tableNumber(table string) int { return slices.Index(slices.Sorted(maps.Keys(tables())), table) }

func markOf(table string, column int, id int64) string {
	return fmt.Sprintf("Zq%dx%dx%dqz", tableNumber(table), column, uint32(id))
}

// mark writes into every text whose it is, so that it is known wherever it comes
// out, and into the contents of revisions too.
func (o *oracle) mark(t testing.TB) {
	t.Helper()
	db := openRaw(t, o.file)
	exec := func(query string, args ...any) {
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	marked := 0
	for name, table := range tables() {
		if len(table.PrimaryKey) != 1 || name == "secrets" {
			continue
		}
		for i, c := range table.Columns {
			if !markable(name, c) {
				continue
			}
			marked++
			text := fmt.Sprintf("'Zq%dx%dx' || (id & 4294967295) || 'qz'", tableNumber(name), i)
			if c.Name == "search_text" {
				text = "lower(" + text + ")"
			}
			exec(fmt.Sprintf("UPDATE %s SET %s = %s", name, c.Name, text))
		}
	}
	if marked < 40 {
		t.Fatalf("marked %d columns only", marked)
	}
	for _, r := range o.rows["Revision"] {
		var content map[string]any
		if err := json.Unmarshal([]byte(r.text("content")), &content); err != nil {
			t.Fatal(err)
		}
		of := r.number("entity_id")
		table := tableOf[nodeid.ID(of).Kind().String()]
		for i, c := range tables()[table].Columns {
			if _, has := content[camel(c.Name)]; has && markable(table, c) {
				content[camel(c.Name)] = markOf(table, i, of)
			}
		}
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		exec("UPDATE revisions SET content = ? WHERE id = ?", string(text), r.id())
	}
	o.load(t)
}

// learn asks the administrator's view of every row, and holds it against the
// database.
func (o *oracle) learn(t testing.TB, w *world) {
	t.Helper()
	o.shown = map[string]map[string]any{}
	o.first.Clear()
	admin := w.askers[0]
	system := asker{"the system", viewer.System()}
	for _, typ := range o.types() {
		for chunk := range slices.Chunk(o.rows[typ], 100) {
			var ids []string
			for _, r := range chunk {
				ids = append(ids, name(r))
			}
			for _, a := range []asker{system, admin} {
				got := read(w.ask(a, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on "+typ+" {"+o.leaves(typ)+"} } }", map[string]any{"ids": ids}))
				nodes, _ := got.Data["nodes"].([]any)
				if len(got.Errors) > 0 || len(nodes) != len(ids) {
					t.Fatalf("%s reads %d of %d rows of %s: %v", a.name, len(nodes), len(ids), typ, got.Errors)
				}
				for i, node := range nodes {
					fields, ok := node.(map[string]any)
					if !ok {
						t.Fatalf("%s does not see %s", a.name, ids[i])
					}
					for field, value := range fields {
						want := chunk[i].text(snake(field))
						if marks.MatchString(want) && field != "content" && value != want {
							t.Fatalf("%s of %s is shown as %v, is %q", field, ids[i], value, want)
						}
					}
					if before := o.shown[ids[i]]; before != nil && !reflect.DeepEqual(before, fields) {
						t.Fatalf("the administrator is shown %v, the system %v", fields, before)
					}
					o.shown[ids[i]] = fields
				}
			}
		}
	}
}

func name(r row) string { return nodeid.ID(r.id()).String() }

// isNode reports whether a type has rows.
func (o *oracle) isNode(typ string) bool { return slices.Contains(o.types(), typ) }

// leaves is the selection of all values of a type: scalars, and objects of them.
func (o *oracle) leaves(typ string) string {
	var b strings.Builder
	for _, f := range o.schema.Types[typ].Fields {
		if strings.HasPrefix(f.Name, "__") || slices.ContainsFunc(f.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.NonNull }) {
			continue
		}
		d := o.schema.Types[f.Type.Name()]
		switch {
		case d.Kind == ast.Scalar || d.Kind == ast.Enum:
			b.WriteString(" " + f.Name)
		case d.Kind == ast.Object && !o.isNode(d.Name) && !strings.HasSuffix(d.Name, "Connection") && o.flat(d):
			b.WriteString(" " + f.Name + " {" + o.leaves(d.Name) + "}")
		}
	}
	return b.String()
}

// flat reports whether an object holds values alone.
func (o *oracle) flat(d *ast.Definition) bool {
	return !slices.ContainsFunc(d.Fields, func(f *ast.FieldDefinition) bool {
		kind := o.schema.Types[f.Type.Name()].Kind
		return kind != ast.Scalar && kind != ast.Enum
	})
}

// edge is a field that leads to rows.
type edge struct {
	name, far     string
	many, isPaged bool
}

// edges are those of a type.
func (o *oracle) edges(typ string) (all []edge) {
	for _, f := range o.schema.Types[typ].Fields {
		far := f.Type.Name()
		paged := strings.HasSuffix(far, "Connection")
		far = strings.TrimSuffix(far, "Connection")
		if o.isNode(far) {
			all = append(all, edge{f.Name, far, paged || f.Type.Elem != nil, paged})
		}
	}
	return all
}

// links are the rows at the far end of an edge, whoever sees them.
func (o *oracle) links(typ string, e edge, r row) (far []row) {
	key := typ + "." + e.name
	if side, joined := inBetween[key]; joined {
		for _, pair := range o.joins["facilitators"] {
			if pair[side] == r.id() {
				far = append(far, o.byID[pair[1-side]])
			}
		}
		return far
	}
	if column, back := farColumns[key]; back {
		for _, f := range o.rows[e.far] {
			if f.number(column) == r.id() {
				far = append(far, f)
			}
		}
		return far
	}
	column := snake(e.name) + "_id"
	if _, there := r[column]; !there {
		panic("the oracle does not know the edge " + key)
	}
	if f := o.byID[r.number(column)]; f != nil {
		far = append(far, f)
	}
	return far
}

// The rules, once more and in other words.

// readsType reports whether a viewer reads any row of a type.
func (o *oracle) readsType(a asker, typ string) bool {
	list := map[viewer.Role]string{
		viewer.Admin:               "Facility StaffUser ApiKey AuditEvent Resident ResidentContact Allergy Medication MedicationIngredient Prescription Wellness Activity ActivityException ActivityParticipation Revision",
		viewer.Manager:             "Facility StaffUser AuditEvent Resident ResidentContact Allergy Medication MedicationIngredient Prescription Wellness Activity ActivityException ActivityParticipation Revision",
		viewer.Nurse:               "Facility StaffUser Resident ResidentContact Allergy Medication MedicationIngredient Prescription Wellness Activity ActivityException ActivityParticipation Revision",
		viewer.Carer:               "Facility StaffUser Resident ResidentContact Allergy Medication MedicationIngredient Prescription Wellness Activity ActivityException ActivityParticipation Revision",
		viewer.ActivityCoordinator: "Facility StaffUser Resident Allergy Activity ActivityException ActivityParticipation Revision",
		viewer.Reporting:           "Facility StaffUser Resident ResidentContact Allergy Medication MedicationIngredient Prescription Wellness Activity ActivityException ActivityParticipation Revision",
		viewer.Family:              "Facility StaffUser Resident ResidentContact Wellness Activity ActivityException ActivityParticipation",
		viewer.Sysadmin:            "Facility StaffUser ApiKey",
	}
	return slices.Contains(strings.Fields(list[reader(a)]), typ)
}

// reader is the role by which somebody reads.
func reader(a asker) viewer.Role {
	if a.BreakGlass && (a.Role == viewer.Carer || a.Role == viewer.ActivityCoordinator) {
		return viewer.Nurse
	}
	return a.Role
}

// sees reports whether a viewer sees a row.
func (o *oracle) sees(a asker, typ string, r row) bool {
	switch {
	case !o.readsType(a, typ):
		return false
	case a.Role == viewer.Family:
		return o.related(a, typ, r)
	case typ == "Revision" && reader(a) == viewer.ActivityCoordinator:
		of := nodeid.ID(r.number("entity_id")).Kind()
		return of == nodeid.Allergy || of == nodeid.ActivityParticipation
	}
	return true
}

// related reports whether a relative sees a row.
func (o *oracle) related(a asker, typ string, r row) bool {
	switch typ {
	case "Facility":
		return true
	case "StaffUser":
		return r.id() == int64(a.ID) || slices.Contains([]string{"ADMIN", "MANAGER", "NURSE", "CARER", "ACTIVITY_COORDINATOR"}, r.text("role"))
	case "Resident":
		return r.is("consent_family_access") && slices.ContainsFunc(o.rows["ResidentContact"], func(c row) bool {
			return c.number("resident_id") == r.id() && c.number("portal_user_id") == int64(a.ID) && c.is("is_family_portal")
		})
	case "ResidentContact":
		return r.number("portal_user_id") == int64(a.ID) && r.is("is_family_portal") && o.related(a, "Resident", o.byID[r.number("resident_id")])
	case "Wellness", "ActivityParticipation":
		return r.text("status") != "ENTERED_IN_ERROR" && o.related(a, "Resident", o.byID[r.number("resident_id")])
	case "Activity":
		return slices.ContainsFunc(o.rows["ActivityParticipation"], func(p row) bool {
			return p.number("activity_id") == r.id() && o.related(a, "ActivityParticipation", p)
		})
	case "ActivityException":
		return o.related(a, "Activity", o.byID[r.number("activity_id")])
	}
	return false
}

// hides reports whether a viewer is not shown the fields of a class, of the rows
// of a type that it sees.
func (o *oracle) hides(a asker, typ, class string) bool {
	switch reader(a) {
	case viewer.Carer:
		return typ == "StaffUser" && class == "admin"
	case viewer.ActivityCoordinator:
		switch typ {
		case "StaffUser":
			return class == "admin"
		case "Resident":
			return class == "notes" || class == "admin"
		case "Allergy", "Revision":
			return class == "notes" || class == "admin" || class == "personal"
		}
	case viewer.Reporting:
		return class == "admin" || !a.SeesNames && (class == "personal" || class == "notes")
	case viewer.Family:
		return class == "admin" || class == "notes" || typ == "Resident" && class == "clinical"
	}
	return false
}

// class of a field, empty for an edge.
func (o *oracle) class(typ, field string) string {
	return cmp.Or(o.classes[typ][field], computed[typ+"."+field])
}

// complete fails for whatever the schema has and the oracle has no word on: then
// the matrix would not look at it.
func (o *oracle) complete(t testing.TB) {
	t.Helper()
	object := func(name string, known ...string) {
		for _, f := range o.schema.Types[name].Fields {
			if !slices.Contains(known, f.Name) {
				t.Errorf("the oracle does not know %s.%s", name, f.Name)
			}
		}
	}
	roots := []string{"node", "nodes", "lastEventID", "__schema", "__type"}
	for _, typ := range o.types() {
		object(typ+"Connection", "edges", "pageInfo", "totalCount")
		object(typ+"Edge", "node", "cursor")
		edges := map[string]bool{}
		for _, e := range o.edges(typ) {
			edges[e.name] = true
		}
		for _, f := range o.schema.Types[typ].Fields {
			if o.class(typ, f.Name) == "" && !edges[f.Name] && !strings.HasPrefix(f.Name, "__") {
				t.Errorf("the oracle does not know of what class %s.%s is: say so in computed", typ, f.Name)
			}
		}
		for _, f := range o.schema.Types[typ+"WhereInput"].Fields {
			if o.asks(typ, f.Name) == "" && !slices.Contains([]string{"not", "and", "or"}, f.Name) && otherFilters[typ+"."+f.Name] == "" {
				t.Errorf("the matrix does not know the filter %s of %s", f.Name, typ)
			}
		}
		for _, key := range o.schema.Types[typ+"OrderField"].EnumValues {
			if o.class(typ, orderField(key.Name)) == "" {
				t.Errorf("the oracle does not know what %s are ordered by with %s", typ, key.Name)
			}
		}
		for _, f := range o.schema.Query.Fields {
			if one := f.Type.Name() == typ && f.Arguments.ForName("id") != nil; one || f.Type.Name() == typ+"Connection" {
				roots = append(roots, f.Name)
			}
		}
	}
	object("Query", roots...)
	object("PageInfo", "hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
}

// otherFilters ask for what is no field of the row; where the matrix tries them.
var otherFilters = map[string]string{
	"Activity.searchText": "search", "Medication.searchText": "search", "Resident.searchText": "search",
	"AuditEvent.residentID": "about",
}

// operators are what filters say after a field's name.
var operators = strings.Fields("NEQ In NotIn GT GTE LT LTE Contains ContainsFold EqualFold HasPrefix HasSuffix IsNil NotNil")

// asks is the field or the edge that a filter asks for, or empty.
func (o *oracle) asks(typ, filter string) string {
	for field := range o.classes[typ] {
		if op, is := strings.CutPrefix(filter, field); is && (op == "" || slices.Contains(operators, op)) {
			return field
		}
	}
	for _, e := range o.edges(typ) {
		if has := "has" + pascal(e.name); filter == has || filter == has+"With" {
			return e.name
		}
	}
	return ""
}

// orderField is the field that a key orders by.
func orderField(key string) string {
	if key == "ID" {
		return "id"
	}
	return camel(strings.ToLower(key))
}

// wants is what a viewer is to be shown of a row it sees.
func (o *oracle) wants(a asker, typ string, r row) map[string]any {
	number := uint32(r.id())
	shown := maps.Clone(o.shown[name(r)])
	for field := range shown {
		if !o.hides(a, typ, o.class(typ, field)) {
			continue
		}
		shown[field] = nil
		if in, has := standIns[typ+"."+field]; has {
			if strings.Contains(in, "%d") {
				in = fmt.Sprintf(in, number)
			}
			shown[field] = in
		}
	}
	for field := range shown {
		switch {
		case typ == "Resident" && field == "fullName":
			shown[field] = fmt.Sprint(shown["givenName"], " ", shown["familyName"])
		case typ == "Revision" && field == "content":
			of := nodeid.ID(r.number("entity_id")).Kind().String()
			content := map[string]any{}
			for key, value := range shown[field].(map[string]any) {
				if class := o.class(of, key); class == "" || !o.hides(a, of, class) {
					content[key] = value
				}
			}
			shown[field] = content
		}
	}
	return shown
}

// differs tells how a row that was shown differs from what it should be.
func (o *oracle) differs(a asker, typ string, r row, got map[string]any) (leaks []string) {
	for field, want := range o.wants(a, typ, r) {
		if value, there := got[field]; there && !reflect.DeepEqual(value, want) {
			leaks = append(leaks, fmt.Sprintf("%s of %s is shown as %v, should be %v", field, name(r), value, want))
		}
	}
	return leaks
}

// seen are the ids of the rows of a type that a viewer sees, those in error left
// out as lists do.
func (o *oracle) seen(a asker, typ string, rows []row) []string {
	ids := []string{}
	for _, r := range rows {
		if o.sees(a, typ, r) && r.text(void[typ]) != "ENTERED_IN_ERROR" {
			ids = append(ids, name(r))
		}
	}
	slices.Sort(ids)
	return ids
}

// hiddenRow is a row of a type that a viewer does not see, if there is one.
func (o *oracle) hiddenRow(a asker, typ string) row {
	for _, r := range slices.Backward(o.rows[typ]) {
		if !o.sees(a, typ, r) {
			return r
		}
	}
	return nil
}

var ids = regexp.MustCompile(`"([a-z]{3}_[1-9]\d*)"`)

// spilled finds in an answer every mark and every id of what the viewer may not
// know, unless the request itself has it.
func (o *oracle) spilled(a asker, request string, raw []byte) (leaks []string) {
	ordered := slices.Sorted(maps.Keys(tables()))
	types := map[string]string{}
	for typ, table := range tableOf {
		types[table] = typ
	}
	for _, m := range marks.FindAllStringSubmatch(string(raw), -1) {
		if strings.Contains(strings.ToLower(request), strings.ToLower(m[0])) {
			continue
		}
		t, _ := strconv.Atoi(m[1])
		c, _ := strconv.Atoi(m[2])
		n, _ := strconv.ParseUint(m[3], 10, 32)
		table := ordered[t]
		typ, column := types[table], tables()[table].Columns[c].Name
		var of row
		for _, r := range o.rows[typ] {
			if uint64(uint32(r.id())) == n {
				of = r
			}
		}
		class := o.class(typ, camel(column))
		if of == nil || class == "" || !o.sees(a, typ, of) || o.hides(a, typ, class) {
			leaks = append(leaks, fmt.Sprintf("the answer holds %s of row %d of %s", column, n, table))
		}
	}
	for _, m := range ids.FindAllStringSubmatch(string(raw), -1) {
		id, err := nodeid.Parse(m[1])
		if err != nil || strings.Contains(request, m[1]) {
			continue
		}
		if id.Kind() == nodeid.APIKey && o.readsType(a, "AuditEvent") {
			continue // who sees what was done sees by which key, and that keys are made
		}
		if r := o.byID[int64(id)]; r != nil && !o.sees(a, id.Kind().String(), r) {
			leaks = append(leaks, "the answer names "+m[1])
		}
	}
	return leaks
}

// state is a text that changes when any row of the graph does.
func (o *oracle) state(t testing.TB, db *sql.DB) string {
	t.Helper()
	var parts []string
	for _, typ := range o.types() {
		sum := "count(*) || ' ' || coalesce(sum(version), 0)"
		if typ == "AuditEvent" {
			sum = "count(*)"
		}
		parts = append(parts, "(SELECT "+sum+" FROM "+tableOf[typ]+")")
	}
	var state string
	if err := db.QueryRowContext(t.Context(), "SELECT "+strings.Join(parts, " || ',' || ")).Scan(&state); err != nil {
		t.Fatal(err)
	}
	return state
}
