package powercut

import (
	"fmt"
	"io"
	"log"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount shows the disk at an empty folder until unmount is called, which fails
// while files in it are open. It needs /dev/fuse, and root or fusermount.
func Mount(folder string, disk *Disk) (unmount func() error, err error) {
	files := &files{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: disk, open: map[uint64]*node{}, last: fuse.FUSE_ROOT_ID}
	server, err := fuse.NewServer(files, folder, &fuse.MountOptions{
		FsName: "powercut", Name: "powercut",
		DirectMount: true, DisableXAttrs: true, DisableReadDirPlus: true,
		MaxWrite: 1 << 20,
		Logger:   log.New(io.Discard, "", 0),
	})
	if err != nil {
		return nil, fmt.Errorf("mounting: %w", err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, fmt.Errorf("mounting: %w", err)
	}
	return server.Unmount, nil
}

// files answers the kernel.
//
// The kernel locks an inode while it is synced, so that nobody could write to the
// file meanwhile: the writes that a shared sync must tell apart would never
// happen. So each look at a write-ahead log gives another node for the same file,
// read and written past the page cache; a sync through one descriptor then runs
// beside a write through another, as it does on other file systems. Logs are
// neither locked nor mapped, so nobody notices. Every other file is one node.
type files struct {
	fuse.RawFileSystem
	disk *Disk

	mu   sync.Mutex
	open map[uint64]*node
	last uint64
}

// node is a file as the kernel knows it.
type node struct {
	file    *file
	name    string // when it was first looked up
	lookups uint64
}

// unshared tells the files that get many nodes.
func unshared(name string) bool { return strings.HasSuffix(name, "-wal") }

// String names the file system.
func (s *files) String() string { return "powercut" }

// enter gives the file to the kernel.
func (s *files) enter(f *file, name string, out *fuse.EntryOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var id uint64
	if !unshared(name) {
		for known, n := range s.open {
			if n.file == f {
				id = known
			}
		}
	}
	if id == 0 {
		s.last++
		id = s.last
		s.open[id] = &node{file: f, name: name}
	}
	s.open[id].lookups++
	out.NodeId, out.Generation = id, 1
	s.attributes(f, &out.Attr)
}

func (s *files) attributes(f *file, out *fuse.Attr) {
	size := s.disk.length(f)
	*out = fuse.Attr{
		Ino: f.number + fuse.FUSE_ROOT_ID, Size: uint64(size), Blocks: uint64(size+sector-1) / sector, Blksize: 4096,
		Mode: syscall.S_IFREG | s.disk.permissions(f), Nlink: 1,
		Owner: fuse.Owner{Uid: uint32(syscall.Getuid()), Gid: uint32(syscall.Getgid())},
	}
}

func (s *files) file(id uint64) (*file, string, fuse.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, there := s.open[id]; there {
		return n.file, n.name, fuse.OK
	}
	return nil, "", fuse.ENOENT
}

// Lookup finds a name.
func (s *files) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f := s.disk.find(name)
	if f == nil || header.NodeId != fuse.FUSE_ROOT_ID {
		return fuse.ENOENT
	}
	s.enter(f, name, out)
	return fuse.OK
}

// Forget ends the kernel's knowledge of a node.
func (s *files) Forget(id, lookups uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, there := s.open[id]; there {
		if n.lookups -= min(n.lookups, lookups); n.lookups == 0 {
			delete(s.open, id)
		}
	}
}

// GetAttr describes the folder or a file.
func (s *files) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	if in.NodeId == fuse.FUSE_ROOT_ID {
		out.Attr = fuse.Attr{Ino: fuse.FUSE_ROOT_ID, Mode: syscall.S_IFDIR | 0o700, Nlink: 2,
			Owner: fuse.Owner{Uid: uint32(syscall.Getuid()), Gid: uint32(syscall.Getgid())}}
		return fuse.OK
	}
	f, _, status := s.file(in.NodeId)
	if status.Ok() {
		s.attributes(f, &out.Attr)
	}
	return status
}

// SetAttr changes a length or permissions; times and owners are not kept.
func (s *files) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	f, _, status := s.file(in.NodeId)
	if !status.Ok() {
		return status
	}
	if mode, given := in.GetMode(); given {
		s.disk.chmod(f, mode&0o777)
	}
	if size, given := in.GetSize(); given {
		s.disk.truncate(f, int64(size))
	}
	s.attributes(f, &out.Attr)
	return fuse.OK
}

// Create makes and opens a file.
func (s *files) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if in.NodeId != fuse.FUSE_ROOT_ID {
		return fuse.ENOTDIR
	}
	f, made := s.disk.create(name, in.Mode&0o777)
	switch {
	case !made && in.Flags&syscall.O_EXCL != 0:
		return fuse.Status(syscall.EEXIST)
	case !made && in.Flags&syscall.O_TRUNC != 0:
		s.disk.truncate(f, 0)
	}
	s.enter(f, name, &out.EntryOut)
	out.OpenFlags = openFlags(name)
	return fuse.OK
}

// Open opens a file.
func (s *files) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	f, name, status := s.file(in.NodeId)
	if !status.Ok() {
		return status
	}
	if in.Flags&syscall.O_TRUNC != 0 {
		s.disk.truncate(f, 0)
	}
	out.OpenFlags = openFlags(name)
	return fuse.OK
}

// openFlags lets the kernel keep what it has read: nobody changes a file but
// through it.
func openFlags(name string) uint32 {
	if unshared(name) {
		return fuse.FOPEN_DIRECT_IO
	}
	return fuse.FOPEN_KEEP_CACHE
}

// Read reads.
func (s *files) Read(_ <-chan struct{}, in *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	f, _, status := s.file(in.NodeId)
	if !status.Ok() {
		return nil, status
	}
	return fuse.ReadResultData(s.disk.read(f, int64(in.Offset), buffer)), fuse.OK
}

// Write writes.
func (s *files) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	f, _, status := s.file(in.NodeId)
	if !status.Ok() {
		return 0, status
	}
	s.disk.write(f, int64(in.Offset), data)
	return uint32(len(data)), fuse.OK
}

// Writev writes what came in pieces.
func (s *files) Writev(cancel <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	return s.Write(cancel, in, slices.Concat(data...))
}

// Fsync keeps a file's content.
func (s *files) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	f, _, status := s.file(in.NodeId)
	if !status.Ok() {
		return status
	}
	return fuse.Status(s.disk.sync(f))
}

// Flush has nothing to do when a descriptor is closed.
func (s *files) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

// Unlink removes a name.
func (s *files) Unlink(_ <-chan struct{}, _ *fuse.InHeader, name string) fuse.Status {
	if s.disk.find(name) == nil {
		return fuse.ENOENT
	}
	s.disk.rename(move{name: nil})
	return fuse.OK
}

// Rename moves a name, over another if there is one.
func (s *files) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	f := s.disk.find(from)
	switch {
	case f == nil:
		return fuse.ENOENT
	case in.Flags != 0:
		return fuse.EINVAL
	case from != to:
		s.disk.rename(move{from: nil, to: f})
	}
	return fuse.OK
}

// OpenDir opens the folder.
func (s *files) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.OK }

// ReadDir lists the folder.
func (s *files) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, list *fuse.DirEntryList) fuse.Status {
	all := s.disk.names()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if uint64(i) < in.Offset {
			continue
		}
		if !list.AddDirEntry(fuse.DirEntry{Name: name, Mode: syscall.S_IFREG, Ino: all[name].number + fuse.FUSE_ROOT_ID, Off: uint64(i) + 1}) {
			break
		}
	}
	return fuse.OK
}

// FsyncDir keeps the names.
func (s *files) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status {
	s.disk.syncNames()
	return fuse.OK
}

// StatFs tells of a large, empty disk.
func (s *files) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blocks = 1 << 20
	*out = fuse.StatfsOut{Bsize: 4096, Frsize: 4096, Blocks: blocks, Bfree: blocks, Bavail: blocks, Files: blocks, Ffree: blocks, NameLen: 255}
	return fuse.OK
}
