package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the environment may name: the server to test, and the administrator's key to
// present to it, as a text or as the file that holds it.
const (
	address = "CAREHOME_TEST_URL"
	keyText = "CAREHOME_TEST_KEY"
	keyFile = "CAREHOME_TEST_KEY_FILE"
)

// patience bounds whatever a test waits for.
const patience = 60 * time.Second

// build compiles the binary once for all tests.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "carehome-tests")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "carehome")
	command := exec.Command("go", "build", "-o", binary, "carehome")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, output)
	}
	return binary, nil
})

// bearer presents a key with every request to a server.
type bearer struct{ host, key string }

// RoundTrip sends the request as the key's.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// testKey is the key to present; none where the tests' own server asks for none.
func testKey() (string, error) {
	key, file := os.Getenv(keyText), os.Getenv(keyFile)
	if key == "" && file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", keyFile, err)
		}
		key = string(text)
	}
	return strings.TrimSpace(key), nil
}

func TestMain(m *testing.M) {
	if to := os.Getenv(address); to != "" {
		key, err := testKey()
		server, bad := url.Parse(to)
		if err = errors.Join(err, bad); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if key != "" {
			http.DefaultClient = &http.Client{Transport: bearer{server.Host, key}}
			if err := os.Setenv(keyText, key); err != nil { // for the clients in other languages
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	code := m.Run()
	shared.stop()
	lived.stop()
	if os.Getenv(address) == "" {
		if binary, err := build(); err == nil {
			if err := os.RemoveAll(filepath.Dir(binary)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = max(code, 1)
			}
		}
	}
	os.Exit(code)
}

// process is a server that a test started.
type process struct {
	url     string
	command *exec.Cmd
	log     *lines
	exited  chan error
}

// start runs the binary's serve on a free port of this machine.
func start(binary, database string, flags ...string) (*process, error) {
	arguments := append([]string{"serve", "--listen", "127.0.0.1:0", "--database", database, "--log-format", "json"}, flags...)
	p := &process{command: exec.Command(binary, arguments...), log: &lines{}, exited: make(chan error, 1)}
	p.command.Stdout = io.Discard
	pipe, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	serving := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(pipe)
		for scanner.Scan() {
			p.log.add(scanner.Text())
			var entry struct{ Msg, URL string }
			if json.Unmarshal(scanner.Bytes(), &entry) == nil && entry.Msg == "serving" {
				serving <- entry.URL
			}
		}
		p.exited <- p.command.Wait()
	}()
	select {
	case p.url = <-serving:
		return p, nil
	case err := <-p.exited:
		return nil, fmt.Errorf("the server ended: %w\n%s", err, p.log)
	case <-time.After(patience):
		return nil, errors.Join(fmt.Errorf("the server did not start\n%s", p.log), p.command.Process.Kill())
	}
}

// stop asks the server to finish, and waits until it has.
func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(patience):
		return errors.Join(errors.New("the server did not stop"), p.command.Process.Kill())
	}
}

// lines is a log that is written and read at once.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// shared is the server that all case files use.
var shared sharedServer

type sharedServer struct {
	once   sync.Once
	own    *process
	url    string
	folder string
	err    error
}

// get is the address of the server under test.
func (s *sharedServer) get(t *testing.T) string {
	t.Helper()
	s.once.Do(func() {
		if s.url = os.Getenv(address); s.url != "" {
			return
		}
		var binary string
		if binary, s.err = build(); s.err != nil {
			return
		}
		if s.folder, s.err = os.MkdirTemp("", "carehome-tests"); s.err != nil {
			return
		}
		if s.own, s.err = start(binary, filepath.Join(s.folder, "home.db")); s.err == nil {
			s.url = s.own.url
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.url
}

func (s *sharedServer) stop() {
	if s.own == nil {
		return
	}
	if err := errors.Join(s.own.stop(), os.RemoveAll(s.folder)); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the server:", err)
	}
}

// answer is a GraphQL answer.
type answer struct {
	Data   any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	raw    []byte
	header http.Header
}

// ask sends one operation.
func ask(t *testing.T, url, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return send(t, url, body, nil)
}

// send sends a body with further headers and reads the answer.
func send(t *testing.T, url string, body []byte, header http.Header) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got := answer{header: response.Header}
	if got.raw, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got.raw, &got); err != nil {
		t.Fatalf("the answer is no JSON (%s): %.300s", response.Status, got.raw)
	}
	return got
}

// trySend is send for a server that may not be there.
func trySend(url, query string) (got answer, err error) {
	body, err := json.Marshal(map[string]any{"query": query})
	if err != nil {
		return got, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return got, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	return got, json.NewDecoder(response.Body).Decode(&got)
}

// read is ask for what must succeed; it returns the data.
func read(t *testing.T, url, query string, variables map[string]any) any {
	t.Helper()
	got := ask(t, url, query, variables)
	if len(got.Errors) > 0 {
		t.Fatalf("asking %s\nwith %v: %s", query, variables, got.raw)
	}
	return got.Data
}

// at walks into an answer: at(data, "residents", "edges", 0, "node", "id").
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, ok := value.(map[string]any)
			if !ok {
				t.Fatalf("%v has no %q in %v", value, step, path)
			}
			value = object[step]
		case int:
			list, ok := value.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("%v has no item %d in %v", value, step, path)
			}
			value = list[step]
		}
	}
	return value
}
