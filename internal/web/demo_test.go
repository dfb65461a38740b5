package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carehome/internal/app"
	"carehome/internal/config"
	"carehome/internal/web"
)

// demo serves a fresh demo home, the playground with it, and returns its
// address.
func demo(t *testing.T) string {
	t.Helper()
	cfg, err := config.Parse([]string{
		"serve", "--demo", "--database", filepath.Join(t.TempDir(), "demo.db"), "--listen", "127.0.0.1:0",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // read only after Run has ended
	address := make(chan net.Addr, 1)
	ready := make(chan struct{})
	program := app.Program{
		Stdout: io.Discard, Stderr: &log,
		Listening: func(a net.Addr) { address <- a },
		Ready:     func() { close(ready) },
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- program.Run(ctx, cfg) }()
	select {
	case <-ready:
	case err := <-ended:
		stop()
		t.Fatalf("the server ended with %v\n%s", err, log.String())
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v\n%s", err, log.String())
		}
	})
	return "http://" + (<-address).String()
}

// TestExamplesRun runs every example in turn on a fresh demo home, so that none
// rots: each must show something.
func TestExamplesRun(t *testing.T) {
	examples, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	url := demo(t)
	before := send(t, url, web.Example{Query: "{ lastEventID }"}).Data["lastEventID"].(string)
	for _, e := range examples {
		t.Run(e.Name, func(t *testing.T) {
			var answer answer
			if e.Kind == "subscription" {
				answer = follow(t, url, e, before) // those that change something came before
			} else {
				answer = send(t, url, e)
			}
			if len(answer.Errors) != 0 {
				t.Fatalf("errors: %s", answer.Errors)
			}
			for name, value := range answer.Data {
				if empty(value) {
					t.Errorf("%s shows nothing: %v", name, value)
				}
			}
		})
	}
}

type answer struct {
	Data   map[string]any
	Errors json.RawMessage
}

func send(t *testing.T, url string, e web.Example) (a answer) {
	t.Helper()
	if err := json.NewDecoder(post(t, url, e, http.Header{})).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// follow is the first answer to a subscription, after an event.
func follow(t *testing.T, url string, e web.Example, after string) (a answer) {
	t.Helper()
	body := post(t, url, e, http.Header{"Accept": {"text/event-stream"}, "Last-Event-Id": {after}})
	for lines := bufio.NewScanner(body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				t.Fatal(err)
			}
			return a
		}
	}
	t.Fatal("nothing is told")
	return a
}

// post sends an example; what comes of it ends with the test.
func post(t *testing.T, url string, e web.Example, header http.Header) io.Reader {
	t.Helper()
	question := map[string]any{"query": e.Query}
	if e.Variables != "" {
		question["variables"] = json.RawMessage(e.Variables)
	}
	body, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response.Body
}

// empty reports whether a root field has nothing to show: null, a connection
// without edges, a count of zero, a list with a hole.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		for _, item := range v {
			if item == nil {
				return true
			}
		}
		return len(v) == 0
	case map[string]any:
		if edges, ok := v["edges"].([]any); ok {
			return len(edges) == 0
		}
		return v["totalCount"] == 0.0
	}
	return false
}

func TestEmpty(t *testing.T) {
	for text, want := range map[string]bool{
		`null`: true, `[]`: true, `[null]`: true, `{"edges": []}`: true, `{"totalCount": 0}`: true,
		`[1]`: false, `{"edges": [1]}`: false, `{"totalCount": 1}`: false, `{"fullName": "A"}`: false,
	} {
		var value any
		if err := json.NewDecoder(strings.NewReader(text)).Decode(&value); err != nil {
			t.Fatal(err)
		}
		if got := empty(value); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}
