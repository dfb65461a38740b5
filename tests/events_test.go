package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stream is a client of GraphQL over server-sent events.
type stream struct {
	body *bufio.Reader
	stop context.CancelFunc
}

// openStream asks for events by POST, after the last one that was received.
func openStream(home, query string, variables map[string]any, last string) (*stream, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	return askStream(http.MethodPost, home+"/graphql", string(body), last)
}

func askStream(method, address, body, last string) (*stream, error) {
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		stop()
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		stop()
		return nil, err
	}
	closed := context.AfterFunc(ctx, func() { _ = response.Body.Close() }) // nobody reads any more
	s := &stream{bufio.NewReader(response.Body), stop}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		text, err := io.ReadAll(response.Body)
		closed()
		stop()
		return nil, errors.Join(fmt.Errorf("got %d %s %s", response.StatusCode, kind, text), err, response.Body.Close())
	}
	return s, nil
}

// hear is the next event: its id, its name, its data. Errors without data are of
// the type that a WebSocket has for them.
func (s *stream) hear() (m heard, err error) {
	var data []string
	for {
		line, err := s.body.ReadString('\n')
		if err != nil {
			return m, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			m.Type = value
		case "id":
			m.ID = value
		case "data":
			data = append(data, value)
		}
		if line != "\n" || m.Type == "" {
			continue
		}
		var answer struct {
			Data   json.RawMessage
			Errors json.RawMessage
		}
		m.Payload = json.RawMessage(strings.Join(data, "\n"))
		if m.Type == "next" {
			if err := json.Unmarshal(m.Payload, &answer); err != nil {
				return m, err
			}
			if answer.Data == nil {
				m.Type, m.Payload = "error", answer.Errors
			}
		}
		return m, nil
	}
}

// told is the data of the next event, and its id.
func (s *stream) told(t *testing.T) (data any, id string) {
	t.Helper()
	m, err := s.hear()
	if err != nil || m.Type != "next" {
		t.Fatalf("heard %s %s, %v; want what is next", m.Type, m.Payload, err)
	}
	var answer struct{ Data any }
	if err := json.Unmarshal(m.Payload, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data, m.ID
}

// TestFollowByEvents: over server-sent events each event has its id, and whoever
// comes back with the last one goes on from there.
func TestFollowByEvents(t *testing.T) {
	f := newFamily(t, shared.get(t))
	since := f.last(t)
	variables := map[string]any{"r": []string{f.ana}, "a": since}
	follow := func(last string) *stream {
		t.Helper()
		s, err := openStream(f.url, followWellness, variables, last)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		return s
	}
	s := follow("")
	var checks, ids []string
	for i := range 3 {
		checks = append(checks, f.check(t, f.ana))
		f.check(t, f.eva) // not told
		data, id := s.told(t)
		if at(t, data, "wellnessRecorded", "wellness", "id") != checks[i] || at(t, data, "wellnessRecorded", "eventID") != id {
			t.Fatalf("told %v with the id %s", data, id)
		}
		ids = append(ids, id)
	}
	s.stop()
	// A browser sends the same request again, with the last event in the header: the
	// header is newer than the argument.
	delete(variables, "a")
	for i, last := range ids[:2] {
		s := follow(last)
		for _, want := range checks[i+1:] {
			if data, _ := s.told(t); at(t, data, "wellnessRecorded", "wellness", "id") != want {
				t.Errorf("after %s: told %v, want %s", last, data, want)
			}
		}
		s.stop()
	}
	variables["a"] = since
	again := follow(ids[1])
	if data, _ := again.told(t); at(t, data, "wellnessRecorded", "wellness", "id") != checks[2] {
		t.Errorf("told %v, want %s", data, checks[2])
	}
	// By GET, as EventSource asks.
	query := url.Values{"query": {`subscription { wellnessRecorded(residentIDs: "` + f.ana + `", after: "` + ids[1] + `") { wellness { id } } }`}}
	got, err := askStream(http.MethodGet, f.url+"/graphql?"+query.Encode(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer got.stop()
	if data, id := got.told(t); at(t, data, "wellnessRecorded", "wellness", "id") != checks[2] || id != ids[2] {
		t.Errorf("told %v with the id %s", data, id)
	}
}

func TestErrFollowByEvents(t *testing.T) {
	f := newFamily(t, shared.get(t))
	number, _, _ := strings.Cut(f.last(t), "-")
	for name, c := range map[string]struct {
		query, last string
		code, field string
	}{
		"no event":        {followWellness, "yesterday", "INVALID", "after"},
		"another's event": {followWellness, number + "-00000000", "CONFLICT", "after"},
		"a later event":   {followWellness, "999999999-00000000", "CONFLICT", "after"},
		"no such field":   {"subscription { nothing }", "", "INVALID", ""},
		"no document":     {"subscription {", "", "INVALID", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openStream(f.url, c.query, nil, c.last)
			if err != nil {
				t.Fatal(err)
			}
			defer s.stop()
			m, err := s.hear()
			var list []struct{ Extensions struct{ Code, Field string } }
			if err == nil {
				err = json.Unmarshal(m.Payload, &list)
			}
			if err != nil || m.Type != "error" || len(list) == 0 {
				t.Fatalf("heard %s %s, %v", m.Type, m.Payload, err)
			}
			if got := list[0].Extensions; got.Code != c.code || got.Field != c.field {
				t.Errorf("refused with %+v, want %s at %s", got, c.code, c.field)
			}
			if m, err := s.hear(); err != nil || m.Type != "complete" {
				t.Errorf("heard %s, %v; want the end", m.Type, err)
			}
			if m, err := s.hear(); err != io.EOF {
				t.Errorf("heard %s, %v after the end", m.Type, err)
			}
		})
	}
	_, err := openStream(f.url, "", nil, "")
	if err == nil || !strings.Contains(err.Error(), "got 400 application/json") {
		t.Errorf("nothing is asked: %v", err)
	}
}

// What is asked once is answered once, and complete.
func TestAskByEvents(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s, err := openStream(f.url, `mutation($id: ID!) { updateResident(id: $id, input: {givenName: "Anna"}) { resident { givenName } } }`,
		map[string]any{"id": f.ana}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if data, id := s.told(t); at(t, data, "updateResident", "resident", "givenName") != "Anna" || id != "" {
		t.Errorf("told %v with the id %q", data, id)
	}
	if m, err := s.hear(); err != nil || m.Type != "complete" {
		t.Errorf("heard %s, %v", m.Type, err)
	}
}

// A server that stops ends its streams, and does not wait for them. It does not say
// that they are complete: clients are to come back.
func TestEventsEndWithServer(t *testing.T) {
	ownServer(t)
	p := launch(t, filepath.Join(t.TempDir(), "home.db"))
	s, err := openStream(p.url, `subscription { activityChanged { eventID } }`, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if m, err := s.hear(); err != io.EOF {
		t.Errorf("heard %s %s, %v; want the end", m.Type, m.Payload, err)
	}
	if err := ended(t, p); err != nil {
		t.Errorf("stopping: %v\n%s", err, p.log)
	}
}
