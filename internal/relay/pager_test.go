package relay

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"carehome/internal/access"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

func byName(d OrderDirection) Order[item] { return NewOrder("Item", idKey(), By(keys()[0], d)) }

// sealedAs is content in the clear, as a cursor of the items by name that the
// system asked for, of a version.
func sealedAs(version, content string) *Cursor {
	what := access.CursorScope(asked(context.Background())) + "\n" + version + byName(Ascending).shape()
	c := Cursor(base64.RawURLEncoding.EncodeToString([]byte(what + "|" + content)))
	return &c
}

func encoded(content string) *Cursor { return sealedAs(cursorVersion, content) }

func TestNewPagerRefuses(t *testing.T) {
	ctx := asked(t.Context())
	row := &item{id: nodeid.New(nodeid.Wellness, 1), name: "a", on: scalar.DateOf(1940, 1, 1)}
	good := cursorOf(t, byName(Ascending), row)
	const content = `["a","wel_1"]`
	if *encoded(content) != good {
		t.Fatalf("a cursor is %q, want %q", good, *encoded(content))
	}
	cursor := func(o Order[item]) *Cursor { c := cursorOf(t, o, row); return &c }
	number := func(n int) *int { return &n }
	text := func(s string) *Cursor { c := Cursor(s); return &c }
	for name, tc := range map[string]struct {
		args Args
		want problem.Code
		on   string
	}{
		"OK":                      {Args{First: number(200), After: &good}, "", ""},
		"OKZero":                  {Args{Last: number(0)}, "", ""},
		"ErrBothSizes":            {Args{First: number(1), Last: number(1)}, problem.Invalid, "last"},
		"ErrNegativeFirst":        {Args{First: number(-1)}, problem.Invalid, "first"},
		"ErrNegativeLast":         {Args{Last: number(-1)}, problem.Invalid, "last"},
		"ErrFirstOverLimit":       {Args{First: number(201)}, problem.LimitExceeded, "first"},
		"ErrLastOverLimit":        {Args{Last: number(1 << 31)}, problem.LimitExceeded, "last"},
		"ErrNoBase64":             {Args{After: text("not a cursor!")}, problem.Invalid, "after"},
		"ErrEmpty":                {Args{Before: text("")}, problem.Invalid, "before"},
		"ErrPadded":               {Args{After: text(string(good) + "=")}, problem.Invalid, "after"},
		"ErrCut":                  {Args{After: text(string(good[:len(good)-3]))}, problem.Invalid, "after"},
		"ErrNoJSON":               {Args{After: encoded("{")}, problem.Invalid, "after"},
		"ErrTwoJSON":              {Args{After: encoded(content + "{}")}, problem.Invalid, "after"},
		"ErrNull":                 {Args{After: encoded("null")}, problem.Invalid, "after"},
		"ErrOtherVersion":         {Args{After: sealedAs("1 ", content)}, problem.Invalid, "after"},
		"ErrNoValues":             {Args{After: encoded(`[]`)}, problem.Invalid, "after"},
		"ErrNullValue":            {Args{After: encoded(`[null,"wel_1"]`)}, problem.Invalid, "after"},
		"ErrValueOfOtherType":     {Args{After: encoded(`[7,"wel_1"]`)}, problem.Invalid, "after"},
		"ErrNoSuchID":             {Args{Before: encoded(`["a","wel_x"]`)}, problem.Invalid, "before"},
		"ErrOtherKeys":            {Args{After: cursor(NewOrder("Item", idKey()))}, problem.Invalid, "after"},
		"ErrOtherDirection":       {Args{After: cursor(byName(Descending))}, problem.Invalid, "after"},
		"ErrMoreKeys":             {Args{After: cursor(NewOrder("Item", idKey(), By(keys()[0], Ascending), By(keys()[1], Ascending)))}, problem.Invalid, "after"},
		"ErrOtherType":            {Args{After: cursor(NewOrder("Thing", idKey(), By(keys()[0], Ascending)))}, problem.Invalid, "after"},
		"ErrTooLong":              {Args{After: text(strings.Repeat("A", 1<<20))}, problem.Invalid, "after"},
		"ErrSecondOfTwo":          {Args{After: &good, Before: text("x")}, problem.Invalid, "before"},
		"OKSameOrderWrittenLong":  {Args{After: cursor(NewOrder("Item", idKey(), By(keys()[0], Ascending), By(idKey(), Ascending)))}, "", ""},
		"OKKeyNamedTwice":         {Args{After: cursor(NewOrder("Item", idKey(), By(keys()[0], Ascending), By(keys()[0], Descending)))}, "", ""},
		"OKNothingAfterID":        {Args{}, "", ""},
		"ErrKeyAfterIDIsNoKey":    {Args{After: cursor(NewOrder("Item", idKey(), By(idKey(), Ascending), By(keys()[0], Ascending)))}, problem.Invalid, "after"},
		"ErrReportingLimitIsHers": {Args{First: number(1000)}, problem.LimitExceeded, "first"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewPager(ctx, tc.args, byName(Ascending))
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, &problem.Problem{Code: tc.want, Field: tc.on}) {
				t.Fatalf("got %v, want %s at %s", err, tc.want, tc.on)
			}
		})
	}
}

func TestPagerLimitTellsBoth(t *testing.T) {
	ctx := viewer.With(t.Context(), viewer.Viewer{Role: viewer.Reporting})
	n := 1001
	_, err := NewPager(ctx, Args{First: &n}, byName(Ascending))
	var p *problem.Problem
	if !errors.As(err, &p) || p.Details["limit"] != 1000 || p.Details["actual"] != 1001 {
		t.Fatalf("got %#v", err)
	}
	n = 1000
	if _, err := NewPager(ctx, Args{First: &n}, byName(Ascending)); err != nil {
		t.Fatal(err)
	}
}

// All that is wrong with the arguments is told at once.
func TestNewPagerTellsAll(t *testing.T) {
	n, c := -1, Cursor("x")
	_, err := NewPager(t.Context(), Args{First: &n, After: &c, Before: &c}, byName(Ascending))
	list, ok := problem.From(err)
	if !ok || len(list) != 3 {
		t.Fatalf("got %v", err)
	}
}

func TestSealer(t *testing.T) {
	sealer, err := NewSealer(bytes.Repeat([]byte{7}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	as := func(who viewer.Viewer, s Sealer) context.Context { return viewer.With(WithSealer(t.Context(), s), who) }
	ana, eva := viewer.Viewer{ID: nodeid.New(nodeid.StaffUser, 1), Role: viewer.Nurse}, viewer.Viewer{ID: nodeid.New(nodeid.StaffUser, 2), Role: viewer.Nurse}
	row, o := &item{id: nodeid.New(nodeid.Wellness, 1), name: "García"}, byName(Ascending)
	made := func(ctx context.Context) Cursor {
		p, err := NewPager(ctx, Args{}, o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.page([]*item{row}, false, false, 1).PageInfo.StartCursor()
		if err != nil {
			t.Fatal(err)
		}
		return *c
	}
	cursor := made(as(ana, sealer))
	if again := made(as(ana, sealer)); again != cursor {
		t.Errorf("a row has two cursors, %q and %q", cursor, again)
	}
	if len(cursor) > 70 {
		t.Errorf("the cursor is long: %q", cursor)
	}
	if plain, err := base64.RawURLEncoding.DecodeString(string(cursor)); err != nil || bytes.Contains(plain, []byte("Garc")) || bytes.Contains(plain, []byte("wel_")) {
		t.Errorf("the cursor can be read: %q, %v", plain, err)
	}
	other, err := NewSealer(bytes.Repeat([]byte{8}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	keyed, manager := ana, ana
	keyed.Key, manager.Role = nodeid.New(nodeid.APIKey, 1), viewer.Manager
	same, err := NewSealer(bytes.Repeat([]byte{7}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ctx   context.Context
		order Order[item]
		ok    bool
	}{
		"OK":              {as(ana, sealer), o, true},
		"OKAfterARestart": {as(ana, same), o, true},
		"OKWithAKey":      {as(keyed, sealer), o, true},
		"ErrOtherViewer":  {as(eva, sealer), o, false},
		"ErrOtherRole":    {as(manager, sealer), o, false},
		"ErrOtherOrder":   {as(ana, sealer), byName(Descending), false},
		"ErrOtherSecret":  {as(ana, other), o, false},
		"ErrNoSealer":     {viewer.With(t.Context(), ana), o, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewPager(tc.ctx, Args{After: &cursor}, tc.order)
			if tc.ok && err != nil || !tc.ok && !errors.Is(err, &problem.Problem{Code: problem.Invalid, Field: "after"}) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("ErrTampered", func(t *testing.T) {
		for i := range len(cursor) {
			text := []byte(cursor)
			text[i] = "AB"[i%2]
			if changed := Cursor(text); changed != cursor {
				if _, err := NewPager(as(ana, sealer), Args{After: &changed}, o); !errors.Is(err, &problem.Problem{Code: problem.Invalid, Field: "after"}) {
					t.Errorf("%q gave %v", changed, err)
				}
			}
		}
	})
	t.Run("ErrShortSecret", func(t *testing.T) {
		if _, err := NewSealer([]byte("short")); err == nil {
			t.Error("it was taken")
		}
	})
}

// No text makes reading a cursor panic.
func FuzzCursor(f *testing.F) {
	row := &item{id: nodeid.New(nodeid.Wellness, 1), name: "a"}
	clear := asked(context.Background())
	sealed := viewer.With(WithSealer(context.Background(), RandomSealer()), viewer.System())
	for _, ctx := range []context.Context{clear, sealed} {
		c, err := byName(Ascending).seal(sealerOf(ctx), row)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(c))
	}
	f.Add("e30")
	f.Fuzz(func(t *testing.T, text string) {
		c := Cursor(text)
		for _, ctx := range []context.Context{clear, sealed} {
			if _, err := NewPager(ctx, Args{After: &c}, byName(Ascending)); err != nil {
				if _, ok := problem.From(err); !ok {
					t.Errorf("%q gave %v", text, err)
				}
			}
		}
	})
}

// A filter of one comparison keeps its operator in the statement of many parents.
func TestPerParentKeepsTheFilter(t *testing.T) {
	for name, p := range map[string]*sql.Predicate{
		"GT": sql.GT("name", "a"), "GTE": sql.GTE("name", "a"), "LT": sql.LT("name", "a"), "LTE": sql.LTE("name", "a"), "EQ": sql.EQ("name", "a"),
		"NEQ": sql.NEQ("name", "a"), "In": sql.In("name", "a", "b"), "NotIn": sql.NotIn("name", "a"), "IsNull": sql.IsNull("name"),
		"NotNull": sql.NotNull("name"), "Like": sql.Like("name", "a%"), "HasPrefix": sql.HasPrefix("name", "a"), "ContainsFold": sql.ContainsFold("name", "a"),
		"EqualFold": sql.EqualFold("name", "a"), "Not": sql.Not(sql.GT("name", "a")),
		"And": sql.And(sql.GT("name", "a"), sql.LT("name", "b")), "OrInAnd": sql.And(sql.Or(sql.GT("name", "a"), sql.LT("name", "b")), sql.NotNull("name")),
	} {
		t.Run(name, func(t *testing.T) {
			own, _ := sql.Dialect(dialect.SQLite).Select("id").From(sql.Table("items")).Where(p).Query()
			_, want, _ := strings.Cut(own, "WHERE ")
			s := sql.Dialect(dialect.SQLite).Select("id").From(sql.Table("items")).Where(p)
			perParent(s, Link{Parent: "parent_id"}, []nodeid.ID{1}, 2)
			got, _ := s.Query()
			if !strings.Contains(got, "WHERE "+want+" AND ") && !strings.Contains(got, "WHERE ("+want+") AND ") {
				t.Errorf("%s is not in %s", want, got)
			}
		})
	}
	s := sql.Dialect(dialect.SQLite).Select("id").From(sql.Table("items")).Where(sql.Or(sql.EQ("name", "a"), sql.GT("rank", 1)))
	perParent(s, Link{Parent: "parent_id"}, []nodeid.ID{1}, 2)
	if got, _ := s.Query(); !strings.Contains(got, "(`name` = ? OR `rank` > ?) AND ") {
		t.Errorf("an OR without its brackets: %s", got)
	}
}
