package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Locks are files beside the database, held by flock: the system frees them with
// the process, however that ends. They stay behind empty, since removing a lock
// file is a race.
const (
	serverLock  = ".lock"
	keeperLock  = ".keeper.lock"
	migrateLock = ".migrate.lock"
)

// migrateWait is how long an opener waits for another that migrates.
const migrateWait = 5 * time.Minute

type lock struct{ file *flock.Flock }

// tryLock takes the lock of the database at path or says who holds it.
func tryLock(path, suffix string) (*lock, error) {
	l := &lock{flock.New(path + suffix)}
	held, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path+suffix, classify(err))
	}
	if !held {
		return nil, inUse(path, suffix)
	}
	return l.sign()
}

// waitLock takes the lock of the database at path, waiting for its holder.
func waitLock(ctx context.Context, path, suffix string) (*lock, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateWait)
	defer cancel()
	l := &lock{flock.New(path + suffix)}
	if _, err := l.file.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return nil, fmt.Errorf("%w (%w)", inUse(path, suffix), err)
	}
	return l.sign()
}

// lockFor takes the lock of a role. Who writes beside the server waits for whoever
// does so already, or migrates.
func lockFor(ctx context.Context, path string, role Role) (*lock, error) {
	switch role {
	case KeeperRole:
		return tryLock(path, keeperLock)
	case BesideRole:
		return waitLock(ctx, path, migrateLock)
	}
	return tryLock(path, serverLock)
}

// sign writes into the lock who holds it, for the message of the next one. Where
// it cannot, the lock is let go.
func (l *lock) sign() (*lock, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	text := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := os.WriteFile(l.file.Path(), []byte(text), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("signing the lock: %w", classify(err)), l.file.Unlock())
	}
	return l, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(os.Truncate(l.file.Path(), 0), l.file.Unlock())
}

func inUse(path, suffix string) error {
	holder := "another process"
	if text, err := os.ReadFile(path + suffix); err == nil && len(text) > 0 && len(text) < 300 {
		holder = strings.TrimSpace(string(text))
	}
	what := map[string]string{serverLock: "served", keeperLock: "kept", migrateLock: "migrated"}[suffix]
	return fmt.Errorf("%w: %s is being %s by %s; stop that first, or use another file", ErrInUse, filepath.Base(path), what, holder)
}
