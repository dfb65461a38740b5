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
	"carehome/internal/scalar"
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
	// rows and row have, by table, the statement that reads what is told of each row
	// in an event, and of the one of an id: its text, its version, the resident whom
	// it is about, and the digest that is kept of it.
	rows, row map[string]string
}

// Columns that say nothing of the record are in no digest: they change without
// anybody having done anything.
const traces = "'last_used_at'"

// newDigester looks at the schema; nil if it has no digests.
func newDigester(ctx context.Context, db querier) (d *digester, err error) {
	there, err := column(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = "+literal(digestTable))
	if err != nil || len(there) == 0 {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT m.name, group_concat(c.name, char(0) ORDER BY c.name)
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT IN (?, ?) AND c.name NOT IN (`+traces+`) AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'
			AND m.name NOT LIKE '\_litestream\_%' ESCAPE '\' -- the copier's own, see Drift
			AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'id' AND pk = 1 AND lower(type) = 'integer')
		GROUP BY m.name`, digestTable, auditTable)
	if err != nil {
		return nil, fmt.Errorf("finding what to digest: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	d = &digester{texts: map[string]string{}, rows: map[string]string{}, row: map[string]string{}}
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
		d.rows[table] = "SELECT t.id, " + d.texts[table] + ", " + facts(table, strings.Split(columns, "\x00")) +
			", (SELECT digest FROM row_digests d WHERE d.id = t.id) FROM " + quote(table) + " t"
		d.row[table] = d.rows[table] + " WHERE t.id = ?"
	}
	return d, rows.Err()
}

// digest is what is kept of a row.
func digest(table string, text []byte) (d scalar.Digest) {
	h := sha256.New()
	h.Write([]byte(table + "\n"))
	h.Write(text)
	h.Sum(d[:0])
	return d
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

// facts are the SQL expressions of a row's version and resident.
func facts(table string, columns []string) string {
	version, resident := "NULL", "NULL"
	if slices.Contains(columns, "version") {
		version = "t.version"
	}
	switch {
	case table == "residents":
		resident = "t.id"
	case slices.Contains(columns, "resident_id"):
		resident = "t.resident_id"
	}
	return version + ", " + resident
}

// keep brings the digests of the touched rows up to date, and tells what became of
// them. Rows that are as they were before are left out.
func (d *digester) keep(ctx context.Context, db session, rows touched, events bool) (changes []change, err error) {
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		if _, digested := d.texts[table]; !digested {
			continue
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(rows[table])), 1000) {
			found, err := d.changed(ctx, db, table, ids, events)
			if err != nil {
				return nil, err
			}
			for i := range found {
				if found[i].after != nil {
					err = save(ctx, db, int64(found[i].id), found[i].after)
				} else {
					_, err = db.ExecContext(ctx, "DELETE FROM row_digests WHERE id = ?", int64(found[i].id))
				}
				if err != nil {
					return nil, fmt.Errorf("keeping a digest: %w", err)
				}
			}
			changes = append(changes, found...)
		}
	}
	return changes, nil
}

func save(ctx context.Context, db session, id int64, content *scalar.Digest) error {
	_, err := db.ExecContext(ctx, "INSERT INTO row_digests (id, digest) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET digest = excluded.digest", id, content[:])
	return err
}

// changed tells which of the rows are not as their digests say.
func (d *digester) changed(ctx context.Context, db querier, table string, ids []int64, events bool) (changes []change, err error) {
	there := make(map[int64]struct{}, len(ids))
	note := func(c change) {
		there[int64(c.id)] = struct{}{}
		if c.before == nil || *c.before != *c.after {
			changes = append(changes, c)
		}
	}
	if len(ids) == 1 { // most writes; a list costs more
		err = d.read(ctx, db, table, d.row[table], note, ids[0])
	} else {
		var list []byte
		if list, err = json.Marshal(ids); err != nil {
			return nil, err
		}
		err = d.read(ctx, db, table, d.rows[table]+" WHERE t.id IN (SELECT value FROM json_each(?))", note, string(list))
	}
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, is := there[id]; is {
			continue
		}
		gone, err := removed(ctx, db, id, events)
		if err != nil {
			return nil, err
		}
		if gone.before != nil { // else it was made and removed by the same transaction
			changes = append(changes, gone)
		}
	}
	return changes, nil
}

// removed is the change of a row that is not there any more. Whom it was about is
// known from the event before.
func removed(ctx context.Context, db querier, id int64, events bool) (c change, err error) {
	c.id = nodeid.ID(id)
	query := "SELECT digest, NULL FROM row_digests WHERE id = ?"
	if events {
		query = "SELECT digest, (SELECT residents FROM audit_events e WHERE e.entity_id = d.id ORDER BY e.id DESC LIMIT 1) FROM row_digests d WHERE id = ?"
	}
	rows, err := db.QueryContext(ctx, query, id)
	if err != nil {
		return c, fmt.Errorf("looking for the digest of a removed row: %w", classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kept []byte
		var about nodeid.Residents
		if err := rows.Scan(&kept, &about); err != nil {
			return c, err
		}
		c.before = digestOf(kept)
		if len(about) > 0 {
			c.resident = about[0]
		}
	}
	return c, classify(rows.Err())
}

// digestOf is a digest as the database keeps it; one of the wrong length, which is
// nothing the store writes, becomes the digest of nothing.
func digestOf(kept []byte) *scalar.Digest {
	d := new(scalar.Digest)
	if len(kept) == len(d) {
		copy(d[:], kept)
	}
	return d
}

// read computes the digests of the rows of a table that one of its statements
// selects, and hands each to note, with the digest that is kept of it as the one
// before.
func (d *digester) read(ctx context.Context, db querier, table, statement string, note func(change), args ...any) (err error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("digesting %s: %w", table, classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			id                int64
			text, kept        sql.RawBytes
			version, resident sql.NullInt64
		)
		if err := rows.Scan(&id, &text, &version, &resident, &kept); err != nil {
			return err
		}
		now := digest(table, text)
		c := change{id: nodeid.ID(id), after: &now, version: version.Int64, resident: nodeid.ID(resident.Int64)}
		if kept != nil {
			c.before = digestOf(kept)
		}
		note(c)
	}
	return classify(rows.Err())
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
		case digest(table, text) != *digestOf(kept):
			found[id] = fmt.Sprintf("%s %s is not what was written", table, nodeid.ID(id))
		}
	}
	return checked, rows.Err()
}

// redo computes all digests anew after a migration, except those of rows that
// were damaged before it: these must not be taken for sound from now on. It tells
// which rows are another content now; all with began, where none have been told of.
func (d *digester) redo(ctx context.Context, db session, damaged map[int64]string, began bool) (changes []change, err error) {
	for _, table := range slices.Sorted(maps.Keys(d.texts)) {
		var found []change
		err := d.read(ctx, db, table, d.rows[table], func(c change) {
			if _, was := damaged[int64(c.id)]; was {
				if c.before == nil {
					return
				}
				c.after = c.before // as it was once written
			}
			if began || c.before == nil || *c.before != *c.after {
				found = append(found, c)
			}
		})
		if err != nil {
			return nil, err
		}
		for i := range found {
			if err := save(ctx, db, int64(found[i].id), found[i].after); err != nil {
				return nil, fmt.Errorf("keeping a digest: %w", err)
			}
		}
		changes = append(changes, found...)
	}
	return changes, nil
}
