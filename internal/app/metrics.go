package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"carehome/internal/config"
	"carehome/internal/telemetry"
)

// metricsPath is where the figures are, on a listener of their own.
const metricsPath = "/metrics"

// farewell bounds how long the last traces may take when the program ends.
const farewell = 2 * time.Second

// telemetry makes what the program tells of itself.
func (p Program) telemetry(ctx context.Context, log *slog.Logger) *telemetry.Telemetry {
	return telemetry.New(ctx, telemetry.Options{
		Service: "carehome", Version: p.version().Version, Log: log, Getenv: p.Getenv, Clock: p.Clock,
	})
}

// stopTelling sends the last traces. That they are lost is no failure of the
// program.
func stopTelling(tell *telemetry.Telemetry, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := tell.Close(ctx); err != nil {
		log.Warn("the last traces were not sent", "error", err)
	}
}

// listenMetrics begins to answer with the figures, if that is wanted.
func (p Program) listenMetrics(ctx context.Context, c config.Metrics, tell *telemetry.Telemetry, log *slog.Logger) (*server, error) {
	if c.MetricsListen == "" {
		return nil, nil
	}
	mux := http.NewServeMux()
	mux.Handle(metricsPath, tell.Handler())
	s, err := p.serveOn(ctx, c.MetricsListen, edge{log: log, clock: p.Clock}.wrap(mux), nil, log, func(err error) {
		log.Error("the figures can no longer be read", "error", err)
	})
	if err != nil {
		return nil, err
	}
	log.InfoContext(ctx, "telling figures", "url", s.url()+metricsPath)
	return s, nil
}

// gauge and counter are figures without a label.
func gauge(name, help string, value float64) telemetry.Figure {
	return telemetry.Figure{Name: name, Help: help, Value: value}
}

func counter(name, help string, value float64) telemetry.Figure {
	return telemetry.Figure{Name: name, Help: help, Value: value, Counter: true}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// figures are those of the gate and the store.
func (s *site) figures() []telemetry.Figure {
	now, inside := s.gate.state()
	st := s.store.Stats()
	return []telemetry.Figure{
		gauge("carehome_ready", "1 while requests are let in.", truth(now == serving)),
		gauge("carehome_http_requests_in_flight", "Requests that are being answered.", float64(inside)),
		gauge("carehome_store_writable", "0 while nothing can be kept: the disk is full or read-only, or the store was opened so.", truth(st.Writable)),
		gauge("carehome_writer_queue", "Writes that wait for the one writer, or run.", float64(st.Queue)),
		counter("carehome_commits_total", "Writes that changed something.", float64(st.Commits)),
		gauge("carehome_database_bytes", "Length of the database.", float64(st.DatabaseBytes)),
		gauge("carehome_wal_bytes", "Length of the write-ahead log.", float64(st.WALBytes)),
		gauge("carehome_wal_sync_p99_seconds", "The 99th percentile of the latest 1,024 syncs of the log.", st.SyncP99.Seconds()),
		gauge("carehome_oldest_read_seconds", "Age of the oldest view of the data; it keeps the log from being emptied.", st.OldestRead.Seconds()),
		gauge("carehome_sql_readers", "Connections that read.", float64(st.Readers)),
		gauge("carehome_sql_readers_busy", "Connections that are reading now.", float64(st.BusyReaders)),
		counter("carehome_sql_reader_waits_total", "Reads that had to wait for a connection.", float64(st.ReaderWaits)),
		counter("carehome_sql_reader_wait_seconds_total", "How long they waited, all together.", st.ReaderWait.Seconds()),
	}
}

// figures are those of the last backup and check. What has not happened yet is
// left out.
func (k *keeper) figures() []telemetry.Figure {
	h := k.report(context.Background())
	told := []telemetry.Figure{
		gauge("carehome_ready", "1 while the last check and the last backup went well.", truth(h.Status == ready)),
	}
	if h.LastBackup != nil {
		told = append(told,
			gauge("carehome_last_backup_timestamp_seconds", "When the last backup was made.", float64(h.LastBackup.At.UnixMilli())/1000),
			gauge("carehome_last_backup_age_seconds", "How old the last backup is.", k.clock().Sub(h.LastBackup.At).Seconds()),
			gauge("carehome_last_backup_bytes", "Length of the last backup.", float64(h.LastBackup.Bytes)))
	}
	if h.LastCheck != nil {
		told = append(told,
			gauge("carehome_last_check_timestamp_seconds", "When the database was last checked for damage.", float64(h.LastCheck.At.UnixMilli())/1000),
			gauge("carehome_last_check_ok", "1 if that found none.", truth(h.LastCheck.OK)))
	}
	return told
}
