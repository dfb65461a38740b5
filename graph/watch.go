package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Watch is told what becomes of requests; a field that is nil is not told. Only
// names, kinds and codes are passed to it, nothing that a document or an answer
// holds.
type Watch struct {
	// Operation is told that an operation begins; its context is the one that the
	// operation runs in. What it returns is told once how it ended: the codes of
	// its errors, each as often as it occurred.
	Operation func(ctx context.Context, name, kind string) (context.Context, func(codes []string))
	// Refused is told the codes of a request that came to no operation.
	Refused func(ctx context.Context, codes []string)
}

// watchedKey marks the context of an operation that began.
type watchedKey struct{}

// operations is the outermost interceptor of operations.
func (w Watch) operations(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if w.Operation == nil {
		return next(context.WithValue(ctx, watchedKey{}, true))
	}
	op := graphql.GetOperationContext(ctx).Operation
	ctx, told := w.Operation(ctx, op.Name, string(op.Operation))
	end := &ending{told: told}
	if op.Operation == ast.Subscription {
		// Whoever has gone does not ask for the last answer.
		context.AfterFunc(ctx, end.now)
	}
	answers := next(context.WithValue(ctx, watchedKey{}, true))
	return func(ctx context.Context) *graphql.Response {
		answer := answers(ctx)
		if answer != nil {
			end.note(codesOf(answer.Errors))
		}
		if answer == nil || op.Operation != ast.Subscription {
			end.now()
		}
		return answer
	}
}

// refused counts the answers to requests that were refused before they ran.
func (w Watch) refused(ctx context.Context, errors gqlerror.List) {
	if w.Refused != nil && ctx.Value(watchedKey{}) == nil {
		w.Refused(ctx, codesOf(errors))
	}
}

func codesOf(errors gqlerror.List) []string {
	codes := make([]string, 0, len(errors))
	for _, err := range errors {
		if code, ok := err.Extensions["code"].(string); ok {
			codes = append(codes, code)
		}
	}
	return codes
}

// ending tells once how an operation ended.
type ending struct {
	mu     sync.Mutex
	failed []string
	told   func(codes []string) // nil once it was
}

func (e *ending) note(codes []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = append(e.failed, codes...)
}

func (e *ending) now() {
	e.mu.Lock()
	told := e.told
	e.told = nil
	failed := e.failed
	e.mu.Unlock()
	if told != nil {
		told(failed)
	}
}
