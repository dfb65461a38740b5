package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"carehome/internal/problem"
	"carehome/internal/requestid"
)

// Bounds of one connection. The graph has its own, shorter time for an
// operation; these hold against peers that trickle.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// A peer that has vanished without a word, such as a tablet whose battery is empty,
// is noticed by the kernel: it asks an idle one for a sign of life, and waits only so
// long for the receipt of what was sent.
const (
	peerIdle     = 15 * time.Second
	peerInterval = 5 * time.Second
	peerProbes   = 3
	peerReceipt  = 30 * time.Second
)

// requestHeader names a request in both directions.
const requestHeader = "X-Request-Id"

// edge is what stands around every handler: the request's ID, the answer's
// headers, the access log and the end of panics.
type edge struct {
	log   *slog.Logger
	clock func() time.Time
	// watch, where set, is told of each request; see telemetry.Request.
	watch func(context.Context, *http.Request) (context.Context, func(pattern string, status int))
}

// wrap puts next behind the edge.
func (e edge) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := e.clock()
		id := r.Header.Get(requestHeader)
		if !requestid.Valid(id) {
			id = requestid.New()
		}
		ctx, answered := requestid.With(r.Context(), id), func(string, int) {}
		if e.watch != nil {
			ctx, answered = e.watch(ctx, r)
		}
		r = r.WithContext(ctx)
		header := w.Header()
		header.Set(requestHeader, id)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		// Records of people are in the answers: no cache may keep them.
		header.Set("Cache-Control", "no-store")
		// No page of another site may have them inside its own process.
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.TLS != nil {
			header.Set("Strict-Transport-Security", "max-age=63072000")
		}
		answer := &answer{ResponseWriter: w}
		defer func() {
			e.access(answer, r, e.clock().Sub(began))
			answered(r.Pattern, answer.sent()) // the mux has noted the pattern meanwhile
		}()
		defer func() { e.recovered(answer, r, recover()) }()
		next.ServeHTTP(answer, r)
	})
}

// recovered answers for a handler that panicked. The cause and the stack go to
// the log alone.
func (e edge) recovered(w *answer, r *http.Request, cause any) {
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	e.log.ErrorContext(r.Context(), "a request ended in a panic", "cause", cause, "stack", string(debug.Stack()))
	if w.status != 0 {
		// Half an answer is on its way: cut the connection, so that it cannot be
		// taken for a whole one.
		panic(http.ErrAbortHandler)
	}
	refuse(w, r, http.StatusInternalServerError, problem.Internal,
		"something went wrong here; the request's id tells us what")
}

// access writes the line of one request: nothing of what it carried.
func (e edge) access(w *answer, r *http.Request, took time.Duration) {
	level := slog.LevelInfo
	if isProbe(r) {
		level = slog.LevelDebug // every few seconds for ever
	}
	e.log.LogAttrs(r.Context(), level, "request",
		slog.String("method", known(r.Method)), slog.String("path", route(r.URL.Path)),
		slog.Int("status", w.sent()), slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", w.bytes))
}

// route is a path as the log has it. One that we do not have may be a key that
// somebody put into the wrong place, and of any length.
func route(path string) string {
	switch path {
	case "/", graphPath, metricsPath, "/livez", "/readyz":
		return path
	}
	if strings.HasPrefix(path, "/playground/") {
		return "/playground/"
	}
	return "other"
}

// known keeps made-up methods of any length out of the log.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "OTHER"
}

// refuse answers in the graph's form: one error with its code and the request's
// ID. An empty code is left out: the closed list has none for a server that is
// about to start or stop.
func refuse(w http.ResponseWriter, r *http.Request, status int, code problem.Code, message string) {
	extensions := map[string]any{"requestId": requestid.From(r.Context())}
	if code != "" {
		extensions["code"] = code
	}
	writeJSON(w, status, map[string]any{
		"errors": []any{map[string]any{"message": message, "extensions": extensions}},
	})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own maps and structs of plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// The peer may have gone: there is nobody to tell.
	_, _ = w.Write(append(body, '\n'))
}

// answer notes what is sent, for the access log.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the final status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write counts the body.
func (a *answer) Write(body []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(body)
	a.bytes += int64(n)
	return n, err
}

// Flush lets streams through; some writers ask for it by type.
func (a *answer) Flush() {
	// A writer that cannot flush sends all at the end.
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// sent is the status that the peer has seen: net/http answers 200 for a handler
// that wrote nothing.
func (a *answer) sent() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// throughGate lets requests in while the server serves, and tells others when
// to come back.
func throughGate(g *gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, ok := g.enter()
		if ok {
			defer g.leave()
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "1")
		message := "the server is still starting; try again in a moment"
		if now == stopping {
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Connection", "close")
			message = "the server is stopping; try again in a few seconds"
		}
		refuse(w, r, http.StatusServiceUnavailable, "", message)
	})
}
