package audit

import (
	"context"
	"errors"
	"strings"
	"sync"

	"carehome/internal/nodeid"
	"carehome/internal/requestid"
	"carehome/internal/viewer"
)

// Record is what is known of one transaction beyond the rows that it touches. The
// store puts one into the context of each.
type Record struct {
	mu      sync.Mutex
	reason  string
	actions map[nodeid.ID]Action
	added   []Event
}

type (
	recordKey    struct{}
	operationKey struct{}
)

// WithRecord returns a context whose work is recorded in r.
func WithRecord(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

func recordOf(ctx context.Context) (*Record, bool) {
	r, ok := ctx.Value(recordKey{}).(*Record)
	return r, ok
}

// Because says why the transaction that ctx is in changes what it changes. It
// does nothing without a reason or a transaction.
func Because(ctx context.Context, reason string) {
	if r, ok := recordOf(ctx); ok && reason != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reason = reason
	}
}

// Mark says what the change of a row means, where that is more than that it was
// made, changed or removed.
func Mark(ctx context.Context, id nodeid.ID, action Action) {
	if r, ok := recordOf(ctx); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.actions == nil {
			r.actions = map[nodeid.ID]Action{}
		}
		r.actions[id] = action
	}
}

// Add has an event kept that is about no change of a row, such as a login, in the
// transaction that ctx is in.
func Add(ctx context.Context, e Event) error {
	r, ok := recordOf(ctx)
	if !ok {
		return errors.New("an event needs a transaction to be kept in")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = append(r.added, e)
	return nil
}

// Reason is what Because said.
func (r *Record) Reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reason
}

// ActionOf is what Mark said of a row, or what is given.
func (r *Record) ActionOf(id nodeid.ID, otherwise Action) Action {
	r.mu.Lock()
	defer r.mu.Unlock()
	if action, ok := r.actions[id]; ok {
		return action
	}
	return otherwise
}

// Added are the events that Add has taken.
func (r *Record) Added() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.added
}

// WithOperation says what the work of ctx is, such as "updateWellness" or "seed".
func WithOperation(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operationKey{}, name)
}

// By is an event of whoever ctx says is at work, to be filled in.
func By(ctx context.Context) Event {
	e := Event{Request: requestid.From(ctx)}
	e.Operation, _ = ctx.Value(operationKey{}).(string)
	if e.Operation == "" {
		e.Operation = requestid.Operation(ctx)
	}
	e.Operation = strings.ToValidUTF8(e.Operation, "")
	if who, ok := viewer.From(ctx); ok && !who.IsSystem() {
		e.Actor, e.Role, e.Key = who.ID, string(who.Role), who.Key
	}
	return e
}
