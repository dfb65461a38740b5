package powercut

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mounted shows a disk for the time of a test, which the tests in the folder above
// do too; there a machine that must have FUSE fails.
func mounted(t *testing.T, d *Disk) string {
	t.Helper()
	folder := t.TempDir()
	unmount, err := Mount(folder, d)
	if err != nil {
		if strings.Contains(os.Getenv("CAREHOME_TEST_REQUIRE"), "fuse") {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, NOTHING WAS TESTED: this needs fuse: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return folder
}

func TestMountedFiles(t *testing.T) {
	d := New(0)
	folder := mounted(t, d)
	path := filepath.Join(folder, "a")
	if err := os.WriteFile(path, []byte("hello"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second one was made: %v", err)
	}
	if err := os.WriteFile(path, []byte("bye"), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "bye" {
		t.Errorf("read %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 3 || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || entries[0].Name() != "a2" {
		t.Errorf("%v, %v", entries, err)
	}
	if d.Cut(LoseAll, source())["a2"] != nil {
		t.Error("the name was kept without a sync")
	}
	f, err := os.OpenFile(path+"2", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), dir.Sync(), dir.Close()); err != nil {
		t.Fatal(err)
	}
	if got := content(d, LoseAll, "a2"); string(got) != "bye" {
		t.Errorf("kept %q", got)
	}
	if err := os.Remove(path + "2"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// A sync through one descriptor of a log does not hold up a write through another.
func TestALogIsWrittenWhileItIsSynced(t *testing.T) {
	d := New(0)
	folder := mounted(t, d)
	path := filepath.Join(folder, "home.db-wal")
	writer, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	syncer, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	one, errOne := writer.Stat()
	two, errTwo := syncer.Stat()
	if err := errors.Join(errOne, errTwo); err != nil || !os.SameFile(one, two) {
		t.Errorf("they are not the same file: %v", err)
	}
	if _, err := writer.WriteString("before"); err != nil {
		t.Fatal(err)
	}
	// The sync is under way once it has told, and ends when the write has.
	reached, written := make(chan struct{}), make(chan error, 1)
	synced := make(chan error, 1)
	d.At(1, func() {
		close(reached)
		select {
		case err := <-written:
			written <- err
		case <-time.After(time.Minute):
		}
	})
	go func() { synced <- syscall.Fdatasync(int(syncer.Fd())) }()
	<-reached
	go func() {
		_, err := writer.WriteString(" during")
		written <- err
	}()
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-written:
	default:
		t.Fatal("the write waited for the sync")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "before during" {
		t.Errorf("read %q, %v", got, err)
	}
	dir, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dir.Sync(), dir.Close(), writer.Close(), syncer.Close()); err != nil {
		t.Fatal(err)
	}
	if got := content(d, LoseAll, "home.db-wal"); string(got) != "before" {
		t.Errorf("kept %q", got)
	}
}
