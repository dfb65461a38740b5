package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Drift compares the schema that the file has with the one that the migrations
// make, and names what is missing, foreign or different; nothing if they agree.
func (s *Store) Drift(ctx context.Context) ([]string, error) {
	want, err := s.expects(ctx)
	if err != nil {
		return nil, err
	}
	have, err := readSchema(ctx, s.readers)
	if err != nil {
		return nil, err
	}
	return compareSchemas(want, have), nil
}

func compareSchemas(want, have map[string]string) (drift []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch got, there := have[name]; {
		case !there:
			drift = append(drift, name+" is missing")
		case got != want[name]:
			drift = append(drift, name+" is different")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, known := want[name]; !known {
			drift = append(drift, name+" is not ours")
		}
	}
	return drift
}

// expectedSchema is what the migrations make of a new database, found out once.
func expectedSchema(files fs.FS) func(context.Context) (map[string]string, error) {
	var mu sync.Mutex
	var known map[string]string
	return func(ctx context.Context) (map[string]string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != nil {
			return known, nil
		}
		made, err := makeSchema(ctx, files)
		if err == nil {
			known = made
		}
		return made, err
	}
}

func makeSchema(ctx context.Context, files fs.FS) (schema map[string]string, err error) {
	all, err := loadMigrations(files)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(memory{})
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the expected schema: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, m := range all {
		if err := (migrator{conn: conn, clock: time.Now}).apply(ctx, m); err != nil {
			return nil, err
		}
	}
	return readSchema(ctx, conn)
}

// readSchema maps each object of a schema, such as "table resident", to its SQL
// with the white space evened out.
func readSchema(ctx context.Context, db querier) (schema map[string]string, err error) {
	// SQLite's own tables, and those that Litestream keeps while it copies the file.
	rows, err := db.QueryContext(ctx, `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema
		WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND tbl_name NOT LIKE '\_litestream\_%' ESCAPE '\'`)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	schema = map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		schema[name] = strings.Join(strings.Fields(text), " ")
	}
	return schema, classify(rows.Err())
}
