package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carehome/graph/transport"
)

// reading is an event stream that is being read.
type reading struct {
	t      *testing.T
	status int
	header http.Header
	body   *bufio.Reader
	stop   context.CancelFunc
}

func stream(t *testing.T, method, address, body string, header http.Header) *reading {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Accept": {"text/event-stream"}, "Content-Type": {"application/json"}}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return &reading{t, response.StatusCode, response.Header, bufio.NewReader(response.Body), stop}
}

// event is the next event, its lines but comments; empty at the end.
func (r *reading) event() string {
	r.t.Helper()
	var lines []string
	for {
		line, err := r.body.ReadString('\n')
		if err == io.EOF && line == "" && lines == nil {
			return ""
		}
		if err != nil {
			r.t.Fatalf("after %q: %v", lines, err)
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "":
			return strings.Join(lines, "\n")
		case !strings.HasPrefix(line, ":"):
			lines = append(lines, line)
		}
	}
}

func (r *reading) wants(events ...string) {
	r.t.Helper()
	for _, want := range events {
		if got := r.event(); got != want {
			r.t.Fatalf("the event is %q, want %q", got, want)
		}
	}
}

const completed = "event: complete\ndata:"

const followBody = `{"query":"subscription { values }"}`

func TestEvents(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	home := serving(t, transport.Events{BodyLimit: 1000, Log: quiet()}, exec)
	t.Run("OK query", func(t *testing.T) {
		r := stream(t, http.MethodPost, home, `{"query":"{ ok }"}`, nil)
		if r.status != 200 || r.header.Get("Content-Type") != "text/event-stream; charset=utf-8" || r.header.Get("Vary") != "Accept" {
			t.Errorf("got %d %v", r.status, r.header)
		}
		r.wants("event: next\ndata: {\"data\":{\"ok\":true}}", completed, "")
	})
	t.Run("OK query by GET", func(t *testing.T) {
		r := stream(t, http.MethodGet, home+"?query="+url.QueryEscape("{ ok }"), "", nil)
		r.wants("event: next\ndata: {\"data\":{\"ok\":true}}", completed, "")
	})
	t.Run("OK mutation", func(t *testing.T) {
		r := stream(t, http.MethodPost, home, `{"query":"mutation { ok }"}`, nil)
		r.wants("event: next\ndata: {\"data\":{\"ok\":true}}", completed, "")
	})
	t.Run("OK subscription", func(t *testing.T) {
		r := stream(t, http.MethodGet, home+"?query="+url.QueryEscape("subscription { values }"), "", nil)
		exec.tell(t, 1)
		r.wants("event: next\nid: event-1\ndata: {\"data\":{\"values\":1}}")
		exec.tell(t, "\n2\n") // a value may have lines
		r.wants("event: next\nid: event-2\ndata: {\"data\":{\"values\":\ndata: 2\ndata: }}")
		r.stop()
		exec.wait(t, exec.ended, "values", 1)
	})
	t.Run("OK goes on", func(t *testing.T) {
		r := stream(t, http.MethodPost, home, followBody, http.Header{"Last-Event-Id": {"7"}})
		r.wants("event: next\nid: after-7\ndata: {\"data\":{\"values\":\"7\"}}")
		exec.tell(t, problemOf("CONFLICT"))
		r.wants("event: next\ndata: {\"errors\":[{\"message\":\"it is over\",\"extensions\":{\"code\":\"CONFLICT\"}}]}", completed, "")
	})
	for query, code := range map[string]string{"{": "INVALID", "{ panics }": "INTERNAL"} {
		t.Run("ErrInStream "+query, func(t *testing.T) {
			r := stream(t, http.MethodPost, home, `{"query":"`+query+`"}`, nil)
			if event := r.event(); r.status != 200 || !strings.HasPrefix(event, "event: next\ndata: {\"errors\":[") || !strings.Contains(event, code) {
				t.Errorf("got %d %q", r.status, event)
			}
			r.wants(completed, "")
		})
	}
	for name, c := range map[string]struct {
		method, query, body string
		header              http.Header
		status              int
		code                string
	}{
		"ErrMethod":         {http.MethodPut, "", `{"query":"{ ok }"}`, nil, 405, "INVALID"},
		"ErrMutationByGET":  {http.MethodGet, "?query=mutation%7Bok%7D", "", nil, 405, "INVALID"},
		"ErrNoQuery":        {http.MethodPost, "", `{}`, nil, 400, "INVALID"},
		"ErrNoJSON":         {http.MethodPost, "", `{"query"`, nil, 400, "INVALID"},
		"ErrMediaType":      {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Content-Type": {"text/plain"}}, 415, "INVALID"},
		"ErrTooLong":        {http.MethodPost, "", `{"query":"` + strings.Repeat(" ", 1000) + `"}`, nil, 413, "LIMIT_EXCEEDED"},
		"ErrNobody":         {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Nobody": {"1"}}, 401, "UNAUTHENTICATED"},
		"other media types": {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Accept": {"application/json, text/event-stream"}}, 418, ""},
		"any media type":    {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Accept": {"*/*"}}, 418, ""},
		"not wanted":        {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Accept": {"text/event-stream;q=0"}}, 418, ""},
		"preferred":         {http.MethodPost, "", `{"query":"{ ok }"}`, http.Header{"Accept": {"application/json;q=0.5, text/event-stream"}}, 200, "next"},
	} {
		t.Run(name, func(t *testing.T) {
			r := stream(t, c.method, home+c.query, c.body, c.header)
			text, err := io.ReadAll(r.body)
			if err != nil || r.status != c.status || !strings.Contains(string(text), c.code) {
				t.Errorf("got %d %q, %v", r.status, text, err)
			}
			if c.status == 405 && r.header.Get("Allow") == "" {
				t.Error("nothing is allowed")
			}
		})
	}
}

// TestEventsStop: the stream ends without "complete" when the server stops, since
// there is more; an operation that ends by itself does so.
func TestEventsStop(t *testing.T) {
	t.Parallel()
	exec, stopping := newExecutor(), make(chan struct{})
	home := serving(t, transport.Events{BodyLimit: 1000, Log: quiet(), Stopping: stopping}, exec)
	r := stream(t, http.MethodPost, home, followBody, nil)
	held := stream(t, http.MethodPost, home, `{"query":"{ held }"}`, nil)
	exec.tell(t, 1)
	r.wants("event: next\nid: event-1\ndata: {\"data\":{\"values\":1}}")
	exec.wait(t, exec.started, "held", 1)
	close(stopping)
	r.wants("")
	exec.wait(t, exec.ended, "values", 1)
	exec.held <- struct{}{}
	held.wants("event: next\ndata: {\"data\":{\"held\":true}}", completed, "")
}

// TestEventsExpire: who is not who it was loses the stream with the next check.
func TestEventsExpire(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	var valid atomic.Bool
	valid.Store(true)
	checks, check, every := byHand()
	home := serving(t, transport.Events{
		BodyLimit: 1000, Log: quiet(), Bounds: transport.EventsBounds{KeepAlive: patience, Checks: checks},
		Valid: func(context.Context) bool { return valid.Load() },
	}, exec)
	r := stream(t, http.MethodPost, home, followBody, nil)
	exec.tell(t, 1)
	r.wants("event: next\nid: event-1\ndata: {\"data\":{\"values\":1}}")
	if got := <-every; got != transport.CheckEvery {
		t.Errorf("it is checked every %v", got)
	}
	check()
	check() // the one before was passed
	exec.tell(t, 2)
	r.wants("event: next\nid: event-2\ndata: {\"data\":{\"values\":2}}")
	valid.Store(false)
	check()
	if event := r.event(); !strings.Contains(event, "UNAUTHENTICATED") {
		t.Errorf("the event is %q", event)
	}
	r.wants(completed, "")
}

// TestEventsGoneUnnoticed: a peer that is gone is noticed though there is nothing
// to tell, and one that takes nothing although it is there.
func TestEventsGoneUnnoticed(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	home := serving(t, transport.Events{
		BodyLimit: 1000, Log: quiet(), Bounds: transport.EventsBounds{KeepAlive: time.Millisecond, Write: 3 * time.Second},
	}, exec)
	r := stream(t, http.MethodPost, home, followBody, nil)
	for range 3 {
		if line, err := r.body.ReadString('\n'); err != nil || line != ":\n" {
			t.Errorf("the line is %q, %v", line, err)
		}
	}
	exec.wait(t, exec.started, "values", 1)
	large := fmt.Sprintf("%q", strings.Repeat("x", 1<<20))
	limit := time.After(patience)
	for {
		exec.mu.Lock()
		ended, news := exec.ended["values"], exec.news
		exec.mu.Unlock()
		if ended > 0 {
			return
		}
		select {
		case exec.values <- large:
		case <-news:
		case <-limit:
			t.Fatal("the peer is not cut")
		}
	}
}

// TestEventsOutliveTheServersLimits: the time limits of the server are for answers
// that end.
func TestEventsOutliveTheServersLimits(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	carrier := transport.Events{BodyLimit: 1000, Log: quiet(), Bounds: transport.EventsBounds{KeepAlive: 10 * time.Millisecond}}
	home := servingWithin(t, 2*time.Second, carrier, exec)
	r := stream(t, http.MethodPost, home, followBody, nil)
	for range 300 { // three seconds
		if line, err := r.body.ReadString('\n'); err != nil || line != ":\n" {
			t.Fatalf("the line is %q, %v", line, err)
		}
	}
	exec.tell(t, 1)
	r.wants("event: next\nid: event-1\ndata: {\"data\":{\"values\":1}}")
}

// TestEventsExpireBehindASlowPeer: a peer that takes nothing, neither events nor what
// keeps the stream alive, is looked after all the same.
func TestEventsExpireBehindASlowPeer(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	var valid atomic.Bool
	valid.Store(true)
	ticks := make(chan time.Time)
	checks := func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} }
	check := func(within time.Duration) bool {
		select {
		case ticks <- time.Time{}:
			return true
		case <-time.After(within):
			return false
		}
	}
	home := serving(t, transport.Events{
		BodyLimit: 1000, Log: quiet(), Bounds: transport.EventsBounds{KeepAlive: time.Millisecond, Write: 10 * patience, Checks: checks},
		Valid: func(context.Context) bool { return valid.Load() },
	}, exec)
	peer, err := net.Dial("tcp", strings.TrimPrefix(home, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := fmt.Fprintf(peer, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(followBody), followBody); err != nil {
		t.Fatal(err)
	}
	exec.wait(t, exec.started, "values", 1)
	exec.tell(t, fmt.Sprintf("%q", strings.Repeat("x", 64<<20))) // more than any buffer between
	// The event is on its way, and then it and what keeps the stream alive are stuck.
	for lines := bufio.NewReader(peer); ; {
		if line, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		} else if strings.HasPrefix(line, "event: next") {
			break
		}
	}
	for until := time.Now().Add(100 * time.Millisecond); time.Now().Before(until); {
		if !check(patience) {
			t.Fatal("nobody looks after it any more")
		}
	}
	valid.Store(false)
	check(time.Second) // unless the one before has seen it already
	// Followed no longer, though the event is still being written.
	exec.wait(t, exec.ended, "values", 1)
}
