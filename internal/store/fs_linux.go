package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// remote names the file systems whose locks, shared memory or syncs cannot be
// relied on: those of other machines, and those served by a program (FUSE), which
// Docker Desktop and several cloud mounts are.
func remote(magic int64) (name string, is bool) {
	switch uint32(magic) { // 32 bits on every architecture, sign-extended on some
	case unix.NFS_SUPER_MAGIC:
		return "NFS", true
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "SMB", true
	case unix.V9FS_MAGIC:
		return "9P", true
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE", true
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph", true
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS", true
	case unix.CODA_SUPER_MAGIC:
		return "Coda", true
	case unix.OCFS2_SUPER_MAGIC:
		return "OCFS2", true
	case 0x0BD00BD0:
		return "Lustre", true
	case 0x47504653:
		return "GPFS", true
	case 0x01161970:
		return "GFS2", true
	}
	return "", false
}

// checkFileSystem refuses a database on a network file system.
func checkFileSystem(path string) error {
	var at unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &at); err != nil {
		return fmt.Errorf("looking at the file system of %s: %w", path, err)
	}
	kind := int64(at.Type) //nolint:unconvert // 32 bits wide on some machines
	if name, is := remote(kind); is {
		return fmt.Errorf("%w: %s is on a network file system (%s), where locks and syncs cannot be relied on; put it on a local disk or a volume", ErrRefused, path, name)
	}
	return nil
}

// syncFile makes the content of the file and its length durable.
func syncFile(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// writableDir reports whether files can be made in dir.
func writableDir(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }
