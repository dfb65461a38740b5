package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carehome/internal/nodeid"
)

// SQLite keeps no sum of what a page holds: a bit that flips inside a value goes
// unnoticed. So beside each row that has an id there is a digest of its content,
// written in the same transaction; Verify computes it anew. An id is of one row
// in the whole database, so one table holds them all.
const digestTable = "row_digests"

// digester knows how each table's rows are turned into bytes.
type digester struct {
	// texts has, by table, the SQL expression that turns a row into a text: a
	// line NAME=LITERAL for each column that is not null, by name. A column that
	// a migration adds changes nothing while it is null.
	texts map[string]string
}

// newDigester looks at the schema; nil if it has no digests.
func newDigester(ctx context.Context, db querier) (d *digester, err error) {
	there, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = "+literal(digestTable))
	if err != nil || len(there) == 0 {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT m.name, group_concat(c.name, char(0) ORDER BY c.name)
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name <> ? AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'
			AND m.name NOT LIKE '\_litestream\_%' ESCAPE '\' -- the copier's own, see Drift
			AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'id' AND pk = 1 AND lower(type) = 'integer')
		GROUP BY m.name`, digestTable)
	if err != nil {
		return nil, fmt.Errorf("finding what to digest: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	d = &digester{texts: map[string]string{}}
	for rows.Next() {
		var table, columns string
		if err := rows.Scan(&table, &columns); err != nil {
			return nil, err
		}
		var parts []string
		for name := range strings.SplitSeq(columns, "\x00") {
			parts = append(parts, fmt.Sprintf("iif(t.%[1]s IS NULL, '', %[2]s || quote(t.%[1]s) || char(10))", quote(name), literal(name+"=")))
		}
		d.texts[table] = strings.Join(parts, " || ")
	}
	return d, rows.Err()
}

// digest is what is kept of a row.
func digest(table string, text []byte) []byte {
	h := sha256.New()
	h.Write([]byte(table + "\n"))
	h.Write(text)
	return h.Sum(nil)
}

// touched are the rows that a transaction has inserted, changed or deleted, by
// table and id.
type touched map[string]map[int64]struct{}

func (t touched) add(table string, id int64) {
	if t[table] == nil {
		t[table] = map[int64]struct{}{}
	}
	t[table][id] = struct{}{}
}

// session is a connection in a transaction.
type session interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// keep brings the digests of the touched rows up to date.
func (d *digester) keep(ctx context.Context, db session, rows touched) error {
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		if _, digested := d.texts[table]; !digested {
			continue
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(rows[table])), 1000) {
			now, err := d.some(ctx, db, table, ids)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if content, there := now[id]; there {
					err = save(ctx, db, id, content)
				} else {
					_, err = db.ExecContext(ctx, "DELETE FROM row_digests WHERE id = ?", id)
				}
				if err != nil {
					return fmt.Errorf("keeping a digest: %w", err)
				}
			}
		}
	}
	return nil
}

func save(ctx context.Context, db session, id int64, content []byte) error {
	_, err := db.ExecContext(ctx, "INSERT INTO row_digests (id, digest) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET digest = excluded.digest", id, content)
	return err
}

// some computes the digests of those of the rows that there are.
func (d *digester) some(ctx context.Context, db querier, table string, ids []int64) (map[int64][]byte, error) {
	if len(ids) == 1 { // most writes; a list costs more
		return d.read(ctx, db, table, " WHERE t.id = ?", ids[0])
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	return d.read(ctx, db, table, " WHERE t.id IN (SELECT value FROM json_each(?))", string(list))
}

// read computes the digests of the rows of a table that where selects.
func (d *digester) read(ctx context.Context, db querier, table, where string, args ...any) (digests map[int64][]byte, err error) {
	rows, err := db.QueryContext(ctx, "SELECT t.id, "+d.texts[table]+" FROM "+quote(table)+" t"+where, args...)
	if err != nil {
		return nil, fmt.Errorf("digesting %s: %w", table, classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	digests = map[int64][]byte{}
	for rows.Next() {
		var id int64
		var text sql.RawBytes
		if err := rows.Scan(&id, &text); err != nil {
			return nil, err
		}
		digests[id] = digest(table, text)
	}
	return digests, classify(rows.Err())
}

// damage lists the rows whose content is not what was written, by id, with what
// is wrong. Each table is read in one statement, so that writes beside it do no
// harm.
func (d *digester) damage(ctx context.Context, db querier) (found map[int64]string, checked int64, err error) {
	found = map[int64]string{}
	for _, table := range slices.Sorted(maps.Keys(d.texts)) {
		n, err := d.damageIn(ctx, db, table, found)
		if err != nil {
			return nil, 0, fmt.Errorf("comparing %s with its digests: %w", table, classify(err))
		}
		checked += n
	}
	missing := "SELECT id FROM row_digests"
	for _, table := range slices.Sorted(maps.Keys(d.texts)) {
		missing += " EXCEPT SELECT id FROM " + quote(table)
	}
	gone, err := column(ctx, db, missing)
	if err != nil {
		return nil, 0, fmt.Errorf("looking for lost rows: %w", classify(err))
	}
	for _, text := range gone {
		var id int64
		if _, err := fmt.Sscan(text, &id); err != nil {
			return nil, 0, err
		}
		if _, known := found[id]; !known {
			found[id] = "the row " + nodeid.ID(id).String() + " is gone"
		}
	}
	return found, checked, nil
}

func (d *digester) damageIn(ctx context.Context, db querier, table string, found map[int64]string) (checked int64, err error) {
	rows, err := db.QueryContext(ctx, "SELECT t.id, "+d.texts[table]+", d.digest FROM "+quote(table)+" t LEFT JOIN row_digests d ON d.id = t.id")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		var text, kept sql.RawBytes
		if err := rows.Scan(&id, &text, &kept); err != nil {
			return 0, err
		}
		checked++
		switch {
		case kept == nil:
			found[id] = fmt.Sprintf("%s %s has no digest", table, nodeid.ID(id))
		case string(digest(table, text)) != string(kept):
			found[id] = fmt.Sprintf("%s %s is not what was written", table, nodeid.ID(id))
		}
	}
	return checked, rows.Err()
}

// redo computes all digests anew after a migration, except those of rows that
// were damaged before it: these must not be taken for sound from now on.
func (d *digester) redo(ctx context.Context, db session, damaged map[int64]string) error {
	for _, table := range slices.Sorted(maps.Keys(d.texts)) {
		now, err := d.read(ctx, db, table, "")
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(now)) {
			if _, was := damaged[id]; was {
				continue
			}
			if err := save(ctx, db, id, now[id]); err != nil {
				return fmt.Errorf("keeping a digest: %w", err)
			}
		}
	}
	return nil
}
