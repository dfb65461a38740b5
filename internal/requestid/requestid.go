package requestid

import (
	"context"
	"crypto/rand"
	"sync/atomic"
)

// maxLength bounds an ID that a client or a proxy brings along.
const maxLength = 64

// maxOperation bounds an operation's name, which a client chooses, in the log.
const maxOperation = 80

type key struct{}

// request is what is known of one request. The operation and the viewer are
// learnt on the way, below the place that logs them, hence shared values.
type request struct {
	id        string
	operation atomic.Pointer[string]
	viewer    atomic.Pointer[[2]string]
}

// New makes an ID of 26 characters and 130 random bits.
func New() string { return rand.Text() }

// Valid reports whether an ID from outside may be kept: 1 to 64 letters,
// digits, dots, dashes and underscores, so that it can be written to a log, a
// header and a file name as it is.
func Valid(id string) bool {
	if id == "" || len(id) > maxLength {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// With returns a context whose work belongs to the request id.
func With(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, key{}, &request{id: id})
}

// From is the ID that With carried, or empty outside a request.
func From(ctx context.Context) string {
	if r, ok := ctx.Value(key{}).(*request); ok {
		return r.id
	}
	return ""
}

// NameOperation notes the name of the operation that the request runs, for the
// access log. It does nothing outside a request.
func NameOperation(ctx context.Context, name string) {
	r, ok := ctx.Value(key{}).(*request)
	if !ok {
		return
	}
	if len(name) > maxOperation {
		name = name[:maxOperation]
	}
	r.operation.Store(&name)
}

// Operation is what NameOperation noted, or empty.
func Operation(ctx context.Context) string {
	if r, ok := ctx.Value(key{}).(*request); ok {
		if name := r.operation.Load(); name != nil {
			return *name
		}
	}
	return ""
}

// NameViewer notes who the request is from, for the log: the ID of a staff user
// and the role, never a name. It does nothing outside a request.
func NameViewer(ctx context.Context, id, role string) {
	if r, ok := ctx.Value(key{}).(*request); ok {
		r.viewer.Store(&[2]string{id, role})
	}
}

// Viewer is what NameViewer noted, or empty.
func Viewer(ctx context.Context) (id, role string) {
	if r, ok := ctx.Value(key{}).(*request); ok {
		if noted := r.viewer.Load(); noted != nil {
			return noted[0], noted[1]
		}
	}
	return "", ""
}
