package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carehome/internal/secret"
)

// client is one end of a WebSocket of a running server.
type client struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
}

// dial opens a socket, and says who it is if that is given.
func (r *running) dial(ctx context.Context, authorization string) client {
	r.t.Helper()
	conn, _, err := websocket.Dial(ctx, r.url+graphPath, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it is taken over
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.CloseNow() }) // closed by the server, or nobody's any more
	c := client{r.t, ctx, conn}
	c.say(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": authorization}})
	return c
}

func (c client) say(message any) {
	c.t.Helper()
	text, err := json.Marshal(message)
	if err == nil {
		err = c.conn.Write(c.ctx, websocket.MessageText, text)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// ask begins an operation.
func (c client) ask(id, query string, variables map[string]any) {
	c.t.Helper()
	c.say(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": variables}})
}

// until reads messages until one holds a text.
func (c client) until(text string) {
	c.t.Helper()
	for {
		_, message, err := c.conn.Read(c.ctx)
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", text, err)
		}
		if strings.Contains(string(message), text) {
			return
		}
	}
}

// closed reads messages until the socket is closed, which must be with a code.
func (c client) closed(code websocket.StatusCode) {
	c.t.Helper()
	for {
		if _, _, err := c.conn.Read(c.ctx); err != nil {
			if websocket.CloseStatus(err) != code {
				c.t.Errorf("the socket is closed with %v, want %d", err, code)
			}
			return
		}
	}
}

// events opens a stream of events.
func (r *running) events(ctx context.Context, authorization, query, last string) *bufio.Scanner {
	r.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+graphPath+"?"+url.Values{"query": {query}}.Encode(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header = http.Header{"Accept": {"text/event-stream"}, "Authorization": {authorization}}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { closed(r.t, response.Body) })
	return bufio.NewScanner(response.Body)
}

// reads reads lines until one holds a text.
func reads(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("waiting for %s: %v", text, errors.Join(lines.Err(), io.EOF))
}

// TestTellingOverStreams: what goes over sockets and streams of events, and the keys
// that open them, come up nowhere but there: not in the log, at its most talkative,
// nor in traces, nor in figures, whether it goes well or not.
func TestTellingOverStreams(t *testing.T) {
	const canary = "Xilonenovska"
	traces := new(collector)
	to := httptest.NewServer(traces)
	defer to.Close()
	p := Program{Getenv: func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL}[name]
	}}
	database := filepath.Join(t.TempDir(), "home.db")
	key, wrong := newKey(t, database, "NURSE"), secret.New().Reveal()
	r := start(t, p, "--database", database, "--metrics-listen", "127.0.0.1:0", "--log-level", "debug")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bearer := "Bearer " + key

	if status, _, answer := r.as(bearer, `mutation Admit { createResident(input: {givenName: "`+canary+`", familyName: "`+canary+`", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`); status != http.StatusOK || !strings.Contains(answer, `"res_1"`) {
		t.Fatalf("got %d %s", status, answer)
	}
	_, _, answer := r.as(bearer, `{ lastEventID }`)
	var told struct{ Data struct{ LastEventID string } }
	if err := json.Unmarshal([]byte(answer), &told); err != nil {
		t.Fatal(err)
	}
	const fields = `{ eventID wellness { notes resident { fullName } } }`
	follow := `subscription Follow { wellnessRecorded(after: "` + told.Data.LastEventID + `") ` + fields + ` }`

	socket := r.dial(ctx, bearer)
	socket.until("connection_ack")
	socket.ask("follow "+canary, follow, nil)
	stream := r.events(ctx, bearer, follow, "")
	if _, _, answer := r.as(bearer, `mutation Record { createWellness(input: {residentID: "res_1", takenAt: "2026-01-01T08:00:00Z", mood: 3, notes: "`+canary+`"}) { wellness { id } } }`); !strings.Contains(answer, `"wel_1"`) {
		t.Fatalf("got %s", answer)
	}
	socket.until(`"fullName":"` + canary)
	reads(t, stream, `"fullName":"`+canary)

	// What is refused, in each way, in both.
	for i, refused := range []struct {
		query     string
		variables map[string]any
		want      string
	}{
		{`query Find($name: String) { residents(where: {familyName: $name}) { edges { node { fullName } } } }`, map[string]any{"name": canary}, canary},
		{`subscription Again { wellnessRecorded(after: "` + canary + `") ` + fields + ` }`, nil, `"INVALID"`},
		{`subscription Again($ids: [ID!]) { wellnessRecorded(residentIDs: $ids) ` + fields + ` }`, map[string]any{"ids": []string{canary}}, `"INVALID"`},
		{`subscription Again { wellnessRecorded { ` + canary + ` } }`, nil, `"errors"`},
		{canary, nil, `"errors"`},
		{`mutation Admit { createResident(input: {givenName: "` + strings.Repeat(canary, 60) + `", familyName: "` + canary + `", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`, nil, `"INVALID"`},
	} {
		id := fmt.Sprint(canary, i)
		socket.ask(id, refused.query, refused.variables)
		socket.until(`"id":"` + id + `"`)
		if refused.variables == nil && !strings.HasPrefix(refused.query, "mutation") {
			reads(t, r.events(ctx, bearer, refused.query, ""), refused.want)
		}
	}
	reads(t, r.events(ctx, bearer, follow, canary), `"INVALID"`)

	// Who is not let in, and what is no message.
	r.dial(ctx, "Bearer "+wrong).closed(4403)
	reads(t, r.events(ctx, "Bearer "+canary, follow, ""), "UNAUTHENTICATED")
	for _, message := range []any{
		canary, map[string]string{"type": canary},
		map[string]any{"id": canary, "type": "subscribe", "payload": map[string]any{"query": canary, canary: 1, "variables": canary}},
	} {
		broken := r.dial(ctx, bearer)
		broken.until("connection_ack")
		broken.say(message)
		broken.closed(4400)
	}
	twice := r.dial(ctx, bearer)
	twice.until("connection_ack")
	twice.ask(canary, follow, nil)
	twice.ask(canary, follow, nil)
	twice.closed(4409)

	series := r.figures()
	run(t, "key", "revoke", "key_1", "--database", database)
	socket.closed(4403)
	reads(t, stream, "UNAUTHENTICATED")
	r.end() // sends the last traces

	ran := 0
	for _, line := range r.log.find(t, "operation") {
		if line["operation"] == "Follow" && line["kind"] == "subscription" && line["role"] == "NURSE" {
			ran++
		}
	}
	if ran < 2 {
		t.Errorf("the log has %d lines of what followed: %s", ran, r.log)
	}
	hidden := strings.TrimPrefix(key, secret.Key(key).Prefix())
	for where, text := range map[string]string{"log": r.log.String(), "figures": fmt.Sprint(series), "traces": traces.text.String()} {
		if text == "" {
			t.Errorf("there is nothing in the %s", where)
		}
		for what, never := range map[string]string{
			"the resident's name": canary, "the key": hidden, "a wrong key": strings.TrimPrefix(wrong, secret.Key(wrong).Prefix()),
		} {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(never)); at >= 0 {
				t.Errorf("%s is in the %s: %.300s", what, where, text[max(0, at-200):])
			}
		}
	}
}
