package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// soakEnv is how long a crowd works, such as 60s; a plain run takes 3 s.
const soakEnv = "CAREHOME_TEST_SOAK"

// mostLog is how long the write-ahead log may become, in bytes, however many read.
const mostLog = 256 << 20

func soak(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(soakEnv)
	if text == "" {
		return 3 * time.Second
	}
	long, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakEnv, err)
	}
	return long
}

// Many write and read while backups are made. Nobody is told to come back, and
// each backup is a beginning of the history.
func TestCrowd(t *testing.T) {
	binary := ownServer(t)
	long := soak(t)
	folder := t.TempDir()
	database := filepath.Join(folder, "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, 232)
	crowd := h.crowd(32, 200)
	var known []told
	for end, next := time.After(long), time.NewTicker(max(long/6, time.Second)); ; {
		select {
		case <-crowd.ended:
		case <-next.C:
			if n := size(t, database+"-wal"); n > mostLog {
				t.Errorf("the log has %d bytes", n)
			}
			before := h.ledger.moment()
			backups := filepath.Join(folder, fmt.Sprint("backup", len(known)))
			if output, err := exec.Command(binary, "backup", "--database", database, "--backups", backups).CombinedOutput(); err != nil {
				t.Errorf("backup %d: %v\n%s", len(known), err, output)
			}
			known = append(known, before)
			continue
		case <-end:
		}
		next.Stop()
		break
	}
	if err := crowd.stop(); err != nil {
		t.Error(err)
	}
	if err := server.stop(); err != nil {
		t.Errorf("stopping: %v\n%s", err, server.log)
	}
	sound(t, database, h.ledger.moment(), h.ledger)
	for i, before := range known {
		copies, err := filepath.Glob(filepath.Join(folder, fmt.Sprint("backup", i), "*.db"))
		if err != nil || len(copies) != 1 {
			t.Fatalf("backup %d: %q, %v", i, copies, err)
		}
		restored := filepath.Join(folder, fmt.Sprintf("restored%d.db", i))
		if output, err := exec.Command(binary, "restore", copies[0], "--database", restored).CombinedOutput(); err != nil {
			t.Errorf("restore %d: %v\n%s", i, err, output)
			continue
		}
		sound(t, restored, before, h.ledger)
	}
	if len(known) == 0 {
		t.Error("no backup was made")
	}
	t.Logf("%v: %d changes, %d backups", long, h.ledger.moment().count(), len(known))
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
