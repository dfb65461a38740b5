package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/allergy"
	"carehome/ent/auditevent"
	"carehome/ent/wellness"
	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/requestid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// chain reads all events of a file.
func chain(t testing.TB, path string) (all []audit.Event) {
	t.Helper()
	if err := Events(t.Context(), path, 0, func(e *audit.Event) error { all = append(all, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSound checks that nothing is wrong with a chain, and returns what was found.
func wantSound(t testing.TB, path string, heads ...scalar.Digest) AuditReport {
	t.Helper()
	report, err := Audit(t.Context(), path, heads...)
	if err != nil || report.Rows < 200 || report.Events == 0 {
		t.Fatalf("%d events, %d rows, %v: %q", report.Events, report.Rows, err, report.Problems)
	}
	return report
}

func first(about nodeid.Residents) nodeid.ID {
	if len(about) == 0 {
		return 0
	}
	return about[0]
}

func TestEventsFollowTheRows(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	s := mustOpen(t, o)
	old := wantSound(t, o.Database)
	if n := peek(t, o.Database, "SELECT count(*) FROM audit_events WHERE action <> 'BASELINE' OR residents IS NULL AND entity_id >> 32 = 12"); n > 0 {
		t.Errorf("%d rows from before the chain are told of otherwise", n)
	}
	system := viewer.With(t.Context(), viewer.System())
	check, err := s.Client().Wellness.Query().Order(wellness.ByID()).First(system)
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Client().StaffUser.Query().FirstID(system)
	if err != nil {
		t.Fatal(err)
	}
	nurse := viewer.With(t.Context(), viewer.Viewer{ID: who, Role: viewer.Nurse, Key: nodeid.New(nodeid.APIKey, 3)})
	nurse = audit.WithOperation(requestid.With(nurse, "r-1"), "changeThem")
	var made nodeid.ID
	err = s.Write(nurse, func(ctx context.Context, client *ent.Client) error {
		audit.Because(ctx, "for \"a\" reason, §")
		audit.Mark(ctx, check.ID, audit.Correct)
		row, err := client.Wellness.Create().SetResidentID(check.ResidentID).SetTakenAt(check.TakenAt).SetEnergy(5).Save(ctx)
		if err != nil {
			return err
		}
		made = row.ID
		if err := client.Wellness.UpdateOneID(made).SetEnergy(6).Exec(ctx); err != nil {
			return err
		}
		return client.Wellness.UpdateOneID(check.ID).SetEnergy(6).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	contact, err := s.Client().ResidentContact.Query().First(system)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(system, func(ctx context.Context, client *ent.Client) error {
		if err := audit.Add(ctx, audit.Event{Action: audit.Login, Actor: who, Role: "NURSE"}); err != nil {
			return err
		}
		return client.ResidentContact.DeleteOneID(contact.ID).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	undone := errors.New("undone")
	err = s.Write(nurse, func(ctx context.Context, client *ent.Client) error {
		return errors.Join(client.Wellness.UpdateOneID(check.ID).SetEnergy(9).Exec(ctx), undone)
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), []audit.Event{{Action: audit.Read, Actor: who, Role: "NURSE", Residents: nodeid.Residents{check.ResidentID, check.ResidentID + 1}}}); err != nil {
		t.Fatal(err)
	}
	type short struct {
		action                  audit.Action
		actor, entity, resident nodeid.ID
		version                 int64
		before, after           bool
	}
	var got []short
	events := chain(t, o.Database)[old.Events:]
	for _, e := range events {
		got = append(got, short{e.Action, e.Actor, e.Entity, first(e.Residents), e.Version, e.Before != nil, e.After != nil})
	}
	want := []short{
		{audit.Correct, who, check.ID, check.ResidentID, 2, true, true},
		{audit.Create, who, made, check.ResidentID, 2, false, true},
		{audit.Delete, 0, contact.ID, contact.ResidentID, 0, true, false},
		{audit.Login, who, 0, 0, 0, false, false},
		{audit.Read, who, 0, check.ResidentID, 0, false, false},
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	if e := events[0]; e.Reason != "for \"a\" reason, §" || e.Request != "r-1" || e.Operation != "changeThem" || e.Key != nodeid.New(nodeid.APIKey, 3) || e.Role != "NURSE" {
		t.Errorf("got %s", e.Export())
	}
	now := wantSound(t, o.Database, old.Head.Hash)
	if now.Events != old.Events+int64(len(want)) || now.Head.Hash != events[len(events)-1].Hash {
		t.Errorf("%d events, the last %v", now.Events, now.Head)
	}
	if _, err := Verify(t.Context(), o.Database); err != nil {
		t.Error(err)
	}
	// The next start goes on where this one ends.
	mustClose(t, s)
	s = mustOpen(t, o)
	err = s.Write(nurse, func(ctx context.Context, client *ent.Client) error {
		return client.Wellness.UpdateOneID(check.ID).SetEnergy(7).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := wantSound(t, o.Database, now.Head.Hash); last.Events != now.Events+1 {
		t.Errorf("%d events", last.Events)
	}
}

// What the chain is for: whatever is done to the file by other means is named.
func TestAuditNamesWhatWasMeddledWith(t *testing.T) {
	t.Parallel()
	const (
		checkID = "(SELECT min(id) FROM wellnesses)"
		third   = "(SELECT min(id) + 2 FROM audit_events)"
		last    = "(SELECT max(id) FROM audit_events)"
	)
	tests := map[string]struct {
		statements []string
		// first is the event at fault, by its place from the beginning, or from the
		// end where it is negative; 0 for none.
		first int
		want  string
	}{
		"ErrEventChanged":     {[]string{"UPDATE audit_events SET reason = 'none' WHERE id = " + third}, 3, "is not what was written"},
		"ErrEventsDigest":     {[]string{"UPDATE audit_events SET after = zeroblob(32) WHERE id = " + third}, 3, "its last event, says"},
		"ErrEventsType":       {[]string{"UPDATE audit_events SET entity_version = 'two' WHERE id = " + third}, 3, "is not what was written"},
		"ErrEventCleared":     {[]string{"UPDATE audit_events SET reason = '' WHERE id = " + third}, 3, "is not what was written"},
		"ErrEventsTime":       {[]string{"UPDATE audit_events SET at = '2020-01-01T00:00:00.000Z' WHERE id = " + third}, 3, "is not what was written"},
		"ErrHashChanged":      {[]string{"UPDATE audit_events SET hash = zeroblob(32) WHERE id = " + third}, 3, "does not follow from"},
		"ErrEventRemoved":     {[]string{"DELETE FROM audit_events WHERE id = " + third}, 3, "is missing"},
		"ErrEventsRemoved":    {[]string{"DELETE FROM audit_events WHERE id >= " + third + " AND id < 3 + " + third}, 3, "are missing"},
		"ErrFirstRemoved":     {[]string{"DELETE FROM audit_events WHERE id = (SELECT min(id) FROM audit_events)"}, 1, "is missing"},
		"ErrLastRemoved":      {[]string{"DELETE FROM audit_events WHERE id = " + last}, -1, "the last, is missing"},
		"ErrAllRemoved":       {[]string{"DELETE FROM audit_events"}, 1, "the last, are missing"},
		"ErrEventInserted":    {[]string{"INSERT INTO audit_events (at, action, previous, hash) SELECT at, action, hash, zeroblob(32) FROM audit_events WHERE id = " + last}, -1, "is not what was written"},
		"ErrEventElsewhere":   {[]string{"INSERT INTO audit_events (id, at, action, previous, hash) VALUES (7, '', 'READ', x'', x'')"}, 0, "has no place in the chain"},
		"ErrEventsSwapped":    {[]string{"UPDATE audit_events SET id = -1 WHERE id = " + third, "UPDATE audit_events SET id = id + 1 WHERE id = (SELECT min(id) + 1 FROM audit_events WHERE id > 0)", "UPDATE audit_events SET id = (SELECT min(id) + 1 FROM audit_events WHERE id > 0) WHERE id = -1"}, 2, "is not what was written"},
		"ErrSubjectsRemoved":  {[]string{"DELETE FROM audit_subjects WHERE event_id = " + last}, 0, "is not listed under every resident whom it is about"},
		"ErrSubjectChanged":   {[]string{"UPDATE audit_subjects SET resident_id = resident_id + 7 WHERE event_id = " + last}, 0, "is listed under a resident whom it is not about"},
		"ErrRowChanged":       {[]string{"UPDATE wellnesses SET energy = energy % 10 + 1 WHERE id = " + checkID}, 0, "its last event, says"},
		"ErrRowAndItsDigest":  {[]string{"UPDATE prescriptions SET dose_amount = 9990000 WHERE id = (SELECT min(id) FROM prescriptions)", "UPDATE row_digests SET digest = zeroblob(32) WHERE id = (SELECT min(id) FROM prescriptions)"}, 0, "prx_1 (prescriptions) is not what aud_"},
		"ErrRowRemoved":       {[]string{"DELETE FROM wellnesses WHERE id = " + checkID}, 0, "is gone, and no event says"},
		"ErrRowInserted":      {[]string{"INSERT INTO resident_contacts (created_at, updated_at, version, name, relationship, resident_id) SELECT created_at, updated_at, 1, 'x', 'CHILD', id FROM residents LIMIT 1"}, 0, "is in no event"},
		"ErrRowsSwapped":      {[]string{"UPDATE wellnesses SET id = -1 WHERE id = " + checkID, "UPDATE wellnesses SET id = (SELECT min(id) - 1 FROM wellnesses WHERE id > 0) WHERE id = (SELECT min(id) FROM wellnesses WHERE id > 0)", "UPDATE wellnesses SET id = 1 + (SELECT min(id) FROM wellnesses WHERE id > 0) WHERE id = -1"}, 0, "its last event, says"},
		"ErrRemovedRowIsBack": {[]string{"INSERT INTO resident_contacts (id, created_at, updated_at, version, name, relationship, resident_id) SELECT (SELECT entity_id FROM audit_events WHERE action = 'DELETE'), created_at, updated_at, 1, 'x', 'CHILD', id FROM residents LIMIT 1"}, 0, "is there, though"},
	}
	packed := digestedHome(t)
	s := mustOpen(t, packed)
	system := viewer.With(t.Context(), viewer.System())
	err := s.Write(system, func(ctx context.Context, client *ent.Client) error {
		contact, err := client.ResidentContact.Query().FirstID(ctx)
		if err != nil {
			return err
		}
		return client.ResidentContact.DeleteOneID(contact).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	sound := wantSound(t, packed.Database)
	t.Run("all", func(t *testing.T) { // so that the file stays until the last is done
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "home.db")
				if err := duplicate(packed.Database, path); err != nil {
					t.Fatal(err)
				}
				meddle(t, path, append([]string{"PRAGMA foreign_keys = 0"}, test.statements...)...)
				report, err := Audit(t.Context(), path)
				if !errors.Is(err, ErrDamaged) || !strings.Contains(strings.Join(report.Problems, "\n"), test.want) {
					t.Fatalf("got %v: %q", err, report.Problems)
				}
				first := audit.Empty().ID + nodeid.ID(test.first)
				if test.first < 0 {
					first = sound.Head.ID + 1 + nodeid.ID(test.first)
					if strings.Contains(test.want, "not what") { // what was inserted comes after it
						first++
					}
				}
				if test.first != 0 && report.First != first {
					t.Errorf("the first at fault is %v, want %v: %q", report.First, first, report.Problems)
				}
				if test.first == 0 && strings.Contains(test.want, "event") && report.First != 0 {
					t.Errorf("the chain is at fault: %q", report.Problems)
				}
			})
		}
	})
}

// Each table that has rows, in each of the ways that the shell of SQLite has.
func TestAuditNamesRowsOfEveryTable(t *testing.T) {
	t.Parallel()
	packed := digestedHome(t)
	st := mustOpen(t, packed)
	err := st.Write(viewer.With(t.Context(), viewer.System()), func(ctx context.Context, client *ent.Client) error {
		who, err := client.Resident.Query().FirstID(ctx)
		for _, substance := range []string{"nuts", "latex"} {
			if err == nil {
				err = client.Allergy.Create().SetResidentID(who).SetSubstance(substance).SetDisplay(substance).SetCategory(allergy.CategoryFood).Exec(ctx)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, st)
	wantSound(t, packed.Database)
	db, err := sql.Open("sqlite3", packed.Database)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDigester(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	filled := map[string][]string{} // the columns, by table
	for table := range d.texts {
		if rows, err := column(t.Context(), db, "SELECT id FROM "+quote(table)+" LIMIT 3"); err != nil || len(rows) < 2 {
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		filled[table], err = column(t.Context(), db, "SELECT name FROM pragma_table_info("+literal(table)+") WHERE name <> 'id' ORDER BY cid")
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"residents", "allergies", "prescriptions", "wellnesses", "activity_participations"} {
		if filled[table] == nil {
			t.Errorf("%s has no rows, so that nothing can be done to them", table)
		}
	}
	const two = "(SELECT min(id) FROM %[1]s), (SELECT min(id) FROM %[1]s WHERE id > (SELECT min(id) FROM %[1]s))"
	t.Run("all", func(t *testing.T) { // so that the file stays until the last is done
		for table, columns := range filled {
			name := quote(table)
			names := ""
			for _, c := range columns {
				names += ", " + quote(c)
			}
			for how, act := range map[string]struct{ statement, want string }{
				"Changed": {"UPDATE %[1]s SET updated_at = '2020-01-01T00:00:00.000Z' WHERE id = (SELECT min(id) FROM %[1]s)", "its last event, says"},
				"Removed": {"DELETE FROM %[1]s WHERE id = (SELECT max(id) FROM %[1]s)", "is gone, and no event says"},
				"Swapped": {"CREATE TEMP TABLE both AS SELECT * FROM %[1]s WHERE id IN (" + two + "); DELETE FROM %[1]s WHERE id IN (SELECT id FROM both);" +
					" INSERT INTO %[1]s (id%[2]s) SELECT (SELECT sum(id) FROM both) - id%[2]s FROM both", "its last event, says"},
				"Inserted": {"CREATE TEMP TABLE one AS SELECT * FROM %[1]s WHERE id = (SELECT min(id) FROM %[1]s);" +
					" INSERT INTO %[1]s (id%[2]s) SELECT id + 1000000%[2]s FROM one", "is in no event"},
			} {
				t.Run(table+how, func(t *testing.T) {
					t.Parallel()
					path := filepath.Join(t.TempDir(), "home.db")
					if err := duplicate(packed.Database, path); err != nil {
						t.Fatal(err)
					}
					db, err := sql.Open("sqlite3", path)
					if err != nil {
						t.Fatal(err)
					}
					conn, err := db.Conn(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					statements := []string{"PRAGMA foreign_keys = 0"}
					// A copy of a row would break what must be unique of it.
					indexes, err := column(t.Context(), conn, "SELECT name FROM pragma_index_list("+literal(table)+") WHERE \"unique\" AND origin = 'c'")
					if err != nil {
						t.Fatal(err)
					}
					for _, index := range indexes {
						statements = append(statements, "DROP INDEX "+quote(index))
					}
					for _, s := range append(statements, fmt.Sprintf(act.statement, name, names)) {
						if _, err := conn.ExecContext(t.Context(), s); err != nil {
							t.Fatalf("%s: %v", s, err)
						}
					}
					if err := errors.Join(conn.Close(), db.Close()); err != nil {
						t.Fatal(err)
					}
					report, err := Audit(t.Context(), path)
					if !errors.Is(err, ErrDamaged) || !strings.Contains(strings.Join(report.Problems, "\n"), act.want) {
						t.Errorf("got %v: %q", err, report.Problems)
					}
				})
			}
		}
	})
}

// Who cuts off the end cleverly leaves nothing behind to see, but for whoever has
// noted where the chain once ended: as each backup's manifest does.
func TestAHeadShowsThatTheEndWasCutOff(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	s := mustOpen(t, o)
	read := func(n int) {
		t.Helper()
		if err := s.Record(t.Context(), slices.Repeat([]audit.Event{{Action: audit.Read}}, n)); err != nil {
			t.Fatal(err)
		}
	}
	read(3)
	made, err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "backups"))
	if err != nil || made.Audit == nil {
		t.Fatalf("%+v, %v", made, err)
	}
	read(2)
	mustClose(t, s)
	wantSound(t, o.Database, made.Audit.Hash)
	meddle(t, o.Database, fmt.Sprintf("DELETE FROM audit_events WHERE id >= %d", made.Audit.ID),
		fmt.Sprintf("UPDATE sqlite_sequence SET seq = %d WHERE name = 'audit_events'", made.Audit.ID-1))
	wantSound(t, o.Database)
	report, err := Audit(t.Context(), o.Database, made.Audit.Hash)
	if !errors.Is(err, ErrDamaged) || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], made.Audit.Hash.String()) {
		t.Errorf("got %v: %q", err, report.Problems)
	}
}

// A row that was damaged before the chain began is not taken for sound by it.
func TestTheChainBeginsWithWhatWasWritten(t *testing.T) {
	t.Parallel()
	const first = "CREATE TABLE resident (id integer NOT NULL PRIMARY KEY, name text NOT NULL);\nCREATE TABLE row_digests (id integer NOT NULL PRIMARY KEY, digest blob NOT NULL);\n"
	const events = "CREATE TABLE audit_events (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, at text NOT NULL, action text NOT NULL, role text, key_id integer, entity_id integer, residents text, entity_version integer, before blob, after blob, reason text, request_id text, operation text, previous blob NOT NULL, hash blob NOT NULL, actor_id integer);\n" +
		"CREATE TABLE audit_subjects (resident_id integer NOT NULL, event_id integer NOT NULL, PRIMARY KEY (resident_id, event_id)) WITHOUT ROWID;\n" +
		"INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_events', 85899345920);\n"
	o := options(t)
	o.migrations = migrations(first)
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	mustInsert(t, s, "Bea")
	mustClose(t, s)
	meddle(t, o.Database, "UPDATE resident SET name = 'Eve' WHERE name = 'Ada'")
	o.migrations = migrations(first, events)
	mustClose(t, mustOpen(t, o))
	problems := func(want ...string) {
		t.Helper()
		report, err := Audit(t.Context(), o.Database)
		if (err == nil) != (len(want) == 0) || len(report.Problems) != len(want) || report.Rows != 2 {
			t.Fatalf("got %v: %q", err, report.Problems)
		}
		for i := range want {
			if !strings.Contains(report.Problems[i], want[i]) {
				t.Errorf("got %q, want %q", report.Problems[i], want[i])
			}
		}
	}
	problems("is not what aud_1, its last event, says")
	// A migration that changes rows tells of it.
	o.migrations = migrations(first, events, "ALTER TABLE resident ADD COLUMN room text NOT NULL DEFAULT 'none';\n")
	s = mustOpen(t, o)
	problems("is not what aud_1, its last event, says")
	all := chain(t, o.Database)
	if len(all) != 3 || all[0].Action != audit.Baseline || all[2].Action != audit.Migrate || all[2].Before == nil || *all[2].Before != *all[1].After {
		t.Errorf("%d events", len(all))
	}
	// Whoever writes the row anew takes it as it is.
	err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.Exec(ctx, "UPDATE resident SET name = 'Ada' WHERE name = 'Eve'", []any{}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	problems()
}

func TestEventsAreOnlyAdded(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	s := mustOpen(t, o)
	before := wantSound(t, o.Database)
	for name, statement := range map[string]string{
		"ErrUpdate": "UPDATE audit_events SET reason = 'x' WHERE id = (SELECT max(id) FROM audit_events)",
		"ErrDelete": "DELETE FROM audit_events WHERE id = (SELECT max(id) FROM audit_events)",
		"ErrInsert": "INSERT INTO audit_events (at, action, previous, hash) VALUES ('', 'READ', x'', x'')",
	} {
		err := s.write(t.Context(), func(ctx context.Context, tx *tx) error { return tx.Exec(ctx, statement, []any{}, nil) })
		if !errors.Is(err, errMeddled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	system := viewer.With(t.Context(), viewer.System())
	for name, change := range map[string]func(context.Context, *ent.Client) error{
		"ErrCreate": func(ctx context.Context, c *ent.Client) error {
			return c.AuditEvent.Create().SetAction(auditevent.ActionRead).SetAt(scalar.Now(ctx)).Exec(ctx)
		},
		"ErrUpdate": func(ctx context.Context, c *ent.Client) error {
			return c.AuditEvent.Update().Exec(ctx)
		},
		"ErrDelete": func(ctx context.Context, c *ent.Client) error {
			_, err := c.AuditEvent.Delete().Exec(ctx)
			return err
		},
	} {
		if err := s.Write(system, change); err == nil {
			t.Errorf("ent: %s", name)
		}
	}
	if after := wantSound(t, o.Database); after.Head != before.Head {
		t.Errorf("the chain ends at %v, was %v", after.Head, before.Head)
	}
	// An event that somebody has forged where the next belongs stops nobody, and is
	// named.
	if err := s.Record(t.Context(), []audit.Event{{Action: audit.Read}}); err != nil {
		t.Fatal(err)
	}
	meddle(t, o.Database, "INSERT INTO audit_events (at, action, previous, hash) VALUES ('', 'READ', x'', x'')")
	if err := s.Record(t.Context(), []audit.Event{{Action: audit.Read}}); err != nil {
		t.Errorf("the chain has come to a halt: %v", err)
	}
	report, err := Audit(t.Context(), o.Database)
	if !errors.Is(err, ErrDamaged) || report.First != before.Head.ID+2 {
		t.Errorf("the forged event: %+v, %v", report, err)
	}
}

// BenchmarkEvents is what events cost a change of one row, beneath the graph and
// without waiting for a sync; and a read of 50 residents in a batch of a thousand.
func BenchmarkEvents(b *testing.B) {
	for _, name := range []string{"with", "without"} {
		b.Run(name, func(b *testing.B) {
			s := mustOpen(b, digestedHome(b))
			if name == "without" {
				s.writer.trail = nil
			}
			ctx := viewer.With(b.Context(), viewer.System())
			check, err := s.Client().Wellness.Query().Order(wellness.ByID()).First(ctx)
			if err != nil {
				b.Fatal(err)
			}
			for i := range b.N {
				err := s.Write(ctx, func(ctx context.Context, client *ent.Client) error {
					return client.Wellness.Create().SetResidentID(check.ResidentID).SetTakenAt(check.TakenAt).
						SetEnergy(i%10 + 1).SetPulse(60 + i%40).SetNotes("slept well, ate well").Exec(ctx)
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("reads", func(b *testing.B) {
		s := mustOpen(b, digestedHome(b))
		const batch = 1000
		events := make([]audit.Event, batch)
		var about nodeid.Residents
		for i := range 50 {
			about = append(about, nodeid.New(nodeid.Resident, uint32(1+i)))
		}
		for i := range events {
			events[i] = audit.Event{
				At: scalar.At(time.Unix(int64(i), 0)).String(), Action: audit.Read, Actor: nodeid.New(nodeid.StaffUser, 1), Role: "NURSE",
				Residents: about, Request: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Operation: "residents",
			}
		}
		for range b.N/batch + 1 {
			if err := s.Record(b.Context(), events); err != nil {
				b.Fatal(err)
			}
		}
	})
}
