package relay

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

func byName(d OrderDirection) Order[item] { return NewOrder("Item", idKey(), By(keys()[0], d)) }

func encoded(content string) *Cursor {
	c := Cursor(base64.RawURLEncoding.EncodeToString([]byte(content)))
	return &c
}

func TestNewPagerRefuses(t *testing.T) {
	ctx := viewer.With(t.Context(), viewer.System())
	row := &item{id: nodeid.New(nodeid.Wellness, 1), name: "a", on: scalar.DateOf(1940, 1, 1)}
	good := cursorOf(t, byName(Ascending), row)
	content, err := plain{}.Open("", string(good))
	if err != nil {
		t.Fatal(err)
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
		"ErrTwoJSON":              {Args{After: encoded(string(content) + "{}")}, problem.Invalid, "after"},
		"ErrNull":                 {Args{After: encoded("null")}, problem.Invalid, "after"},
		"ErrOtherVersion":         {Args{After: encoded(strings.Replace(string(content), `"v":1`, `"v":2`, 1))}, problem.Invalid, "after"},
		"ErrNoValues":             {Args{After: encoded(`{"v":1,"s":"Item:+NAME +ID"}`)}, problem.Invalid, "after"},
		"ErrNullValue":            {Args{After: encoded(`{"v":1,"s":"Item:+NAME +ID","k":[null,"wel_1"]}`)}, problem.Invalid, "after"},
		"ErrValueOfOtherType":     {Args{After: encoded(`{"v":1,"s":"Item:+NAME +ID","k":[7,"wel_1"]}`)}, problem.Invalid, "after"},
		"ErrNoSuchID":             {Args{Before: encoded(`{"v":1,"s":"Item:+NAME +ID","k":["a","wel_x"]}`)}, problem.Invalid, "before"},
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

// reversing seals by turning the text round, bound to the shape.
type reversing struct{}

func (reversing) Seal(shape string, content []byte) (string, error) {
	return shape + "|" + string(content), nil
}

func (reversing) Open(shape, text string) ([]byte, error) {
	content, ok := strings.CutPrefix(text, shape+"|")
	if !ok {
		return nil, errors.New("sealed for something else")
	}
	return []byte(content), nil
}

func TestSealer(t *testing.T) {
	ctx := WithSealer(t.Context(), reversing{})
	row := &item{id: nodeid.New(nodeid.Wellness, 1), name: "a"}
	o := byName(Ascending)
	p, err := NewPager(ctx, Args{}, o)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := p.page([]*item{row}, false, false, 1).PageInfo.StartCursor()
	if err != nil || !strings.HasPrefix(string(*sealed), "Item:+NAME +ID|") {
		t.Fatalf("the cursor is %v, %v", *sealed, err)
	}
	if _, err := NewPager(ctx, Args{After: sealed}, o); err != nil {
		t.Error(err)
	}
	if _, err := NewPager(ctx, Args{After: sealed}, byName(Descending)); !errors.Is(err, &problem.Problem{Code: problem.Invalid, Field: "after"}) {
		t.Errorf("a cursor of another order gave %v", err)
	}
	if _, err := NewPager(t.Context(), Args{After: sealed}, o); !errors.Is(err, &problem.Problem{Code: problem.Invalid, Field: "after"}) {
		t.Errorf("a sealed cursor without its sealer gave %v", err)
	}
}

// No text makes reading a cursor panic.
func FuzzCursor(f *testing.F) {
	row := &item{id: nodeid.New(nodeid.Wellness, 1), name: "a"}
	c, err := byName(Ascending).seal(plain{}, row)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(c))
	f.Add("e30")
	f.Fuzz(func(t *testing.T, text string) {
		c := Cursor(text)
		if _, err := NewPager(t.Context(), Args{After: &c}, byName(Ascending)); err != nil {
			if _, ok := problem.From(err); !ok {
				t.Errorf("%q gave %v", text, err)
			}
		}
	})
}
