package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"carehome/internal/auth/idp"
	"carehome/internal/config"
	"carehome/internal/store"
)

func TestMain(m *testing.M) {
	idp.Main()
	testscript.Main(m, map[string]func(){
		"carehome": func() {
			os.Exit(Program{Stdout: os.Stdout, Stderr: os.Stderr}.Main(os.Args[1:], os.Environ()))
		},
	})
}

// TestScripts runs the program as people do: see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// exits CODE ARGUMENTS... runs carehome and wants that exit code.
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				got := 0
				if err := ts.Exec("carehome", args[1:]...); err != nil {
					var ended interface{ ExitCode() int }
					if !errors.As(err, &ended) {
						ts.Fatalf("running carehome: %v", err)
					}
					got = ended.ExitCode()
				}
				if fmt.Sprint(got) != args[0] {
					ts.Fatalf("exit code %d, want %s", got, args[0])
				}
			},
		},
	})
}

// running is a command in this process.
type running struct {
	url    string
	log    *lines
	out    *lines
	stop   context.CancelFunc // asks it to stop, like SIGTERM
	ended  chan error
	t      *testing.T
	waited bool
}

// start runs a server or keeper on a free port until it is ready.
func start(t *testing.T, p Program, args ...string) *running {
	t.Helper()
	r, ready := launch(t, p, args...)
	select {
	case <-ready:
	case err := <-r.ended:
		r.waited = true
		t.Fatalf("%v ended with %v\n%s", args, err, r.log)
	}
	return r
}

// launch runs it until it listens. The channel is closed once it is ready.
func launch(t *testing.T, p Program, args ...string) (r *running, ready chan struct{}) {
	t.Helper()
	args = append(args, "--listen", "127.0.0.1:0", "--log-format", "json")
	cfg, err := config.Parse(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	return launchConfig(t, p, cfg)
}

func launchConfig(t *testing.T, p Program, cfg *config.Config) (r *running, ready chan struct{}) {
	t.Helper()
	r = &running{log: new(lines), out: new(lines), ended: make(chan error, 1), t: t}
	ready = make(chan struct{})
	address := make(chan net.Addr, 1)
	p.Stdout, p.Stderr = r.out, r.log
	p.Listening = func(a net.Addr) { address <- a }
	p.Ready = func() { close(ready) }
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() { r.ended <- p.Run(ctx, cfg) }()
	t.Cleanup(func() {
		if !r.waited {
			r.stop()
			if err := r.wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		}
	})
	select {
	case a := <-address:
		r.url = "http://" + a.String()
	case err := <-r.ended:
		r.ended <- err // for whoever waits
	}
	return r, ready
}

// wait returns how it ended.
func (r *running) wait() error {
	r.t.Helper()
	r.waited = true
	select {
	case err := <-r.ended:
		return err
	case <-time.After(time.Minute):
		r.t.Fatal("the program does not end")
		return nil
	}
}

// end stops it and wants a clean end.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	if err := r.wait(); err != nil {
		r.t.Fatalf("it ended with %v\n%s", err, r.log)
	}
}

func (r *running) get(path string) (status int, header http.Header, body string) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return send(r.t, request)
}

// query asks the graph.
func (r *running) query(query string) string {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, r.url+graphPath, strings.NewReader(string(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	_, _, answer := send(r.t, request)
	return answer
}

const newResident = `mutation { createResident(input: {givenName: "Ana", familyName: "López", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`

func TestServe(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	for name, tc := range map[string]struct {
		method, path string
		status       int
		want         string
	}{
		"Livez":         {http.MethodGet, "/livez", 200, `{"status":"alive"}`},
		"Readyz":        {http.MethodGet, "/readyz", 200, `{"status":"ready"}`},
		"ReadyzHead":    {http.MethodHead, "/readyz", 200, ""},
		"ErrReadyzPost": {http.MethodPost, "/readyz", 405, `"code":"INVALID"`},
		"ErrUnknown":    {http.MethodGet, "/nothing", 404, `"code":"NOT_FOUND"`},
		"Page":          {http.MethodGet, "/", 200, "<!doctype html>"},
		"Graph":         {http.MethodGet, "/graphql?query=%7B__typename%7D", 200, `"__typename":"Query"`},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(tc.method, r.url+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			status, header, body := send(t, request)
			if status != tc.status || !strings.Contains(strings.ToLower(body), strings.ToLower(tc.want)) {
				t.Errorf("got %d %s", status, body)
			}
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" || header.Get(requestHeader) == "" {
				t.Errorf("the headers are %v", header)
			}
			if status == 405 && header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", header.Get("Allow"))
			}
		})
	}
	if len(r.log.find(t, "development mode: everybody on this machine is the home's administrator, since no keys are configured")) != 1 {
		t.Errorf("nobody is warned: %s", r.log)
	}
}

func TestNoPlayground(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"), "--no-playground")
	for _, path := range []string{"/", "/playground/index.js"} {
		if status, _, body := r.get(path); status != 404 || !strings.Contains(body, "NOT_FOUND") {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}

// TestKept: what was written is there after a restart, and the home's own rows
// are made once.
func TestKept(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	const ask = `{ residents { totalCount } facilities { edges { node { id timeZone } } } staffUsers { edges { node { id role } } } }`
	r := start(t, Program{}, "--database", database, "--time-zone", "Europe/Madrid")
	if answer := r.query(newResident); !strings.Contains(answer, `"res_1"`) {
		t.Fatalf("got %s", answer)
	}
	before := r.query(ask)
	for _, want := range []string{`"totalCount":1`, `"timeZone":"Europe/Madrid"`, `"id":"stf_1","role":"ADMIN"`} {
		if !strings.Contains(before, want) {
			t.Errorf("%s is not in %s", want, before)
		}
	}
	r.end()
	if _, err := os.Stat(database + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log was not brought into the file: %v", err)
	}
	r = start(t, Program{}, "--database", database)
	if after := r.query(ask); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// TestLogKeepsSecrets: nothing that a request carries may reach the log.
func TestLogKeepsSecrets(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"), "--log-level", "debug")
	r.query(`mutation Admit { createResident(input: {givenName: "Canaria", familyName: "Secreta", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`)
	r.query(`{ residents(where: {familyName: "Secreta"}) { nothingLikeThis } }`)
	r.get("/graphql?query=%7BSecreta%7D")
	r.end()
	if strings.Contains(r.log.String(), "Canaria") || strings.Contains(r.log.String(), "Secreta") {
		t.Errorf("the log is %s", r.log)
	}
	found := false
	for _, line := range r.log.find(t, "request") {
		found = found || line["operation"] == "Admit"
	}
	if !found {
		t.Errorf("the operation is not named: %s", r.log)
	}
}

func TestReadOnly(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	start(t, Program{}, "--database", database).end()
	r := start(t, Program{}, "--database", database, "--read-only")
	if answer := r.query(newResident); !strings.Contains(answer, `"FORBIDDEN"`) {
		t.Errorf("got %s", answer)
	}
	if status, _, body := r.get("/readyz"); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
}

func TestErrSecondServer(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	start(t, Program{}, "--database", database)
	second, _ := launch(t, Program{}, "--database", database)
	err := second.wait()
	if !errors.Is(err, store.ErrInUse) || exitCode(err) != exitTempFail || strings.Contains(err.Error(), "\n") {
		t.Errorf("the second ended with %v", err)
	}
}

func TestErrAddressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, listener)
	database := filepath.Join(t.TempDir(), "home.db")
	cfg, err := config.Parse([]string{"--database", database, "--listen", listener.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := launchConfig(t, Program{}, cfg)
	if err := r.wait(); exitCode(err) != exitTempFail {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(database); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
	}
}

// underWay sends the head of a query and waits until the graph asks for the
// body, so that the request is certainly under way.
func (r *running) underWay() (connection net.Conn, answer *bufio.Reader) {
	r.t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { closed(r.t, connection) })
	head := "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
	if _, err := fmt.Fprintf(connection, head, len(slowQuery)); err != nil {
		r.t.Fatal(err)
	}
	answer = bufio.NewReader(connection)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := answer.ReadString('\n'); err != nil || line != want {
			r.t.Fatalf("got %q, %v", line, err)
		}
	}
	return connection, answer
}

const slowQuery = `{"query":"{__typename}"}`

// untilStopping asks for the health until the server says that it is stopping.
func (r *running) untilStopping() {
	r.t.Helper()
	for range 10_000 {
		if status, _, body := r.get("/readyz"); status == 503 && body == `{"status":"stopping"}`+"\n" {
			return
		}
	}
	r.t.Fatal("the server does not say that it is stopping")
}

func TestDrain(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"), "--shutdown-timeout", "10m")
	connection, answer := r.underWay()
	r.stop()
	r.untilStopping()
	if status, _, _ := r.get("/livez"); status != 200 {
		t.Errorf("/livez is %d", status)
	}
	for _, path := range []string{"/graphql?query=%7B__typename%7D", "/"} {
		status, header, body := r.get(path)
		if status != 503 || header.Get("Retry-After") != "5" || !strings.Contains(body, "the server is stopping") {
			t.Errorf("%s: a new request got %d %v %s", path, status, header, body)
		}
	}
	if _, err := io.WriteString(connection, slowQuery); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, response.Body)
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"Query"`) {
		t.Errorf("the request under way got %d %s %v", response.StatusCode, body, err)
	}
	if err := r.wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestDrainTimeout: a request that never ends does not keep the server.
func TestDrainTimeout(t *testing.T) {
	cfg, err := config.Parse([]string{"--database", filepath.Join(t.TempDir(), "home.db"), "--listen", "127.0.0.1:0", "--log-format", "json"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Serve.ShutdownTimeout = time.Millisecond
	r, ready := launchConfig(t, Program{}, cfg)
	<-ready
	_, answer := r.underWay()
	r.end()
	if _, err := answer.ReadByte(); err == nil {
		t.Error("the connection was not cut")
	}
	cut := r.log.find(t, "requests are cut off: they took longer than the server may take to stop")
	if len(cut) != 1 || cut[0]["requests"] != 1.0 {
		t.Errorf("the log is %s", r.log)
	}
}

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{&config.Error{Usage: true}, 64},
		{&config.Error{}, 78},
		{fmt.Errorf("opening: %w", store.ErrInUse), 75},
		{fmt.Errorf("opening: %w", store.ErrRefused), 78},
		{fmt.Errorf("opening: %w", store.ErrNewerSchema), 78},
		{fmt.Errorf("checking: %w", store.ErrDamaged), 65},
		{errors.Join(errors.New("x"), store.ErrStorageFull), 75},
		{fmt.Errorf("stopped: %w", context.Canceled), 75},
		{quietError{65}, 65},
		{errors.New("anything else"), 70},
		{store.ErrSync, 70},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("%v: exit code %d, want %d", tc.err, got, tc.want)
		}
	}
}
