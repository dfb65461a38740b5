package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carehome/graph"
	"carehome/graph/limits"
	"carehome/internal/live"
)

// newMeanHouse is one whose viewers have an account of a few dozen objects, which
// fills up by one in each second of the clock.
func newMeanHouse(t *testing.T, backlog int) (*house, *clock) {
	t.Helper()
	hands := &clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	return newHouseWith(t, live.Options{Backlog: backlog}, func(d *graph.Deps) {
		d.Limits, d.Now = limits.Default(), hands.Now
		d.Limits.Rate, d.Limits.Cost, d.Limits.ReportingCost = 1, 40, 40
	}), hands
}

// ask asks over HTTP.
func (h *house) ask(ctx context.Context, query, accept string) (status int, header http.Header, answer string) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"?"+url.Values{"query": {query}}.Encode(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// spend asks until there is nothing left in the account.
func (h *house) spend(ctx context.Context) {
	h.t.Helper()
	for range 1000 {
		if status, _, _ := h.ask(ctx, "{ __typename }", "application/json"); status == http.StatusTooManyRequests {
			return
		}
	}
	h.t.Fatal("the account has no end")
}

// tellings are the events of a subscription by either transport.
type tellings interface {
	// next is the id and the mood of the next event, or the errors that end it.
	next() (id string, mood int, err error)
}

// told reads an event's answer.
func told(payload []byte) (id string, mood int, err error) {
	var event struct {
		Data *struct {
			WellnessRecorded *struct {
				EventID  string
				Wellness struct{ Mood int }
			}
		}
		Errors json.RawMessage
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return "", 0, err
	}
	if event.Errors != nil || event.Data == nil || event.Data.WellnessRecorded == nil {
		return "", 0, fmt.Errorf("%s", payload)
	}
	return event.Data.WellnessRecorded.EventID, event.Data.WellnessRecorded.Wellness.Mood, nil
}

func recorded(after string) string {
	return `subscription { wellnessRecorded(after: "` + after + `") { eventID wellness { mood resident { fullName } } } }`
}

// socketTellings are over a WebSocket.
type socketTellings struct {
	ctx  context.Context
	conn *websocket.Conn
}

func (h *house) overSocket(ctx context.Context, after string) tellings {
	h.t.Helper()
	//nolint:bodyclose // it has none: the connection is taken over
	conn, _, err := websocket.Dial(ctx, h.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.CloseNow() }) // nobody listens any more
	s := socketTellings{ctx, conn}
	s.say(h.t, `{"type":"connection_init"}`)
	s.subscribe(h.t, "1", recorded(after))
	return s
}

func (s socketTellings) say(t *testing.T, text string) {
	t.Helper()
	if err := s.conn.Write(s.ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func (s socketTellings) subscribe(t *testing.T, id, query string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	if err != nil {
		t.Fatal(err)
	}
	s.say(t, string(text))
}

// hear is the next message that is no acknowledgement and no ping.
func (s socketTellings) hear() (kind, id string, payload json.RawMessage, err error) {
	for {
		_, text, err := s.conn.Read(s.ctx)
		if err != nil {
			return "", "", nil, err
		}
		var m struct {
			Type, ID string
			Payload  json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return "", "", nil, err
		}
		if m.Type != "connection_ack" && m.Type != "ping" {
			return m.Type, m.ID, m.Payload, nil
		}
	}
}

func (s socketTellings) next() (id string, mood int, err error) {
	kind, _, payload, err := s.hear()
	switch {
	case err != nil:
		return "", 0, err
	case kind != "next":
		return "", 0, fmt.Errorf("%s %s", kind, payload)
	}
	return told(payload)
}

// streamTellings are over server-sent events.
type streamTellings struct{ lines *bufio.Scanner }

func (h *house) overStream(ctx context.Context, after string) tellings {
	h.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"?"+url.Values{"query": {recorded(after)}}.Encode(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = response.Body.Close() }) // nobody listens any more
	return streamTellings{bufio.NewScanner(response.Body)}
}

func (s streamTellings) next() (id string, mood int, err error) {
	for s.lines.Scan() {
		if data, is := strings.CutPrefix(s.lines.Text(), "data: "); is && data != "" {
			return told([]byte(data))
		}
	}
	if err := s.lines.Err(); err != nil {
		return "", 0, err
	}
	return "", 0, io.EOF
}

// followings are the ways to follow.
var followings = map[string]func(*house, context.Context, string) tellings{"socket": (*house).overSocket, "stream": (*house).overStream}

// TestEventsArePaidFor: what is told costs its listener as much as the same answer
// to a query would. Who has nothing left is told what happens all the same, once
// what was told before is paid: later, but everything, in order.
func TestEventsArePaidFor(t *testing.T) {
	for name, follow := range followings {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			h, clock := newMeanHouse(t, 0)
			events := follow(h, ctx, h.last().String())
			h.check(1, "")
			if _, mood, err := events.next(); err != nil || mood != 1 {
				t.Fatalf("heard %d, %v", mood, err)
			}
			h.spend(ctx)
			// There is nothing left, but nothing owed either.
			h.check(2, "")
			if _, mood, err := events.next(); err != nil || mood != 2 {
				t.Fatalf("heard %d, %v", mood, err)
			}
			const checks = 5
			heard := make(chan time.Time, checks)
			done := make(chan error, 1)
			go func() {
				for want := 3; want <= checks; want++ {
					_, mood, err := events.next()
					if err != nil || mood != want {
						done <- fmt.Errorf("heard %d, %w; want %d", mood, err, want)
						return
					}
					heard <- clock.Now()
				}
				done <- nil
			}()
			for mood := 3; mood <= checks; mood++ {
				h.check(mood, "")
			}
			// Whatever is asked meanwhile is refused: the account owes something.
			for range 20 {
				status, header, answer := h.ask(ctx, "{ __typename }", "application/json")
				if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(answer, `"name":"rate"`) {
					t.Fatalf("got %d %v %s", status, header, answer)
				}
			}
			last := clock.Now()
			for mood := 3; mood <= checks; mood++ {
				// An event holds three objects, so that three seconds pay for it.
				clock.pass(3 * time.Second)
				select {
				case at := <-heard:
					if !at.After(last) {
						t.Errorf("the check of mood %d was told at %v, before what came earlier was paid", mood, at)
					}
					last = at
				case err := <-done:
					t.Fatal(err)
				case <-ctx.Done():
					t.Fatalf("the check of mood %d was never told", mood)
				}
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestNothingIsLostByCredit: who owes for too long is too far behind, is told so,
// and finds everything where it left off.
func TestNothingIsLostByCredit(t *testing.T) {
	for name, follow := range followings {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			const backlog, checks = 8, 30
			h, clock := newMeanHouse(t, backlog)
			after := h.last().String()
			events := follow(h, ctx, after)
			moods := []int{}
			hear := func() (err error) {
				id, mood, err := events.next()
				if err == nil {
					after, moods = id, append(moods, mood)
				}
				return err
			}
			// Who has heard two is no more catching up, and must keep up.
			for i := range 2 {
				h.check(i+1, "")
				if err := hear(); err != nil {
					t.Fatal(err)
				}
			}
			h.spend(ctx)
			for i := 2; i < checks; i++ {
				h.check(i%5+1, "")
			}
			ended := false
			for len(moods) < checks {
				clock.pass(time.Hour)
				if err := hear(); err != nil {
					if ended || !strings.Contains(err.Error(), "LIMIT_EXCEEDED") || !strings.Contains(err.Error(), fmt.Sprintf(`"limit":%d`, backlog)) {
						t.Fatalf("after %d events: %v", len(moods), err)
					}
					ended = true
					events = follow(h, ctx, after)
				}
			}
			if !ended {
				t.Error("it was never too far behind")
			}
			for i, mood := range moods {
				if mood != i%5+1 {
					t.Fatalf("heard %v", moods)
				}
			}
		})
	}
}

// TestStreamsAreRefusedLikeQueries: what an operation may cost, and how much a
// viewer may ask for, is held over sockets and streams as over plain HTTP.
func TestStreamsAreRefusedLikeQueries(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h, _ := newMeanHouse(t, 0)
	const dear = "{ residents(first: 50) { edges { node { id } } } }"
	socket := h.overSocket(ctx, h.last().String()).(socketTellings)
	refused := func(id, query, name string) {
		t.Helper()
		socket.subscribe(t, id, query)
		kind, of, payload, err := socket.hear()
		if err != nil || kind != "error" || of != id || !strings.Contains(string(payload), `"LIMIT_EXCEEDED"`) || !strings.Contains(string(payload), `"name":"`+name+`"`) {
			t.Errorf("over a socket %s is answered with %s %s, %v", query, kind, payload, err)
		}
	}
	refused("2", dear, "cost")
	if status, _, answer := h.ask(ctx, dear, "text/event-stream"); status != http.StatusOK || !strings.Contains(answer, `"name":"cost"`) {
		t.Errorf("over a stream it is answered with %d %s", status, answer)
	}
	h.spend(ctx)
	refused("3", "{ __typename }", "rate")
	refused("4", recorded(h.last().String()), "rate")
	for _, query := range []string{"{ __typename }", recorded(h.last().String())} {
		status, header, answer := h.ask(ctx, query, "text/event-stream")
		if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(answer, `"name":"rate"`) {
			t.Errorf("over a stream %s is answered with %d %v %s", query, status, header, answer)
		}
	}
}
