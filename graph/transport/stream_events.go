package transport

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
	"carehome/internal/requestid"
)

// eventsType is the media type of server-sent events.
const eventsType = "text/event-stream"

// Events carries one operation over server-sent events, by the "distinct
// connections" mode of GraphQL over SSE: an event "next" for each answer, an event
// "complete" at the end. The events of a subscription have ids, and a client that
// comes back says the last one in Last-Event-ID.
type Events struct {
	// BodyLimit is the most bytes that the body of a request may have.
	BodyLimit int
	// Valid, Stopping and Log are as those of Socket.
	Valid    func(ctx context.Context) bool
	Stopping <-chan struct{}
	Log      *slog.Logger
	Bounds   EventsBounds
}

// EventsBounds are the limits of each stream. The zero value of each is its
// default.
type EventsBounds struct {
	// KeepAlive is how often something is sent, be it only a comment, so that a peer
	// that has gone is noticed; 15 s unless set.
	KeepAlive time.Duration
	// Write is how long the peer may take to receive one event; 20 s unless set.
	Write time.Duration
	// Checks is when Valid is asked; every CheckEvery unless set.
	Checks Ticker
}

func (b EventsBounds) complete() EventsBounds {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&b.KeepAlive, 15 * time.Second}, {&b.Write, 20 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if b.Checks == nil {
		b.Checks = newTicker
	}
	return b
}

// Supports reports whether the client would rather have events than one answer.
func (Events) Supports(r *http.Request) bool {
	ranges := acceptRanges(strings.Join(r.Header.Values("Accept"), ","))
	wanted := prefer(ranges, eventsType)
	return wanted.exactness == 2 && wanted.weight > 0 &&
		!prefer(ranges, jsonType).above(wanted) && !prefer(ranges, graphqlType).above(wanted)
}

// Do answers one request.
func (t Events) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Add("Vary", "Accept")
	// What is wrong with the request itself is no event: the answer is JSON.
	a := answerer{w: w, r: r, exec: exec, mediaType: jsonType}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodGet+", "+http.MethodPost)
		a.refuse(http.StatusMethodNotAllowed, problem.New(problem.Invalid, "", "ask by POST or GET"))
		return
	}
	params, status, err := HTTP{BodyLimit: t.BodyLimit}.read(r)
	if err == nil && params.Query == "" && params.Extensions["persistedQuery"] == nil {
		status, err = http.StatusBadRequest, problem.Invalidf("query", "must be given")
	}
	if err != nil {
		a.refuse(status, err)
		return
	}
	params.Headers = r.Header
	ctx := r.Context()
	op, refused := exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, op)
	if refused != nil {
		response := exec.DispatchError(ctx, refused)
		if status := a.status(response); status != http.StatusOK {
			a.write(status, response) // who may not ask at all, or not now
			return
		}
		e := t.open(w, r)
		e.emit(answered{Response: response, refused: true})
		e.complete()
		return
	}
	if op.Operation.Operation == ast.Mutation && r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		a.refuse(http.StatusMethodNotAllowed, problem.New(problem.Invalid, "", "ask for a change by POST"))
		return
	}
	t.stream(w, r, exec, op)
}

// What ends streams from outside.
var (
	errExpired  = errors.New("the viewer is not who it was")
	errStopping = errors.New("the server is stopping")
)

// stream runs an operation that was admitted, and sends what it answers.
func (t Events) stream(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	ctx, end := context.WithCancelCause(graphql.WithOperationContext(r.Context(), op))
	defer end(nil)
	e := t.open(w, r)
	e.gone = func() { end(context.Canceled) }
	var beside sync.WaitGroup
	beside.Go(func() { t.lookAfter(ctx, end, e, op.Operation.Operation == ast.Subscription) })
	s := streamed{exec: exec, log: t.Log, after: r.Header.Get("Last-Event-ID"), emit: e.emit}
	s.run(ctx, op)
	cause := context.Cause(ctx)
	if errors.Is(cause, errExpired) {
		s.fail(ctx, problem.New(problem.Unauthenticated, "", "say again who you are: your access has changed since you asked"))
	}
	// A client that hears no "complete" comes back, with the last event it received.
	if !errors.Is(cause, errStopping) {
		e.complete()
	}
	end(nil)
	beside.Wait()
}

// lookAfter shows the peer that the server is there, and ends the operation of one
// who is not who it was; a subscription also when the server stops.
func (t Events) lookAfter(ctx context.Context, end context.CancelCauseFunc, e *eventWriter, subscription bool) {
	alive := time.NewTicker(e.bounds.KeepAlive)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer alive.Stop()
	beside.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-alive.C:
				e.write([]byte(comment))
			}
		}
	})
	checks, stop := e.bounds.Checks(CheckEvery)
	defer stop()
	stopping := t.Stopping
	for {
		select {
		case <-ctx.Done():
			return
		case <-checks:
			if t.Valid != nil && !t.Valid(ctx) {
				end(errExpired)
			}
		case <-stopping:
			if subscription {
				end(errStopping)
			}
			stopping = nil
		}
	}
}

// comment is a line that readers pass over. Without an empty line after it, it is
// part of the next event for those that only look for empty lines.
const comment = ":\n"

// eventWriter writes events, each whole and in its turn.
type eventWriter struct {
	bounds EventsBounds
	log    *slog.Logger
	ctx    context.Context
	gone   func() // called when the peer takes nothing any more

	mu   sync.Mutex
	w    http.ResponseWriter
	rc   *http.ResponseController
	dead bool
}

// open begins the stream. The first line lets browsers know that it has begun.
func (t Events) open(w http.ResponseWriter, r *http.Request) *eventWriter {
	e := &eventWriter{
		bounds: t.Bounds.complete(), log: t.Log, ctx: r.Context(), gone: func() {}, w: w, rc: http.NewResponseController(w),
	}
	header := w.Header()
	header.Set("Content-Type", eventsType+"; charset=utf-8")
	header.Set("X-Accel-Buffering", "no") // proxies that would keep events back
	// The server's own limits are for answers that end. A writer that knows none
	// has none.
	_ = e.rc.SetReadDeadline(time.Time{})
	w.WriteHeader(http.StatusOK)
	e.write([]byte(comment))
	return e
}

func (e *eventWriter) emit(a answered) bool {
	text := []byte("event: next\n")
	if a.event != "" {
		text = append(append(append(text, "id: "...), a.event...), '\n')
	}
	for line := range bytes.Lines(AppendResponse(nil, a.Response)) {
		text = append(append(append(text, "data: "...), bytes.TrimSuffix(line, []byte("\n"))...), '\n')
	}
	return e.write(append(text, '\n'))
}

// complete sends the last event. With an empty line of data browsers take it for
// one.
func (e *eventWriter) complete() { e.write([]byte("event: complete\ndata:\n\n")) }

// write sends a part of the stream at once.
func (e *eventWriter) write(text []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return false
	}
	// A writer that knows no deadline has none.
	_ = e.rc.SetWriteDeadline(time.Now().Add(e.bounds.Write))
	_, err := e.w.Write(text)
	if err == nil {
		err = e.rc.Flush()
	}
	if err != nil {
		e.log.InfoContext(e.ctx, "a stream is cut: its peer takes nothing", "error", err, "requestId", requestid.From(e.ctx))
		e.dead = true
		e.gone()
	}
	return err == nil
}
