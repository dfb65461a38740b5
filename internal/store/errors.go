package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// What can go wrong, for errors.Is. Messages of the first group may reach a log,
// never a client: the layer above puts its own words to them.
var (
	// ErrStorageFull: no room on the disk. Reads go on, and writes do as soon as
	// there is room again; nothing acknowledged is lost.
	ErrStorageFull = errors.New("the disk is full")
	// ErrReadOnly: the database was opened for reading, or its disk turned so.
	ErrReadOnly = errors.New("the database is read-only")
	// ErrTimeout: the deadline passed, or the queue for the writer was too long;
	// nothing was changed.
	ErrTimeout = errors.New("out of time")
	// ErrClosed: the store is closing or closed.
	ErrClosed = errors.New("the store is closed")
	// ErrSync: the disk failed to make something durable. What it holds is in
	// doubt until the file is opened anew: nothing more is acknowledged, and the
	// process must end.
	ErrSync = errors.New("the disk failed to keep what was written")
	// ErrWriteOutside: a change was tried without Store.Write.
	ErrWriteOutside = errors.New("a change outside store.Write")
	// ErrNested: Store.Write was called inside Store.Write.
	ErrNested = errors.New("a write inside a write")
	// ErrTxDead: a statement after one that failed, or after the write's end.
	ErrTxDead = errors.New("the transaction is over")
	// ErrUndone: the transaction was undone that the write shared with another, due to
	// that one; nothing was changed, and it may be tried again.
	ErrUndone = errors.New("undone together with another write")
	// ErrPanic: the function of a write panicked; PanicError has the value.
	ErrPanic = errors.New("panic in a write")
)

// Why a file is not opened, migrated or restored; each message is one line that
// says what to do.
var (
	// ErrInUse: another process serves or keeps the file.
	ErrInUse = errors.New("the database is in use")
	// ErrNewerSchema: a newer version of the program has migrated the file.
	ErrNewerSchema = errors.New("the database is newer than this program")
	// ErrPendingMigrations: the file needs migrations that were not allowed.
	ErrPendingMigrations = errors.New("the database needs a migration")
	// ErrMigration: a migration failed or would have lost rows; the file is as
	// it was before.
	ErrMigration = errors.New("migration failed, the database is as it was before")
	// ErrForeign: the file holds something else than a care home.
	ErrForeign = errors.New("not a carehome database")
	// ErrRefused: this SQLite or this file system would endanger the records.
	ErrRefused = errors.New("refused")
	// ErrUnsupported: this version cannot open such a database.
	ErrUnsupported = errors.New("not supported by this version")
	// ErrDamaged: a check of the file's content failed.
	ErrDamaged = errors.New("the file is damaged")
)

// PanicError is the panic of a write's function, after the rollback.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the value; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("%v: %v", ErrPanic, e.Value) }

// Unwrap makes errors.Is find ErrPanic, and the value where it is an error.
func (e *PanicError) Unwrap() []error {
	if err, ok := e.Value.(error); ok {
		return []error{ErrPanic, err}
	}
	return []error{ErrPanic}
}

// classify adds the store's own error to one of the driver, so that callers need
// not know the driver. Other errors pass unchanged.
func classify(err error) error {
	var driver sqlite3.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return also(ErrTimeout, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return also(ErrStorageFull, err)
	case errors.Is(err, syscall.EROFS):
		return also(ErrReadOnly, err)
	case !errors.As(err, &driver):
		return err
	}
	switch {
	case isSyncFailure(err):
		return also(ErrSync, err)
	case driver.Code == sqlite3.ErrFull, driver.SystemErrno == syscall.ENOSPC, driver.SystemErrno == syscall.EDQUOT:
		return also(ErrStorageFull, err)
	case driver.Code == sqlite3.ErrReadonly, driver.SystemErrno == syscall.EROFS:
		return also(ErrReadOnly, err)
	case driver.Code == sqlite3.ErrBusy, driver.Code == sqlite3.ErrLocked:
		return also(ErrTimeout, err)
	case driver.Code == sqlite3.ErrCorrupt, driver.Code == sqlite3.ErrNotADB:
		return also(ErrDamaged, err)
	}
	return err
}

// also makes err match the sentinel without wrapping it twice.
func also(sentinel, err error) error {
	if errors.Is(err, sentinel) {
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

// isSyncFailure reports whether SQLite itself failed to sync a file. The kernel
// may have dropped the pages, so that a second try would succeed and lie.
func isSyncFailure(err error) bool {
	var driver sqlite3.Error
	return errors.As(err, &driver) &&
		(driver.ExtendedCode == sqlite3.ErrIoErrFsync || driver.ExtendedCode == sqlite3.ErrIoErrDirFsync)
}

// isBusy reports that another process holds a lock of SQLite.
func isBusy(err error) bool {
	var driver sqlite3.Error
	return errors.As(err, &driver) && (driver.Code == sqlite3.ErrBusy || driver.Code == sqlite3.ErrLocked)
}
