package tests

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"carehome/internal/nodeid"
)

// command runs the binary to its end, and returns its exit code and what it writes.
func command(t *testing.T, binary string, arguments ...string) (code int, output, complaints string) {
	t.Helper()
	run := exec.Command(binary, arguments...)
	var out, log strings.Builder
	run.Stdout, run.Stderr = &out, &log
	var ended *exec.ExitError
	if err := run.Run(); err != nil && !errors.As(err, &ended) {
		t.Fatalf("%v: %v", arguments, err)
	}
	return run.ProcessState.ExitCode(), out.String(), log.String()
}

// does is command for what must succeed.
func does(t *testing.T, binary string, arguments ...string) (output string) {
	t.Helper()
	code, output, complaints := command(t, binary, arguments...)
	if code != 0 {
		t.Fatalf("%v: exit code %d: %s%s", arguments, code, output, complaints)
	}
	return output
}

// event is one of those that audit export writes.
type event struct {
	ID, Action, Actor, Role, Key, Entity, Reason, Operation, Before, After, Hash string
	Version                                                                      int
}

// exported are the events of a database.
func exported(t *testing.T, binary, database string) (events []event) {
	t.Helper()
	for line := range strings.Lines(does(t, binary, "audit", "export", "--database", database)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events = append(events, e)
	}
	return events
}

// TestCommandsAreOnRecord: what is done to people and keys on the command line, beside
// a server or alone, is an event of that command, in the same chain.
func TestCommandsAreOnRecord(t *testing.T) {
	binary, folder := ownServer(t), t.TempDir()
	database, file := filepath.Join(folder, "home.db"), filepath.Join(folder, "admin.key")
	server := launch(t, database, "--admin-key-file", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(text))
	reason := fmt.Sprintf("by user %d of the machine", os.Getuid())
	want := []event{}
	for i, c := range []struct {
		line   string // the command, whose first two words are its name
		code   int
		action string // of the event; empty for none
		entity string
	}{
		{"user create Ana ana@example.org NURSE", 0, "CREATE", "stf_2"},
		{"user create Eva ana@example.org NURSE", 65, "", ""},
		{"key create --user ana@example.org", 0, "CREATE", "key_2"},
		{"key list", 0, "", ""},
		{"user set-role ana@example.org MANAGER", 0, "UPDATE", "stf_2"},
		{"user set-subject stf_2 7c1e", 0, "UPDATE", "stf_2"},
		{"user deactivate stf_2", 0, "UPDATE", "stf_2"},
		{"user activate stf_2", 0, "UPDATE", "stf_2"},
		{"user list", 0, "", ""},
		{"key revoke key_2", 0, "UPDATE", "key_2"},
		{"key revoke key_2", 0, "", ""},
		{"user deactivate administrator@localhost", 65, "", ""},
		{"user deactivate stf_2", 0, "UPDATE", "stf_2"},
	} {
		words := strings.Fields(c.line)
		if i == 12 { // the last without a server
			if err := server.stop(); err != nil {
				t.Fatalf("stopping: %v\n%s", err, server.log)
			}
		} else if got := asKey(t, server.url, admin, `mutation { createResident(input: {givenName: "Ana", familyName: "López", birthDate: "1940-01-01", sex: FEMALE}) { resident { id } } }`, nil); len(got.Errors) > 0 {
			t.Fatalf("beside %s the server answers %s", c.line, got.raw) // each adds to the other's chain
		}
		if code, out, log := command(t, binary, append(words, "--database", database)...); code != c.code {
			t.Fatalf("%s: exit code %d, %s%s", c.line, code, out, log)
		}
		if c.action != "" {
			want = append(want, event{Action: c.action, Entity: c.entity, Operation: strings.Join(words[:2], " "), Reason: reason})
		}
		if c.line == "user list" {
			// Who reads the record of a running server sees it as well.
			got := asKey(t, server.url, admin, `{ auditEvents(where: {entityID: "stf_2"}, orderBy: [{field: ID}]) { edges { node { action actor { id } operation reason } } } }`, nil)
			for i, operation := range []string{"user create", "user set-role", "user set-subject", "user deactivate", "user activate"} {
				node := at(t, got.Data, "auditEvents", "edges", i, "node")
				if at(t, node, "operation") != operation || at(t, node, "actor") != nil || at(t, node, "reason") != reason {
					t.Errorf("%s is on record as %v", operation, node)
				}
			}
		}
	}
	var got []event
	for _, e := range exported(t, binary, database) {
		if !strings.HasPrefix(e.Operation, "user ") && !strings.HasPrefix(e.Operation, "key ") {
			continue
		}
		if (e.Action == "CREATE") != (e.Before == "") || e.After == "" || e.Version == 0 {
			t.Errorf("on record is %+v", e)
		}
		got = append(got, event{Action: e.Action, Actor: e.Actor, Role: e.Role, Key: e.Key, Entity: e.Entity, Operation: e.Operation, Reason: e.Reason})
	}
	if !slices.Equal(got, want) {
		t.Errorf("on record are\n%+v\nwant\n%+v", got, want)
	}
	does(t, binary, "audit", "verify", "--database", database)
}

// sqlite3 is the path of the sqlite3 program, where it is there.
func sqlite3(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("sqlite3")
	if err != nil {
		lacking(t, "sqlite3", err)
	}
	return path
}

// shell runs statements in the sqlite3 program, which knows nothing of this one.
func shell(t *testing.T, database, statements string) (output string) {
	t.Helper()
	run := exec.Command(sqlite3(t), "-batch", "-bail", database)
	run.Env = []string{"HOME=" + t.TempDir()} // with nobody's settings
	run.Stdin = strings.NewReader("PRAGMA synchronous = OFF;\n" + statements)
	var out, log strings.Builder
	run.Stdout, run.Stderr = &out, &log
	if err := run.Run(); err != nil || log.Len() > 0 {
		t.Fatalf("sqlite3: %v: %s\n%.2000s", err, &log, statements)
	}
	return out.String()
}

// column is the lines that a statement writes.
func column(t *testing.T, database, statement string) []string {
	t.Helper()
	return strings.Fields(shell(t, database, statement+";\n"))
}

// verified is what audit verify tells.
type verified struct {
	OK       bool
	Problems []string
	First    string
	Head     struct{ Event, Hash string }
}

func verify(t *testing.T, binary, database string, more ...string) (v verified) {
	t.Helper()
	code, out, log := command(t, binary, append([]string{"audit", "verify", "--json", "--database", database}, more...)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %s%s", err, out, log)
	}
	if want := map[bool]int{true: 0, false: 65}[v.OK]; code != want || v.OK != (len(v.Problems) == 0) {
		t.Fatalf("exit code %d: %s%s", code, out, log)
	}
	return v
}

// names reports whether a problem begins with a name, and goes on as wanted.
func (v verified) names(begin, contains string) bool {
	return slices.ContainsFunc(v.Problems, func(p string) bool {
		return (p == begin || strings.HasPrefix(p, begin+" ")) && strings.Contains(p, contains)
	})
}

// other is an SQL expression for a value that a column does not have now, whatever it
// holds. It keeps unique what is unique.
func other(name string) string {
	name = `"` + name + `"`
	return "CASE typeof(" + name + ") WHEN 'integer' THEN " + name + " + 1000003 WHEN 'real' THEN " + name + " + 1000003" +
		" WHEN 'blob' THEN CAST(" + name + " || x'01' AS BLOB) WHEN 'null' THEN '1' ELSE " + name + " || 'x' END"
}

// Tables that the shell can change without audit verify naming it, and why. A table
// that is not among them holds records.
func beside() []string {
	return []string{
		"sqlite_sequence",       // of SQLite; what it says of events is looked at
		"schema_migration",      // of the program's versions
		"row_digests",           // what carehome verify compares rows with
		"audit_events",          // below
		"audit_subjects",        // below
		"changes",               // the journal of subscriptions, of two days
		"secrets",               // the key of cursors
		"retries",               // the answers of a day
		"activity_facilitators", // who leads an activity
	}
}

// onShelf is a home that was lived in and is not in use, with rows in every table.
func onShelf(t *testing.T, binary string) (database string) {
	t.Helper()
	folder := t.TempDir()
	database = filepath.Join(folder, "home.db")
	does(t, binary, "seed", "--database", database, "--residents", "4", "--days", "6", "--no-progress")
	key := strings.TrimSpace(does(t, binary, "key", "create", "--database", database))
	server := launch(t, database)
	do := func(query string, variables map[string]any) any {
		t.Helper()
		got := asKey(t, server.url, key, query, variables)
		if len(got.Errors) > 0 {
			t.Fatalf("asking %s: %s", query, got.raw)
		}
		return got.Data
	}
	rows := do(`{ residents(first: 4) { edges { node { id } } } wellness(first: 3) { edges { node { id } } } }`, nil)
	for i := range 4 { // more allergies
		do(`mutation($r: ID!) { createAllergy(input: {residentID: $r, substance: "nuts", display: "Nuts", category: FOOD}) { allergy { id } } }`,
			map[string]any{"r": at(t, rows, "residents", "edges", i, "node", "id")})
	}
	for i := range 3 { // revisions
		do(`mutation($w: ID!) { updateWellness(id: $w, input: {energy: 1, notes: "as told by the night shift", reason: "typed wrongly"}) { wellness { id notes resident { allergies { substance } } } } }`,
			map[string]any{"w": at(t, rows, "wellness", "edges", i, "node", "id")})
	}
	do(`mutation { updateFacility(id: "fac_1", input: {name: "Elm House"}) { facility { id } } }`, nil)
	got := send(t, server.url, []byte(`{"query":"{ __typename }"}`), http.Header{"Authorization": {"Bearer nonsense"}}) // REFUSED
	if len(got.Errors) == 0 {
		t.Fatalf("nonsense is answered %s", got.raw)
	}
	if err := server.stop(); err != nil {
		t.Fatalf("stopping: %v\n%s", err, server.log)
	}
	if v := verify(t, binary, database); !v.OK {
		t.Fatalf("before anything is done to it: %q", v.Problems)
	}
	return database
}

// tampered is verify after statements of the shell on a copy of a database.
func tampered(t *testing.T, binary, database, statements string, more ...string) verified {
	t.Helper()
	content, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(own, content, 0o600); err != nil {
		t.Fatal(err)
	}
	shell(t, own, "PRAGMA ignore_check_constraints = ON;\nBEGIN;\n"+statements+"COMMIT;\n")
	return verify(t, binary, own, more...)
}

// TestRowsChangedByTheShell: whatever the sqlite3 program does to a row of a record,
// audit verify names that row, and no other.
func TestRowsChangedByTheShell(t *testing.T) {
	sqlite3(t) // before anything else is done
	binary := ownServer(t)
	database := onShelf(t, binary)
	type table struct {
		name    string
		columns []string
		ids     []int64
	}
	var tables []table
	for _, name := range column(t, database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		if slices.Contains(beside(), name) {
			continue
		}
		of := table{name: name, columns: column(t, database, "SELECT name FROM pragma_table_info('"+name+"')")}
		for _, text := range column(t, database, "SELECT id FROM "+name+" ORDER BY id") {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			of.ids = append(of.ids, id)
		}
		if len(of.ids) == 0 || !slices.Contains(of.columns, "id") {
			t.Fatalf("%s has %d rows to change, and the columns %q", name, len(of.ids), of.columns)
		}
		tables = append(tables, of)
	}
	const known = 14
	if len(tables) < known {
		t.Fatalf("only %d tables", len(tables))
	}

	// Of each table as many columns at a time as it has rows, one in each row.
	changed := 0
	for round := 0; ; round++ {
		var statements strings.Builder
		want := map[string]string{}
		for _, of := range tables {
			for i, id := range of.ids {
				n := round*len(of.ids) + i
				if n >= len(of.columns) {
					break
				}
				name, row := of.columns[n], nodeid.ID(id).String()
				fmt.Fprintf(&statements, "UPDATE %s SET %q = %s WHERE id = %d;\n", of.name, name, other(name), id)
				switch {
				case of.name == "api_keys" && name == "last_used_at": // written all the time, and no act of anybody
				case name == "id":
					want[row] = "is gone"
					want[nodeid.ID(id+1000003).String()] = "is in no event"
				default:
					want[row] = "(" + of.name + ") is not what aud_"
				}
				changed++
			}
		}
		if statements.Len() == 0 {
			break
		}
		v := tampered(t, binary, database, statements.String())
		for row, problem := range want {
			if !v.names(row, problem) {
				t.Errorf("nobody says that %s %s", row, problem)
			}
		}
		if len(v.Problems) != len(want) || v.First != "" {
			t.Errorf("%d rows were changed, and %d problems are told: %q", len(want), len(v.Problems), v.Problems)
		}
	}

	var removed, inserted, swapped strings.Builder
	var gone, added, moved []string
	for _, of := range tables {
		first, last := of.ids[0], of.ids[len(of.ids)-1]
		fmt.Fprintf(&removed, "DELETE FROM %s WHERE id = %d;\n", of.name, first)
		gone = append(gone, nodeid.ID(first).String())
		var names, values []string
		for _, name := range of.columns {
			value := `"` + name + `"`
			unique := column(t, database, fmt.Sprintf("SELECT 1 FROM pragma_index_list('%s') l JOIN pragma_index_info(l.name) i WHERE l.\"unique\" AND i.name = '%s'", of.name, name))
			switch {
			case name == "id":
				value = fmt.Sprint(last + 1)
			case len(unique) > 0:
				value = other(name)
			}
			names, values = append(names, `"`+name+`"`), append(values, value)
		}
		fmt.Fprintf(&inserted, "INSERT INTO %s (%s) SELECT %s FROM %[1]s WHERE id = %[4]d;\n", of.name, strings.Join(names, ", "), strings.Join(values, ", "), first)
		added = append(added, nodeid.ID(last+1).String())
		if len(of.ids) > 1 {
			fmt.Fprintf(&swapped, "UPDATE %[1]s SET id = -1 WHERE id = %[2]d;\nUPDATE %[1]s SET id = %[2]d WHERE id = %[3]d;\nUPDATE %[1]s SET id = %[3]d WHERE id = -1;\n", of.name, first, last)
			moved = append(moved, nodeid.ID(first).String(), nodeid.ID(last).String())
		}
	}
	for problem, tc := range map[string]struct {
		statements string
		rows       []string
	}{
		"is gone, and no event says that it was removed": {removed.String(), gone},
		"is in no event: it was not made by this":        {inserted.String(), added},
		"is not what aud_":                               {swapped.String(), moved},
	} {
		v := tampered(t, binary, database, tc.statements)
		for _, row := range tc.rows {
			if !v.names(row, problem) {
				t.Errorf("nobody says that %s %s", row, problem)
			}
		}
		if len(v.Problems) != len(tc.rows) || v.First != "" {
			t.Errorf("%d rows, and %d problems are told: %q", len(tc.rows), len(v.Problems), v.Problems)
		}
	}
	t.Logf("%d columns of %d tables", changed, len(tables))
}

var placeInChain = regexp.MustCompile(`^aud_(\d+)`)

// TestEventsChangedByTheShell: whatever the sqlite3 program does to the chain of
// events, audit verify names the event.
func TestEventsChangedByTheShell(t *testing.T) {
	sqlite3(t) // before anything else is done
	binary := ownServer(t)
	database := onShelf(t, binary)
	events := exported(t, binary, database)
	id := func(n int) int64 { return int64(nodeid.New(nodeid.AuditEvent, uint32(n))) }
	last := len(events)
	for _, action := range []string{"CREATE", "UPDATE", "CORRECT", "READ", "START", "STOP", "LOGIN", "REFUSED"} {
		if !slices.ContainsFunc(events, func(e event) bool { return e.Action == action }) {
			t.Errorf("no event is %s", action)
		}
	}

	// Each column, in an event of its own.
	columns := column(t, database, "SELECT name FROM pragma_table_info('audit_events') WHERE name <> 'id'")
	const known = 15
	if len(columns) < known {
		t.Fatalf("the columns are %q", columns)
	}
	for _, lowest := range []int{last - 2*len(columns) - 1, 10} { // of late events and of early ones
		var statements strings.Builder
		for i, name := range columns {
			fmt.Fprintf(&statements, "UPDATE audit_events SET %q = %s WHERE id = %d;\n", name, other(name), id(lowest+2*i))
		}
		v := tampered(t, binary, database, statements.String())
		for i, name := range columns {
			if at := fmt.Sprint("aud_", lowest+2*i); !v.names(at, "is not what was written") {
				t.Errorf("another %s of %s is not told: %q", name, at, v.Problems)
			}
		}
		if want := fmt.Sprint("aud_", lowest); v.First != want {
			t.Errorf("the first at fault is %s, want %s", v.First, want)
		}
		// What is whole is not called changed.
		for _, problem := range v.Problems {
			if found := placeInChain.FindStringSubmatch(problem); found != nil && strings.Contains(problem, "is not what was written") {
				n, err := strconv.Atoi(found[1])
				if err != nil || (n-lowest)%2 != 0 || n < lowest || n >= lowest+2*len(columns) {
					t.Errorf("nobody has touched what is told of: %s", problem)
				}
			}
		}
	}

	others := strings.Join(columns, ", ")
	// A read is of no row: to take one away leaves the rows as their last events say.
	reading := slices.IndexFunc(events, func(e event) bool { return e.Action == "READ" }) + 1
	changing := slices.IndexFunc(events, func(e event) bool { return e.Action == "CORRECT" }) + 1
	atEnd := last - 1 // what comes after the last change of a row
	for atEnd > 0 && events[atEnd].Entity == "" {
		atEnd--
	}
	atEnd += 2
	cut := func(from int) string {
		return fmt.Sprintf("DELETE FROM audit_events WHERE id >= %d;\nDELETE FROM audit_subjects WHERE event_id >= %[1]d;\n", id(from))
	}
	uncount := func(to int) string {
		return fmt.Sprintf("UPDATE sqlite_sequence SET seq = %d WHERE name = 'audit_events';\n", id(to))
	}
	name := func(n int) string { return fmt.Sprint("aud_", n) }
	for what, tc := range map[string]struct {
		statements   string
		more         []string
		event, wrong string
		first        string
	}{
		"id changed":             {statements: fmt.Sprintf("UPDATE audit_events SET id = id + 1000003 WHERE id = %d;\n", id(20)), event: "aud_20", wrong: "is missing", first: "aud_20"},
		"a change removed":       {statements: fmt.Sprintf("DELETE FROM audit_events WHERE id = %d;\n", id(changing)), event: name(changing), wrong: "is missing", first: name(changing)},
		"a read removed":         {statements: fmt.Sprintf("DELETE FROM audit_events WHERE id = %d;\nDELETE FROM audit_subjects WHERE event_id = %[1]d;\n", id(reading)), event: name(reading), wrong: "is missing", first: name(reading)},
		"one of another added":   {statements: fmt.Sprintf("INSERT INTO audit_events (id, %s) SELECT %[2]d, %[1]s FROM audit_events WHERE id = %[3]d;\n", others, id(last+1), id(20)), event: name(last + 1), wrong: "is not what was written", first: name(last + 1)},
		"one in front":           {statements: fmt.Sprintf("INSERT INTO audit_events (id, %s) SELECT %[2]d, %[1]s FROM audit_events WHERE id = %[3]d;\n", others, id(0), id(20)), event: "the beginning", wrong: "has no place in the chain", first: "aud_0"},
		"one that follows":       {statements: fmt.Sprintf("INSERT INTO audit_events (id, at, action, previous, hash) SELECT id + 1, at, 'STOP', hash, x'%064d' FROM audit_events WHERE id = %d;\n", 7, id(last)), event: name(last + 1), wrong: "is not what was written", first: name(last + 1)},
		"two swapped":            {statements: fmt.Sprintf("UPDATE audit_events SET id = -1 WHERE id = %[1]d;\nUPDATE audit_events SET id = %[1]d WHERE id = %[2]d;\nUPDATE audit_events SET id = %[2]d WHERE id = -1;\n", id(30), id(31)), event: "aud_30", wrong: "is not what was written", first: "aud_30"},
		"all moved by one":       {statements: fmt.Sprintf("DELETE FROM audit_events WHERE id = %d;\nUPDATE audit_events SET id = -id WHERE id > %[1]d;\nUPDATE audit_events SET id = -id - 1 WHERE id < 0;\n", id(40)) + uncount(last-1), event: "aud_40", wrong: "is not what was written", first: "aud_40"},
		"the last ones removed":  {statements: cut(last - 2), event: name(last - 2), wrong: "to " + name(last) + ", the last, are missing", first: name(last - 2)},
		"the last one removed":   {statements: cut(last), event: name(last) + ",", wrong: "the last, is missing", first: name(last)},
		"all removed":            {statements: cut(1), event: "aud_1", wrong: "the last, are missing", first: "aud_1"},
		"a resident unlisted":    {statements: fmt.Sprintf("DELETE FROM audit_subjects WHERE event_id = %d;\n", id(reading)), event: name(reading), wrong: "is not listed under every resident", first: ""},
		"a resident listed":      {statements: fmt.Sprintf("INSERT INTO audit_subjects SELECT max(id) + 1, %d FROM residents;\n", id(reading)), event: name(reading), wrong: "is listed under a resident whom it is not about", first: ""},
		"changes cut, uncounted": {statements: cut(changing) + uncount(changing-1), event: strings.ReplaceAll(events[changing-1].Entity, " ", ""), wrong: "is not what aud_", first: ""},
		// Nothing in the file tells of this one: a hash that was kept elsewhere does.
		"reads cut, uncounted, and the head is known": {
			statements: cut(atEnd) + uncount(atEnd-1), more: []string{"--expect-head", events[last-1].Hash},
			event: "no event has the hash " + events[last-1].Hash + ",", wrong: "its end was cut off or written anew", first: "",
		},
	} {
		t.Run(what, func(t *testing.T) {
			v := tampered(t, binary, database, tc.statements, tc.more...)
			if !v.names(tc.event, tc.wrong) {
				t.Errorf("nobody says that %s %s: %q", tc.event, tc.wrong, v.Problems)
			}
			if v.First != tc.first {
				t.Errorf("the first at fault is %q, want %q", v.First, tc.first)
			}
		})
	}
	// What docs/audit.md says that is not seen without a hash from before.
	if atEnd > last {
		t.Fatal("the chain does not end with events that are of no row")
	}
	if v := tampered(t, binary, database, cut(atEnd)+uncount(atEnd-1)); !v.OK {
		t.Errorf("docs/audit.md says that this is not seen: %q", v.Problems)
	}
	// A backup's manifest has such a hash.
	backups := filepath.Join(t.TempDir(), "backups")
	does(t, binary, "backup", "--database", database, "--backups", backups)
	copies, err := filepath.Glob(filepath.Join(backups, "*.db"))
	if err != nil || len(copies) != 1 {
		t.Fatal(copies, err)
	}
	shell(t, copies[0], "BEGIN;\n"+cut(atEnd)+uncount(atEnd-1)+"COMMIT;\n")
	code, out, log := command(t, binary, "audit", "verify", copies[0])
	if code != 65 || !strings.Contains(out, "no event has the hash "+events[last-1].Hash) {
		t.Errorf("of the backup: exit code %d: %s%s", code, out, log)
	}
}
