package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"carehome/ent"

	"github.com/mattn/go-sqlite3"
)

// Store is an open database. Make one with Open; it may be used by any number of
// goroutines.
type Store struct {
	opts Options
	path string // real and absolute
	held *lock  // nil when read-only

	readers *sql.DB
	writer  *writer   // nil when read-only or kept
	checks  *sql.Conn // checkpoints; nil unless this is the server
	checkDB *sql.DB
	log     *os.File // our own descriptor of the -wal
	durable *durable

	client  *ent.Client
	schema  string // version
	expects func(context.Context) (map[string]string, error)

	views     views
	followers followers
	commits   atomic.Uint64
	trouble   atomic.Pointer[error] // why writing fails at present

	gate    sync.Mutex
	closed  bool
	active  sync.WaitGroup // writes under way
	kicks   chan struct{}
	quit    context.CancelFunc
	stopped chan struct{} // the checkpointer has ended
	logged  atomic.Int64  // length of the log at the last checkpoint
	fatal   chan error
	failed  sync.Once
}

// Open opens the database, migrating it first where it is older than the program.
// What must not be opened is refused with one line that says why and what to do:
// see the errors of this package.
func Open(ctx context.Context, options Options) (s *Store, err error) {
	opts, err := options.complete()
	if err != nil {
		return nil, err
	}
	version, number, _ := sqlite3.Version()
	if err := checkSQLite(version, number); err != nil {
		return nil, err
	}
	path, err := resolve(opts.Database)
	if err != nil {
		return nil, err
	}
	if !opts.AllowNetworkFS {
		if err := checkFileSystem(path); err != nil {
			return nil, err
		}
	}
	s = &Store{opts: opts, path: path, fatal: make(chan error, 1), kicks: make(chan struct{}, 1), quit: func() {}}
	s.durable = newDurable(nil, opts.sync, opts.Clock)
	defer func() {
		if errors.Is(err, ErrReadOnly) {
			err = fmt.Errorf("%w; open it read-only to serve it without changes", err)
		}
		if err != nil {
			err = errors.Join(err, s.release())
			s = nil
		}
	}()
	if !opts.ReadOnly {
		if s.held, err = lockFor(ctx, path, opts.Role); err != nil {
			return s, err
		}
	}
	if s.schema, err = s.migrate(ctx); err != nil {
		return s, err
	}
	switch {
	case opts.ReadOnly || opts.Role == KeeperRole:
	case opts.Role == BesideRole:
		if s.writer, err = openWriter(ctx, s.writerDSN(), opts.Clock, opts.WriteTimeout); err != nil {
			return s, err
		}
	default:
		if err := s.openWriting(ctx); err != nil {
			return s, err
		}
	}
	s.readers = s.readerDSN().open(opts.Readers)
	if err := s.readers.PingContext(ctx); err != nil {
		return s, classify(err)
	}
	s.expects = expectedSchema(opts.migrations)
	s.client = s.newClient()
	if s.checks != nil {
		background, quit := context.WithCancel(context.Background())
		s.quit, s.stopped = quit, make(chan struct{})
		go s.checkpoints(background)
	}
	return s, nil
}

// openWriting opens the writer, the log and the checkpointer's connection.
func (s *Store) openWriting(ctx context.Context) (err error) {
	if s.writer, err = openWriter(ctx, s.writerDSN(), s.opts.Clock, s.opts.WriteTimeout); err != nil {
		return err
	}
	check := s.writerDSN()
	check.cache = smallCache
	s.checkDB = check.open(1)
	if s.checks, err = s.checkDB.Conn(ctx); err != nil {
		return classify(err)
	}
	// The -wal carries no locks of SQLite, so it may be opened and closed; the
	// database and its -shm never may.
	if s.log, err = os.OpenFile(s.path+"-wal", os.O_RDWR, 0); err != nil {
		return fmt.Errorf("opening the write-ahead log: %w", err)
	}
	if s.opts.Durability == GroupDurability {
		s.durable.log = s.log
	}
	// What the last process left in the log unsynced becomes durable before
	// anybody reads it, and so do the names of the files.
	if err := s.durable.flush(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path))
}

func (s *Store) writerDSN() dsn {
	d := dsn{path: s.path, mode: "rw", foreignKeys: true, synchronous: 1, busy: writerBusy, cache: s.cacheShare()}
	if s.opts.Durability == FullDurability {
		d.synchronous = 2
	}
	return d
}

func (s *Store) readerDSN() dsn {
	d := dsn{path: s.path, mode: "ro", foreignKeys: true, queryOnly: true, synchronous: 1, busy: readerBusy, cache: s.cacheShare()}
	d.immutable = s.opts.ReadOnly && sealed(s.path)
	return d
}

func (s *Store) cacheShare() int64 { return s.opts.CacheBytes / int64(s.opts.Readers+1) }

// sealed reports a database on read-only media without a log: SQLite can neither
// make the shared memory that it reads by otherwise, nor need it.
func sealed(path string) bool {
	wal, err := size(path + "-wal")
	return err == nil && wal == 0 && !writableDir(filepath.Dir(path))
}

// Client is the ent client for reading. A change through it is ErrWriteOutside;
// with the context of a Snapshot or a Write it reads in that.
func (s *Store) Client() *ent.Client { return s.client }

// Writable reports whether the store was opened for writing.
func (s *Store) Writable() bool { return s.writer != nil }

// SchemaVersion is the version of the last migration that the file has had.
func (s *Store) SchemaVersion() string { return s.schema }

// Fatal carries one error when the store can no longer keep its promise: a sync
// failed, or the log was replaced. Nothing is acknowledged from then on; the
// process must exit with a failure and be started anew.
func (s *Store) Fatal() <-chan error { return s.fatal }

// stop ends all writing for good.
func (s *Store) stop(err error) {
	s.failed.Do(func() {
		s.durable.fail(err)
		s.opts.Log.Error("the store stops", "error", err)
		s.fatal <- err
	})
}

// enter counts a write in, unless the store is closing.
func (s *Store) enter() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.active.Add(1)
	return nil
}

// Close refuses new writes, waits for those under way or queued, moves the log
// into the database, and lets go of the file. Reads should have ended before.
func (s *Store) Close() error {
	s.gate.Lock()
	already := s.closed
	s.closed = true
	s.gate.Unlock()
	if already {
		return ErrClosed
	}
	s.active.Wait()
	s.quit()
	if s.stopped != nil {
		<-s.stopped
	}
	if err := s.durable.failure(); err != nil {
		// SQLite's own close would copy the log, which is in doubt, over the
		// database. The process is about to end; the next one recovers.
		return err
	}
	var err error
	if s.checks != nil {
		_, err = s.runCheckpoint(context.Background(), "TRUNCATE")
	}
	return errors.Join(err, s.release())
}

// release closes whatever is open; the writer goes last, so that it is the one to
// remove the log.
func (s *Store) release() error {
	var all error
	if s.checks != nil {
		all = errors.Join(all, s.checks.Close())
	}
	for _, db := range []*sql.DB{s.checkDB, s.readers} {
		if db != nil {
			all = errors.Join(all, db.Close())
		}
	}
	if s.log != nil {
		all = errors.Join(all, s.log.Close())
	}
	if s.writer != nil {
		all = errors.Join(all, s.writer.close())
	}
	return errors.Join(all, s.held.release())
}
