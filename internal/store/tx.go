package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// tx is one write transaction as ent sees it. It stands between ent and the
// writer connection because of what SQLite and its driver do by themselves: a
// cancelled statement rolls the whole transaction back, and the statements after
// it would then commit one by one (go-sqlite3 issue 769). So statements never
// carry a context that can be cancelled, the write's own is looked at between
// them, and after the first failure nothing more is run.
type tx struct {
	store *Store
	ctx   context.Context // of the write
	conn  entsql.Conn

	mu      sync.Mutex
	dead    error // why no statement may run any more
	changed bool  // a statement that is not a plain read was run
	rows    map[*txRows]struct{}
	after   []func() // see AfterCommit
	journal int64    // number of the journal's last line
	noted   bool     // see NoteChanges
}

type txKey struct{}

// txFrom is the write that ctx is in, if it is one of s.
func txFrom(ctx context.Context, s *Store) *tx {
	if t, ok := ctx.Value(txKey{}).(*tx); ok && t.store == s {
		return t
	}
	return nil
}

// AfterCommit has f run once the write that ctx is in is durable: after the sync,
// in the order of the commits, before Store.Write returns. It never runs where
// the write fails. It must be quick, such as handing an event to a channel.
func AfterCommit(ctx context.Context, f func()) error {
	t, ok := ctx.Value(txKey{}).(*tx)
	if !ok {
		return fmt.Errorf("%w: AfterCommit has no write to follow", ErrWriteOutside)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dead != nil {
		return fmt.Errorf("%w: %w", ErrTxDead, t.dead)
	}
	t.after = append(t.after, f)
	return nil
}

// Exec runs a statement without rows, for ent.
func (t *tx) Exec(ctx context.Context, query string, args, v any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(ctx, query); err != nil {
		return err
	}
	return t.kill(t.conn.Exec(context.WithoutCancel(ctx), query, args, v))
}

// Query runs a statement with rows, for ent.
func (t *tx) Query(ctx context.Context, query string, args, v any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(ctx, query); err != nil {
		return err
	}
	if err := t.kill(t.conn.Query(context.WithoutCancel(ctx), query, args, v)); err != nil {
		return err
	}
	rows := v.(*entsql.Rows)
	watched := &txRows{ColumnScanner: rows.ColumnScanner, tx: t}
	t.rows[watched] = struct{}{}
	rows.ColumnScanner = watched
	return nil
}

// Tx gives ent the transaction that it is already in.
func (t *tx) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(t), nil }

// Close does nothing: the transaction ends with its write.
func (t *tx) Close() error { return nil }

// Dialect is SQLite's.
func (t *tx) Dialect() string { return dialect.SQLite }

// ready decides whether the next statement may run.
func (t *tx) ready(ctx context.Context, query string) error {
	if t.dead != nil {
		return fmt.Errorf("%w: %w", ErrTxDead, t.dead)
	}
	for _, c := range []context.Context{t.ctx, ctx} {
		if err := c.Err(); err != nil {
			t.dead = classify(err)
			return t.dead
		}
	}
	t.changed = t.changed || !isPlainRead(query)
	t.store.opts.Trace(ctx, query)
	return nil
}

// kill ends the transaction for every later statement if err is one.
func (t *tx) kill(err error) error {
	if err != nil && t.dead == nil {
		t.dead = err
	}
	return err
}

// end forbids further statements, closes rows that were left open, and tells
// whether the transaction may be committed.
func (t *tx) end() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rows := range t.rows {
		if err := rows.ColumnScanner.Close(); err != nil && t.dead == nil {
			t.dead = err
		}
	}
	if t.dead == nil {
		t.dead = classify(t.ctx.Err())
	}
	err := t.dead
	if err == nil {
		t.dead = errors.New("the write has ended")
	}
	return err
}

// txRows notices an error that comes with a later row, and rows left open: those
// would keep an old view of the data on the connection.
type txRows struct {
	entsql.ColumnScanner
	tx *tx
}

// Next goes to the next row.
func (r *txRows) Next() bool {
	if r.ColumnScanner.Next() {
		return true
	}
	r.note(r.ColumnScanner.Err())
	return false
}

// Close ends the rows.
func (r *txRows) Close() error {
	err := r.ColumnScanner.Close()
	r.note(err)
	r.tx.mu.Lock()
	defer r.tx.mu.Unlock()
	delete(r.tx.rows, r)
	return err
}

func (r *txRows) note(err error) {
	if err == nil {
		return
	}
	r.tx.mu.Lock()
	defer r.tx.mu.Unlock()
	_ = r.tx.kill(err) // the caller sees the same error through Err
}

// isRead reports whether a statement may go to a reader. A WITH may hide a change;
// reading connections refuse that by themselves.
func isRead(query string) bool { return keyword(query) == "WITH" || isPlainRead(query) }

// isPlainRead reports whether a statement certainly changes nothing.
func isPlainRead(query string) bool {
	switch keyword(query) {
	case "SELECT", "EXPLAIN", "VALUES":
		return true
	}
	return false
}

// keyword is the first word of a statement.
func keyword(query string) string {
	query = strings.TrimLeft(query, " \t\r\n")
	if end := strings.IndexFunc(query, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		query = query[:end]
	}
	return strings.ToUpper(query)
}
