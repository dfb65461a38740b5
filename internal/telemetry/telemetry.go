package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Options are what telemetry must be told.
type Options struct {
	// Service is what the program calls itself in traces unless
	// OTEL_SERVICE_NAME says otherwise.
	Service string
	// Version is that of the program.
	Version string
	// Log is told when traces cannot be sent.
	Log *slog.Logger
	// Getenv reads an environment variable.
	Getenv func(string) string
	// Clock tells the time.
	Clock func() time.Time
}

// Telemetry counts and traces. Make one with New, and Close it at the end.
type Telemetry struct {
	*Metrics
	clock      func() time.Time
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	provider   provider
}

// New never fails: a server whose collector is not to be had still serves. Why
// no traces are sent although somebody asked for them is in the log.
func New(ctx context.Context, o Options) *Telemetry {
	t := &Telemetry{Metrics: newMetrics(o.Version), clock: o.Clock, propagator: propagation.TraceContext{}}
	env := environment{get: o.Getenv}
	if !env.propagates() {
		t.propagator = propagation.NewCompositeTextMapPropagator()
	}
	var err error
	if t.provider, err = newProvider(ctx, o, env); err != nil {
		o.Log.ErrorContext(ctx, "traces are not sent", "error", err)
	}
	t.tracer = t.provider.Tracer("carehome", trace.WithInstrumentationVersion(o.Version))
	return t
}

// Close sends what has not been sent yet, until ctx ends.
func (t *Telemetry) Close(ctx context.Context) error { return t.provider.shutdown(ctx) }

// Request begins a request. The trace that its sender is in goes on; the context
// is for all that is done for it. What is returned is called once it is answered,
// with the pattern that matched its path.
func (t *Telemetry) Request(ctx context.Context, r *http.Request) (context.Context, func(pattern string, status int)) {
	began := t.clock()
	ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if probe(r.URL.Path) {
		return ctx, func(pattern string, status int) { t.Metrics.request(route(pattern), status) }
	}
	method := known(r.Method)
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method)))
	return ctx, func(pattern string, status int) {
		where := route(pattern)
		t.Metrics.request(where, status)
		t.Metrics.requestSeconds.WithLabelValues(where).Observe(t.clock().Sub(began).Seconds())
		span.SetName(method + " " + where)
		span.SetAttributes(attribute.String("http.route", where), attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Asked tells who a request came from, in its span: a role, never a name.
func Asked(ctx context.Context, role string) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("enduser.role", role))
}

// TraceID is the trace that ctx is part of, or empty.
func TraceID(ctx context.Context) string {
	if of := trace.SpanContextFromContext(ctx); of.HasTraceID() {
		return of.TraceID().String()
	}
	return ""
}

// Operation begins an operation of the graph: its name as the client chose it,
// and query, mutation or subscription. What is returned is told the codes of its
// errors: once, when it is answered, or for a subscription when it ends.
func (t *Telemetry) Operation(ctx context.Context, name, kind string) (context.Context, func(codes []string)) {
	began := t.clock()
	if len(name) > maxName {
		name = other
	}
	title := strings.TrimSpace(kind + " " + name)
	ctx, span := t.tracer.Start(ctx, title, trace.WithAttributes(
		attribute.String("graphql.operation.type", kind), attribute.String("graphql.operation.name", name)))
	if kind == subscription {
		t.Metrics.subscriptions.Inc()
	}
	return ctx, func(failed []string) {
		t.Metrics.operation(name, kind, t.clock().Sub(began), failed)
		if kind == subscription {
			t.Metrics.subscriptions.Dec()
		}
		if len(failed) > 0 {
			span.SetAttributes(attribute.String("error.type", failed[0]))
		}
		if slices.Contains(failed, internalError) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Refused counts a request that came to no operation: it could not be read, was
// not valid, or went over a limit.
func (t *Telemetry) Refused(_ context.Context, codes []string) { t.Metrics.failed(none, codes) }

// Part begins a part of the storage's work: "write" with its "queue",
// "transaction", "commit" and "sync"; "read". What is returned is told how it ended.
func (t *Telemetry) Part(ctx context.Context, part string) (context.Context, func(error)) {
	began := t.clock()
	span := trace.SpanFromContext(context.Background()) // none for what nobody asked for, such as the start
	if trace.SpanContextFromContext(ctx).IsValid() {
		ctx, span = t.tracer.Start(ctx, part)
	}
	return ctx, func(err error) {
		t.Metrics.storeSeconds.WithLabelValues(part).Observe(t.clock().Sub(began).Seconds())
		if err != nil {
			// Without the error's words: they may name what a person has typed. It is
			// no fault of the program's either: most are refusals of bad input.
			span.SetAttributes(attribute.Bool("carehome.undone", true))
		}
		span.End()
	}
}

// Synced counts a sync of the write-ahead log.
func (t *Telemetry) Synced(took time.Duration) { t.Metrics.syncSeconds.Observe(took.Seconds()) }

// The words that are labels beside names that clients choose.
const (
	other         = "other"   // a name that is not known
	unnamed       = "unnamed" // an operation without a name
	none          = "none"    // no operation at all
	subscription  = "subscription"
	internalError = "INTERNAL"
)

// probe reports a path that is asked for every few seconds for ever.
func probe(path string) bool { return path == "/livez" || path == "/readyz" }

// route is the pattern of the pages by which a request was answered, without what
// is special to patterns; its paths may hold what a client has typed.
func route(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path // without the method
	}
	switch pattern {
	case "", "/":
		return other
	}
	return strings.TrimSuffix(pattern, "{$}")
}

// known keeps made-up methods out of traces.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "_OTHER"
}
