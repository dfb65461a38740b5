package app

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/internal/store"
)

// hand is a clock and a ticker that a test moves.
type hand struct {
	mu    sync.Mutex
	now   time.Time
	ticks chan time.Time
}

func newHand() *hand {
	return &hand{now: time.Date(2026, 3, 29, 8, 0, 0, 0, time.UTC), ticks: make(chan time.Time)}
}

func (h *hand) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) forward(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *hand) ticker(time.Duration) (<-chan time.Time, func()) { return h.ticks, func() {} }

func (h *hand) program() Program { return Program{Clock: h.clock, Ticker: h.ticker} }

func backupsIn(t *testing.T, dir string) []string {
	t.Helper()
	all, err := store.Backups(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, m := range all {
		files = append(files, m.File)
	}
	return files
}

func (r *running) health() (status int, health Health) {
	r.t.Helper()
	status, _, body := r.get("/readyz")
	if err := json.Unmarshal([]byte(body), &health); err != nil {
		r.t.Fatal(err)
	}
	return status, health
}

// TestKeeper: ready with a first backup, one more on each tick and a last one at
// the end; old ones go; a server works beside it.
func TestKeeper(t *testing.T) {
	dir := t.TempDir()
	database, backups := filepath.Join(dir, "home.db"), filepath.Join(dir, "backups")
	h := newHand()
	k := start(t, h.program(), "keeper", "--database", database, "--backups", backups, "--backup-keep", "2", "--backup-days", "0")
	status, health := k.health()
	if status != 200 || health.Status != ready || health.LastBackup == nil || health.LastCheck == nil ||
		!health.LastCheck.OK || !health.LastBackup.At.Equal(h.clock()) || health.LastBackup.Bytes == 0 {
		t.Errorf("got %d %+v", status, health)
	}
	first := backupsIn(t, backups)
	if len(first) != 1 || health.LastBackup.Name != first[0] {
		t.Fatalf("the backups are %v", first)
	}
	server := start(t, Program{}, "--database", database)
	if answer := server.query(newResident); !strings.Contains(answer, `"res_1"`) {
		t.Fatalf("got %s", answer)
	}
	// Copies of other series are nobody's to remove: not those of another database,
	// not the one from before a migration.
	for _, name := range []string{"other-20250101T000000.000Z.db", "home-before-migration-from-0000-20250101T000000.000Z.db"} {
		manifest, err := json.Marshal(store.Manifest{File: name, CreatedAt: h.clock().AddDate(-1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(backups, name+".json"), manifest, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		h.forward(time.Hour)
		h.ticks <- h.clock()
		k.until(func(_ int, health Health) bool { return health.LastBackup.At.Equal(h.clock()) })
	}
	h.forward(time.Hour)
	k.end()
	left := backupsIn(t, backups)
	slices.Sort(left[2:]) // of the same moment
	want := []string{"home-20260329T110000.000Z.db", "home-20260329T100000.000Z.db",
		"home-before-migration-from-0000-20250101T000000.000Z.db", "other-20250101T000000.000Z.db"}
	if !slices.Equal(left, want) {
		t.Errorf("the backups are %v, want %v", left, want)
	}
	for _, gone := range []string{first[0], first[0] + ".json"} {
		if _, err := os.Stat(filepath.Join(backups, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	if n := len(k.log.find(t, "backed up")); n != 4 {
		t.Errorf("%d backups were logged, want 4", n)
	}
	server.end()

	// The last one holds what was written.
	restored := filepath.Join(dir, "restored.db")
	if _, err := store.Restore(t.Context(), filepath.Join(backups, left[0]), restored); err != nil {
		t.Fatal(err)
	}
	again := start(t, Program{}, "--database", restored, "--read-only")
	if answer := again.query(`{ residents { totalCount } }`); !strings.Contains(answer, `"totalCount":1`) {
		t.Errorf("got %s", answer)
	}
}

// TestKeeperDegraded: a backup that fails shows in the health until one succeeds.
func TestKeeperDegraded(t *testing.T) {
	dir := t.TempDir()
	backups := filepath.Join(dir, "backups")
	h := newHand()
	k := start(t, h.program(), "keeper", "--database", filepath.Join(dir, "home.db"), "--backups", backups)
	// A file in the folder's place: no backup can be made, whoever tries.
	if err := os.Rename(backups, backups+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backups, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.forward(time.Hour)
	h.ticks <- h.clock()
	k.until(func(status int, health Health) bool {
		return status == 503 && health.Status == "degraded" &&
			slices.Equal(health.Problems, []string{"The last backup failed; the log says why."}) && health.LastCheck.OK
	})
	if err := os.Remove(backups); err != nil {
		t.Fatal(err)
	}
	h.forward(time.Hour)
	h.ticks <- h.clock()
	k.until(func(status int, health Health) bool {
		return status == 200 && health.Status == ready && health.LastBackup.At.Equal(h.clock()) && len(health.Problems) == 0
	})
	h.forward(time.Hour)
	k.end()
}

// TestKeeperSweeps: what a cut-off backup left goes, one under way stays.
func TestKeeperSweeps(t *testing.T) {
	dir := t.TempDir()
	h := newHand()
	left := map[string]bool{} // name -> may stay
	for name, at := range map[string]time.Time{
		"home-1.db.part":         h.clock().Add(-2 * time.Hour),
		"home-1.db.part-journal": h.clock().Add(-2 * time.Hour),
		"home-1.db.json.part":    h.clock().Add(-2 * time.Hour),
		"home-2.db.part":         h.clock().Add(-10 * time.Minute),
		"film.part":              h.clock().Add(-2 * time.Hour),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte("half"), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		left[name] = name == "home-2.db.part" || name == "film.part"
	}
	k := start(t, h.program(), "keeper", "--database", filepath.Join(t.TempDir(), "home.db"), "--backups", dir)
	for name, want := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: stays is %v, want %v", name, err == nil, want)
		}
	}
	h.forward(time.Second) // the last backup has a name of its own
	k.end()
}

// until asks for the health until it is as wanted.
func (r *running) until(good func(int, Health) bool) {
	r.t.Helper()
	var status int
	var health Health
	for range 10_000 {
		if status, health = r.health(); good(status, health) {
			return
		}
	}
	r.t.Fatalf("the health stays %d %+v\n%s", status, health, r.log)
}

// TestKeeperWaits: two keepers of one database do not work at once; the second
// takes over.
func TestKeeperWaits(t *testing.T) {
	dir := t.TempDir()
	args := []string{"keeper", "--database", filepath.Join(dir, "home.db"), "--backups", filepath.Join(dir, "backups")}
	h := newHand()
	first := start(t, h.program(), args...)
	other := newHand()
	other.forward(2 * time.Hour)
	second, ready := launch(t, other.program(), args...)
	second.until(func(status int, health Health) bool { return status == 503 && health.Status == "starting" })
	other.ticks <- other.clock() // it looks, and waits on
	select {
	case <-ready:
		t.Fatal("the second keeper works beside the first")
	default:
	}
	h.forward(time.Hour)
	first.end()
	other.ticks <- other.clock()
	<-ready
	other.forward(time.Hour)
	second.end()
}

func TestErrKeeperDamaged(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "home.db")
	if err := os.WriteFile(database, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	k, _ := launch(t, newHand().program(), "keeper", "--database", database, "--backups", filepath.Join(dir, "backups"))
	if err := k.wait(); exitCode(err) != exitData {
		t.Errorf("it ended with %v", err)
	}
}

// TestKeeperOfADamagedRow: it goes on backing up but removes nothing, since the old
// backups may be the last good ones; started anew, it ends without a backup, however
// often.
func TestKeeperOfADamagedRow(t *testing.T) {
	dir := t.TempDir()
	database, backups := filepath.Join(dir, "home.db"), filepath.Join(dir, "backups")
	server := start(t, Program{}, "--database", database)
	server.query(`mutation { createResident(input: {givenName: "Ana", familyName: "López", preferredName: "Anuska", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`)
	server.end()
	h := newHand()
	arguments := []string{"keeper", "--database", database, "--backups", backups, "--backup-keep", "1", "--backup-days", "0"}
	k := start(t, h.program(), arguments...)

	content, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(content), "Anuska")
	file, err := os.OpenFile(database, os.O_WRONLY, 0)
	if err != nil || at < 0 {
		t.Fatalf("the name is not in the file: %v", err)
	}
	if _, err := file.WriteAt([]byte("B"), int64(at)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h.forward(time.Hour)
		h.ticks <- h.clock()
		k.until(func(status int, health Health) bool {
			return status == 503 && !health.LastCheck.OK && health.LastBackup.At.Equal(h.clock()) &&
				slices.Equal(health.Problems, []string{"The last check of the database failed; the log says why."})
		})
	}
	h.forward(time.Hour)
	k.end()
	if left := backupsIn(t, backups); len(left) != 4 {
		t.Errorf("the backups are %v, want all 4", left)
	}
	h.forward(time.Hour)
	again, _ := launch(t, h.program(), arguments...)
	if err := again.wait(); exitCode(err) != exitData {
		t.Errorf("it ended with %v", err)
	}
	if left := backupsIn(t, backups); len(left) != 4 {
		t.Errorf("the backups are %v, want the same 4", left)
	}
}

// TestKeeperFollowsTheChain: events that are gone since the backup before are told
// of, once.
func TestKeeperFollowsTheChain(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "home.db")
	if code, _, log := ran("seed", "--database", database, "--residents", "1", "--days", "1", "--no-progress"); code != 0 {
		t.Fatal(log)
	}
	h := newHand()
	k := start(t, h.program(), "keeper", "--database", database, "--backups", filepath.Join(dir, "backups"))
	tick := func() {
		h.forward(time.Hour)
		h.ticks <- h.clock()
		k.until(func(_ int, health Health) bool { return health.LastBackup.At.Equal(h.clock()) })
	}
	tick()
	meddle(t, database, "DELETE FROM audit_events WHERE id > (SELECT max(id) - 5 FROM audit_events)")
	tick()
	tick()
	h.forward(time.Hour)
	k.end()
	if ends, broken := k.log.find(t, "the audit chain ends here"), k.log.find(t, "the audit chain does not go through where it ended at the backup before: its end was cut off or written anew, or an older backup was put in place"); len(ends) != 5 || len(broken) != 1 {
		t.Errorf("told %d times where it ends and %d times that it was cut off\n%s", len(ends), len(broken), k.log)
	}
}
