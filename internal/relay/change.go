package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// CheckMany refuses more than the viewer of ctx may ask for at once.
func CheckMany(ctx context.Context, field string, n int) error {
	who, _ := viewer.From(ctx)
	if limit := who.PageLimit(); n > limit {
		return problem.Limit(field, limit, n, "%s may be at most %d, are %d.", field, limit, n)
	}
	return nil
}

// CheckKind refuses an id of another kind.
func CheckKind(field string, kind nodeid.Kind, id nodeid.ID) error {
	if id.Kind() == kind {
		return nil
	}
	return problem.Invalidf(field, "%s is the id of a %s, but a %s is needed, whose id looks like %q.",
		id, words(id.Kind()), words(kind), nodeid.New(kind, 17))
}

// NoSuch says that a row is not there, or not to be seen.
func NoSuch(kind nodeid.Kind, id nodeid.ID) *problem.Problem {
	return problem.NotFoundf("id", "There is no %s with the id %s.", words(kind), id)
}

// Stale says that somebody else changed the row, and to what version.
func Stale(current int) *problem.Problem {
	return problem.Conflictf("input.expectedVersion", "Somebody else has changed this; it is at version %d now. Read it again.", current).
		With("currentVersion", current)
}

// words writes a kind's name in words: "resident contact".
func words(kind nodeid.Kind) string {
	var b strings.Builder
	for i, r := range kind.String() {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Findings collects what is wrong with the fields of an input, each field once.
type Findings struct{ Problems problem.List }

// Add notes a problem with the named field. A message that begins like the rest
// of a sentence is said of the field.
func (f *Findings) Add(code, name, message string) {
	path := "input." + name
	if slices.ContainsFunc(f.Problems, func(p *problem.Problem) bool { return p.Field == path }) {
		return
	}
	if first, _ := utf8.DecodeRuneInString(message); !unicode.IsUpper(first) {
		message = name + " " + message
	}
	if !strings.HasSuffix(message, ".") {
		message += "."
	}
	f.Problems = append(f.Problems, &problem.Problem{Code: problem.Code(code), Field: path, Message: message})
}

func (f *Findings) invalid(name, message string) { f.Add(string(problem.Invalid), name, message) }

// Given notes a required field that was not given.
func (f *Findings) Given(name string, given bool) {
	if !given {
		f.invalid(name, "must be given")
	}
}

// Check notes what a column's validator says.
func (f *Findings) Check(name string, err error) {
	if err != nil {
		f.invalid(name, err.Error())
	}
}

// Known notes a value outside of a closed list.
func (f *Findings) Known(name string, err error) {
	if err != nil {
		f.invalid(name, "must be one of its values")
	}
}

// Changes collects what an input sets, and what is wrong with it.
type Changes struct {
	Findings
	// Any is set once anything changes.
	Any bool
}

// With is the error of these problems and more, each field once.
func (c *Changes) With(more problem.List) error {
	for _, p := range more {
		if !slices.ContainsFunc(c.Problems, func(q *problem.Problem) bool { return q.Field == p.Field }) {
			c.Problems = append(c.Problems, p)
		}
	}
	return c.Problems.Err()
}

// Nothing notes an input without any change.
func (c *Changes) Nothing() {
	if len(c.Problems) == 0 {
		c.Problems = append(c.Problems, problem.Invalidf("input", "There is nothing to change."))
	}
}

// maxReason is how long the reason of a change may be, in characters.
const maxReason = 500

// Reason checks why a clinical fact is changed.
func (c *Changes) Reason(reason *string) string {
	if reason == nil {
		return ""
	}
	if !utf8.ValidString(*reason) || utf8.RuneCountInString(*reason) > maxReason {
		c.invalid("reason", "must have at most 500 characters")
	}
	return *reason
}

const notNull = "may be left out but not null"

// apply sets what is given, and calls null for null.
func apply[V any](c *Changes, in graphql.Omittable[V], isNull func(V) bool, set func(V), null func()) {
	v, given := in.ValueOK()
	if !given {
		return
	}
	c.Any = true
	if isNull(v) {
		null()
		return
	}
	set(v)
}

// Set sets a field that may be left out but not null.
func Set[V any](c *Changes, name string, in graphql.Omittable[*V], set func(V)) {
	SetOrClear(c, name, in, set, func() { c.invalid(name, notNull) })
}

// SetList is Set for a list.
func SetList[V any](c *Changes, name string, in graphql.Omittable[[]V], set func([]V)) {
	SetOrClearList(c, name, in, set, func() { c.invalid(name, notNull) })
}

// SetOrClear sets a field, or clears it on null.
func SetOrClear[V any](c *Changes, _ string, in graphql.Omittable[*V], set func(V), clear func()) {
	apply(c, in, func(v *V) bool { return v == nil }, func(v *V) { set(*v) }, clear)
}

// SetOrClearList is SetOrClear for a list.
func SetOrClearList[V any](c *Changes, _ string, in graphql.Omittable[[]V], set func([]V), clear func()) {
	apply(c, in, func(v []V) bool { return v == nil }, set, clear)
}

// Known finds which of the ids are those of rows that the viewer sees.
type Known func(ctx context.Context, ids []nodeid.ID) ([]nodeid.ID, error)

// refer notes ids of another kind and ids of no row; it is true if all are right.
func (c *Changes) refer(ctx context.Context, name string, kind nodeid.Kind, ids []nodeid.ID, known Known) (bool, error) {
	for _, id := range ids {
		if found, ok := problem.From(CheckKind("input."+name, kind, id)); ok {
			c.Problems = append(c.Problems, found...)
			return false, nil
		}
	}
	there, err := known(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if !slices.Contains(there, id) {
			p := NoSuch(kind, id)
			p.Field = "input." + name
			c.Problems = append(c.Problems, p)
			return false, nil
		}
	}
	return true, nil
}

// Refer points an edge to the row of an id.
func Refer(ctx context.Context, c *Changes, name string, kind nodeid.Kind, id nodeid.ID, set func(nodeid.ID), known Known) error {
	ok, err := c.refer(ctx, name, kind, []nodeid.ID{id}, known)
	if ok {
		set(id)
	}
	return err
}

// SetRefer points an edge elsewhere; it may be left out but not null.
func SetRefer(ctx context.Context, c *Changes, name string, kind nodeid.Kind, in graphql.Omittable[*nodeid.ID], set func(nodeid.ID), known Known) error {
	var err error
	Set(c, name, in, func(id nodeid.ID) { err = Refer(ctx, c, name, kind, id, set, known) })
	return err
}

// SetOrClearRefer points an edge elsewhere, or nowhere on null.
func SetOrClearRefer(ctx context.Context, c *Changes, name string, kind nodeid.Kind, in graphql.Omittable[*nodeid.ID], set func(nodeid.ID), clear func(), known Known) error {
	var err error
	SetOrClear(c, name, in, func(id nodeid.ID) { err = Refer(ctx, c, name, kind, id, set, known) }, clear)
	return err
}

// refers points an edge to many rows.
func refers(ctx context.Context, c *Changes, name string, kind nodeid.Kind, ids []nodeid.ID, add func(...nodeid.ID), known Known) error {
	if len(ids) == 0 {
		return nil
	}
	ok, err := c.refer(ctx, name, kind, ids, known)
	if ok {
		add(ids...)
	}
	return err
}

// SetRefers points an edge to these rows instead of those before.
func SetRefers(ctx context.Context, c *Changes, name string, kind nodeid.Kind, in graphql.Omittable[[]nodeid.ID], add func(...nodeid.ID), clear func(), known Known) error {
	var err error
	SetList(c, name, in, func(ids []nodeid.ID) {
		clear()
		err = refers(ctx, c, name, kind, ids, add, known)
	})
	return err
}

// At puts a field or a place of a list before the path of a problem: that of
// givenName in where is where.givenName.
func At[S string | int](err error, step S) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	q := *p
	q.Field = fmt.Sprint(step)
	if p.Field != "" {
		q.Field += "." + p.Field
	}
	return &q
}

// Without is a JSON object without some of its keys.
func Without(object json.RawMessage, keys []string) (json.RawMessage, error) {
	if len(keys) == 0 || len(object) == 0 {
		return object, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("reading a content: %w", err)
	}
	for _, key := range keys {
		delete(fields, key)
	}
	return json.Marshal(fields)
}
