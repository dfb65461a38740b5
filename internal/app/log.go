package app

import (
	"context"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"carehome/internal/config"
	"carehome/internal/requestid"
	"carehome/internal/telemetry"
)

// logger writes to w in the form that was asked for; each line of a request
// carries its ID, its trace, the operation's name, and the viewer's ID and role.
func logger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // config lets nothing else through
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if c.LogFormat == "text" || c.LogFormat == "auto" && isTerminal(w) {
		handler = slog.NewTextHandler(w, options)
	}
	return slog.New(requestHandler{handler})
}

// isTerminal reports whether a person reads w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// requestHandler adds what is known of the request that a line is about.
type requestHandler struct{ slog.Handler }

// Handle adds it and passes the line on.
func (h requestHandler) Handle(ctx context.Context, line slog.Record) error {
	id, role := requestid.Viewer(ctx)
	for _, known := range []struct{ key, value string }{
		{"requestId", requestid.From(ctx)}, {"traceId", telemetry.TraceID(ctx)},
		{"operation", requestid.Operation(ctx)}, {"viewer", id}, {"role", role},
	} {
		if known.value != "" {
			line.AddAttrs(slog.String(known.key, known.value))
		}
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs keeps that in the lines of the logger that is made.
func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps that in the lines of the logger that is made.
func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
