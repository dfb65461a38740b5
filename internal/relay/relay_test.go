package relay

import (
	"bytes"
	"cmp"
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"
	"entgo.io/ent/schema/field"
	_ "github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// item is a row of the tests' own table, with keys of several types and few
// values, so that most rows are tied with others.
type item struct {
	id     nodeid.ID
	parent nodeid.ID
	name   string
	rank   int
	on     scalar.Date
	hidden bool
}

// owner is a parent of items, by a column of theirs or through the table links.
type owner struct{ id nodeid.ID }

var itemColumns = []string{"id", "parent_id", "name", "rank", "on_date", "hidden"}

func idKey() Key[item] { return NewKey("ID", "id", func(i *item) nodeid.ID { return i.id }) }

func keys() []Key[item] {
	return []Key[item]{
		NewKey("NAME", "name", func(i *item) string { return i.name }),
		NewKey("RANK", "rank", func(i *item) int { return i.rank }),
		NewKey("ON", "on_date", func(i *item) scalar.Date { return i.on }),
		idKey(),
	}
}

// compare is the order as it is meant, without SQL.
func compare(o Order[item], a, b *item) int {
	for _, t := range o.terms {
		var c int
		switch t.key.Name {
		case "NAME":
			c = strings.Compare(a.name, b.name)
		case "RANK":
			c = cmp.Compare(a.rank, b.rank)
		case "ON":
			c = a.on.Compare(b.on)
		case "ID":
			c = cmp.Compare(a.id, b.id)
		}
		if t.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// world is a database with items, and the same items in memory.
type world struct {
	driver dialect.Driver
	items  []*item
	links  map[nodeid.ID][]nodeid.ID
	// statements counts what was run.
	statements int
}

func (w *world) Query(ctx context.Context, query string, args, v any) error {
	w.statements++
	return w.driver.Query(ctx, query, args, v)
}

// counting is the driver of a world that counts its statements.
type counting struct {
	dialect.Driver
	w *world
}

func (c counting) Query(ctx context.Context, query string, args, v any) error {
	return c.w.Query(ctx, query, args, v)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := stdsql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "items.db")+"?_synchronous=OFF&_journal_mode=MEMORY")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, statement := range []string{
		"CREATE TABLE items (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, name TEXT NOT NULL, rank INTEGER NOT NULL, on_date TEXT NOT NULL, hidden BOOL NOT NULL)",
		"CREATE INDEX items_parent_rank ON items (parent_id, rank)",
		"CREATE TABLE links (owner_id INTEGER NOT NULL, item_id INTEGER NOT NULL, PRIMARY KEY (owner_id, item_id))",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return &world{driver: sql.OpenDB(dialect.SQLite, db)}
}

type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
	Helper()
}

func (w *world) exec(t fataler, query string, args ...any) {
	t.Helper()
	var result sql.Result
	if err := w.driver.Exec(t.(interface{ Context() context.Context }).Context(), query, args, &result); err != nil {
		t.Fatal(err)
	}
}

// fill replaces what the world holds.
func (w *world) fill(t fataler, items []*item, links map[nodeid.ID][]nodeid.ID) {
	t.Helper()
	w.items, w.links = items, links
	w.exec(t, "DELETE FROM items")
	w.exec(t, "DELETE FROM links")
	for _, i := range items {
		w.exec(t, "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", i.id, i.parent, i.name, i.rank, i.on, i.hidden)
	}
	for owner, ids := range links {
		for _, id := range ids {
			w.exec(t, "INSERT INTO links VALUES (?, ?)", owner, id)
		}
	}
}

// visible is the filter and the policy of all queries here.
func visible(s *sql.Selector) { s.Where(sql.EQ(s.C("hidden"), false)) }

func (w *world) statement(s func(*sql.Selector)) Statement {
	return func(ctx context.Context, run func(context.Context, *sql.Selector) error) error {
		selector := sql.Dialect(dialect.SQLite).Select().From(sql.Table("items"))
		selector.Select(selector.Columns(itemColumns...)...)
		s(selector)
		return run(ctx, selector)
	}
}

func scanItem(rows *sql.Rows) (*item, error) {
	var i item
	return &i, rows.Scan(&i.id, &i.parent, &i.name, &i.rank, &i.on, &i.hidden)
}

// root is all items as one list.
func (w *world) root(p *Pager[item]) Source[item] {
	drv := counting{w.driver, w}
	return Source[item]{
		Driver: drv,
		Rows: func(ctx context.Context, limit int) (items []*item, err error) {
			err = w.statement(visible)(ctx, func(ctx context.Context, s *sql.Selector) error {
				p.Seek(s)
				p.Sort(s)
				return each(ctx, drv, s.Limit(limit), func(rows *sql.Rows) error {
					i, err := scanItem(rows)
					items = append(items, i)
					return err
				})
			})
			return items, err
		},
		Filtered: w.statement(visible),
	}
}

// nested is the items of each owner, loaded as ent's eager loader loads them.
func (w *world) nested(p *Pager[item], owners []*owner, between bool) Children[owner, item] {
	link := Link{Parent: "parent_id"}
	if between {
		link = Link{Table: "links", Parent: "owner_id", Child: "item_id"}
	}
	drv := counting{w.driver, w}
	return Children[owner, item]{
		Driver:  drv,
		Parents: owners,
		ID:      func(o *owner) nodeid.ID { return o.id },
		Link:    link,
		Rows: func(ctx context.Context, limit int, assign func(*owner, *item)) error {
			byID := make(map[nodeid.ID]*owner)
			ids := make([]driver.Value, 0, len(owners))
			for _, o := range owners {
				byID[o.id] = o
				ids = append(ids, o.id)
			}
			loader := func(s *sql.Selector) {
				if !between {
					s.Where(sql.InValues(s.C("parent_id"), ids...))
					return
				}
				links := sql.Table("links")
				s.Join(links).On(s.C("id"), links.C("item_id"))
				s.Where(sql.InValues(links.C("owner_id"), ids...))
				columns := s.SelectedColumns()
				s.Select(links.C("owner_id"))
				s.AppendSelect(columns...)
			}
			spec := sqlgraph.NewQuerySpec("items", itemColumns, sqlgraph.NewFieldSpec("id", field.TypeInt64))
			// The policy's predicate comes after the loader's, as in ent.
			predicates := []func(*sql.Selector){p.Seek, loader, visible}
			spec.Order = p.Sort
			LimitPerParent(spec, Loading{Link: link, At: 1}, limit, predicates)
			seen := make(map[nodeid.ID]*item)
			spec.ScanValues = func(columns []string) ([]any, error) {
				var owner nodeid.ID
				var i item
				values := []any{&i.id, &i.parent, &i.name, &i.rank, &i.on, &i.hidden}
				if between {
					values = append([]any{&owner}, values...)
				}
				return values, nil
			}
			spec.Assign = func(_ []string, values []any) error {
				first := 0
				if between {
					first = 1
				}
				i := &item{
					id: *values[first].(*nodeid.ID), parent: *values[first+1].(*nodeid.ID), name: *values[first+2].(*string),
					rank: *values[first+3].(*int), on: *values[first+4].(*scalar.Date), hidden: *values[first+5].(*bool),
				}
				if seen[i.id] == nil {
					seen[i.id] = i
				}
				parent := i.parent
				if between {
					parent = *values[0].(*nodeid.ID)
				}
				assign(byID[parent], seen[i.id])
				return nil
			}
			return sqlgraph.QueryNodes(ctx, drv, spec)
		},
		Filtered: w.statement(visible),
	}
}

// want is a page by the letter of the specification.
type want struct {
	nodes            []nodeid.ID
	previous, next   bool
	total            int
	startsAt, endsAt *item
}

// oracle pages through items in memory.
func oracle(o Order[item], items []*item, after, before *item, first, last *int) want {
	var all []*item
	for _, i := range items {
		if !i.hidden {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b *item) int { return compare(o, a, b) })
	w := want{total: len(all)}
	var page []*item
	for _, i := range all {
		switch {
		case after != nil && compare(o, i, after) <= 0:
			w.previous = true
		case before != nil && compare(o, i, before) >= 0:
		default:
			page = append(page, i)
		}
		if before != nil && compare(o, i, before) >= 0 {
			w.next = true
		}
	}
	n := defaultPage
	switch {
	case last != nil:
		if n = *last; len(page) > n {
			page, w.previous = page[len(page)-n:], true
		}
	default:
		if first != nil {
			n = *first
		}
		if len(page) > n {
			page, w.next = page[:n], true
		}
	}
	for _, i := range page {
		w.nodes = append(w.nodes, i.id)
	}
	if len(page) > 0 {
		w.startsAt, w.endsAt = page[0], page[len(page)-1]
	}
	return w
}

func check(t fataler, o Order[item], got *Page[item], want want) {
	t.Helper()
	var nodes []nodeid.ID
	for _, i := range got.Nodes() {
		nodes = append(nodes, i.id)
	}
	if !slices.Equal(nodes, want.nodes) {
		t.Fatalf("order %s: got %v, want %v", o.shape(), nodes, want.nodes)
	}
	if got.PageInfo.HasPreviousPage != want.previous || got.PageInfo.HasNextPage != want.next {
		t.Fatalf("order %s, nodes %v: has previous %v, next %v; want %v, %v", o.shape(), nodes,
			got.PageInfo.HasPreviousPage, got.PageInfo.HasNextPage, want.previous, want.next)
	}
	if got.TotalCount != want.total {
		t.Fatalf("the total is %d, want %d", got.TotalCount, want.total)
	}
	for _, c := range []struct {
		side string
		get  func() (*Cursor, error)
		at   *item
	}{{"start", got.PageInfo.StartCursor, want.startsAt}, {"end", got.PageInfo.EndCursor, want.endsAt}} {
		cursor, err := c.get()
		if err != nil {
			t.Fatal(err)
		}
		if (cursor != nil) != (c.at != nil) {
			t.Fatalf("the %s cursor is %v on a page of %d", c.side, cursor, len(nodes))
		}
		if c.at == nil {
			continue
		}
		if at := cursorOf(t, o, c.at); *cursor != at {
			t.Fatalf("the %s cursor is %s, want %s", c.side, *cursor, at)
		}
	}
}

// plain seals in the clear what is bound to what, so that tests can write cursors.
type plain struct{}

func (plain) Seal(what string, content []byte) (string, error) {
	return base64.RawURLEncoding.EncodeToString([]byte(what + "|" + string(content))), nil
}

func (plain) Open(what, text string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	content, ok := bytes.CutPrefix(sealed, []byte(what+"|"))
	if err == nil && !ok {
		err = errors.New("sealed for something else")
	}
	return content, err
}

// asked is a context in which the system asks, with cursors in the clear.
func asked(ctx context.Context) context.Context {
	return viewer.With(WithSealer(ctx, plain{}), viewer.System())
}

func cursorOf(t fataler, o Order[item], i *item) Cursor {
	t.Helper()
	c, err := o.seal(sealerOf(asked(context.Background())), i)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func drawItem(t *rapid.T, id nodeid.ID) *item {
	return &item{
		id:     id,
		parent: nodeid.New(nodeid.Resident, rapid.Uint32Range(1, 4).Draw(t, "parent")),
		name:   rapid.SampledFrom([]string{"", "a", "A", "á", "b", "a%", "\"x'"}).Draw(t, "name"),
		rank:   rapid.IntRange(-1, 1).Draw(t, "rank"),
		on:     scalar.DateOf(1940, 1, rapid.IntRange(1, 3).Draw(t, "day")),
		hidden: rapid.IntRange(0, 4).Draw(t, "hidden") == 0,
	}
}

func drawOrder(t *rapid.T) Order[item] {
	var terms []Term[item]
	for range rapid.IntRange(0, 4).Draw(t, "keys") {
		direction := rapid.SampledFrom([]OrderDirection{Ascending, Descending}).Draw(t, "direction")
		terms = append(terms, By(rapid.SampledFrom(keys()).Draw(t, "key"), direction))
	}
	return NewOrder("Item", idKey(), terms...)
}

// drawArgs draws paging arguments. Cursors are of rows that are there, that are
// hidden, or that are gone.
func drawArgs(t *rapid.T, o Order[item], items []*item) (args Args, after, before *item) {
	row := func(label string) *item {
		switch k := rapid.IntRange(0, 3).Draw(t, label); {
		case k == 0 || k == 1 && len(items) == 0:
			return nil
		case k < 3 && len(items) > 0:
			return rapid.SampledFrom(items).Draw(t, label)
		}
		return drawItem(t, nodeid.New(nodeid.Wellness, rapid.Uint32Range(1, 20).Draw(t, label)))
	}
	if after = row("after"); after != nil {
		c := cursorOf(t, o, after)
		args.After = &c
	}
	if before = row("before"); before != nil {
		c := cursorOf(t, o, before)
		args.Before = &c
	}
	size := rapid.IntRange(0, 6).Draw(t, "size")
	switch rapid.IntRange(0, 2).Draw(t, "side") {
	case 0:
		args.First = &size
	case 1:
		args.Last = &size
	}
	return args, after, before
}

func drawItems(t *rapid.T) []*item {
	var items []*item
	for n := range rapid.IntRange(0, 16).Draw(t, "items") {
		items = append(items, drawItem(t, nodeid.New(nodeid.Wellness, uint32(n+1))))
	}
	return items
}

func TestPagesKeepTheRelayLaws(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := asked(t.Context())
		w.fill(t, drawItems(t), nil)
		o := drawOrder(t)
		for range 8 {
			args, after, before := drawArgs(t, o, w.items)
			p, err := NewPager(ctx, args, o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Load(ctx, p, Everything(), w.root(p))
			if err != nil {
				t.Fatal(err)
			}
			check(t, o, got, oracle(o, w.items, after, before, args.First, args.Last))
		}
	})
}

func TestNestedPagesKeepTheRelayLaws(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := asked(t.Context())
		items := drawItems(t)
		links := make(map[nodeid.ID][]nodeid.ID)
		var owners []*owner
		for n := range uint32(4) {
			o := &owner{nodeid.New(nodeid.Resident, n+1)}
			owners = append(owners, o)
			for _, i := range items {
				if rapid.Bool().Draw(t, "linked") {
					links[o.id] = append(links[o.id], i.id)
				}
			}
		}
		w.fill(t, items, links)
		between := rapid.Bool().Draw(t, "between")
		o := drawOrder(t)
		for range 4 {
			args, after, before := drawArgs(t, o, items)
			p, err := NewPager(ctx, args, o)
			if err != nil {
				t.Fatal(err)
			}
			w.statements = 0
			got, err := LoadNested(ctx, p, Everything(), w.nested(p, owners, between))
			if err != nil {
				t.Fatal(err)
			}
			if most := 4; w.statements > most {
				t.Fatalf("%d statements for one level, want at most %d", w.statements, most)
			}
			for n, parent := range owners {
				var mine []*item
				for _, i := range items {
					if !between && i.parent == parent.id || between && slices.Contains(links[parent.id], i.id) {
						mine = append(mine, i)
					}
				}
				check(t, o, got[n], oracle(o, mine, after, before, args.First, args.Last))
			}
		}
	})
}

// Walking a list page by page meets every row once, in order, both ways.
func TestWalking(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := asked(t.Context())
		w.fill(t, drawItems(t), nil)
		o := drawOrder(t)
		size := rapid.IntRange(1, 4).Draw(t, "size")
		everything := oracle(o, w.items, nil, nil, nil, nil).nodes
		for _, backward := range []bool{false, true} {
			var met []nodeid.ID
			args := Args{First: &size}
			if backward {
				args = Args{Last: &size}
			}
			for pages := 0; ; pages++ {
				if pages > len(everything) {
					t.Fatalf("walking does not end: %v", met)
				}
				p, err := NewPager(ctx, args, o)
				if err != nil {
					t.Fatal(err)
				}
				page, err := Load(ctx, p, Everything(), w.root(p))
				if err != nil {
					t.Fatal(err)
				}
				var ids []nodeid.ID
				for _, i := range page.Nodes() {
					ids = append(ids, i.id)
				}
				more := page.PageInfo.HasNextPage
				if backward {
					met, more = append(ids, met...), page.PageInfo.HasPreviousPage
					args.Before, err = page.PageInfo.StartCursor()
				} else {
					met = append(met, ids...)
					args.After, err = page.PageInfo.EndCursor()
				}
				if err != nil {
					t.Fatal(err)
				}
				if !more {
					break
				}
			}
			if !slices.Equal(met, everything) {
				t.Fatalf("order %s, backward %v: met %v of %v", o.shape(), backward, met, everything)
			}
		}
	})
}

// Only what is asked for is looked up.
func TestStatementsFollowWants(t *testing.T) {
	ctx := asked(t.Context())
	w := newWorld(t)
	var items []*item
	for n := range uint32(9) {
		items = append(items, &item{id: nodeid.New(nodeid.Wellness, n+1), name: fmt.Sprint(n), on: scalar.DateOf(1940, 1, 1)})
	}
	w.fill(t, items, nil)
	o := NewOrder("Item", idKey())
	middle := cursorOf(t, o, items[4])
	for name, tc := range map[string]struct {
		wants Wants
		args  Args
		want  int
	}{
		"nothing":                    {Wants{}, Args{}, 0},
		"total":                      {Wants{Total: true}, Args{}, 1},
		"rows":                       {Wants{Rows: true}, Args{}, 1},
		"rows and sides, no cursor":  {Wants{Rows: true, Previous: true, Next: true}, Args{}, 1},
		"rows and sides, after":      {Wants{Rows: true, Previous: true, Next: true}, Args{After: &middle}, 2},
		"rows after, sides unasked":  {Wants{Rows: true}, Args{After: &middle, Before: &middle}, 1},
		"everything, between":        {Everything(), Args{After: &middle, Before: &middle}, 4},
		"rows and next side, before": {Wants{Rows: true, Next: true}, Args{Before: &middle}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPager(ctx, tc.args, o)
			if err != nil {
				t.Fatal(err)
			}
			w.statements = 0
			if _, err := Load(ctx, p, tc.wants, w.root(p)); err != nil {
				t.Fatal(err)
			}
			if w.statements != tc.want {
				t.Errorf("%d statements, want %d", w.statements, tc.want)
			}
		})
	}
}

// The share of each parent is read through the index on its key, never by
// reading the child's table.
func TestPerParentGoesThroughTheIndex(t *testing.T) {
	ctx := asked(t.Context())
	w := newWorld(t)
	w.fill(t, nil, nil)
	cursor := cursorOf(t, NewOrder("Item", idKey(), By(keys()[1], Descending)), &item{id: nodeid.New(nodeid.Wellness, 7)})
	for name, tc := range map[string]struct {
		args    Args
		between bool
		want    string
	}{
		"column":        {Args{}, false, "SEARCH items USING INDEX items_parent_rank (parent_id=?)"},
		"column, after": {Args{After: &cursor}, false, "SEARCH items USING INDEX items_parent_rank (parent_id=? AND rank<?)"},
		"table between": {Args{}, true, "SEARCH t1 USING COVERING INDEX sqlite_autoindex_links_1 (owner_id=?)"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPager(ctx, tc.args, NewOrder("Item", idKey(), By(keys()[1], Descending)))
			if err != nil {
				t.Fatal(err)
			}
			plan := &explaining{Driver: w.driver}
			watched := &world{driver: plan}
			from := watched.nested(p, []*owner{{nodeid.New(nodeid.Resident, 1)}, {nodeid.New(nodeid.Resident, 2)}}, tc.between)
			if err := from.Rows(ctx, 5, func(*owner, *item) {}); err != nil {
				t.Fatal(err)
			}
			all := strings.Join(plan.steps, "\n")
			if !strings.Contains(all, tc.want) {
				t.Errorf("the plan lacks %q:\n%s", tc.want, all)
			}
			if strings.Contains(all, "SCAN items") || strings.Contains(all, "SCAN t1") {
				t.Errorf("the plan reads a whole table:\n%s", all)
			}
		})
	}
}

// explaining notes the plan of each statement before it runs it.
type explaining struct {
	dialect.Driver
	steps []string
}

func (e *explaining) Query(ctx context.Context, query string, args, v any) error {
	var rows sql.Rows
	if err := e.Driver.Query(ctx, "EXPLAIN QUERY PLAN "+query, args, &rows); err != nil {
		return err
	}
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return err
		}
		e.steps = append(e.steps, detail)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	return e.Driver.Query(ctx, query, args, v)
}

// stopped is a driver of another dialect that keeps the statement it is given.
type stopped struct {
	dialect.Driver
	statement string
}

func (*stopped) Dialect() string { return dialect.Postgres }

var errStopped = errors.New("stopped")

func (d *stopped) Query(_ context.Context, query string, args, _ any) error {
	d.statement = fmt.Sprint(query, " ", args)
	return errStopped
}

func TestPerParentOnPostgreSQL(t *testing.T) {
	ctx := asked(t.Context())
	p, err := NewPager(ctx, Args{}, NewOrder("Item", idKey(), By(keys()[1], Descending)))
	if err != nil {
		t.Fatal(err)
	}
	const columns = `"items"."id", "items"."parent_id", "items"."name", "items"."rank", "items"."on_date", "items"."hidden"`
	for between, want := range map[bool]string{
		false: `SELECT ` + columns + ` FROM unnest(CAST($1 AS bigint[])) AS "parent"("value") CROSS JOIN LATERAL ` +
			`(SELECT "items".* FROM "items" WHERE NOT "items"."hidden" AND "items"."parent_id" = "parent"."value" ` +
			`ORDER BY "items"."rank" DESC, "items"."id" DESC LIMIT 6) AS "items" ORDER BY "items"."rank" DESC, "items"."id" DESC [{12884901889,12884901890}]`,
		true: `SELECT "parent"."value", ` + columns + ` FROM unnest(CAST($1 AS bigint[])) AS "parent"("value") CROSS JOIN LATERAL ` +
			`(SELECT "items".* FROM "items" JOIN "links" AS "t1" ON "t1"."item_id" = "items"."id" WHERE NOT "items"."hidden" AND "t1"."owner_id" = "parent"."value" ` +
			`ORDER BY "items"."rank" DESC, "items"."id" DESC LIMIT 6) AS "items" ORDER BY "items"."rank" DESC, "items"."id" DESC [{12884901889,12884901890}]`,
	} {
		driver := &stopped{}
		owners := []*owner{{nodeid.New(nodeid.Resident, 2)}, {nodeid.New(nodeid.Resident, 1)}, {nodeid.New(nodeid.Resident, 2)}}
		err := (&world{driver: driver}).nested(p, owners, between).Rows(ctx, 6, func(*owner, *item) {})
		if !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		if driver.statement != want {
			t.Errorf("got  %s\nwant %s", driver.statement, want)
		}
	}
}

// What cannot be limited is refused, not answered wrongly.
func TestPerParentRefuses(t *testing.T) {
	none := func(*sql.Selector) {}
	loader := func(s *sql.Selector) { s.Where(sql.InValues(s.C("parent_id"), nodeid.New(nodeid.Resident, 1))) }
	for name, tc := range map[string]struct {
		loading    Loading
		predicates []func(*sql.Selector)
	}{
		"no loader":    {Loading{Link: Link{Parent: "parent_id"}, At: 1}, []func(*sql.Selector){none}},
		"a foreign id": {Loading{Link: Link{Parent: "parent_id"}}, []func(*sql.Selector){func(s *sql.Selector) { s.Where(sql.EQ(s.C("parent_id"), "x")) }}},
		"no parents":   {Loading{Link: Link{Parent: "parent_id"}}, []func(*sql.Selector){none}},
		"a join": {Loading{Link: Link{Parent: "parent_id"}}, []func(*sql.Selector){loader, func(s *sql.Selector) {
			links := sql.Table("links")
			s.Join(links).On(s.C("id"), links.C("item_id"))
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := sqlgraph.NewQuerySpec("items", itemColumns, sqlgraph.NewFieldSpec("id", field.TypeInt64))
			LimitPerParent(spec, tc.loading, 5, tc.predicates)
			driver := &stopped{}
			if err := sqlgraph.QueryNodes(t.Context(), driver, spec); err == nil || driver.statement != "" {
				t.Errorf("%v, ran %q", err, driver.statement)
			}
		})
	}
}
