package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carehome/graph/transport"
	"carehome/internal/viewer"
)

// peer is a client that says exactly what it is told to.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
}

func connect(t *testing.T, url string, header http.Header, subprotocols ...string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	//nolint:bodyclose // it has none: the connection is taken over
	conn, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		t.Fatalf("connecting: %v, %v", err, response)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() }) // most were closed by the server
	return &peer{t, conn}
}

// open connects and is let in.
func open(t *testing.T, url string) *peer {
	t.Helper()
	p := connect(t, url, nil, "graphql-transport-ws")
	p.say(`{"type":"connection_init"}`)
	p.hears(`{"type":"connection_ack"}`)
	return p
}

func (p *peer) say(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatalf("saying %.200s: %v", text, err)
	}
}

func (p *peer) hear() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, text, err := p.conn.Read(ctx)
	return string(text), err
}

// hears wants these messages next, as JSON; errors count by their codes.
func (p *peer) hears(wanted ...string) {
	p.t.Helper()
	for _, want := range wanted {
		got, err := p.hear()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", want, err)
		}
		if !reflect.DeepEqual(plain(p.t, got), plain(p.t, want)) {
			p.t.Fatalf("heard %s, want %s", got, want)
		}
	}
}

// plain is a message whose errors are their codes alone.
func plain(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if list, ok := m["payload"].([]any); ok {
		for i, one := range list {
			if object, ok := one.(map[string]any); ok {
				list[i] = object["extensions"].(map[string]any)["code"]
			}
		}
	}
	return m
}

// closed wants the socket to be closed with a code next.
func (p *peer) closed(code int, reason string) {
	p.t.Helper()
	text, err := p.hear()
	var end websocket.CloseError
	if !errors.As(err, &end) || int(end.Code) != code || !strings.Contains(end.Reason, reason) {
		p.t.Errorf("heard %q, %v; want the code %d %q", text, err, code, reason)
	}
}

// patient are the usual bounds on a machine that has other things to do.
var patient = transport.SocketBounds{Init: patience, Write: patience}

const (
	ask    = `{"id":"%s","type":"subscribe","payload":{"query":"{ ok }"}}`
	follow = `{"id":"%s","type":"subscribe","payload":{"query":"subscription { values }"}}`
	hold   = `{"id":"%s","type":"subscribe","payload":{"query":"{ held }"}}`
)

func TestSocketOperations(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: patient}, exec)
	t.Run("OK query", func(t *testing.T) {
		p := open(t, url)
		p.say(fmt.Sprintf(ask, "1"))
		p.hears(`{"id":"1","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"1","type":"complete"}`)
		p.say(fmt.Sprintf(ask, "1")) // the id is free again
		p.hears(`{"id":"1","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"1","type":"complete"}`)
	})
	t.Run("OK odd id", func(t *testing.T) {
		p := open(t, url)
		p.say(`{"id":"<\"ñ\u2028&>","type":"subscribe","payload":{"query":"{ ok }"}}`)
		p.hears(`{"id":"<\"ñ\u2028&>","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"<\"ñ\u2028&>","type":"complete"}`)
	})
	t.Run("OK optional members", func(t *testing.T) {
		p := open(t, url)
		p.say(`{"more":1,"id":"1","type":"subscribe","payload":{"query":"{ ok }","operationName":null,"variables":null,"extensions":null,"more":[]}}`)
		p.hears(`{"id":"1","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"1","type":"complete"}`)
		p.say(`{"id":"1","type":"subscribe","payload":{"query":"{ ok }","operationName":"A","variables":{"a":1},"extensions":{}}}`)
		p.hears(`{"id":"1","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"1","type":"complete"}`)
	})
	t.Run("OK subscription", func(t *testing.T) {
		p := open(t, url)
		p.say(fmt.Sprintf(follow, "s"))
		exec.tell(t, 1)
		exec.tell(t, 2)
		p.hears(`{"id":"s","type":"next","payload":{"data":{"values":1}}}`, `{"id":"s","type":"next","payload":{"data":{"values":2}}}`)
		p.say(fmt.Sprintf(ask, "q")) // beside it
		p.hears(`{"id":"q","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"q","type":"complete"}`)
		p.say(`{"id":"s","type":"complete"}`)
		exec.wait(t, exec.ended, "values", 1)
		p.say(`{"type":"ping"}`)
		p.hears(`{"type":"pong"}`) // and nothing of s before it
	})
	t.Run("OK the source ends", func(t *testing.T) {
		p := open(t, url)
		p.say(fmt.Sprintf(follow, "s"))
		exec.tell(t, problemOf("CONFLICT"))
		p.hears(`{"id":"s","type":"error","payload":["CONFLICT"]}`)
		p.say(fmt.Sprintf(follow, "s"))
		exec.tell(t, "panic")
		p.hears(`{"id":"s","type":"error","payload":["INTERNAL"]}`)
		p.say(`{"type":"ping"}`)
		p.hears(`{"type":"pong"}`) // no complete after an error
	})
	t.Run("OK cancelled query", func(t *testing.T) {
		p := open(t, url)
		p.say(fmt.Sprintf(hold, "1"))
		exec.wait(t, exec.started, "held", 1)
		p.say(`{"id":"1","type":"complete"}`)
		exec.wait(t, exec.ended, "held", 1)
		p.say(`{"type":"ping"}`)
		p.hears(`{"type":"pong"}`)
	})
	t.Run("OK unknown complete", func(t *testing.T) {
		p := open(t, url)
		p.say(`{"id":"nobody","type":"complete"}`)
		p.say(`{"type":"pong"}`)
		p.say(`{"type":"ping","payload":{"a":[1]}}`)
		p.hears(`{"type":"pong","payload":{"a":[1]}}`)
	})
	t.Run("ErrRefused", func(t *testing.T) {
		p := open(t, url)
		for query, code := range map[string]string{
			"{": "INVALID", "": "INVALID", "{ refused }": "INTERNAL", "{ panics }": "INTERNAL", "{ panics early }": "INTERNAL",
		} {
			p.say(`{"id":"1","type":"subscribe","payload":{"query":"` + query + `"}}`)
			if code == "INTERNAL" && query == "{ refused }" {
				// The executor's own answer, as it is.
				if got, err := p.hear(); err != nil || got != `{"id":"1","type":"error","payload":[{"message":"refused"}]}` {
					t.Errorf("heard %s, %v", got, err)
				}
				continue
			}
			p.hears(`{"id":"1","type":"error","payload":["` + code + `"]}`)
		}
		p.say(`{"type":"ping"}`)
		p.hears(`{"type":"pong"}`)
	})
	t.Run("ErrTooMany", func(t *testing.T) {
		p := open(t, url)
		for i := range 20 {
			p.say(fmt.Sprintf(follow, fmt.Sprint(i)))
		}
		p.say(fmt.Sprintf(ask, "20"))
		p.hears(`{"id":"20","type":"error","payload":["LIMIT_EXCEEDED"]}`)
		p.say(`{"id":"3","type":"complete"}`)
		p.say(fmt.Sprintf(ask, "20"))
		p.hears(`{"id":"20","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"20","type":"complete"}`)
	})
}

func TestSocketCloses(t *testing.T) {
	t.Parallel()
	url := serving(t, transport.Socket{
		Log: quiet(), Bounds: transport.SocketBounds{Init: patience, MessageBytes: 1000},
		SignIn: func(ctx context.Context, key string) (context.Context, error) {
			if key != "right" {
				return ctx, errors.New("no such key")
			}
			return viewer.With(ctx, viewer.Viewer{Name: "Eva", Role: viewer.Carer}), nil
		},
	}, newExecutor())
	const init = `{"type":"connection_init"}`
	nobody := http.Header{"Nobody": {"1"}}
	for name, c := range map[string]struct {
		header http.Header
		say    []string
		code   int
		reason string
	}{
		"no JSON":                   {nil, []string{`{"type"`}, 4400, "JSON"},
		"after the end":             {nil, []string{`{"type":"ping"} {}`}, 4400, "JSON"},
		"a list":                    {nil, []string{`[]`}, 4400, "object"},
		"null":                      {nil, []string{`null`}, 4400, "object"},
		"nothing":                   {nil, []string{``}, 4400, "object"},
		"no type":                   {nil, []string{`{}`}, 4400, "type"},
		"type in capitals":          {nil, []string{`{"Type":"connection_init"}`}, 4400, "type"},
		"type of no text":           {nil, []string{`{"type":1}`}, 4400, "type"},
		"unknown type":              {nil, []string{`{"type":"start"}`}, 4400, "client"},
		"the server's type":         {nil, []string{init, `{"type":"connection_ack"}`}, 4400, "client"},
		"next from a client":        {nil, []string{init, `{"type":"next","id":"1","payload":{}}`}, 4400, "client"},
		"payload of init":           {nil, []string{`{"type":"connection_init","payload":"x"}`}, 4400, "payload"},
		"payload of ping":           {nil, []string{`{"type":"ping","payload":[]}`}, 4400, "payload"},
		"no id":                     {nil, []string{init, `{"type":"subscribe","payload":{"query":"{ ok }"}}`}, 4400, "id"},
		"empty id":                  {nil, []string{init, `{"type":"subscribe","id":"","payload":{"query":"{ ok }"}}`}, 4400, "id"},
		"id of a number":            {nil, []string{init, `{"type":"subscribe","id":1,"payload":{"query":"{ ok }"}}`}, 4400, "id"},
		"complete without id":       {nil, []string{init, `{"type":"complete"}`}, 4400, "id"},
		"no payload":                {nil, []string{init, `{"type":"subscribe","id":"1"}`}, 4400, "payload"},
		"payload null":              {nil, []string{init, `{"type":"subscribe","id":"1","payload":null}`}, 4400, "payload"},
		"payload a text":            {nil, []string{init, `{"type":"subscribe","id":"1","payload":"{ ok }"}`}, 4400, "payload"},
		"no query":                  {nil, []string{init, `{"type":"subscribe","id":"1","payload":{}}`}, 4400, "query"},
		"query of no text":          {nil, []string{init, `{"type":"subscribe","id":"1","payload":{"query":{}}}`}, 4400, "query"},
		"variables of no object":    {nil, []string{init, `{"type":"subscribe","id":"1","payload":{"query":"{ ok }","variables":[]}}`}, 4400, "variables"},
		"operationName of no text":  {nil, []string{init, `{"type":"subscribe","id":"1","payload":{"query":"{ ok }","operationName":1}}`}, 4400, "operationName"},
		"extensions of no object":   {nil, []string{init, `{"type":"subscribe","id":"1","payload":{"query":"{ ok }","extensions":"x"}}`}, 4400, "extensions"},
		"subscribe before init":     {nil, []string{fmt.Sprintf(ask, "1")}, 4401, "Unauthorized"},
		"subscribe of nobody":       {nobody, []string{fmt.Sprintf(ask, "1")}, 4401, "Unauthorized"},
		"init twice":                {nil, []string{init, init}, 4429, "Too many initialisation requests"},
		"the same id twice":         {nil, []string{init, fmt.Sprintf(follow, "a"), fmt.Sprintf(ask, "a")}, 4409, "Subscriber for a already exists"},
		"a long id twice":           {nil, []string{init, fmt.Sprintf(follow, strings.Repeat("ñ", 90)), fmt.Sprintf(ask, strings.Repeat("ñ", 90))}, 4409, "Subscriber for ñ"},
		"nobody":                    {nobody, []string{init}, 4403, "Forbidden"},
		"wrong key":                 {nobody, []string{`{"type":"connection_init","payload":{"Authorization":"Bearer wrong"}}`}, 4403, "Forbidden"},
		"wrong key of somebody":     {nil, []string{`{"type":"connection_init","payload":{"Authorization":"Bearer wrong"}}`}, 4403, "Forbidden"},
		"a message that is too big": {nil, []string{init, strings.Repeat(" ", 20_000)}, 1009, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, url, c.header, "graphql-transport-ws")
			for _, text := range c.say {
				p.say(text)
			}
			for {
				text, err := p.hear()
				if err == nil && text != "" && !strings.Contains(text, `"next"`) {
					continue // the acknowledgement, or a pong
				}
				var end websocket.CloseError
				if !errors.As(err, &end) || int(end.Code) != c.code || !strings.Contains(end.Reason, c.reason) {
					t.Errorf("heard %q, %v; want the code %d %q", text, err, c.code, c.reason)
				}
				return
			}
		})
	}
	for name, payload := range map[string]string{
		"OK key": `"Authorization":"Bearer right"`, "OK key in small letters": `"authorization":"bearer right"`, "OK bare key": `"Authorization":"right"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, url, nobody, "graphql-transport-ws")
			p.say(`{"type":"connection_init","payload":{` + payload + `}}`)
			p.hears(`{"type":"connection_ack"}`)
			p.say(fmt.Sprintf(ask, "1"))
			p.hears(`{"id":"1","type":"next","payload":{"data":{"ok":true}}}`, `{"id":"1","type":"complete"}`)
		})
	}
	t.Run("ErrBinary", func(t *testing.T) {
		p := open(t, url)
		if err := p.conn.Write(t.Context(), websocket.MessageBinary, []byte(init)); err != nil {
			t.Fatal(err)
		}
		p.closed(4400, "text")
	})
	t.Run("ErrNoUTF8", func(t *testing.T) {
		p := open(t, url)
		p.say("{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}")
		p.closed(1007, "UTF-8")
	})
	t.Run("OK the client leaves", func(t *testing.T) {
		p := open(t, url)
		if err := p.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("the server does not agree: %v", err)
		}
	})
}

// TestSocketSilent: who does not say who it is in time is closed, whatever else it
// says.
func TestSocketSilent(t *testing.T) {
	t.Parallel()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: transport.SocketBounds{Init: time.Second}}, newExecutor())
	silent := connect(t, url, nil, "graphql-transport-ws")
	silent.closed(4408, "Connection initialisation timeout")
	busy := connect(t, url, nil, "graphql-transport-ws")
	busy.say(`{"type":"ping"}`)
	busy.hears(`{"type":"pong"}`)
	busy.closed(4408, "Connection initialisation timeout")
}

func TestSocketHandshake(t *testing.T) {
	t.Parallel()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: patient, Origins: []string{"https://tablet.example.org"}}, newExecutor())
	for name, protocols := range map[string][]string{"legacy": {"graphql-ws"}, "none": nil, "unknown": {"soap"}, "in capitals": {"GRAPHQL-TRANSPORT-WS"}} {
		t.Run("ErrSubprotocol "+name, func(t *testing.T) {
			p := connect(t, url, nil, protocols...)
			if got := p.conn.Subprotocol(); got == "graphql-ws" || got == "soap" {
				t.Errorf("%s is spoken", got)
			}
			p.closed(4406, "Subprotocol not acceptable")
		})
	}
	t.Run("OK both", func(t *testing.T) {
		p := connect(t, url, nil, "graphql-ws", "graphql-transport-ws")
		if p.conn.Subprotocol() != "graphql-transport-ws" {
			t.Errorf("%q is spoken", p.conn.Subprotocol())
		}
	})
	host := strings.TrimPrefix(url, "http://")
	const upgrade = "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"OK":                    {upgrade, 101},
		"OK same origin":        {upgrade + "Origin: http://" + host + "\r\n", 101},
		"OK listed origin":      {upgrade + "Origin: https://tablet.example.org\r\n", 101},
		"ErrOrigin":             {upgrade + "Origin: https://example.org\r\n", 403},
		"ErrOrigin scheme":      {upgrade + "Origin: http://tablet.example.org\r\n", 403},
		"ErrOrigin port":        {upgrade + "Origin: https://tablet.example.org:8443\r\n", 403},
		"ErrOrigin subdomain":   {upgrade + "Origin: https://tablet.example.org.evil.org\r\n", 403},
		"ErrOrigin prefix":      {upgrade + "Origin: http://" + host + ".evil.org\r\n", 403},
		"ErrOrigin user":        {upgrade + "Origin: http://" + host + "@evil.org\r\n", 403},
		"ErrOrigin null":        {upgrade + "Origin: null\r\n", 403},
		"ErrOrigin empty":       {upgrade + "Origin: \r\n", 403},
		"ErrOrigin file":        {upgrade + "Origin: file://" + host + "\r\n", 403},
		"ErrOrigin two":         {upgrade + "Origin: http://" + host + "\r\nOrigin: https://evil.org\r\n", 403},
		"ErrMethod":             {strings.Replace(upgrade, "GET", "POST", 1) + "Content-Length: 0\r\n", 405},
		"ErrVersion":            {strings.Replace(upgrade, "13", "8", 1), 426},
		"ErrKey":                {strings.Replace(upgrade, "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 1), 400},
		"ErrNoKey":              {strings.Replace(upgrade, "Sec-WebSocket-Key", "X-Key", 1), 400},
		"ErrConnection":         {strings.Replace(upgrade, "keep-alive, Upgrade", "keep-alive", 1), 400},
		"ErrHTTP10":             {strings.Replace(upgrade, "HTTP/1.1", "HTTP/1.0", 1), 400},
		"not ours: another one": {strings.Replace(upgrade, "Upgrade: websocket", "Upgrade: h2c", 1), 418},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, strings.Replace(c.request, "HOST", host, 1)+"\r\n"); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != c.status {
				t.Errorf("the status is %d, want %d", response.StatusCode, c.status)
			}
			if c.status >= 400 && c.status != 418 {
				var body struct {
					Errors []struct{ Extensions struct{ Code string } }
				}
				if err := json.NewDecoder(response.Body).Decode(&body); err != nil || len(body.Errors) != 1 || body.Errors[0].Extensions.Code == "" {
					t.Errorf("the answer is %+v, %v", body, err)
				}
			}
		})
	}
}

// TestSocketUnmasked: a frame that breaks the rules ends the socket, and nothing
// else.
func TestSocketUnmasked(t *testing.T) {
	t.Parallel()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: patient}, newExecutor())
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
	if _, err := io.WriteString(conn, upgrade); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	//nolint:bodyclose // it has none: the connection is taken over
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", response, err)
	}
	if _, err := conn.Write([]byte{0x81, 2, '{', '}'}); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil || !bytes.Contains(rest, []byte{0x03, 0xea}) { // 1002
		t.Errorf("the answer is %q, %v", rest, err)
	}
}

// TestSocketStops: subscriptions end, other operations finish, then the socket is
// closed.
func TestSocketStops(t *testing.T) {
	t.Parallel()
	exec, stopping := newExecutor(), make(chan struct{})
	url := serving(t, transport.Socket{Log: quiet(), Bounds: patient, Stopping: stopping}, exec)
	p := open(t, url)
	p.say(fmt.Sprintf(follow, "s"))
	p.say(fmt.Sprintf(hold, "q"))
	exec.wait(t, exec.started, "values", 1)
	exec.wait(t, exec.started, "held", 1)
	close(stopping)
	exec.wait(t, exec.ended, "values", 1) // without "complete", since there is more
	p.say(fmt.Sprintf(ask, "late"))       // not answered
	exec.held <- struct{}{}
	p.hears(`{"id":"q","type":"next","payload":{"data":{"held":true}}}`, `{"id":"q","type":"complete"}`)
	p.closed(1001, "stopping")
}

// byHand is a schedule of checks that are made when the test says so, and what it was
// asked for.
func byHand() (checks transport.Ticker, check func(), every <-chan time.Duration) {
	ticks, asked := make(chan time.Time), make(chan time.Duration, 1)
	return func(every time.Duration) (<-chan time.Time, func()) {
		asked <- every
		return ticks, func() {}
	}, func() { ticks <- time.Time{} }, asked
}

// TestSocketExpires: who is not who it was loses the socket with the next check, and
// there is one every CheckEvery.
func TestSocketExpires(t *testing.T) {
	t.Parallel()
	var valid atomic.Bool
	valid.Store(true)
	exec := newExecutor()
	checks, check, every := byHand()
	url := serving(t, transport.Socket{
		Log: quiet(), Bounds: transport.SocketBounds{Init: patience, Ping: patience, Checks: checks},
		Valid: func(ctx context.Context) bool {
			who, _ := viewer.From(ctx)
			return who.Name == "Ana" && valid.Load()
		},
	}, exec)
	p := open(t, url)
	if got := <-every; got != transport.CheckEvery {
		t.Errorf("it is checked every %v", got)
	}
	p.say(fmt.Sprintf(follow, "s"))
	check()
	check() // the one before was passed
	exec.tell(t, 1)
	p.hears(`{"id":"s","type":"next","payload":{"data":{"values":1}}}`)
	valid.Store(false)
	check()
	// What it follows ends though the peer has not agreed to the end of the socket.
	exec.wait(t, exec.ended, "values", 1)
	p.closed(4403, "Forbidden")
}

// TestSocketDeadPeer: a peer that gives no sign of life is cut, and what it asked
// for ends.
func TestSocketDeadPeer(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: transport.SocketBounds{Init: patience, Ping: 3 * time.Second}}, exec)
	p := open(t, url)
	p.say(fmt.Sprintf(follow, "s"))
	exec.wait(t, exec.started, "values", 1)
	exec.wait(t, exec.ended, "values", 1) // nobody reads, so nobody answers pings
}

// TestSocketBlockedPeer: a peer that takes nothing is cut, also while a message is
// on the way.
func TestSocketBlockedPeer(t *testing.T) {
	t.Parallel()
	exec := newExecutor()
	url := serving(t, transport.Socket{Log: quiet(), Bounds: transport.SocketBounds{Init: patience, Write: 3 * time.Second}}, exec)
	p := open(t, url)
	p.say(fmt.Sprintf(follow, "s"))
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
