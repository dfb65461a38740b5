package app

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // to do to a file what the program would not
)

// ran runs a command line to its end.
func ran(args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = Program{Stdout: &out, Stderr: &log}.Main(args, nil)
	return code, out.String(), log.String()
}

// meddle does to a database what the sqlite3 shell can do.
func meddle(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if closed := db.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}

func TestAuditVerifyAndExport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home.db")
	if code, _, log := ran("seed", "--database", path, "--residents", "3", "--days", "5", "--no-progress"); code != 0 {
		t.Fatal(log)
	}
	var found struct {
		OK           bool
		Events, Rows int64
		Problems     []string
		First        string
		Head         struct{ Event, Hash string }
	}
	verify := func(want int, args ...string) string {
		t.Helper()
		code, out, log := ran(append([]string{"audit", "verify", "--database", path}, args...)...)
		if code != want {
			t.Fatalf("exit code %d, want %d: %s%s", code, want, out, log)
		}
		return out + log
	}
	read := func(text string) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	read(verify(0, "--json"))
	if !found.OK || found.Events < 100 || found.Rows < 100 || len(found.Problems) > 0 {
		t.Fatalf("found %+v", found)
	}
	if text := verify(0, "--expect-head", found.Head.Hash); !strings.Contains(text, found.Head.Hash) {
		t.Error(text)
	}
	if text := verify(exitData, "--expect-head", strings.Repeat("ab", 32)); !strings.Contains(text, "cut off") {
		t.Error(text)
	}

	code, lines, log := ran("audit", "export", "--database", path)
	if code != 0 {
		t.Fatal(log)
	}
	// Each hash can be made anew from what is written.
	n, previous := int64(0), strings.Repeat("0", 64)
	for scanner := bufio.NewScanner(strings.NewReader(lines)); scanner.Scan(); n++ {
		line, hash, _ := strings.Cut(strings.TrimSuffix(scanner.Text(), `"}`), `,"hash":"`)
		sum := sha256.Sum256([]byte(line + "}"))
		if hex.EncodeToString(sum[:]) != hash || !strings.Contains(line, `"previous":"`+previous+`"`) {
			t.Fatalf("the hash is not of the line: %s", scanner.Text())
		}
		previous = hash
	}
	if n != found.Events || previous != found.Head.Hash || !strings.Contains(lines, `"operation":"seed"`) {
		t.Errorf("%d events of %d, the last %s", n, found.Events, previous)
	}
	code, tail, _ := ran("audit", "export", "--database", path, "--from", "100", "--format", "fhir")
	if first, _, _ := strings.Cut(tail, "\n"); code != 0 || int64(strings.Count(tail, "\n")) != found.Events-99 ||
		!strings.HasPrefix(first, `{"resourceType":"AuditEvent","id":"aud-100",`) {
		t.Errorf("exit code %d, %.200s", code, tail)
	}

	backups := filepath.Join(t.TempDir(), "backups")
	if code, _, log := ran("backup", "--database", path, "--backups", backups); code != 0 {
		t.Fatal(log)
	}
	copies, err := filepath.Glob(filepath.Join(backups, "*.db"))
	if err != nil || len(copies) != 1 {
		t.Fatal(copies, err)
	}
	manifest, err := os.ReadFile(copies[0] + ".json")
	if err != nil || !strings.Contains(string(manifest), found.Head.Hash) {
		t.Errorf("%v: %s", err, manifest)
	}
	if code, out, _ := ran("audit", "verify", copies[0]); code != 0 {
		t.Error(out)
	}

	meddle(t, path, "UPDATE wellnesses SET energy = energy % 10 + 1 WHERE id = (SELECT min(id) FROM wellnesses WHERE energy > 0)")
	meddle(t, path, "UPDATE audit_events SET at = '2020-01-01T00:00:00.000Z' WHERE id = (SELECT min(id) + 16 FROM audit_events)")
	text := verify(exitData)
	for _, want := range []string{"aud_17 is not what was written\n", "(wellnesses) is not what aud_", "The first event at fault is aud_17."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	read(verify(exitData, "--json"))
	if found.OK || found.First != "aud_17" || len(found.Problems) != 2 {
		t.Errorf("found %+v", found)
	}
	if code, _, log := ran("audit", "verify", filepath.Join(t.TempDir(), "none.db")); code != exitData {
		t.Errorf("exit code %d: %s", code, log)
	}
}

// TestSignInsAreOnRecord: who comes with a key and who is refused is in the graph, in
// what is exported, and in the chain; the secrets are in none of them.
func TestSignInsAreOnRecord(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	admin := run(t, "key", "create", "--database", database)
	carer := newKey(t, database, "CARER")
	revoked := newKey(t, database, "NURSE")
	run(t, "key", "revoke", "key_3", "--database", database)
	now := time.Now() // and it stays so: all that is refused is of one minute
	r := start(t, Program{Clock: func() time.Time { return now }}, "--database", database, "--trusted-proxies", "127.0.0.0/8")
	from := func(address, credential string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodGet, r.url+graphPath+"?query=%7B__typename%7D", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+credential)
		request.Header.Set("X-Forwarded-For", address)
		request.Header.Set("X-Request-Id", "request-"+address)
		send(t, request)
	}
	for range 5 {
		from("192.0.2.1", carer)
		from("192.0.2.2", revoked)
		from("192.0.2.3", "nonsense")
	}
	// A moment later, as reads.
	const asked = `{ auditEvents(where: {actionIn: [LOGIN, REFUSED]}, orderBy: [{field: ID}]) { edges { node { action actor { id } role keyID reason requestID operation } } } }`
	want := []string{
		`{"action":"LOGIN","actor":{"id":"stf_2"},"role":"CARER","keyID":"key_2","reason":"from 192.0.2.1 with a key","requestID":"request-192.0.2.1","operation":"sign in"}`,
		`{"action":"REFUSED","actor":null,"role":null,"keyID":"key_3","reason":"from 192.0.2.2 with ` + revoked[:17] + ` (it is revoked)","requestID":"request-192.0.2.2","operation":"sign in"}`,
		`{"action":"REFUSED","actor":null,"role":null,"keyID":null,"reason":"from 192.0.2.3 (neither a key nor a token)","requestID":"request-192.0.2.3","operation":"sign in"}`,
		`{"action":"LOGIN","actor":{"id":"stf_1"},"role":"ADMIN","keyID":"key_1","reason":"from 127.0.0.1 with a key",`,
	}
	deadline := time.Now().Add(time.Minute)
	for {
		_, _, answer := r.as("Bearer "+admin, asked)
		there := 0
		for _, event := range want {
			there += strings.Count(answer, event)
		}
		if there == len(want) && strings.Count(answer, `"node"`) == len(want) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("on record is %s", answer)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, _, answer := r.as("Bearer "+carer, asked); strings.Contains(answer, `"node"`) {
		t.Errorf("a carer reads %s", answer)
	}
	r.end()
	code, lines, log := ran("audit", "export", "--database", database)
	for _, part := range []string{
		`"action":"LOGIN","actor":"stf_2","role":"CARER","key":"key_2","reason":"from 192.0.2.1 with a key","request":"request-192.0.2.1","operation":"sign in"`,
		`"action":"REFUSED","key":"key_3","reason":"from 192.0.2.2 4 times, last with ` + revoked[:17] + ` (it is revoked)","operation":"sign in"`, // at the stop
		`"action":"REFUSED","reason":"from 192.0.2.3 4 times, last (neither a key nor a token)","operation":"sign in"`,
	} {
		if code != 0 || strings.Count(lines, part) != 1 {
			t.Errorf("exit code %d, no %s in\n%s%s", code, part, lines, log)
		}
	}
	code, resources, log := ran("audit", "export", "--database", database, "--format", "fhir")
	for _, part := range []string{
		`"outcome":"0","outcomeDesc":"from 192.0.2.1 with a key","agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"AUT","display":"author (originator)"}]},` +
			`"role":[{"coding":[{"system":"urn:carehome:role","code":"CARER"}]}],"who":{"type":"Practitioner","identifier":{"system":"urn:carehome:id","value":"stf_2"}},` +
			`"altId":"key_2","requestor":true,"network":{"address":"192.0.2.1","type":"2"}}]`,
		`"outcome":"4","outcomeDesc":"from 192.0.2.2 with ` + revoked[:17] + ` (it is revoked)","agent":[{"altId":"key_3","name":"unknown","requestor":true,"network":{"address":"192.0.2.2","type":"2"}}]`,
	} {
		if code != 0 || strings.Count(resources, part) != 1 {
			t.Errorf("exit code %d, no %s in\n%s%s", code, part, resources, log)
		}
	}
	for _, key := range []string{admin, carer, revoked} {
		if strings.Contains(lines+resources+r.log.String(), key[18:]) {
			t.Error("a secret is on record")
		}
	}
	if strings.Contains(lines, "nonsense") {
		t.Error("what was presented is on record")
	}
	if code, out, log := ran("audit", "verify", "--database", database); code != 0 {
		t.Errorf("the chain is broken: %s%s", out, log)
	}
	// Where nothing can be written the log is the record.
	r = start(t, Program{}, "--database", database, "--read-only")
	if status, _, _ := r.as("Bearer "+carer, residentCount); status != 200 {
		t.Errorf("read only: %d", status)
	}
	r.as("Bearer "+revoked, residentCount)
	r.end()
	if text := r.log.String(); !strings.Contains(text, `\"action\":\"LOGIN\"`) || !strings.Contains(text, `(it is revoked)`) {
		t.Errorf("the log says %s", text)
	}
}
