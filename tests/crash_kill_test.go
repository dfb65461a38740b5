package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"carehome/internal/store"
)

const (
	// killsEnv is how often the server is killed; 2 in a plain run.
	killsEnv = "CAREHOME_TEST_KILLS"
	// disconnectsEnv is how many clients vanish; 200 in a plain run.
	disconnectsEnv = "CAREHOME_TEST_DISCONNECTS"
)

// launch starts a server that the test means to harm.
func launch(t *testing.T, database string, flags ...string) *process {
	t.Helper()
	server, err := start(ownServer(t), database, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It has ended already, unless the test failed.
		if err := server.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	})
	return server
}

// ended waits for the end of a server that was told to go, or that should go by
// itself.
func ended(t *testing.T, server *process) error {
	t.Helper()
	select {
	case err := <-server.exited:
		return err
	case <-time.After(patience):
		t.Fatalf("the server goes on\n%s", server.log)
		return nil
	}
}

// reach waits until the crowd has come so far.
func reach(t *testing.T, crowd *crowd, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-crowd.ended:
		t.Fatalf("the clients gave up: %v", crowd.stop())
	}
}

// sound compares a database, which may be in use, with what clients were told.
func sound(t *testing.T, database string, known told, l *ledger) {
	t.Helper()
	if _, err := store.Verify(context.Background(), database); err != nil {
		t.Errorf("verifying: %v", err)
	}
	found, err := compare(context.Background(), database, known, l)
	if err := errors.Join(err, found.err()); err != nil {
		t.Errorf("of %d changes: %v", known.count(), err)
	}
}

func TestKill(t *testing.T) {
	ownServer(t)
	kills := scale(t, killsEnv, 2)
	database := filepath.Join(t.TempDir(), "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, 64)
	for i := range kills {
		h.round, h.url = fmt.Sprintf("k%d", i), server.url
		enough := h.after(200 + rand.IntN(400))
		crowd := h.crowd(64, 2)
		reach(t, crowd, enough)
		if err := server.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, server); err == nil {
			t.Error("the server was killed and says that it ended well")
		}
		// The clients end with an error, since nobody answers them.
		if err := crowd.stop(); err == nil {
			t.Error("no client noticed")
		}
		server = launch(t, database)
		read(t, server.url, "{ wellness(first: 1) { totalCount } }", nil)
		sound(t, database, h.ledger.moment(), h.ledger)
	}
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	t.Logf("%d kills, %d changes told", kills, h.ledger.moment().count())
}

func TestTermination(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, 50)
	enough := h.after(300)
	crowd := h.crowd(50, 0)
	reach(t, crowd, enough)
	if err := server.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, server); err != nil {
		t.Errorf("the server ended with %v\n%s", err, server.log)
	}
	if err := crowd.stop(); err == nil {
		t.Error("no client noticed")
	}
	if _, err := os.Stat(database + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log was left behind: %v", err)
	}
	sound(t, database, h.ledger.moment(), h.ledger)
}

// Clients vanish while their changes, of several statements each, are made.
func TestDisconnects(t *testing.T) {
	disconnects := scale(t, disconnectsEnv, 200)
	database := filepath.Join(t.TempDir(), "home.db")
	server := launch(t, database)
	const clients = 16
	h := newHome(t, server.url, clients)
	// How long a change takes here, so that they vanish at any point of it.
	began := time.Now()
	for n := range 20 {
		if err := h.record(t.Context(), fmt.Sprint("probe-", n), "", 1); err != nil {
			t.Fatal(err)
		}
	}
	usual := time.Since(began) / 20

	var all sync.WaitGroup
	var vanished, answered, refused sync.Map
	for c := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 1))
			left := (disconnects + clients - 1) / clients
			for n := 0; left > 0; n++ {
				if n > 50*disconnects {
					refused.Store(c, errors.New("it always has its answer first"))
					return
				}
				key := fmt.Sprintf("d%02d-%d", c, n)
				if err := h.record(context.Background(), key, "", 1); err != nil {
					refused.Store(key, err)
					return
				}
				// With all of them at once a change takes longer.
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.Int64N(int64(usual*clients))))
				switch err := h.record(ctx, key, h.ledger.id(key), 2); {
				case err == nil:
					answered.Store(key, nil)
				case ctx.Err() != nil:
					vanished.Store(key, nil)
					left--
				default:
					refused.Store(key, err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	refused.Range(func(key, err any) bool {
		t.Errorf("%v: %v", key, err)
		return true
	})
	gone, stayed := length(&vanished), length(&answered)
	t.Logf("%d clients vanished, %d had their answer first", gone, stayed)
	if gone < disconnects {
		t.Errorf("%d clients vanished, want %d", gone, disconnects)
	}
	if err := server.stop(); err != nil {
		t.Errorf("stopping: %v\n%s", err, server.log)
	}
	for line := range strings.Lines(server.log.String()) {
		if strings.Contains(line, "panic") || strings.Contains(line, `"status":500`) || strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the server had trouble:\n%.3000s", line)
		}
	}
	sound(t, database, h.ledger.moment(), h.ledger)
}

func length(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}
