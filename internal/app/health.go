package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"carehome/internal/config"
	"carehome/internal/problem"
)

// Health is what /readyz tells, in words that a stranger may read.
type Health struct {
	// Status is "ready", "starting", "stopping" or "degraded".
	Status string `json:"status"`
	// Problems say why it is degraded.
	Problems []string `json:"problems,omitempty"`
	// LastBackup and LastCheck are the keeper's.
	LastBackup *BackupHealth `json:"lastBackup,omitempty"`
	LastCheck  *CheckHealth  `json:"lastCheck,omitempty"`
}

// ready is the status of a server that answers as it should.
const ready = "ready"

// BackupHealth is the last backup that was made.
type BackupHealth struct {
	At    time.Time `json:"at"`
	Name  string    `json:"name"`
	Bytes int64     `json:"bytes"`
}

// CheckHealth is the last check of the database.
type CheckHealth struct {
	At time.Time `json:"at"`
	OK bool      `json:"ok"`
}

// healthPages answers /livez (the process runs) and /readyz (it can be used).
func healthPages(mux *http.ServeMux, health func(context.Context) Health) {
	mux.Handle("/livez", onlyGET(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	}))
	mux.Handle("/readyz", onlyGET(func(w http.ResponseWriter, r *http.Request) {
		now := health(r.Context())
		status := http.StatusOK
		if now.Status != ready {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "1")
		}
		writeJSON(w, status, now)
	}))
}

// isProbe reports whether a request only asks for the health or the figures.
func isProbe(r *http.Request) bool {
	return r.URL.Path == "/livez" || r.URL.Path == "/readyz" || r.URL.Path == metricsPath
}

func onlyGET(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, r, http.StatusMethodNotAllowed, problem.Invalid, "this page can only be read")
			return
		}
		next(w, r)
	})
}

var errNotReady = errors.New("not ready")

// healthcheck asks a server on this machine whether it is ready.
func (p Program) healthcheck(ctx context.Context, c config.HealthcheckCommand) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(string(c.Listen))
	if err != nil {
		return fmt.Errorf("reading the address: %w", err)
	}
	host = reachable(host)
	scheme, transport := "http", &http.Transport{DisableKeepAlives: true}
	if c.TLSCert != "" {
		// The name in the certificate is not this machine's, and nothing is told but
		// that it is asked: whether it answers is all there is to know.
		scheme, transport.TLSClientConfig = "https", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking for the health: %w", err)
	}
	// Its own client without a proxy: the question stays on this machine.
	client := &http.Client{Transport: transport}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return fmt.Errorf("%w: reading the answer: %w", errNotReady, err)
	}
	var health Health
	if err := json.Unmarshal(body, &health); err != nil {
		return fmt.Errorf("%w: the answer of %s is not a health report: %w", errNotReady, request.URL, err)
	}
	if response.StatusCode != http.StatusOK || health.Status != ready {
		return fmt.Errorf("%w: %s %v", errNotReady, health.Status, health.Problems)
	}
	return p.print("%s\n", body[:max(0, len(body)-1)])
}

// reachable is where a server that listens on host is found on this machine.
func reachable(host string) string {
	switch host {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}

// print writes a result.
func (p Program) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(p.Stdout, format, args...); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
