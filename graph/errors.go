package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carehome/ent"
	"carehome/ent/privacy"
	"carehome/internal/care"
	"carehome/internal/locale"
	"carehome/internal/problem"
	"carehome/internal/requestid"
)

// presenter is the one place where an error becomes what a client sees: a code
// of the closed list, the field it is about, and plain words. What it does not
// know becomes INTERNAL; its cause goes to the log.
type presenter struct {
	log *slog.Logger
	// explain turns an error of the storage into a problem, or nil if it is none.
	explain func(error) *problem.Problem
	// words says messages in the language of the request.
	words *locale.Catalog
}

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	shown := p.show(ctx, err)
	if shown.Extensions == nil {
		shown.Extensions = map[string]any{}
	}
	field, _ := shown.Extensions["field"].(string)
	shown.Message = p.words.Say(ctx, field, shown.Message)
	if id := requestid.From(ctx); id != "" {
		shown.Extensions["requestId"] = id
	}
	return shown
}

func (p presenter) show(ctx context.Context, err error) *gqlerror.Error {
	found := p.problem(err)
	var request *gqlerror.Error
	if errors.As(err, &request) && found == nil && isRequestError(request) {
		return requestError(ctx, request)
	}
	if found == nil {
		p.log.ErrorContext(ctx, "request failed", "error", err)
		found = problem.New(problem.Internal, "", "something went wrong here; the request's id tells us what")
	}
	found = kept(ctx, err, found)
	extensions := map[string]any{"code": string(found.Code)}
	if found.Field != "" {
		extensions["field"] = found.Field
	}
	for key, value := range found.Details {
		extensions[key] = value
	}
	shown := &gqlerror.Error{Message: found.Message, Extensions: extensions, Path: graphql.GetPath(ctx)}
	if request != nil {
		shown.Path, shown.Locations = request.Path, request.Locations
	}
	return shown
}

// kept says of an error that came after the change of a mutation had been made, in
// reading it or in a field of what the mutation answers with, that it was made.
func kept(ctx context.Context, err error, found *problem.Problem) *problem.Problem {
	var after *keptError
	isKept := errors.As(err, &after)
	var told *problem.Problem
	switch {
	case found.Code == problem.Timeout && (isKept || inPayload(ctx)):
		told = problem.New(found.Code, found.Field, "the change was made, but reading it for the answer took too long; ask for it again")
	case found.Code == problem.LimitExceeded && isKept:
		told = problem.New(found.Code, found.Field, "the change was made, but the answer would be too much; ask for less of it")
	case isKept:
		told = problem.New(found.Code, found.Field, "the change was made, but it cannot be shown")
	default:
		return found
	}
	told.Details = found.Details
	return told
}

// inPayload reports whether a field is one of what a mutation answers with, and so of
// a change that has been made.
func inPayload(ctx context.Context) bool {
	if !graphql.HasOperationContext(ctx) {
		return false
	}
	operation := graphql.GetOperationContext(ctx).Operation
	return operation != nil && operation.Operation == ast.Mutation && len(graphql.GetPath(ctx)) > 1
}

// isRequestError reports whether an error is about the document or its variables,
// and so in words that a client may see.
func isRequestError(err *gqlerror.Error) bool {
	code := err.Extensions["code"]
	return code == errcode.ParseFailed || code == errcode.ValidationFailed
}

// requestError shows an error of the parser or the validator: a document that cannot
// be read or is not valid, or variables of the wrong shape.
func requestError(ctx context.Context, err *gqlerror.Error) *gqlerror.Error {
	shown := &gqlerror.Error{
		Message:    goWords.Replace(err.Message),
		Locations:  err.Locations,
		Extensions: map[string]any{"code": string(problem.Invalid)},
	}
	field := variableField(ctx, err.Path)
	if field != "" {
		shown.Extensions["field"] = field
	}
	return shown
}

// goWords are words of the implementation in messages of the libraries.
var goWords = strings.NewReplacer("float64", "a number", "map[string]interface {}", "an object", "[]interface {}", "a list")

// variableField is the argument path of an error about a variable: the path
// variable.data.energy is about input.energy where $data is given to input.
func variableField(ctx context.Context, path ast.Path) string {
	if len(path) < 2 || path[0] != ast.PathName("variable") {
		return ""
	}
	name, ok := path[1].(ast.PathName)
	if !ok {
		return ""
	}
	field := string(name)
	if graphql.HasOperationContext(ctx) {
		if op := graphql.GetOperationContext(ctx); op.Operation != nil {
			field = cmp.Or(argumentOf(op.Operation.SelectionSet, field), field)
		} else if op.Doc != nil {
			for _, operation := range op.Doc.Operations {
				field = cmp.Or(argumentOf(operation.SelectionSet, string(name)), field)
			}
		}
	}
	for _, step := range path[2:] {
		field += "." + strings.Trim(ast.Path{step}.String(), "[]")
	}
	return field
}

// problem finds what is known about an error, or nil.
func (p presenter) problem(err error) *problem.Problem {
	var found *problem.Problem
	if errors.As(err, &found) {
		return found
	}
	if known := p.explain(err); known != nil {
		return known
	}
	switch {
	case ent.IsNotFound(err):
		return problem.NotFoundf("", "there is nothing by this id")
	case ent.IsConstraintError(err):
		return constraint(err)
	case errors.Is(err, privacy.Deny):
		return problem.New(problem.Unauthenticated, "", "say who you are: no data is shown to nobody")
	case errors.Is(err, context.DeadlineExceeded):
		return problem.New(problem.Timeout, "", "the request took too long and was given up")
	case errors.Is(err, context.Canceled):
		return problem.New(problem.Timeout, "", "the request was given up by its sender")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return problem.Invalidf("", "the request is not valid JSON")
	}
	return nil
}

// A unique constraint names its columns (SQLite) or its index (PostgreSQL).
var constrained = regexp.MustCompile(`[a-z_]+\.([a-z0-9_]+)`)

// constraint says in plain words what a constraint of the database held against
// a change: something taken already, or something still in use.
func constraint(err error) *problem.Problem {
	if !strings.Contains(strings.ToUpper(err.Error()), "UNIQUE") {
		return problem.Conflictf("", "something that this refers to does not exist, or is still needed by something else")
	}
	columns := constrained.FindAllStringSubmatch(err.Error(), -1)
	if len(columns) == 0 {
		return problem.Conflictf("", "there is one like it already")
	}
	// The last column is the one a person gave; those before it say within what.
	column := strings.TrimSuffix(columns[len(columns)-1][1], "_key")
	return problem.Conflictf("input."+care.FieldName(column), "there is one like it already")
}

// split lets one resolver report several problems: each but the last is added
// to the answer, the last is returned.
func split(ctx context.Context, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	var list problem.List
	if !errors.As(err, &list) || len(list) == 0 {
		return value, err
	}
	for _, one := range list[:len(list)-1] {
		graphql.AddError(ctx, one)
	}
	return value, list[len(list)-1]
}

// recovered turns a panic into an error for the presenter, which logs it with
// where it happened.
func recovered(_ context.Context, cause any) error {
	return fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
}
