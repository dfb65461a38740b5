package problem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code says what kind of problem it is, for programs. The list is closed.
type Code string

// The codes.
const (
	// Invalid is an input that can never be right, whatever the data.
	Invalid Code = "INVALID"
	// NotFound is a row that does not exist or that the viewer may not see;
	// the two are never told apart.
	NotFound Code = "NOT_FOUND"
	// Conflict is a right input that the present data does not allow.
	Conflict Code = "CONFLICT"
	// Forbidden is an act that the viewer's role does not include.
	Forbidden Code = "FORBIDDEN"
	// Unauthenticated is a request that does not say who is asking.
	Unauthenticated Code = "UNAUTHENTICATED"
	// SafetyBlock is an act that would endanger a resident.
	SafetyBlock Code = "SAFETY_BLOCK"
	// LimitExceeded is a request that asks for too much; Details has "limit"
	// and "actual".
	LimitExceeded Code = "LIMIT_EXCEEDED"
	// StorageFull is a write for which the disk has no room.
	StorageFull Code = "STORAGE_FULL"
	// Timeout is a request that was given up after its time.
	Timeout Code = "TIMEOUT"
	// Internal is anything else; its cause is logged, never shown.
	Internal Code = "INTERNAL"
)

// Codes lists every code in the order of the documentation.
func Codes() []Code {
	return []Code{Invalid, NotFound, Conflict, Forbidden, Unauthenticated,
		SafetyBlock, LimitExceeded, StorageFull, Timeout, Internal}
}

// Valid reports whether c is in the closed list.
func (c Code) Valid() bool { return slices.Contains(Codes(), c) }

// Problem is one thing that is wrong.
type Problem struct {
	Code Code
	// Field is the path of the argument it is about, such as
	// "input.birthDate", or empty.
	Field string
	// Message is for a person: no table, column or Go name in it.
	Message string
	// Details holds what a program may want as well, by camelCase key; mostly nil.
	Details map[string]any
}

// Error is the message, led by code and field, for logs and tests.
func (p *Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%s: %s", p.Code, p.Message)
	}
	return fmt.Sprintf("%s at %s: %s", p.Code, p.Field, p.Message)
}

// Is makes two problems of the same code and field equal for errors.Is.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code && t.Field == p.Field
}

// With returns a copy of p that also carries details[key] = value.
func (p *Problem) With(key string, value any) *Problem {
	q := *p
	q.Details = map[string]any{key: value}
	for k, v := range p.Details {
		if k != key {
			q.Details[k] = v
		}
	}
	return &q
}

// List is several problems of one request, in the order they were found.
type List []*Problem

// Error joins the messages, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems to errors.Is and errors.As.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// Err is nil for an empty list, the problem itself if it is alone, else the list.
func (l List) Err() error {
	switch len(l) {
	case 0:
		return nil
	case 1:
		return l[0]
	}
	return l
}

// New makes a problem; the message is formatted as by fmt.Sprintf.
func New(code Code, field, format string, args ...any) *Problem {
	return &Problem{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Invalidf is New(Invalid, ...).
func Invalidf(field, format string, args ...any) *Problem {
	return New(Invalid, field, format, args...)
}

// NotFoundf is New(NotFound, ...).
func NotFoundf(field, format string, args ...any) *Problem {
	return New(NotFound, field, format, args...)
}

// Conflictf is New(Conflict, ...).
func Conflictf(field, format string, args ...any) *Problem {
	return New(Conflict, field, format, args...)
}

// Forbiddenf is New(Forbidden, "", ...).
func Forbiddenf(format string, args ...any) *Problem {
	return New(Forbidden, "", format, args...)
}

// Limit is a LIMIT_EXCEEDED problem that tells the limit and what was asked.
func Limit(field string, limit, actual int, format string, args ...any) *Problem {
	p := New(LimitExceeded, field, format, args...)
	p.Details = map[string]any{"limit": limit, "actual": actual}
	return p
}

// Carrier is an error of a package that must not import this one (the schema's
// rules): it tells its code, field and message itself.
type Carrier interface {
	error
	Problem() (code, field, message string)
}

// From finds every problem in the tree of err: problems, lists and carriers,
// through wrapped and joined errors, in order. It is false where there is none;
// then err is the program's own fault. An error beside problems in a joined
// tree is not lost silently: then From is false too.
func From(err error) (List, bool) {
	if err == nil {
		return nil, false
	}
	list, whole := collect(nil, err)
	return list, whole && len(list) > 0
}

func collect(list List, err error) (List, bool) {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here, node by node
	case *Problem:
		return append(list, e), true
	case Carrier:
		code, field, message := e.Problem()
		if !Code(code).Valid() {
			return list, false
		}
		return append(list, &Problem{Code: Code(code), Field: field, Message: message}), true
	case interface{ Unwrap() []error }:
		whole := true
		for _, child := range e.Unwrap() {
			var ok bool
			list, ok = collect(list, child)
			whole = whole && ok
		}
		return list, whole
	}
	if inner := errors.Unwrap(err); inner != nil {
		return collect(list, inner)
	}
	return list, false
}
