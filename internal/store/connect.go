package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3"
)

// minSQLite is the first SQLite without the fault that could corrupt a file when
// its write-ahead log was reset (sqlite.org/wal.html, "the WAL-reset bug").
const minSQLite = 3_051_003

const (
	// readerBusy waits out what blocks a reader: only the recovery of the log
	// after another process died.
	readerBusy = 5 * time.Second
	// writerBusy is short, since SQLite does not hear a cancelled context while
	// it waits; our own loop goes on from there.
	writerBusy = 100 * time.Millisecond
	// cachedStatements is how many compiled statements a connection keeps.
	cachedStatements = 64
	// smallCache is for connections that copy or check.
	smallCache = 4 << 20
)

// dsn describes one kind of connection. Pragmas belong to a connection, not to
// the file, so each is set when a connection is made and asked for again before
// anybody may use it.
type dsn struct {
	path        string
	mode        string // ro, rw, rwc
	immutable   bool   // nobody else may write the file meanwhile
	asItIs      bool   // the journal's kind is left alone
	queryOnly   bool
	foreignKeys bool
	synchronous int // 1 normal, 2 full
	busy        time.Duration
	cache       int64 // bytes
}

func (d dsn) String() string {
	q := url.Values{
		"mode":             {d.mode},
		"_txlock":          {"immediate"},
		"_busy_timeout":    {strconv.FormatInt(d.busy.Milliseconds(), 10)},
		"_synchronous":     {strconv.Itoa(d.synchronous)},
		"_foreign_keys":    {flag(d.foreignKeys)},
		"_query_only":      {flag(d.queryOnly)},
		"_cache_size":      {d.cacheSize()},
		"_stmt_cache_size": {strconv.Itoa(cachedStatements)},
		// database/sql never gives a connection to two goroutines at once, so SQLite
		// need not lock it for each row.
		"_mutex": {"no"},
	}
	if d.mode == "ro" {
		q.Set("_txlock", "deferred")
	} else if !d.asItIs {
		q.Set("_journal_mode", "WAL")
	}
	if d.immutable {
		q.Set("immutable", "1")
	}
	return "file:" + (&url.URL{Path: d.path}).EscapedPath() + "?" + q.Encode()
}

// cacheSize is in KiB where negative, as SQLite wants it.
func (d dsn) cacheSize() string { return strconv.FormatInt(-max(d.cache>>10, 1), 10) }

// pragmas are what a connection must answer before it is used.
func (d dsn) pragmas() [][2]string {
	want := [][2]string{
		{"synchronous", strconv.Itoa(d.synchronous)},
		{"foreign_keys", flag(d.foreignKeys)},
		{"busy_timeout", strconv.FormatInt(d.busy.Milliseconds(), 10)},
		{"cache_size", d.cacheSize()},
		{"query_only", flag(d.queryOnly)},
		{"trusted_schema", "0"},
	}
	if d.mode != "ro" && !d.asItIs {
		want = append(want, [2]string{"journal_mode", "wal"}, [2]string{"wal_autocheckpoint", "0"}, [2]string{"temp_store", "2"})
	}
	return want
}

// open makes a pool of at most n such connections.
func (d dsn) open(n int) *sql.DB {
	db := sql.OpenDB(connector{d})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// connector opens connections for database/sql without registering a driver by
// name, which would be state of the whole process.
type connector struct{ dsn dsn }

// Connect opens one connection and asserts its settings.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	d := &sqlite3.SQLiteDriver{ConnectHook: c.prepare}
	conn, err := d.Open(c.dsn.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", c.dsn.path, classify(err))
	}
	return conn, nil
}

// Driver is needed by database/sql alone.
func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c connector) prepare(conn *sqlite3.SQLiteConn) error {
	set := "PRAGMA trusted_schema = 0"
	if c.dsn.mode != "ro" {
		// SQLite would checkpoint inside the commit that passes 1,000 pages and
		// make that write wait; the checkpointer does it beside the writes.
		set += "; PRAGMA wal_autocheckpoint = 0"
		// The pages that a savepoint would bring back are kept in memory, not in a
		// file: there are a few for each write.
		set += "; PRAGMA temp_store = MEMORY"
	}
	if _, err := conn.Exec(set, nil); err != nil {
		return err
	}
	for _, p := range c.dsn.pragmas() {
		got, err := pragma(conn, p[0])
		if err != nil {
			return err
		}
		if got != p[1] {
			return fmt.Errorf("%w: this SQLite answers %s = %q where %q was asked for", ErrRefused, p[0], got, p[1])
		}
	}
	return nil
}

// pragma asks for one setting; one that SQLite does not know is "".
func pragma(conn *sqlite3.SQLiteConn, name string) (value string, err error) {
	rows, err := conn.Query("PRAGMA "+name, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	switch err := rows.Next(row); {
	case errors.Is(err, io.EOF):
		return "", nil
	case err != nil:
		return "", err
	}
	return fmt.Sprint(row[0]), nil
}

// SQLiteVersion is the version of the library in this program, such as "3.54.1".
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}

// checkSQLite refuses a library that is too old to be trusted with the file.
func checkSQLite(version string, number int) error {
	if number < minSQLite {
		return fmt.Errorf("%w: SQLite %s can damage a database in this mode; 3.51.3 or later is needed", ErrRefused, version)
	}
	return nil
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// memory opens an empty database in memory, one for each connection.
type memory struct{}

// Connect opens it.
func (memory) Connect(context.Context) (driver.Conn, error) {
	return (&sqlite3.SQLiteDriver{}).Open(":memory:")
}

// Driver is needed by database/sql alone.
func (memory) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }
