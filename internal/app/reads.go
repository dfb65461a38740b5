package app

import (
	"context"
	"fmt"
	"log/slog"

	"carehome/internal/audit"
	"carehome/internal/store"
)

// openRecord begins to put on record what is read, and who comes to read it. What it
// returns tells of an event, and ends the record.
func (p Program) openRecord(ctx context.Context, st *store.Store, readOnly bool, log *slog.Logger) (tell func(context.Context, audit.Event) error, end func(), err error) {
	if readOnly {
		// Nothing can be added to the chain: the log is the record.
		return func(ctx context.Context, e audit.Event) error {
			log.InfoContext(ctx, "on record", "event", string(e.Line()))
			return nil
		}, func() {}, nil
	}
	inOrder, err := st.StoppedInOrder(ctx)
	if err != nil {
		return nil, nil, err
	}
	begin := []audit.Event{{Action: audit.Start, Operation: "serve"}}
	if !inOrder {
		begin = append([]audit.Event{{
			Action: audit.Gap, Operation: "serve", Reason: "the server did not stop in order: what was read in its last moment may not be on record",
		}}, begin...)
	}
	if err := st.Record(ctx, begin); err != nil {
		return nil, nil, fmt.Errorf("telling of the start: %w", err)
	}
	recorder := audit.NewRecorder(audit.RecorderOptions{Keep: st.Record, Clock: p.Clock, Log: log})
	return recorder.Tell, func() {
		recorder.Close()
		if err := st.Record(context.WithoutCancel(ctx), []audit.Event{{Action: audit.Stop, Operation: "serve"}}); err != nil {
			log.ErrorContext(ctx, "the stop is not on record: the next start will say so", "error", err)
		}
	}, nil
}

// endRecord ends the record of what is read, if it has begun. Nobody may be left who
// asks.
func (s *site) endRecord() {
	if s.record != nil {
		s.record()
	}
}
