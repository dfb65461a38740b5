package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"carehome/graph/documents"
	"carehome/internal/problem"
)

// engine is what all transports run operations by: it admits a request, which is
// where everything is checked that can be before it runs, and then runs it.
type engine struct {
	schema  *ast.Schema
	exec    *executor.Executor
	present graphql.ErrorPresenterFunc
	watch   Watch
	// documents are those that were admitted before, by text.
	documents *documents.Cache[*ast.QueryDocument]
}

// documentCache is how many bytes of memory the documents may take that are kept
// parsed and validated; a document takes about documentWeight bytes for each of its
// own.
const (
	documentCache  = 64 << 20
	documentWeight = 40
)

// Errors of one answer; more would only be a way to make a small request answer
// with a large one.
const (
	maxErrors      = 100
	maxValidations = 10
)

func newEngine(schema graphql.ExecutableSchema, present graphql.ErrorPresenterFunc, watch Watch) *engine {
	exec := executor.New(schema)
	exec.SetErrorPresenter(present)
	exec.SetRecoverFunc(recovered)
	return &engine{
		schema: schema.Schema(), exec: exec, present: present, watch: watch,
		documents: documents.NewCache[*ast.QueryDocument](documentCache),
	}
}

// CreateOperationContext admits a request: it is read, checked, and ready to run, or
// refused with errors for DispatchError. The operation is never nil.
func (e *engine) CreateOperationContext(_ context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op := &graphql.OperationContext{
		OperationName:          params.OperationName,
		Extensions:             params.Extensions,
		Headers:                params.Headers,
		RecoverFunc:            recovered,
		ResolverMiddleware:     split,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
		Stats:                  graphql.Stats{Read: params.ReadTime, OperationStart: time.Now()},
	}
	return op, e.admit(params, op)
}

func (e *engine) admit(params *graphql.RawParams, op *graphql.OperationContext) gqlerror.List {
	op.RawQuery = params.Query
	if refused := e.document(op); refused != nil {
		return refused
	}
	op.Operation = op.Doc.Operations.ForName(op.OperationName)
	if op.Operation == nil {
		if op.OperationName == "" {
			return refusal(problem.Invalidf("operationName", "must be given, since the query has several operations"))
		}
		return refusal(problem.Invalidf("operationName", "the query has no operation of this name"))
	}
	return e.variables(op, params.Variables)
}

// document parses and validates the text of a request, unless it was before.
func (e *engine) document(op *graphql.OperationContext) gqlerror.List {
	doc, known := e.documents.Get(op.RawQuery)
	if known {
		op.Doc = doc
		return nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: op.RawQuery}, tokenLimit)
	if err != nil {
		return libraryRefusal(err, errcode.ParseFailed)
	}
	if len(doc.Operations) == 0 {
		return refusal(problem.Invalidf("query", "has no operation"))
	}
	if list := validator.ValidateWithRules(e.schema, doc, nil); len(list) > 0 {
		for _, err := range list {
			errcode.Set(err, errcode.ValidationFailed)
		}
		return list[:min(len(list), maxValidations)]
	}
	op.Doc = doc
	e.documents.Put(op.RawQuery, doc, documentWeight*len(op.RawQuery))
	return nil
}

// variables reads the variables and every scalar of every argument, so that all
// values that cannot be read are told at once.
func (e *engine) variables(op *graphql.OperationContext, given map[string]any) gqlerror.List {
	var err error
	if op.Variables, err = validator.VariableValues(e.schema, op.Operation, given); err != nil {
		return libraryRefusal(err, errcode.ValidationFailed)
	}
	var refused gqlerror.List
	for _, wrong := range wrongValues(e.schema, op) {
		refused = append(refused, refusal(wrong)...)
	}
	return refused
}

// DispatchOperation runs an admitted operation.
func (e *engine) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return e.exec.DispatchOperation(ctx, op)
}

// DispatchError is the answer to a request that was refused before it ran, or that
// ends with errors of its own.
func (e *engine) DispatchError(ctx context.Context, list gqlerror.List) *graphql.Response {
	var shown gqlerror.List
	for _, err := range list[:min(len(list), maxErrors)] {
		shown = append(shown, e.present(ctx, err))
	}
	e.watch.refused(ctx, shown)
	return &graphql.Response{Errors: shown}
}

// refusal is an error of a request, for DispatchError.
func refusal(p *problem.Problem) gqlerror.List {
	return gqlerror.List{{Err: p, Message: p.Message}}
}

// libraryRefusal is an error that the parser or the validator found.
func libraryRefusal(err error, code string) gqlerror.List {
	var found *gqlerror.Error
	if !errors.As(err, &found) {
		found = gqlerror.Wrap(err)
	}
	errcode.Set(found, code)
	return gqlerror.List{found}
}
