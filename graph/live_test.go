package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/graph"
	"carehome/graph/transport"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// patience bounds whatever a test waits for.
const patience = time.Minute

// house is a served home with one resident.
type house struct {
	t        *testing.T
	url      string
	hub      *live.Hub
	write    func(context.Context, func(context.Context, *ent.Client) error) error
	resident nodeid.ID
}

func newHouse(t *testing.T, sockets transport.SocketBounds, events live.Options) *house {
	t.Helper()
	return newHouseWith(t, events, func(d *graph.Deps) { d.Sockets = sockets })
}

// newHouseWith serves a home by a graph that change makes another.
func newHouseWith(t *testing.T, events live.Options, change func(*graph.Deps)) *house {
	t.Helper()
	ctx := viewer.With(context.Background(), viewer.System())
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db"), Durability: store.RelaxedDurability})
	if err != nil {
		t.Fatal(err)
	}
	hub, err := live.Open(ctx, st, events)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, hub: hub, write: hub.Watch(st.Write)}
	deps := graph.Deps{
		Client: st.Client(), Write: h.write, Snapshot: st.Snapshot, Log: slog.New(slog.DiscardHandler), Live: hub,
		Explain: func(error) *problem.Problem { return nil },
	}
	change(&deps)
	api := graph.NewHandler(deps)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), viewer.Viewer{Name: "Ana", Role: viewer.Admin})))
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	h.url = server.URL
	h.change(func(ctx context.Context, tx *ent.Client) error {
		born, err := scalar.ParseDate("1939-05-17")
		if err != nil {
			return err
		}
		made, err := tx.Resident.Create().SetGivenName("Ana").SetFamilyName("López").SetBirthDate(born).SetSex(resident.SexFemale).Save(ctx)
		if err == nil {
			h.resident = made.ID
		}
		return err
	})
	return h
}

func (h *house) change(work func(context.Context, *ent.Client) error) {
	h.t.Helper()
	if err := h.write(viewer.With(context.Background(), viewer.System()), work); err != nil {
		h.t.Fatal(err)
	}
}

// check records a wellness check.
func (h *house) check(mood int, notes string) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.Wellness.Create().SetResidentID(h.resident).SetTakenAt(scalar.Now(ctx)).SetMood(mood).SetNotes(notes).Exec(ctx)
	})
}

// listener is one client of graphql-transport-ws.
type listener struct{ conn *websocket.Conn }

// join connects and follows all checks after an event.
func (h *house) join(ctx context.Context, after live.ID) (*listener, error) {
	// A small buffer fills early where nobody reads.
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return conn, err
	}}}
	//nolint:bodyclose // it has none: the connection is taken over
	conn, _, err := websocket.Dial(ctx, h.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: client})
	if err != nil {
		return nil, err
	}
	for _, text := range []string{
		`{"type":"connection_init"}`,
		`{"id":"1","type":"subscribe","payload":{"query":"subscription { wellnessRecorded(after: \"` + after.String() +
			`\") { eventID wellness { mood notes resident { fullName } } } }"}}`,
	} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return nil, err
		}
	}
	return &listener{conn}, nil
}

func (h *house) last() live.ID {
	h.t.Helper()
	id, there, err := h.hub.Last(context.Background())
	if err != nil || !there {
		h.t.Fatalf("there is no last event: %v", err)
	}
	return id
}

// mood is that of the next check; errors are those of an answer, too.
func (l *listener) mood(ctx context.Context) (int, error) {
	for {
		_, text, err := l.conn.Read(ctx)
		if err != nil {
			return 0, err
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return 0, err
		}
		switch m.Type {
		case "connection_ack":
			continue
		case "next":
			var payload struct {
				Data struct {
					WellnessRecorded struct{ Wellness struct{ Mood int } }
				}
			}
			err := json.Unmarshal(m.Payload, &payload)
			return payload.Data.WellnessRecorded.Wellness.Mood, err
		}
		return 0, errors.New(string(text))
	}
}

// sockets counts the sockets of this process.
func sockets(t *testing.T) (n int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("SKIPPED: there is no /proc to count descriptors in")
	}
	for _, one := range open {
		// One that was closed meanwhile has none.
		if target, err := os.Readlink("/proc/self/fd/" + one.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// settles waits until goroutines and sockets are back at most at these numbers.
func settles(t *testing.T, goroutines, descriptors int) {
	t.Helper()
	limit := time.After(patience)
	for {
		g, d := runtime.NumGoroutine(), sockets(t)
		if g <= goroutines && d <= descriptors {
			return
		}
		select {
		case <-limit:
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines and %d sockets are left, want %d and %d\n%s", g, d, goroutines, descriptors, stacks[:runtime.Stack(stacks, true)])
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestCrowd: of a thousand who listen half vanish without a word. The others are
// told everything, and nothing is left of any of them.
func TestCrowd(t *testing.T) {
	crowd := 1000
	if raced {
		crowd = 100
	}
	h := newHouse(t, transport.SocketBounds{Init: patience, Ping: 8 * time.Second}, live.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	const checks = 5
	goroutines, descriptors := runtime.NumGoroutine(), sockets(t)

	after := h.last()
	var mu sync.Mutex
	var vanished []*listener
	var joining, told errgroup.Group
	joining.SetLimit(50)
	for i := range crowd {
		joining.Go(func() error {
			l, err := h.join(ctx, after)
			if err != nil {
				return err
			}
			if i%2 == 0 {
				mu.Lock()
				defer mu.Unlock()
				vanished = append(vanished, l) // it never reads, nor answers a ping
				return nil
			}
			told.Go(func() error {
				for want := 1; want <= checks; want++ {
					if mood, err := l.mood(ctx); err != nil || mood != want {
						return fmt.Errorf("heard %d, %w; want %d", mood, err, want)
					}
				}
				return l.conn.Close(websocket.StatusNormalClosure, "")
			})
			return nil
		})
	}
	h.check(1, "")
	if err := joining.Wait(); err != nil {
		t.Fatal(err)
	}
	for mood := 2; mood <= checks; mood++ {
		h.check(mood, "")
	}
	if err := told.Wait(); err != nil {
		t.Fatal(err)
	}
	// The server lets go of those who vanished; their own ends are still open.
	settles(t, goroutines, descriptors+len(vanished))
	for _, l := range vanished {
		_ = l.conn.CloseNow() // the server has closed it
	}
	settles(t, goroutines, descriptors)
}

// TestCrowdOfStreams: nothing is left of streams that were cut in the middle.
func TestCrowdOfStreams(t *testing.T) {
	const crowd = 100
	h := newHouse(t, transport.SocketBounds{}, live.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	goroutines, descriptors := runtime.NumGoroutine(), sockets(t)
	query := url.Values{"query": {`subscription { wellnessRecorded(after: "` + h.last().String() + `") { wellness { mood } } }`}}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var listening errgroup.Group
	for range crowd {
		listening.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"?"+query.Encode(), nil)
			if err != nil {
				return err
			}
			request.Header.Set("Accept", "text/event-stream")
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			const want = `{"data":{"wellnessRecorded":{"wellness":{"mood":3}}}}`
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() && !strings.Contains(lines.Text(), want) {
			}
			return errors.Join(lines.Err(), ctx.Err(), response.Body.Close())
		})
	}
	h.check(3, "")
	if err := listening.Wait(); err != nil {
		t.Fatal(err)
	}
	settles(t, goroutines, descriptors)
}

// TestSlowListener: who takes nothing is dropped and told so, and harms nobody.
func TestSlowListener(t *testing.T) {
	const backlog, most = 64, 2000
	h := newHouse(t, transport.SocketBounds{Init: patience, Ping: patience, Write: patience}, live.Options{Backlog: backlog})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	after := h.last()
	slow, err := h.join(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	quick, err := h.join(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Repeat("x", 2000)
	for i := range most {
		h.check(i%5+1, notes)
		if mood, err := quick.mood(ctx); err != nil || mood != i%5+1 {
			t.Fatalf("after %d checks: heard %d, %v", i, mood, err)
		}
	}
	for i := range most {
		mood, err := slow.mood(ctx)
		if err != nil {
			for _, want := range []string{`"type":"error"`, `"code":"LIMIT_EXCEEDED"`, fmt.Sprintf(`"limit":%d`, backlog)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("heard %v, want %s", err, want)
				}
			}
			t.Logf("dropped after %d events", i)
			return
		}
		if mood != i%5+1 {
			t.Fatalf("heard %d as event %d", mood, i)
		}
	}
	t.Error("it was told everything, and never dropped")
}
