package app

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
