package app

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// mapped is how much of files the process holds in memory, in KiB.
func mapped(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestRest(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux is asked to let go of the program's pages")
	}
	var g gate
	g.open()
	ticks := make(chan time.Time)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		rest(ctx, &g, ticks, slog.New(slog.NewTextHandler(io.Discard, nil)))
	}()
	ticks <- time.Time{} // it learns how many have come
	if _, ok := g.enter(); !ok {
		t.Fatal("the gate is shut")
	}
	busy := mapped(t)
	ticks <- time.Time{} // somebody came since
	ticks <- time.Time{} // nobody did: it rests, though one is still inside
	ticks <- time.Time{} // it has rested
	quiet := mapped(t)
	if quiet >= busy {
		t.Errorf("%d KiB of files were held before the rest, %d after", busy, quiet)
	}
	// All of the program is still there, with the addresses that the loader wrote.
	db, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "after.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var last string
	if err := db.QueryRowContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		SELECT printf('%08.3f %s', i / 7.0, strftime('%Y', i * 86400, 'unixepoch')) FROM n ORDER BY 1 DESC LIMIT 1`).Scan(&last); err != nil || last != "0714.286 1983" {
		t.Errorf("SQLite answers %q, %v", last, err)
	}
	t.Logf("%d KiB of files before, %d after", busy, quiet)
	cancel()
	<-done
}
