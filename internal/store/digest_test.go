package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"carehome/ent"
	"carehome/ent/wellness"
	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// digestedHome is a made-up home with digests, closed.
func digestedHome(t testing.TB) Options {
	t.Helper()
	o := Options{Database: released(t, "testdata/0001_core.db.gz"), Durability: RelaxedDurability}
	mustClose(t, mustOpen(t, o))
	return o
}

// meddle changes a database behind the store's back.
func meddle(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDigestsFollowTheRows(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	s := mustOpen(t, o)
	ctx := viewer.With(t.Context(), viewer.System())
	sound := func(what string) {
		t.Helper()
		if report, err := Verify(t.Context(), o.Database); err != nil || report.Rows < 200 {
			t.Fatalf("%s: %d rows, %v", what, report.Rows, err)
		}
	}
	sound("upgraded")
	write := func(what string, fn func(ctx context.Context, client *ent.Client) error) {
		t.Helper()
		if err := s.Write(ctx, fn); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sound(what)
	}
	check, err := s.Client().Wellness.Query().Order(wellness.ByID()).First(ctx)
	if err != nil {
		t.Fatal(err)
	}
	write("changed", func(ctx context.Context, client *ent.Client) error {
		return client.Wellness.UpdateOneID(check.ID).SetNotes("it's changed\nto two lines").Exec(ctx)
	})
	write("changed twice and made", func(ctx context.Context, client *ent.Client) error {
		if err := client.Wellness.UpdateOneID(check.ID).SetEnergy(3).Exec(ctx); err != nil {
			return err
		}
		if err := client.Wellness.UpdateOneID(check.ID).SetEnergy(4).ClearPulse().Exec(ctx); err != nil {
			return err
		}
		return client.Wellness.Create().SetResidentID(check.ResidentID).SetTakenAt(check.TakenAt).SetEnergy(5).Exec(ctx)
	})
	undone := errors.New("undone")
	err = s.Write(ctx, func(ctx context.Context, client *ent.Client) error {
		return errors.Join(client.Wellness.UpdateOneID(check.ID).SetEnergy(9).Exec(ctx), undone)
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	sound("undone")
	// A row that goes because its parent does has no builder of its own.
	digests := peek(t, o.Database, "SELECT count(*) FROM row_digests")
	contacts := peek(t, o.Database, "SELECT count(*) FROM resident_contacts")
	if contacts == 0 {
		t.Fatal("there are no contacts")
	}
	err = s.write(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.Exec(ctx, "PRAGMA defer_foreign_keys = 1", []any{}, nil); err != nil {
			return err
		}
		for _, table := range []string{"activity_participations", "allergies", "prescriptions", "wellnesses", "residents"} {
			if err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE id > 0", []any{}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := peek(t, o.Database, "SELECT count(*) FROM resident_contacts"); got != 0 {
		t.Errorf("%d contacts are left", got)
	}
	if report, err := Verify(t.Context(), o.Database); err != nil || report.Rows > digests-contacts {
		t.Errorf("removed: %d rows of %d, %v", report.Rows, digests, err)
	}
}

func TestVerifyNamesDamagedRows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ statement, want string }{
		"ErrChanged":  {"UPDATE prescriptions SET dose_amount = dose_amount * 10 WHERE id = (SELECT min(id) FROM prescriptions WHERE dose_amount > 0)", "is not what was written"},
		"ErrCleared":  {"UPDATE wellnesses SET pulse = NULL WHERE id = (SELECT min(id) FROM wellnesses WHERE pulse > 0)", "is not what was written"},
		"ErrGone":     {"DELETE FROM wellnesses WHERE id = (SELECT min(id) FROM wellnesses)", "is gone"},
		"ErrNoDigest": {"DELETE FROM row_digests WHERE id = (SELECT min(id) FROM wellnesses)", "has no digest"},
		"ErrMoved":    {"UPDATE wellnesses SET id = id + 100000 WHERE id = (SELECT min(id) FROM wellnesses)", "has no digest"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := digestedHome(t)
			meddle(t, o.Database, test.statement)
			report, err := Verify(t.Context(), o.Database)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.want) || len(report.Damaged) == 0 {
				t.Errorf("verify: %v, %q", err, report.Damaged)
			}
			// Such a file may be the best copy that there is.
			copied := filepath.Join(t.TempDir(), "copy.db")
			if report, err := Restore(t.Context(), o.Database, copied); err != nil || len(report.Damaged) == 0 {
				t.Errorf("restore: %v, %q", err, report.Damaged)
			}
			// A write to another row mends nothing, and neither does the next start.
			s := mustOpen(t, o)
			id := nodeid.ID(peek(t, o.Database, "SELECT id FROM wellnesses ORDER BY id LIMIT 1 OFFSET 3"))
			err = s.Write(viewer.With(t.Context(), viewer.System()), func(ctx context.Context, client *ent.Client) error {
				return client.Wellness.UpdateOneID(id).SetEnergy(7).Exec(ctx)
			})
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Verify(t.Context(), o.Database); !errors.Is(err, ErrDamaged) || !slices.Equal(again.Damaged, report.Damaged) {
				t.Errorf("after a write: %v", err)
			}
		})
	}
}

// TestVerifyLeavesTheCopiersTablesAlone: Litestream keeps a count in the database,
// which nobody digests.
func TestVerifyLeavesTheCopiersTablesAlone(t *testing.T) {
	t.Parallel()
	o := digestedHome(t)
	meddle(t, o.Database, "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
	meddle(t, o.Database, "INSERT INTO _litestream_seq (id, seq) VALUES (1, 7)")
	if report, err := Verify(t.Context(), o.Database); err != nil || report.Rows == 0 {
		t.Errorf("verify: %v, %d rows", err, report.Rows)
	}
	s := mustOpen(t, o)
	if drift, err := s.Drift(t.Context()); err != nil || len(drift) > 0 {
		t.Errorf("drift: %q, %v", drift, err)
	}
}

func TestAMigrationDoesNotHideDamage(t *testing.T) {
	t.Parallel()
	const (
		first = "CREATE TABLE resident (id integer NOT NULL PRIMARY KEY, name text NOT NULL);\nCREATE TABLE row_digests (id integer NOT NULL PRIMARY KEY, digest blob NOT NULL);\n"
		next  = "ALTER TABLE resident ADD COLUMN room text NOT NULL DEFAULT 'none';\n"
	)
	o := options(t)
	o.migrations = migrations(first)
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	mustInsert(t, s, "Bea")
	mustClose(t, s)
	meddle(t, o.Database, "UPDATE resident SET name = 'Eve' WHERE name = 'Ada'")
	o.migrations = migrations(first, next)
	mustOpen(t, o)
	report, err := Verify(t.Context(), o.Database)
	if !errors.Is(err, ErrDamaged) || len(report.Damaged) != 1 || report.Rows != 2 {
		t.Errorf("verify: %v, %q", err, report.Damaged)
	}
}

// SQLite alone lets about one in ten such changes pass.
func TestFlippedBitsAreFound(t *testing.T) {
	t.Parallel()
	const flips, checks = 300, 1500
	o := digestedHome(t)
	s := mustOpen(t, o)
	ctx := viewer.With(t.Context(), viewer.System())
	first, err := s.Client().Wellness.Query().Order(wellness.ByID()).First(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write(ctx, func(ctx context.Context, client *ent.Client) error {
		for i := range checks {
			if err := client.Wellness.Create().SetResidentID(first.ResidentID).SetTakenAt(first.TakenAt).
				SetEnergy(i%10 + 1).SetPulse(50 + i%90).SetNotes("took a walk in the garden and slept well after it").Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	sound, err := os.ReadFile(o.Database)
	if err != nil {
		t.Fatal(err)
	}
	clinical := []string{"wellnesses", "prescriptions", "allergies", "activity_participations", "revisions"}
	content := func(path string) (map[int64]string, error) {
		db := checkDSN(path, true).open(1)
		defer func() { _ = db.Close() }()
		d, err := newDigester(t.Context(), db)
		if err != nil {
			return nil, err
		}
		all := map[int64]string{}
		for _, table := range clinical {
			err := d.read(t.Context(), db, table, d.rows[table], func(c change) { all[int64(c.id)] = c.after.String() })
			if err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	before, err := content(o.Database)
	if err != nil || len(before) < 50 {
		t.Fatalf("%d rows, %v", len(before), err)
	}
	random := rand.New(rand.NewPCG(4, 2))
	path := filepath.Join(t.TempDir(), "flipped.db")
	loud, changed, found, bySQLite := 0, 0, 0, 0
	for range flips {
		flipped := slices.Clone(sound)
		bit := random.IntN(len(flipped) * 8)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		after, err := content(path)
		if err != nil {
			loud++ // whoever reads it is told
			continue
		}
		if maps.Equal(before, after) {
			continue
		}
		changed++
		if _, err := inspect(t.Context(), path, true); err != nil {
			bySQLite++
		}
		if _, err := Verify(t.Context(), path); err != nil {
			found++
		}
	}
	t.Logf("%d flips: %d made the file unreadable, %d changed a clinical row; SQLite's check found %d of these, Verify %d", flips, loud, changed, bySQLite, found)
	if changed < 25 {
		t.Error("hardly any flip changed a row, so nothing was tested")
	}
	if found*100 < changed*99 {
		t.Errorf("%d of %d changes were found", found, changed)
	}
}

// BenchmarkDigest is what keeping digests costs a change of one row, beneath the
// graph and without waiting for a sync.
func BenchmarkDigest(b *testing.B) {
	for _, name := range []string{"with", "without"} {
		b.Run(name, func(b *testing.B) {
			s := mustOpen(b, digestedHome(b))
			if name == "without" {
				s.writer.digests = nil
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
}
