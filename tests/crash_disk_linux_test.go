package tests

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carehome/tests/powercut"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system in memory for the time of a test.
func smallDisk(t *testing.T, options string) (folder string) {
	t.Helper()
	ownServer(t)
	folder = t.TempDir()
	if err := unix.Mount("carehome", folder, "tmpfs", 0, options); err != nil {
		lacking(t, "tmpfs", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func remount(t *testing.T, folder string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount("carehome", folder, "tmpfs", unix.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// fillUp takes all the room that is left.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if closed := f.Close(); !errors.Is(err, unix.ENOSPC) || closed != nil {
		t.Fatal(err, closed)
	}
}

func TestDiskFull(t *testing.T) {
	folder := smallDisk(t, "size=24m")
	database := filepath.Join(folder, "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, 16)
	enough := h.after(100)
	crowd := h.crowd(8, 0)
	reach(t, crowd, enough)
	fillUp(t, filepath.Join(folder, "filler"))
	<-crowd.ended
	var refused refusal
	if err := crowd.stop(); !errors.As(err, &refused) || refused.code != "STORAGE_FULL" {
		t.Fatalf("the writers were told %v, want STORAGE_FULL", err)
	}
	before := h.ledger.moment()
	for range 20 { // reading goes on
		read(t, server.url, latestCheck, nil)
	}
	if state := status(t, server.url+"/readyz"); state != 503 {
		t.Errorf("/readyz answers %d while the disk is full", state)
	}
	remount(t, folder, 0, "size=64m")
	deadline := time.Now().Add(5 * time.Second)
	resumed := errors.New("not tried")
	for n := 0; resumed != nil && time.Now().Before(deadline); n++ {
		resumed = h.record(t.Context(), "after-"+strings.Repeat("x", n), "", 1)
	}
	if resumed != nil {
		t.Errorf("writing did not resume: %v", resumed)
	}
	if state := status(t, server.url+"/readyz"); state != 200 {
		t.Errorf("/readyz answers %d once there is room", state)
	}
	after := h.after(50)
	h.round = "again"
	crowd = h.crowd(8, 2)
	reach(t, crowd, after)
	if err := errors.Join(crowd.stop(), server.stop()); err != nil {
		t.Error(err)
	}
	sound(t, database, h.ledger.moment(), h.ledger)
	t.Logf("%d changes before it was full, %d in all", before.count(), h.ledger.moment().count())
}

func TestReadOnlyDisk(t *testing.T) {
	folder := smallDisk(t, "size=24m")
	database := filepath.Join(folder, "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, 4)
	if err := h.record(t.Context(), "before", "", 1); err != nil {
		t.Fatal(err)
	}
	if err := server.stop(); err != nil {
		t.Fatal(err)
	}
	remount(t, folder, unix.MS_RDONLY, "size=24m")

	output, err := exec.Command(ownServer(t), "serve", "--listen", "127.0.0.1:0", "--database", database).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 78 {
		t.Errorf("serving what cannot be written ended with %v, want exit status 78\n%s", err, output)
	}
	if lines := strings.Count(strings.TrimSpace(string(output)), "\n") + 1; lines != 1 || !strings.Contains(string(output), "read-only") {
		t.Errorf("it says in %d lines:\n%s", lines, output)
	}

	server = launch(t, database, "--read-only")
	h.url = server.url
	data := read(t, server.url, "{ wellness { totalCount } }", nil)
	if n := at(t, data, "wellness", "totalCount"); n != 1.0 {
		t.Errorf("%v checks are there", n)
	}
	var refused refusal
	if err := h.record(t.Context(), "refused", "", 1); !errors.As(err, &refused) || refused.code != "FORBIDDEN" {
		t.Errorf("a change was answered with %v, want FORBIDDEN", err)
	}
	if err := server.stop(); err != nil {
		t.Error(err)
	}
}

// A disk that fails to sync has lost the writes in question, whatever it says
// later: the server must go, and tell nobody of them.
func TestSyncFails(t *testing.T) {
	for name, file := range map[string]string{"Log": "home.db-wal", "Database": "home.db"} {
		t.Run(name, func(t *testing.T) {
			ownServer(t)
			disk := powercut.New(syncTime)
			folder := mount(t, disk)
			server := launch(t, filepath.Join(folder, "home.db"), "--allow-network-filesystem")
			h := newHome(t, server.url, 18)
			enough := h.after(200)
			crowd := h.crowd(16, 2)
			reach(t, crowd, enough)
			disk.FailSyncs(func(name string) bool { return name == file })
			if err := ended(t, server); err == nil {
				t.Errorf("the server ended well\n%s", server.log)
			}
			if err := crowd.stop(); err == nil {
				t.Error("no client noticed")
			}
			known := h.ledger.moment()
			for _, loss := range []powercut.Loss{powercut.LoseAll, powercut.LoseNone} {
				database, err := save(filepath.Join(t.TempDir(), "image"), disk.Cut(loss, nil))
				if err != nil {
					t.Fatal(err)
				}
				found, err := reopen(database, known, h.ledger)
				if err := errors.Join(err, found.err()); err != nil {
					t.Errorf("%v, of %d changes: %v", loss, known.count(), err)
				}
			}
			disk.FailSyncs(nil)
			server = launch(t, filepath.Join(folder, "home.db"), "--allow-network-filesystem")
			read(t, server.url, "{ wellness(first: 1) { totalCount } }", nil)
			if err := server.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}
