package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/internal/config"
	"carehome/internal/requestid"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// find returns the log lines with that message.
func (l *lines) find(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			continue // a banner
		}
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

func edged(t *testing.T, handler http.HandlerFunc) (url string, log *lines) {
	t.Helper()
	log = new(lines)
	e := edge{log: logger(log, config.Log{LogFormat: "json", LogLevel: "info"}), clock: time.Now}
	server := httptest.NewServer(e.wrap(handler))
	t.Cleanup(server.Close) // waits for the handlers, so that their lines are there
	return server.URL, log
}

func TestPanic(t *testing.T) {
	url, log := edged(t, func(http.ResponseWriter, *http.Request) { panic("the secret cause") })
	request, err := http.NewRequest(http.MethodPost, url+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(requestHeader, "r-1")
	status, header, body := send(t, request)
	want := `{"errors":[{"extensions":{"code":"INTERNAL","requestId":"r-1"},"message":"something went wrong here; the request's id tells us what"}]}` + "\n"
	if status != http.StatusInternalServerError || body != want {
		t.Errorf("got %d %s", status, body)
	}
	if header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("got the headers %v", header)
	}
	found := log.find(t, "a request ended in a panic")
	if len(found) != 1 || found[0]["cause"] != "the secret cause" || found[0]["requestId"] != "r-1" ||
		!strings.Contains(found[0]["stack"].(string), "TestPanic") {
		t.Errorf("the log is %s", log)
	}
	if access := log.find(t, "request"); len(access) != 1 || access[0]["status"] != 500.0 {
		t.Errorf("the log is %s", log)
	}
}

// TestPanicHalfway must not let half an answer look like a whole one.
func TestPanicHalfway(t *testing.T) {
	url, log := edged(t, func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, `{"data":`); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		panic("late")
	})
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, response.Body)
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the answer ends as if it were whole: %s", body)
	}
	if len(log.find(t, "a request ended in a panic")) != 1 {
		t.Errorf("the log is %s", log)
	}
}

func TestRequestID(t *testing.T) {
	for name, tc := range map[string]struct {
		given string
		kept  bool
	}{
		"Kept": {"trace-7.A_b", true}, "None": {"", false}, "ErrLong": {strings.Repeat("x", 65), false}, "ErrOdd": {`<b>"x"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			url, log := edged(t, func(_ http.ResponseWriter, r *http.Request) {
				requestid.NameOperation(r.Context(), "Residents")
				slog.New(requestHandler{slog.DiscardHandler}).InfoContext(r.Context(), "no line")
			})
			request, err := http.NewRequest(http.MethodGet, url+"/graphql?query=SECRET", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set(requestHeader, tc.given)
			_, header, _ := send(t, request)
			got := header.Get(requestHeader)
			if (got == tc.given) != tc.kept || !requestid.Valid(got) {
				t.Errorf("%q became %q", tc.given, got)
			}
			access := log.find(t, "request")
			if len(access) != 1 {
				t.Fatalf("the log is %s", log)
			}
			line := access[0]
			if line["requestId"] != got || line["method"] != "GET" || line["path"] != "/graphql" || line["status"] != 200.0 || line["operation"] != "Residents" {
				t.Errorf("the line is %v", line)
			}
			if strings.Contains(log.String(), "SECRET") {
				t.Errorf("the query is in the log: %s", log)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	url, _ := edged(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, header, _ := send(t, request)
	if status != http.StatusTeapot {
		t.Errorf("the status is %d", status)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "",
	} {
		if header.Get(name) != want {
			t.Errorf("%s is %q", name, header.Get(name))
		}
	}
}

func TestSameMachine(t *testing.T) {
	passed := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:5000": 200, "127.0.0.1:5000": 200, "[::1]:5000": 200, "[::1]": 200, "127.0.0.1": 200,
		"home.example": 200, "Home.Example": 200, "home.example:5000": 421, "sub.home.example": 421, "home.example.evil.example": 421,
		"evil.example": 421, "evil.example:5000": 421, "192.168.1.4:5000": 421, "localhost.evil.example": 421, "": 421,
	} {
		answer, request := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/graphql", nil)
		request.Host = host
		sameMachine(config.Origins{"https://home.example"}, passed).ServeHTTP(answer, request)
		if answer.Code != want {
			t.Errorf("Host %q: got %d, want %d", host, answer.Code, want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	passed := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, tc := range map[string]struct {
		method, header, value string
		want                  int
	}{
		"OKProgram":    {http.MethodPost, "X-Other", "1", 200},
		"OKSamePage":   {http.MethodPost, "Sec-Fetch-Site", "same-origin", 200},
		"OKRead":       {http.MethodGet, "Sec-Fetch-Site", "cross-site", 200},
		"ErrOtherSite": {http.MethodPost, "Sec-Fetch-Site", "cross-site", 403},
		"OKListed":     {http.MethodPost, "Origin", "https://app.example", 200},
		"ErrOrigin":    {http.MethodPost, "Origin", "https://evil.example", 403},
		"ErrNull":      {http.MethodPost, "Origin", "null", 403},
		"ErrScheme":    {http.MethodPost, "Origin", "http://app.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			answer, request := httptest.NewRecorder(), httptest.NewRequest(tc.method, "http://localhost:5000/graphql", nil)
			request.Header.Set(tc.header, tc.value)
			protected, err := sameOrigin(config.Origins{"https://app.example"}, passed)
			if err != nil {
				t.Fatal(err)
			}
			protected.ServeHTTP(answer, request)
			if answer.Code != tc.want {
				t.Errorf("got %d, want %d", answer.Code, tc.want)
			}
			if tc.want == 403 && !strings.Contains(answer.Body.String(), `"code":"FORBIDDEN"`) {
				t.Errorf("got %s", answer.Body)
			}
		})
	}
}

// send asks and reads the whole answer.
func send(t *testing.T, request *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, response.Body)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
