package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"carehome/graph/transport"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// patience bounds whatever a test waits for.
const patience = time.Minute

// executor answers by the name of the operation's first field: what is tested here
// is what carries the answers.
type executor struct {
	// values are what subscriptions to "values" tell, until it is closed; a value
	// that is an error ends them with it.
	values chan any
	// held lets queries of "held" answer.
	held chan struct{}

	mu      sync.Mutex
	started map[string]int // how often a field was run
	ended   map[string]int // how often that ended
	news    chan struct{}
}

func newExecutor() *executor {
	return &executor{
		values: make(chan any), held: make(chan struct{}),
		started: map[string]int{}, ended: map[string]int{}, news: make(chan struct{}),
	}
}

func (e *executor) note(counts map[string]int, field string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	counts[field]++
	close(e.news)
	e.news = make(chan struct{})
}

// wait waits until a field has been started or has ended n times.
func (e *executor) wait(t *testing.T, counts map[string]int, field string, n int) {
	t.Helper()
	limit := time.After(patience)
	for {
		e.mu.Lock()
		now, news := counts[field], e.news
		e.mu.Unlock()
		if now >= n {
			return
		}
		select {
		case <-news:
		case <-limit:
			t.Fatalf("%s: %d, want %d", field, now, n)
		}
	}
}

func (e *executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op := &graphql.OperationContext{RawQuery: params.Query, Variables: params.Variables}
	if _, known := viewer.From(ctx); !known {
		return op, gqlerror.List{{Err: problem.New(problem.Unauthenticated, "", "who are you"), Message: "who are you"}}
	}
	document, err := parser.ParseQuery(&ast.Source{Input: params.Query})
	if err != nil || len(document.Operations) == 0 {
		return op, gqlerror.List{{Message: "not a document", Extensions: map[string]any{"code": "INVALID"}}}
	}
	if strings.Contains(params.Query, "panics") && strings.Contains(params.Query, "early") {
		panic("early")
	}
	op.Doc, op.Operation = document, document.Operations[0]
	return op, nil
}

func (e *executor) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	field := op.Operation.SelectionSet[0].(*ast.Field).Name
	e.note(e.started, field)
	once := func(r *graphql.Response) graphql.ResponseHandler {
		return func(context.Context) *graphql.Response {
			answer := r
			r = nil
			return answer
		}
	}
	switch field {
	case "panics":
		panic("late")
	case "refused":
		return once(&graphql.Response{Errors: gqlerror.List{{Message: "refused"}}}), ctx
	case "held":
		return func(ctx context.Context) *graphql.Response {
			if field == "" {
				return nil
			}
			field = ""
			select {
			case <-e.held:
			case <-ctx.Done():
			}
			e.note(e.ended, "held")
			return &graphql.Response{Data: []byte(`{"held":true}`)}
		}, ctx
	case "values":
		return e.subscribe(ctx), ctx
	}
	return once(&graphql.Response{Data: []byte(`{"` + field + `":true}`)}), ctx
}

func (e *executor) subscribe(ctx context.Context) graphql.ResponseHandler {
	stream, ok := transport.StreamOf(ctx)
	if !ok {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{{Message: "no stream"}}})
	}
	told := make(chan string)
	stream.Go(func() error {
		defer e.note(e.ended, "values")
		defer close(told)
		if stream.After() != "" {
			stream.Sending("after-" + stream.After())
			told <- `"` + stream.After() + `"`
		}
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case value, more := <-e.values:
				switch value := value.(type) {
				case error:
					return value
				case string:
					if value == "panic" {
						panic(value)
					}
				}
				if !more {
					return nil
				}
				stream.Sending(fmt.Sprint("event-", n))
				select {
				case told <- fmt.Sprint(value):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
	return func(ctx context.Context) *graphql.Response {
		select {
		case value, more := <-told:
			if more {
				return &graphql.Response{Data: []byte(`{"values":` + value + `}`)}
			}
		case <-ctx.Done():
		}
		return nil
	}
}

func (e *executor) DispatchError(_ context.Context, list gqlerror.List) *graphql.Response {
	for _, one := range list {
		var known *problem.Problem
		switch {
		case errors.As(one.Err, &known):
			one.Message, one.Extensions = known.Message, map[string]any{"code": string(known.Code)}
		case one.Extensions == nil:
			one.Message, one.Extensions = "hidden", map[string]any{"code": "INTERNAL"}
		}
	}
	return &graphql.Response{Errors: list}
}

// tell hands a value to a subscription.
func (e *executor) tell(t *testing.T, value any) {
	t.Helper()
	select {
	case e.values <- value:
	case <-time.After(patience):
		t.Fatal("nobody listens")
	}
}

// serving serves one transport. Requests are Ana's unless they have the header
// Nobody.
func serving(t *testing.T, carrier graphql.Transport, exec graphql.GraphExecutor) (url string) {
	t.Helper()
	return servingWithin(t, 0, carrier, exec)
}

// servingWithin has the server's time limits as well.
func servingWithin(t *testing.T, limit time.Duration, carrier graphql.Transport, exec graphql.GraphExecutor) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Nobody") == "" {
			r = r.WithContext(viewer.With(r.Context(), viewer.Viewer{Name: "Ana", Role: viewer.Nurse}))
		}
		if !carrier.Supports(r) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		carrier.Do(w, r, exec)
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = limit, limit
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func problemOf(code problem.Code) error { return problem.New(code, "", "it is over") }
