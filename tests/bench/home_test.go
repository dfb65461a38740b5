package bench

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"carehome/internal/nodeid"
	"carehome/internal/store"
)

// The home that is measured. CAREHOME_BENCH_ROWS asks for a second one with
// that many checks of the same residents.
const (
	homeResidents = 200
	homeChecks    = 100_000
)

const (
	// rowsVariable is the number of checks of the large home; no large home
	// without it.
	rowsVariable = "CAREHOME_BENCH_ROWS"
	// folderVariable is where the homes are kept for the next run; without it
	// they are made anew in a temporary folder.
	folderVariable = "CAREHOME_BENCH_DIR"
)

//go:embed home.sql
var fillHome string

// home is a made-up home in a file that lasts as long as the run.
type home struct {
	residents, checks int
	make              func() (string, error)
}

func newHome(residents, checks int) home {
	return home{residents, checks, sync.OnceValues(func() (path string, err error) {
		fail := func(err error) (string, error) {
			return "", fmt.Errorf("making a home of %d checks: %w", checks, err)
		}
		folder := os.Getenv(folderVariable)
		if folder == "" {
			folder = scratch
		}
		version, err := shapeOfHomes()
		if err != nil {
			return fail(err)
		}
		path = filepath.Join(folder, fmt.Sprintf("bench-%08x-%dx%d.db", version, residents, checks))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		// In its place only when it is whole.
		making, err := os.MkdirTemp(folder, "making-")
		if err != nil {
			return fail(err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(making)) }()
		unfinished := filepath.Join(making, "home.db")
		if err := fill(context.Background(), unfinished, residents, checks); err != nil {
			return fail(err)
		}
		return path, os.Rename(unfinished, path)
	})}
}

// shapeOfHomes changes with the migrations and with what fills a home, so that a
// kept file of another shape is not taken.
func shapeOfHomes() (uint32, error) {
	migrations, err := os.ReadFile(filepath.Join("..", "..", "internal", "store", "migrations", "sqlite", "atlas.sum"))
	return crc32.ChecksumIEEE(append(migrations, fillHome...)), err
}

// file is the home's database.
func (h home) file(tb testing.TB) string {
	tb.Helper()
	path, err := h.make()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// fill makes the file as the program would, then fills it by SQL: through the
// program the large home would take hours.
func fill(ctx context.Context, path string, residents, checks int) (err error) {
	st, err := store.Open(ctx, store.Options{Database: path})
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=1&_synchronous=OFF&_journal_mode=OFF&_txlock=exclusive&_cache_size=-262144")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // the temporary table is this connection's
	if _, err := db.ExecContext(ctx, "CREATE TEMP TABLE size AS SELECT ? AS residents, ? AS checks, ? AS resident, ? AS medication, ? AS activity",
		residents, checks, nodeid.Resident.Start(), nodeid.Medication.Start(), nodeid.Activity.Start()); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fillHome); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return err
}

// The homes of this run.
var (
	usual = newHome(homeResidents, homeChecks)
	small = newHome(30, 1_500)
	large = sync.OnceValues(func() (home, error) {
		text := os.Getenv(rowsVariable)
		if text == "" {
			return home{}, nil
		}
		checks, err := strconv.Atoi(text)
		if err != nil || checks < homeChecks {
			return home{}, fmt.Errorf("%s is %q; it is a number of rows from %d on", rowsVariable, text, homeChecks)
		}
		return newHome(homeResidents, checks), nil
	})
	scratch string
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "carehome-bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
