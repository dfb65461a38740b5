package bench

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"carehome/ent"
	"carehome/graph"
	"carehome/graph/limits"
	"carehome/internal/app"
	"carehome/internal/config"
	"carehome/internal/problem"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// dearest is what the questions may cost: more than usual, since one of them is a report
// that only the reporting role may ask.
const dearest = 500_000

// serveOurs runs the whole program on a file and returns the graph's address.
func serveOurs(tb testing.TB, file string) string {
	tb.Helper()
	settings, err := config.Parse([]string{"serve", "--listen", "127.0.0.1:0", "--database", file,
		"--limit-cost", strconv.Itoa(dearest), "--limit-rate", "0"}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	var (
		ctx, stop = context.WithCancel(context.Background())
		address   = make(chan string, 1)
		ready     = make(chan struct{})
		ended     = make(chan error, 1)
	)
	program := app.Program{
		Stdout: io.Discard, Stderr: io.Discard,
		Listening: func(a net.Addr) { address <- a.String() },
		Ready:     func() { close(ready) },
	}
	go func() { ended <- program.Run(ctx, settings) }()
	select {
	case <-ready:
	case err := <-ended:
		stop()
		tb.Fatalf("the program did not start: %v", err)
	}
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("the program ended with %v", err)
		}
	})
	return <-address
}

// serveGraph serves the graph alone on a file that is only read, and returns its
// address. change, where given, changes the client that it reads by; trace is
// told the statements.
func serveGraph(tb testing.TB, file string, change func(*ent.Client), trace func(context.Context, string)) string {
	tb.Helper()
	return serveAs(tb, file, change, trace, func(ctx context.Context) context.Context { return viewer.With(ctx, viewer.System()) })
}

// serveAs is serveGraph for whom as says.
func serveAs(tb testing.TB, file string, change func(*ent.Client), trace func(context.Context, string), as func(context.Context) context.Context) string {
	tb.Helper()
	st, err := store.Open(tb.Context(), store.Options{Database: file, ReadOnly: true, Trace: trace})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	if change != nil {
		change(st.Client())
	}
	bounds := limits.Default()
	bounds.Cost, bounds.Rate = dearest, 0
	api := graph.NewHandler(graph.Deps{
		Limits: bounds,
		Client: st.Client(), Write: st.Write, Snapshot: st.Snapshot,
		Explain: func(error) *problem.Problem { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	return serve(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(as(r.Context())))
	}))
}

// serve runs a handler and returns its address.
func serve(tb testing.TB, handler http.Handler) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// byHand is the hand-written server: one statement a question, in which SQLite
// builds the JSON of the answer.
type byHand struct{ statements map[string]*sql.Stmt }

// question is what byHand is asked.
type question struct {
	Name      string `json:"operationName"`
	Arguments []any  `json:"arguments"`
}

// openReading opens a file as the program's readers do.
func openReading(tb testing.TB, file string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro&_query_only=1&_cache_size=-32768")
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// readers is the number of the program's reading connections.
const readers = 4

// serveByHand runs the hand-written server and returns its address.
func serveByHand(tb testing.TB, db *sql.DB) string {
	tb.Helper()
	server := byHand{map[string]*sql.Stmt{}}
	for _, s := range shapes {
		statement, err := db.PrepareContext(tb.Context(), asSQL(s.statement))
		if err != nil {
			tb.Fatalf("%s: %v", s.name, err)
		}
		tb.Cleanup(func() {
			if err := statement.Close(); err != nil {
				tb.Error(err)
			}
		})
		server.statements[s.name] = statement
	}
	return serve(tb, server)
}

// asSQL writes out the abbreviations of a shape's statement.
func asSQL(statement string) string {
	for _, short := range []struct{ pattern, sql string }{
		{`@id\((\w+), ([\w.]+)\)`, `'${1}_' || ($2 & 0xFFFFFFFF)`},
		{`@bool\(([\w.]+)\)`, `json(iif($1, 'true', 'false'))`},
		{`@decimal\(([\w.]+)\)`, `iif($1 IS NULL, NULL, rtrim(rtrim(printf('%d.%04d', $1 / 10000, $1 % 10000), '0'), '.'))`},
	} {
		statement = regexp.MustCompile(short.pattern).ReplaceAllString(statement, short.sql)
	}
	return statement
}

// ServeHTTP answers a question.
func (h byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked question
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for i, argument := range asked.Arguments {
		if number, ok := argument.(json.Number); ok {
			whole, err := number.Int64()
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			asked.Arguments[i] = whole
		}
	}
	statement, known := h.statements[asked.Name]
	if !known {
		http.Error(w, "there is no such question", http.StatusNotFound)
		return
	}
	var data string
	if err := statement.QueryRowContext(r.Context(), asked.Arguments...).Scan(&data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The client may have gone.
	_, _ = io.WriteString(w, `{"data":`+data+`}`)
}

// client is one connection to a server. It does little, so that what is measured
// is the server.
type client struct {
	connection net.Conn
	reader     *bufio.Reader
	body       bytes.Buffer
}

func dial(tb testing.TB, address string) *client {
	tb.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := connection.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &client{connection: connection, reader: bufio.NewReaderSize(connection, 64<<10)}
}

// request is the bytes of a request for the graph.
func request(tb testing.TB, query string, variables map[string]any) []byte {
	tb.Helper()
	return post(tb, map[string]any{"query": query, "variables": variables})
}

// post is the bytes of a request, which any of the servers takes.
func post(tb testing.TB, value any) []byte {
	tb.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// send sends a request and returns the answer's body, which lasts until the
// next. Anything but success is an error.
func (c *client) send(request []byte) ([]byte, error) {
	if _, err := c.connection.Write(request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	body := c.body.Bytes()
	// Errors of the graph come with status 200.
	if response.StatusCode != http.StatusOK || !bytes.HasPrefix(body, []byte(`{"data":{`)) {
		return nil, fmt.Errorf("%s: %.500s", response.Status, body)
	}
	return body, nil
}

// ask is send for what must succeed.
func (c *client) ask(tb testing.TB, request []byte) []byte {
	tb.Helper()
	answer, err := c.send(request)
	if err != nil {
		tb.Fatal(err)
	}
	return answer
}
