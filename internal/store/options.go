package store

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Durability is what an acknowledged write survives.
type Durability string

const (
	// GroupDurability survives a power cut. The writes that wait together share a
	// transaction and a sync.
	GroupDurability Durability = "group"
	// FullDurability survives a power cut. SQLite syncs each transaction by itself, about
	// ten times slower with many writers.
	FullDurability Durability = "full"
	// RelaxedDurability survives a crash of the program, not a power cut. Those who
	// wait together share a transaction too.
	RelaxedDurability Durability = "relaxed"
)

// Reads is whether an answer may show what a power cut could still take away.
type Reads string

const (
	// StrictReads wait for the sync that covers what they saw.
	StrictReads Reads = "strict"
	// RelaxedReads answer at once.
	RelaxedReads Reads = "relaxed"
)

// Role is what the process is to the file; each role has one holder at a time.
type Role string

const (
	// ServerRole serves, seeds or imports: it reads and writes.
	ServerRole Role = "server"
	// KeeperRole migrates, checks and copies beside a server; it never writes rows.
	KeeperRole Role = "keeper"
	// BesideRole makes a few writes beside a server of the same version, such as a
	// key: it migrates nothing, leaves the log to the server, and syncs each write by
	// itself. While it has the file open nobody else is it, and nobody migrates or
	// restores. The server is told nothing of what it wrote, so that must be what
	// the server reads anew: people and keys.
	BesideRole Role = "beside"
)

// Options say which database is opened and how. The zero value of each field but
// Database is its default.
type Options struct {
	// Database is the path of the SQLite file, made if it is missing.
	Database string
	// Role is ServerRole unless set.
	Role Role
	// Durability is GroupDurability unless set.
	Durability Durability
	// Reads is StrictReads unless set.
	Reads Reads
	// ReadOnly opens an existing file without lock, migration or any write.
	ReadOnly bool
	// NoMigrate refuses a file that needs a migration instead of migrating it.
	NoMigrate bool
	// AllowNetworkFS opens a file on a network file system all the same. Locks
	// and syncs are only as good there as that file system says.
	AllowNetworkFS bool
	// Readers is the number of reading connections; 4 unless set.
	Readers int
	// CacheBytes is the size of all page caches together; 160 MiB unless set.
	// They fill as pages are read.
	CacheBytes int64
	// WriteTimeout is how long a write whose context has no deadline waits for its
	// turn; 10 s unless set.
	WriteTimeout time.Duration
	// ReadLife is how long one read may hold its view of the data; 30 s unless
	// set. An old view keeps the write-ahead log from shrinking.
	ReadLife time.Duration
	// BackupDir is where the copy before a migration goes; beside the database
	// unless set.
	BackupDir string
	// Log is silent unless set.
	Log *slog.Logger
	// Clock tells the time; time.Now unless set.
	Clock func() time.Time
	// Trace, where set, is told every statement that a reader or a write runs,
	// from many goroutines.
	Trace func(ctx context.Context, query string)
	// Watch, where set, is told of each part of the work as it begins: "write" and
	// in it "queue", "transaction", "commit" and "sync"; "read". Its context is the one that
	// the part goes on with. What it returns is told how the part ended.
	Watch func(ctx context.Context, part string) (context.Context, func(error))
	// Synced, where set, is told how long each sync of the log took.
	Synced func(time.Duration)

	// migrations holds sqlite/*.sql; the embedded ones unless set by a test.
	migrations fs.FS
	// step, where a test set it, is called before each statement of a migration.
	step func(statement string) error
	// batchAge is how old a transaction may be that writes share; defaultBatchAge
	// unless set by a test.
	batchAge time.Duration
	// sync makes a file's content durable; the system's unless set by a test.
	sync func(*os.File) error
}

const (
	defaultReaders      = 4
	defaultCacheBytes   = 160 << 20
	defaultWriteTimeout = 10 * time.Second
	defaultReadLife     = 30 * time.Second
)

// complete fills in the defaults and refuses what cannot be opened.
func (o Options) complete() (Options, error) {
	if scheme, _, isURL := strings.Cut(o.Database, "://"); isURL {
		return o, fmt.Errorf("%w: a %s:// database; give the path of a file", ErrUnsupported, scheme)
	}
	if o.Database == "" || strings.HasPrefix(o.Database, ":memory:") {
		return o, fmt.Errorf("%w: the database must be a file", ErrUnsupported)
	}
	o.Role = cmp.Or(o.Role, ServerRole)
	o.Durability = cmp.Or(o.Durability, GroupDurability)
	o.Reads = cmp.Or(o.Reads, StrictReads)
	o.Readers = cmp.Or(o.Readers, defaultReaders)
	o.CacheBytes = cmp.Or(o.CacheBytes, defaultCacheBytes)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, defaultWriteTimeout)
	o.ReadLife = cmp.Or(o.ReadLife, defaultReadLife)
	o.batchAge = cmp.Or(o.batchAge, defaultBatchAge)
	switch {
	case o.Durability != GroupDurability && o.Durability != FullDurability && o.Durability != RelaxedDurability:
		return o, fmt.Errorf("%w: durability %q; it is group, full or relaxed", ErrUnsupported, o.Durability)
	case o.Reads != StrictReads && o.Reads != RelaxedReads:
		return o, fmt.Errorf("%w: reads %q; they are strict or relaxed", ErrUnsupported, o.Reads)
	case o.Role != ServerRole && o.Role != KeeperRole && o.Role != BesideRole:
		return o, fmt.Errorf("%w: role %q", ErrUnsupported, o.Role)
	case o.Readers < 1 || o.CacheBytes < 0 || o.WriteTimeout < 0 || o.ReadLife < 0:
		return o, fmt.Errorf("%w: a negative setting", ErrUnsupported)
	}
	if o.Role == BesideRole {
		o.NoMigrate, o.Durability = true, FullDurability
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Trace == nil {
		o.Trace = func(context.Context, string) {}
	}
	if o.Watch == nil {
		o.Watch = func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	if o.migrations == nil {
		o.migrations = embedded
	}
	if o.sync == nil {
		o.sync = syncFile
	}
	if o.Synced != nil {
		o.sync = timed(o.sync, o.Synced)
	}
	return o, nil
}

// timed tells how long each sync took.
func timed(sync func(*os.File) error, told func(time.Duration)) func(*os.File) error {
	return func(file *os.File) error {
		began := time.Now()
		err := sync(file)
		told(time.Since(began))
		return err
	}
}
