package tests

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carehome/internal/store"
	"carehome/tests/powercut"
)

// The tests in the files crash_*.go hurt a server and its disk while clients
// write, and then hold what is left against what the clients were told.

// ledger is what the clients know of each check that they record. A check is
// written several times, and its notes say its key and version: "c03-17 v2". Each
// sending and each answer has its place in one order of events.
type ledger struct {
	mu     sync.Mutex
	events int
	rows   map[string]*entry
}

type entry struct {
	id         string // empty until the first answer
	sent, told []int  // the event by version; 0 for none
}

// told is what clients had been told of by some moment: the version by key.
type told map[string]int

func newLedger() *ledger { return &ledger{rows: map[string]*entry{}} }

// send notes that a version is about to be sent.
func (l *ledger) send(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows[key] == nil {
		l.rows[key] = &entry{}
	}
	l.events++
	l.rows[key].sent = append(l.rows[key].sent, l.events)
	l.rows[key].told = append(l.rows[key].told, 0)
}

// tell notes that somebody was told of a version, and so of those before it.
func (l *ledger) tell(key, id string, version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events++
	e := l.rows[key]
	e.id = id
	for i := range version {
		if e.told[i] == 0 {
			e.told[i] = l.events
		}
	}
}

func (l *ledger) id(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[key].id
}

func (l *ledger) moment() told {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := make(told, len(l.rows))
	for key, e := range l.rows {
		for i, event := range e.told {
			if event > 0 {
				now[key] = i + 1
			}
		}
	}
	return now
}

// sent is the last version of a check that was sent.
func (l *ledger) sent(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.rows[key]; e != nil {
		return len(e.sent)
	}
	return 0
}

// gaps are the changes that are missing although a change is there that was sent
// only after somebody had been told of them: what is there is no beginning of the
// history.
func (l *ledger) gaps(there told) (gaps []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	latest := 0
	for key, version := range there {
		if e := l.rows[key]; e != nil && version <= len(e.sent) {
			latest = max(latest, e.sent[version-1])
		}
	}
	for key, e := range l.rows {
		for i, event := range e.told {
			if event > 0 && event < latest && there[key] <= i {
				gaps = append(gaps, notes(key, i+1))
			}
		}
	}
	return gaps
}

// count is how many changes the clients were told of.
func (t told) count() (n int) {
	for _, version := range t {
		n += version
	}
	return n
}

// refusal is an answer with an error.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.code + ": " + r.text }

// post sends one operation and returns the data of an answer without errors.
func post(ctx context.Context, client *http.Client, url, query string, variables map[string]any, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	var got struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return fmt.Errorf("the answer is no JSON (%s): %.300s: %w", response.Status, raw, err)
	}
	if len(got.Errors) > 0 {
		return refusal{got.Errors[0].Extensions.Code, got.Errors[0].Message}
	}
	return json.Unmarshal(got.Data, data)
}

// home is a server with writers and readers at it.
type home struct {
	url       string
	http      *http.Client
	ledger    *ledger
	residents []string
	round     string // sets the keys of one crowd apart from those before
	acked     func() // called after each answer that tells of a change; may be nil
}

// newHome makes the residents that the checks are recorded of.
func newHome(t *testing.T, url string, connections int) *home {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	t.Cleanup(transport.CloseIdleConnections)
	h := &home{url: url, http: &http.Client{Transport: transport, Timeout: patience}, ledger: newLedger()}
	for i := range 4 {
		data := read(t, url, `mutation($n: String!) { createResident(input: {givenName: $n, familyName: "Crash", birthDate: "1940-01-01", sex: OTHER}) { resident { id } } }`,
			map[string]any{"n": fmt.Sprint("R", i)})
		h.residents = append(h.residents, at(t, data, "createResident", "resident", "id").(string))
	}
	return h
}

const (
	createCheck = `mutation($i: CreateWellnessInput!) { change: createWellness(input: $i) { wellness { id version notes } } }`
	updateCheck = `mutation($id: ID!, $i: UpdateWellnessInput!) { change: updateWellness(id: $id, input: $i) { wellness { id version notes } } }`
	latestCheck = `{ wellness(first: 10, orderBy: [{field: UPDATED_AT, direction: DESC}]) { edges { node { id version notes } } } }`
)

type check struct {
	ID      string
	Version int
	Notes   string
}

func notes(key string, version int) string { return fmt.Sprintf("%s v%d", key, version) }

// record sends one change and notes the answer.
func (h *home) record(ctx context.Context, key, id string, version int) error {
	// A second column that changes with each version, and enough text to fill
	// pages.
	input := map[string]any{"notes": notes(key, version), "energy": version%10 + 1}
	variables, query := map[string]any{"i": input}, createCheck
	if version == 1 {
		input["takenAt"] = "2026-01-01T08:00:00Z"
		input["residentID"] = h.residents[len(key)%len(h.residents)]
	} else {
		input["expectedVersion"] = version - 1
		variables["id"], query = id, updateCheck
	}
	h.ledger.send(key)
	var data struct{ Change struct{ Wellness check } }
	if err := post(ctx, h.http, h.url, query, variables, &data); err != nil {
		return err
	}
	got := data.Change.Wellness
	if got.Version != version || got.Notes != notes(key, version) {
		return fmt.Errorf("%s version %d was answered with %+v", key, version, got)
	}
	h.ledger.tell(key, got.ID, version)
	if h.acked != nil {
		h.acked()
	}
	return nil
}

// versions is how often each check is written: once made, then changed.
const versions = 3

// write records checks until ctx ends or a request fails.
func (h *home) write(ctx context.Context, name string) error {
	for n := 0; ctx.Err() == nil; n++ {
		key, id := fmt.Sprintf("%s-%d", name, n), ""
		for version := 1; version <= versions && ctx.Err() == nil; version++ {
			if err := h.record(context.WithoutCancel(ctx), key, id, version); err != nil {
				return fmt.Errorf("writing %s: %w", notes(key, version), err)
			}
			id = h.ledger.id(key)
		}
	}
	return nil
}

// watch reads the latest checks until ctx ends or a request fails. Whoever was
// shown a change was told of it.
func (h *home) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		var data struct {
			Wellness struct{ Edges []struct{ Node check } }
		}
		if err := post(context.WithoutCancel(ctx), h.http, h.url, latestCheck, nil, &data); err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		for _, edge := range data.Wellness.Edges {
			key, version, err := parseNotes(edge.Node.Notes)
			if err != nil || version != edge.Node.Version {
				return fmt.Errorf("read %+v, which nobody wrote", edge.Node)
			}
			h.ledger.tell(key, edge.Node.ID, version)
		}
	}
	return nil
}

func parseNotes(text string) (key string, version int, err error) {
	key, number, _ := strings.Cut(text, " v")
	version, err = strconv.Atoi(number)
	return key, version, err
}

// after returns a channel that is closed when n more answers have told of a change.
func (h *home) after(n int) <-chan struct{} {
	reached := make(chan struct{})
	var count atomic.Int64
	h.acked = func() {
		if count.Add(1) == int64(n) {
			close(reached)
		}
	}
	return reached
}

// crowd is a number of writers and readers. The first failure ends them all.
type crowd struct {
	cancel context.CancelFunc
	all    sync.WaitGroup
	once   sync.Once
	first  error
	ended  <-chan struct{} // closed when they are to end
}

func (h *home) crowd(writers, readers int) *crowd {
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{cancel: cancel, ended: ctx.Done()}
	run := func(work func() error) {
		c.all.Go(func() {
			if err := work(); err != nil {
				c.once.Do(func() { c.first = err })
				cancel()
			}
		})
	}
	for i := range writers {
		run(func() error { return h.write(ctx, fmt.Sprintf("%sc%02d", h.round, i)) })
	}
	for range readers {
		run(func() error { return h.watch(ctx) })
	}
	return c
}

// stop ends them after the requests under way; it returns what went wrong first.
func (c *crowd) stop() error {
	c.cancel()
	c.all.Wait()
	return c.first
}

// outcome is what is wrong with a database after a crash.
type outcome struct {
	lost []string // changes that a client was told of
	half []string // rows and revisions that do not agree
	made []string // what nobody sent
	gaps []string // see ledger.gaps
}

func (o outcome) err() error {
	if len(o.lost)+len(o.half)+len(o.made)+len(o.gaps) == 0 {
		return nil
	}
	return fmt.Errorf("%d lost %.300q, %d half applied %.300q, %d never sent %.300q, %d skipped %.300q",
		len(o.lost), o.lost, len(o.half), o.half, len(o.made), o.made, len(o.gaps), o.gaps)
}

// reopen starts the store on a database as it was left, as a server would, checks
// all of it, and compares it with what clients were told.
func reopen(database string, known told, l *ledger) (found outcome, err error) {
	ctx := context.Background()
	// The image is a copy: it need not survive another cut.
	s, err := store.Open(ctx, store.Options{Database: database, Durability: store.RelaxedDurability, AllowNetworkFS: true})
	if err != nil {
		return found, fmt.Errorf("opening: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := store.Verify(ctx, database); err != nil {
		return found, fmt.Errorf("verifying: %w", err)
	}
	return compare(ctx, database, known, l)
}

// compare reads the checks with plain SQL. The ledger is asked only for what was
// sent.
func compare(ctx context.Context, database string, known told, l *ledger) (found outcome, err error) {
	// The store has registered the driver.
	db, err := sql.Open("sqlite3", "file:"+database+"?mode=ro")
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT w.notes, w.version, w.energy,
		(SELECT count(*) FROM revisions r WHERE r.entity_id = w.id),
		(SELECT coalesce(group_concat(r.entity_version || '=' || (r.content ->> 'notes'), '|' ORDER BY r.entity_version), '') FROM revisions r WHERE r.entity_id = w.id)
		FROM wellnesses w`)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	missing := maps.Clone(known)
	there := told{}
	for rows.Next() {
		var text, history string
		var version, energy, revisions int
		if err := rows.Scan(&text, &version, &energy, &revisions, &history); err != nil {
			return found, err
		}
		key, noted, err := parseNotes(text)
		var earlier []string
		for v := 1; v < version; v++ {
			earlier = append(earlier, fmt.Sprintf("%d=%s", v, notes(key, v)))
		}
		switch {
		case err != nil || version > l.sent(key):
			found.made = append(found.made, text)
		case noted != version || energy != version%10+1 || revisions != version-1 || history != strings.Join(earlier, "|"):
			found.half = append(found.half, fmt.Sprintf("%s (version %d, energy %d): %s", text, version, energy, history))
		}
		there[key] = version
		if version >= missing[key] {
			delete(missing, key)
		}
	}
	found.gaps = l.gaps(there)
	for key, version := range missing {
		found.lost = append(found.lost, notes(key, version))
	}
	if err := rows.Err(); err != nil {
		return found, err
	}
	var strays int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM revisions WHERE entity_id NOT IN (SELECT id FROM wellnesses)").Scan(&strays); err != nil {
		return found, err
	}
	if strays > 0 {
		found.half = append(found.half, fmt.Sprintf("%d revisions of nothing", strays))
	}
	return found, nil
}

// save writes an image into a new folder and returns the path of the database.
func save(folder string, image powercut.Image) (string, error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, "home.db"), nil
}

// scale reads a count from the environment: the plain run has the small one.
func scale(t *testing.T, name string, plain int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return plain
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a count", name, text)
	}
	return n
}

// lacking skips a test for what the machine lacks, loudly, and fails it where
// CAREHOME_TEST_REQUIRE demands that it be there.
func lacking(t *testing.T, what string, err error) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("CAREHOME_TEST_REQUIRE"), ","), what) {
		t.Fatalf("CAREHOME_TEST_REQUIRE demands %s: %v", what, err)
	}
	t.Skipf("SKIPPED, NOTHING WAS TESTED: this needs %s: %v", what, err)
}

// ownServer skips a test that hurts the server it runs, where the suite was given
// another one.
func ownServer(t *testing.T) (binary string) {
	t.Helper()
	if os.Getenv(address) != "" {
		t.Skip("SKIPPED: " + address + " names a server elsewhere, and this test hurts its own")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// mount shows a disk at a folder for the time of the test.
func mount(t *testing.T, disk *powercut.Disk) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		lacking(t, "fuse", err)
	}
	unmount, err := powercut.Mount(folder, disk)
	if err != nil {
		lacking(t, "fuse", err)
	}
	t.Cleanup(func() {
		deadline := time.Now().Add(patience)
		for err := unmount(); err != nil; err = unmount() {
			if time.Now().After(deadline) {
				t.Errorf("unmounting: %v", err)
				return
			}
		}
	})
	return folder
}
