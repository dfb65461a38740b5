package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadOnlyMedia(t *testing.T) {
	t.Parallel()
	dir := mountTmpfs(t, "8m")
	o := options(t)
	o.Database = filepath.Join(dir, "home.db")
	s := mustOpen(t, o)
	mustInsert(t, s, "Ada")
	mustClose(t, s)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a server on read-only media = %v; want ErrReadOnly", err)
	}
	o.ReadOnly = true
	s = mustOpen(t, o)
	wantValue(t, s, "SELECT count(*) FROM resident", 1)
}

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	t.Parallel()
	for magic, want := range map[int64]bool{unix.NFS_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true,
		unix.V9FS_MAGIC: true, unix.FUSE_SUPER_MAGIC: true, unix.EXT4_SUPER_MAGIC: false, unix.XFS_SUPER_MAGIC: false,
		unix.BTRFS_SUPER_MAGIC: false, unix.TMPFS_MAGIC: false, unix.OVERLAYFS_SUPER_MAGIC: false} {
		if name, is := remote(magic); is != want {
			t.Errorf("remote(%#x) = %q, %v; want %v", magic, name, is, want)
		}
	}
	// On 32 bits the kernel's number arrives with its sign extended.
	cifs := int32(-0x00acb2be) // 0xFF534D42
	if _, is := remote(int64(cifs)); !is {
		t.Error("a sign-extended CIFS number is not recognised")
	}
}

// mountTmpfs makes a small file system of the test's own.
func mountTmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("SKIPPED: a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := mountTmpfs(t, "3m")
	o := options(t)
	o.Database = filepath.Join(dir, "home.db")
	s := mustOpen(t, o)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	acknowledged := int64(0)
	var full error
	for range 1000 {
		if full = insert(t.Context(), s, strings.Repeat("x", 10_000)); full != nil {
			break
		}
		acknowledged++
	}
	if !errors.Is(full, ErrStorageFull) || acknowledged == 0 {
		t.Fatalf("after %d writes = %v; want ErrStorageFull", acknowledged, full)
	}
	wantValue(t, s, "SELECT count(*) FROM resident", acknowledged) // reads go on
	// The checkpointer may find room by itself; a large write shows that there is none.
	if err := insert(t.Context(), s, strings.Repeat("x", 2<<20)); !errors.Is(err, ErrStorageFull) {
		t.Fatalf("write = %v; want ErrStorageFull", err)
	}
	if err := os.Remove(ballast); err != nil { // room comes back
		t.Fatal(err)
	}
	if err := s.checkpoint(t.Context()); err != nil {
		t.Logf("checkpoint: %v", err)
	}
	mustInsert(t, s, "again")
	if h := s.Health(t.Context()); !h.Writable || h.Full {
		t.Errorf("health = %+v; want writable again", h)
	}
	mustClose(t, s)
	if n := peek(t, o.Database, "SELECT count(*) FROM resident"); n != acknowledged+1 {
		t.Errorf("%d rows; want %d", n, acknowledged+1)
	}
	if _, err := inspect(t.Context(), o.Database, false); err != nil {
		t.Errorf("integrity: %v", err)
	}
}

func TestFailedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, options(t))
	fill(t, s, 4)
	dir := mountTmpfs(t, "2m")
	if _, err := s.Backup(t.Context(), dir); !errors.Is(err, ErrStorageFull) {
		t.Errorf("backup = %v; want ErrStorageFull", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left = %v, %v; want nothing", left, err)
	}
	mustInsert(t, s, "goes on")
}
