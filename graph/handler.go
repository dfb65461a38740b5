package graph

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/ent"
	"carehome/graph/documents"
	"carehome/graph/generated"
	"carehome/graph/limits"
	"carehome/graph/transport"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/locale"
	"carehome/internal/problem"
	"carehome/internal/relay"
	"carehome/internal/requestid"
)

// Deps is what the graph needs from outside.
type Deps struct {
	// Client reads; it cannot write.
	Client *ent.Client
	// Write runs one transaction, kept for good when it returns nil.
	Write care.Write
	// Snapshot lets all that is read below ctx see one state of the database.
	Snapshot func(ctx context.Context, read func(ctx context.Context) error) error
	// Explain turns an error of the storage into a problem, or nil if it is none.
	Explain func(error) *problem.Problem
	// Watch is told what becomes of requests.
	Watch Watch
	Log   *slog.Logger
	// Reads is told of whom something clinical was read. It may return before that
	// is on record; an answer whose reading it does not take is not sent.
	Reads func(context.Context, audit.Event) error
	// Cursors seals the cursors of lists. If nil, cursors are good as long as the
	// handler lives.
	Cursors relay.Sealer
	// Live tells what happens. Write must be one that it watches.
	Live *live.Hub
	// Origins are the sites whose pages may open a WebSocket, besides the server's.
	Origins []string
	// SignIn returns ctx with the viewer whom a key belongs to; nil without keys.
	SignIn func(ctx context.Context, key string) (context.Context, error)
	// Valid reports whether the viewer of ctx is still who it was; nil for always.
	Valid func(ctx context.Context) bool
	// Limits are how much may be asked for; the zero value is limits.Default.
	Limits limits.Limits
	// Now is the clock that rates are counted by; nil for the system's.
	Now func() time.Time
	// Trusted are the only documents that are answered; nil for all.
	Trusted *documents.Manifest
	// NoIntrospection hides the schema.
	NoIntrospection bool
	// Stopping is closed when the server is about to stop.
	Stopping <-chan struct{}
	// Sockets are the limits of each WebSocket; the usual ones where it says none.
	Sockets transport.SocketBounds
	// Streams are those of each stream of events.
	Streams transport.EventsBounds
}

// NewHandler serves the graph over HTTP, WebSockets and server-sent events, with
// errors in English or Spanish.
func NewHandler(d Deps) http.Handler {
	errors := presenter{log: d.Log, explain: d.Explain, words: locale.NewCatalog()}
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers: &Resolver{client: d.Client, commit: care.Guard(d.Write), live: d.Live, snapshot: d.Snapshot},
	})
	if d.Limits == (limits.Limits{}) {
		d.Limits = limits.Default()
	}
	if d.Sockets.Operations == 0 {
		d.Sockets.Operations = d.Limits.SocketOperations
	}
	if d.Sockets.MessageBytes == 0 {
		d.Sockets.MessageBytes = int64(d.Limits.BodyBytes)
	}
	if d.Cursors == nil {
		d.Cursors = relay.RandomSealer()
	}
	engine := newEngine(schema, errors.present, d)
	engine.exec.AroundOperations(d.Watch.operations)
	engine.exec.AroundOperations(nameOperation)
	engine.exec.AroundOperations(sealCursors(d.Cursors))
	engine.exec.AroundOperations(withZone(d.Client))
	emergencies := emergencies{client: d.Client, present: errors.present}
	engine.exec.AroundOperations(emergencies.operations)
	engine.exec.AroundResponses(emergencies.responses)
	if d.Reads != nil {
		reads := reads{client: d.Client, tell: d.Reads, present: errors.present}
		engine.exec.AroundOperations(reads.operations)
		engine.exec.AroundResponses(reads.responses)
	}
	engine.exec.AroundResponses(engine.inTurn)
	engine.exec.AroundResponses(inSnapshot(d.Snapshot, errors.present))
	return locale.Negotiate(fromAddress(transports{exec: engine, list: []graphql.Transport{
		transport.Socket{
			Origins: d.Origins, SignIn: d.SignIn, Valid: d.Valid, Stopping: d.Stopping, Log: d.Log, Bounds: d.Sockets,
		},
		transport.Events{
			BodyLimit: d.Limits.BodyBytes, Valid: d.Valid, Stopping: d.Stopping, Log: d.Log, Bounds: d.Streams,
		},
		transport.HTTP{BodyLimit: d.Limits.BodyBytes},
	}}))
}

// transports let each request be answered by the first that supports it.
type transports struct {
	exec graphql.GraphExecutor
	list []graphql.Transport
}

func (t transports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, one := range t.list {
		if one.Supports(r) {
			one.Do(w, r, t.exec)
			return
		}
	}
}

// Schema is the graph's SDL, parsed.
func Schema() *ast.Schema {
	return generated.NewExecutableSchema(generated.Config{Resolvers: &Resolver{}}).Schema()
}

func nameOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	requestid.NameOperation(ctx, graphql.GetOperationContext(ctx).Operation.Name)
	return next(ctx)
}

func sealCursors(s relay.Sealer) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(relay.WithSealer(ctx, s))
	}
}

// inSnapshot lets all levels of a query read one state of the database, so that
// a page and what is nested in it agree. Mutations read what they wrote.
func inSnapshot(snapshot func(context.Context, func(context.Context) error) error, present graphql.ErrorPresenterFunc) graphql.ResponseMiddleware {
	return func(ctx context.Context, next graphql.ResponseHandler) (answer *graphql.Response) {
		if graphql.GetOperationContext(ctx).Operation.Operation != ast.Query {
			return next(ctx)
		}
		err := snapshot(ctx, func(ctx context.Context) error {
			answer = next(ctx)
			return nil
		})
		if err != nil {
			return &graphql.Response{Errors: append(graphql.GetErrors(ctx), present(ctx, err))}
		}
		return answer
	}
}
