package transport

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carehome/internal/problem"
)

// streamed is one operation on a transport that can answer many times.
type streamed struct {
	exec graphql.GraphExecutor
	log  *slog.Logger
	// after is where to go on, if the transport was told.
	after string
	// emit sends an answer; false if nobody takes it any more.
	emit func(answered) bool
}

// answered is one of an operation's answers.
type answered struct {
	*graphql.Response
	// event is what the answer tells of, if it is of a subscription.
	event string
	// refused is true where the errors are of the operation as a whole, which has
	// ended with them.
	refused bool
}

// run runs an operation that was admitted to its end.
func (s streamed) run(ctx context.Context, op *graphql.OperationContext) {
	began, answers := time.Now(), 0
	defer func() {
		// The log itself adds the operation's name, from ctx.
		s.log.InfoContext(ctx, "operation", "kind", string(op.Operation.Operation), "answers", answers, "ms", float64(time.Since(began).Microseconds())/1000)
	}()
	defer s.recovered(ctx)
	ctx, end := context.WithCancel(ctx)
	defer end()
	var stream *Stream
	if op.Operation.Operation == ast.Subscription {
		ctx, stream = withStream(ctx, s.after)
		defer stream.work.Wait()
		defer end() // before that
	}
	responses, ctx := s.exec.DispatchOperation(ctx, op)
	answerCtx, whole := ctx, func(*graphql.Response) {}
	if stream != nil {
		answerCtx, whole = underRoot(ctx, op)
	}
	for {
		if stream != nil {
			stream.want()
		}
		response := responses(answerCtx)
		if response == nil {
			break
		}
		if stream != nil && ctx.Err() != nil {
			return // whoever ended it says why, and nothing more is told
		}
		a := answered{Response: response, refused: response.Data == nil}
		if stream != nil && !a.refused {
			a.event = stream.sent()
			whole(response)
		}
		answers++
		if !s.emit(a) || a.refused {
			return
		}
	}
	if stream == nil {
		return
	}
	if err := stream.end(); err != nil && ctx.Err() == nil {
		s.fail(ctx, err)
	}
}

// recovered ends an operation that panicked; it is to be deferred.
func (s streamed) recovered(ctx context.Context) {
	if cause := recover(); cause != nil {
		s.fail(ctx, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
	}
}

// fail ends the operation with an error.
func (s streamed) fail(ctx context.Context, err error) {
	s.emit(answered{Response: s.exec.DispatchError(ctx, listed(err)), refused: true})
}

// listed turns an error into what the executor presents: each problem by itself.
func listed(err error) gqlerror.List {
	problems, known := problem.From(err)
	if !known {
		return gqlerror.List{{Err: err, Message: err.Error()}}
	}
	list := make(gqlerror.List, len(problems))
	for i, p := range problems {
		list[i] = &gqlerror.Error{Err: p, Message: p.Message}
	}
	return list
}

// underRoot makes up for two things that the executor leaves out of the answers of
// a subscription: the paths of errors begin with the subscription's field, and
// where that may not be null, the whole answer is null instead.
func underRoot(ctx context.Context, op *graphql.OperationContext) (context.Context, func(*graphql.Response)) {
	fields := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 || fields[0].Definition == nil {
		return ctx, func(*graphql.Response) {}
	}
	root := fields[0]
	nothing := `{"` + root.Alias + `":null}`
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: root})
	return ctx, func(r *graphql.Response) {
		if root.Definition.Type.NonNull && string(r.Data) == nothing {
			r.Data = []byte("null")
		}
	}
}
