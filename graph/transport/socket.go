package transport

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
	"carehome/internal/requestid"
	"carehome/internal/viewer"
)

// subprotocol is the one that is spoken; the older graphql-ws is refused.
const subprotocol = "graphql-transport-ws"

// The protocol's close codes, and the bounds of RFC 6455's.
const (
	closeInvalid      websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeForbidden    websocket.StatusCode = 4403
	closeSubprotocol  websocket.StatusCode = 4406
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409
	closeInitTwice    websocket.StatusCode = 4429

	// closeReason is the most bytes that a reason may have.
	closeReason = 123
)

// Socket carries operations over WebSockets by the protocol graphql-transport-ws:
// queries and mutations as well as subscriptions, many at once on one socket.
type Socket struct {
	// Origins are the web sites whose pages may connect besides the server's own,
	// such as "https://tablet.example.org".
	Origins []string
	// SignIn finds out who a key belongs to, that connection_init brings along. A
	// context without a viewer is refused, as is an error. Nil where there are no
	// keys; then the upgrade's own viewer counts.
	SignIn func(ctx context.Context, key string) (context.Context, error)
	// Valid reports whether the viewer of ctx is still who it was when it connected.
	// It is asked every CheckEvery. Nil for always.
	Valid func(ctx context.Context) bool
	// Stopping is closed when the server is about to stop: subscriptions end, other
	// operations finish, then the sockets are closed.
	Stopping <-chan struct{}
	Log      *slog.Logger
	Bounds   SocketBounds
}

// SocketBounds are the limits of each socket. The zero value of each is its
// default.
type SocketBounds struct {
	// Operations is how many may run at a time; 20 unless set.
	Operations int
	// MessageBytes is the most that a message may have; 1 MiB unless set.
	MessageBytes int64
	// Init is how long the client may take to say who it is; 3 s unless set.
	Init time.Duration
	// Ping is how often the peer is asked for a sign of life, which it must give
	// within the same time; 15 s unless set.
	Ping time.Duration
	// Write is how long the peer may take to receive one message; 20 s unless set.
	Write time.Duration
	// Checks is when Valid is asked; every CheckEvery unless set.
	Checks Ticker
}

func (b SocketBounds) complete() SocketBounds {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&b.Init, 3 * time.Second}, {&b.Ping, 15 * time.Second}, {&b.Write, 20 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if b.Checks == nil {
		b.Checks = newTicker
	}
	if b.Operations == 0 {
		b.Operations = 20
	}
	if b.MessageBytes == 0 {
		b.MessageBytes = 1 << 20
	}
	return b
}

const (
	// closeWait is how long a peer may take to agree to the end of the socket.
	closeWait = 2 * time.Second
	// socketBuffer is the kernel's buffer for what is on the way to the peer. A small
	// one shows early that somebody does not keep up.
	socketBuffer = 64 << 10
)

// Supports reports whether a request asks for a WebSocket.
func (Socket) Supports(r *http.Request) bool { return hasToken(r.Header, "Upgrade", "websocket") }

// hasToken reports whether a header that is a list has an element.
func hasToken(header http.Header, name, token string) bool {
	for _, value := range header.Values(name) {
		for element := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(element), token) {
				return true
			}
		}
	}
	return false
}

// Do makes the connection a WebSocket and serves it to its end.
func (t Socket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if status, p := t.handshake(w, r); p != nil {
		body := AppendResponse(nil, exec.DispatchError(r.Context(), listed(p)))
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(body) // the peer may have gone: there is nobody to tell
		return
	}
	kept := &hijacked{ResponseWriter: w}
	conn, err := websocket.Accept(kept, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		t.Log.WarnContext(r.Context(), "a connection cannot become a WebSocket", "error", err)
		return
	}
	ctx, end := context.WithCancel(r.Context())
	s := &socket{
		Socket: t, conn: conn, raw: kept.conn, exec: exec, ctx: ctx, operations: map[string]*operation{},
	}
	s.Bounds = t.Bounds.complete()
	if tcp, ok := s.raw.(*net.TCPConn); ok {
		// Where it cannot be set, slow peers are noticed later.
		_ = tcp.SetWriteBuffer(socketBuffer)
	}
	s.serve()
	end()
	s.running.Wait()
}

// handshake refuses what is no right opening handshake (RFC 6455, 4.2.1), or comes
// from a page of a site that is not listed.
func (t Socket) handshake(w http.ResponseWriter, r *http.Request) (status int, p *problem.Problem) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	const keyBytes = 16
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		return http.StatusMethodNotAllowed, problem.New(problem.Invalid, "", "a WebSocket is opened by GET")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		return http.StatusUpgradeRequired, problem.New(problem.Invalid, "", "only version 13 of WebSocket is spoken here")
	case !r.ProtoAtLeast(1, 1), !hasToken(r.Header, "Connection", "Upgrade"), err != nil, len(key) != keyBytes,
		len(r.Header.Values("Sec-WebSocket-Key")) != 1:
		return http.StatusBadRequest, problem.New(problem.Invalid, "", "the opening handshake of the WebSocket is not right")
	case !t.allowed(r):
		return http.StatusForbidden, problem.Forbiddenf("a page of another site may not connect")
	}
	return 0, nil
}

// allowed reports whether a page of the request's origin may connect. Programs
// other than browsers send none.
func (t Socket) allowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	for _, listed := range t.Origins {
		if strings.EqualFold(listed, origins[0]) {
			return true
		}
	}
	origin, err := url.Parse(origins[0])
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host) &&
		(origin.Scheme == "http" || origin.Scheme == "https")
}

// hijacked keeps hold of the connection that is taken over.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack takes over the connection.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, buffered, err
}

// socket is one connection. Its own goroutine reads; each operation has one that
// writes what it answers; one more looks after the rest.
type socket struct {
	Socket
	conn *websocket.Conn
	raw  net.Conn
	exec graphql.GraphExecutor
	// ctx ends with the socket, or with the server.
	ctx     context.Context
	closing sync.Once
	running sync.WaitGroup // whatever goes on beside the reading

	mu         sync.Mutex
	initiated  bool
	viewer     context.Context // what operations run under; nil before the acknowledgement
	stopping   bool
	operations map[string]*operation
	under      sync.WaitGroup // the operations
}

// operation is one that runs.
type operation struct {
	id   string
	stop context.CancelFunc
	// over is true once the client has heard or said that it ended.
	over         atomic.Bool
	subscription bool
}

// cut ends it without a word: the client hears that the socket ends, and goes on
// elsewhere, where "complete" would tell it that there is no more.
func (op *operation) cut() {
	op.over.Store(true)
	op.stop()
}

// serve reads messages until the socket ends.
func (s *socket) serve() {
	if s.conn.Subprotocol() != subprotocol {
		s.close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	s.conn.SetReadLimit(s.Bounds.MessageBytes)
	s.running.Go(s.lookAfter)
	for {
		kind, text, err := s.conn.Read(context.Background())
		if err != nil {
			if websocket.CloseStatus(err) == -1 {
				// No effect where the connection is gone or was closed for another reason.
				s.close(websocket.StatusProtocolError, "the frames cannot be read")
			}
			return
		}
		switch {
		case kind != websocket.MessageText:
			s.close(closeInvalid, "a message must be a text")
			return
		case !utf8.Valid(text):
			s.close(websocket.StatusInvalidFramePayloadData, "a text must be in UTF-8")
			return
		}
		m, err := readMessage(text)
		if err != nil {
			s.close(closeInvalid, err.Error())
			return
		}
		if !s.handle(m) {
			return
		}
	}
}

// handle does what a message asks for; false if the socket is closed by it.
func (s *socket) handle(m message) bool {
	switch m.kind {
	case typeInit:
		return s.acknowledge(m)
	case typePing:
		answer := written{Type: typePong}
		if m.payload != nil {
			answer.Payload = m.payload
		}
		return s.send(answer)
	case typeSubscribe:
		return s.subscribe(m)
	case typeComplete:
		s.mu.Lock()
		op := s.operations[m.id]
		delete(s.operations, m.id)
		s.mu.Unlock()
		if op != nil {
			op.cut()
		}
	}
	return true
}

// acknowledge lets the client in, if it says who it is.
func (s *socket) acknowledge(m message) bool {
	s.mu.Lock()
	again := s.initiated
	s.initiated = true
	s.mu.Unlock()
	if again {
		s.close(closeInitTwice, "Too many initialisation requests")
		return false
	}
	ctx := s.ctx
	if key := keyIn(m.payload); key != "" && s.SignIn != nil {
		signed, err := s.SignIn(ctx, key)
		if err != nil {
			s.Log.InfoContext(ctx, "a WebSocket is refused", "error", err)
			s.close(closeForbidden, "Forbidden")
			return false
		}
		ctx = signed
	}
	if _, known := viewer.From(ctx); !known {
		s.close(closeForbidden, "Forbidden")
		return false
	}
	s.mu.Lock()
	s.viewer = ctx
	s.mu.Unlock()
	return s.send(written{Type: typeAck})
}

// keyIn is the key in the payload of connection_init: Authorization, as in a
// header, with or without "Bearer".
func keyIn(payload json.RawMessage) string {
	members, err := object(payload)
	if err != nil {
		return ""
	}
	for name, raw := range members {
		if text, err := textOf(raw); err == nil && strings.EqualFold(name, "Authorization") {
			scheme, key, found := strings.Cut(text, " ")
			if found && strings.EqualFold(scheme, "Bearer") {
				return strings.TrimSpace(key)
			}
			return text
		}
	}
	return ""
}

// subscribe starts an operation.
func (s *socket) subscribe(m message) bool {
	params, malformed := readOperation(m.payload)
	s.mu.Lock()
	viewer, taken, n, stopping := s.viewer, s.operations[m.id] != nil, len(s.operations), s.stopping
	s.mu.Unlock()
	switch {
	case viewer == nil:
		s.close(closeUnauthorized, "Unauthorized")
		return false
	case malformed != nil:
		s.close(closeInvalid, malformed.Error())
		return false
	case taken:
		s.close(closeDuplicate, "Subscriber for "+m.id+" already exists")
		return false
	case stopping:
		return true // the socket's end is the answer
	}
	// Its errors and its line in the log are matched by an id of its own.
	ctx, stop := context.WithCancel(requestid.With(viewer, requestid.New()))
	who, role := requestid.Viewer(viewer)
	requestid.NameViewer(ctx, who, role)
	op := &operation{id: m.id, stop: stop}
	run := streamed{exec: s.exec, log: s.Log, emit: func(a answered) bool { return s.answer(op, a) }}
	if limit := s.Bounds.Operations; n >= limit {
		run.fail(ctx, problem.Limit("", limit, n+1, "at most %d operations may run on one socket at a time", limit).With("name", "operations"))
		stop()
		return true
	}
	s.start(op, func() {
		defer stop()
		s.run(ctx, op, run, params)
		if s.finish(op) {
			s.send(written{Type: typeComplete, ID: op.id})
		}
	})
	return true
}

// start has an operation run, unless the socket is ending.
func (s *socket) start(op *operation, run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		op.stop()
		return
	}
	s.operations[op.id] = op
	s.under.Go(run)
}

// run runs an operation, if it is admitted.
func (s *socket) run(ctx context.Context, op *operation, run streamed, params *graphql.RawParams) {
	defer run.recovered(ctx)
	admitted, refused := s.exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, admitted)
	if refused != nil {
		run.emit(answered{Response: s.exec.DispatchError(ctx, refused), refused: true})
		return
	}
	s.mu.Lock()
	op.subscription = admitted.Operation.Operation == ast.Subscription
	if op.subscription && s.stopping {
		op.cut()
	}
	s.mu.Unlock()
	run.run(ctx, admitted)
}

// answer sends an answer; the errors of an operation that was refused end it.
func (s *socket) answer(op *operation, a answered) bool {
	if a.refused {
		// One that was one too many is not among the operations.
		s.finish(op)
		if op.over.Swap(true) {
			return false
		}
		return s.send(written{Type: typeError, ID: op.id, Payload: a.Errors})
	}
	if op.over.Load() {
		return false
	}
	return s.write(AppendResponse(next(op.id), a.Response), "}")
}

// next begins a message of that type, up to its payload.
func next(id string) []byte {
	text, err := json.Marshal(id)
	if err != nil {
		panic(err) // a text
	}
	return append(append([]byte(`{"id":`), text...), `,"type":"next","payload":`...)
}

// finish makes room for another operation of the same id; false if the client need
// not be told.
func (s *socket) finish(op *operation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.operations[op.id] == op {
		delete(s.operations, op.id)
	}
	return !op.over.Load()
}

// send writes a message.
func (s *socket) send(m written) bool {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // our own values, and texts
	}
	return s.write(text, "")
}

// write sends a message, whole and in its turn. A peer that does not take it in
// time is gone.
func (s *socket) write(text []byte, end string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.Bounds.Write)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, append(text, end...)) == nil
}

// close ends the socket with a code, once. It returns when the peer has agreed, or
// has had time to.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.closing.Do(func() {
		for len(reason) > closeReason {
			_, size := utf8.DecodeLastRuneInString(reason)
			reason = reason[:len(reason)-size]
		}
		// An error means that the peer was gone before, which is the same to us.
		_ = s.raw.SetDeadline(time.Now().Add(closeWait))
		_ = s.conn.Close(code, reason)
	})
}

// lookAfter closes a socket whose peer says nothing, has gone, is not who it was,
// or whose server stops.
func (s *socket) lookAfter() {
	initial := time.NewTimer(s.Bounds.Init)
	defer initial.Stop()
	ping := time.NewTicker(s.Bounds.Ping)
	defer ping.Stop()
	checks, stop := s.Bounds.Checks(CheckEvery)
	defer stop()
	var asked atomic.Bool
	for {
		select {
		case <-s.ctx.Done():
			_ = s.conn.CloseNow() // an error means that it is closed already
			s.stopAll(func(*operation) bool { return true })
			s.under.Wait()
			return
		case <-initial.C:
			s.mu.Lock()
			initiated := s.initiated
			s.mu.Unlock()
			if !initiated {
				s.close(closeInitTimeout, "Connection initialisation timeout")
			}
		case <-ping.C:
			if asked.CompareAndSwap(false, true) {
				s.running.Go(func() {
					defer asked.Store(false)
					s.alive()
				})
			}
		case <-checks:
			s.mu.Lock()
			ctx := s.viewer
			s.mu.Unlock()
			if ctx != nil && s.Valid != nil && !s.Valid(ctx) {
				// At once, and not only once the peer has agreed to the end.
				s.stopAll(func(*operation) bool { return true })
				s.close(closeForbidden, "Forbidden")
			}
		case <-s.Stopping:
			s.drain()
			<-s.ctx.Done()
		}
	}
}

// alive asks the peer for a sign of life.
func (s *socket) alive() {
	ctx, cancel := context.WithTimeout(s.ctx, s.Bounds.Ping)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil && s.ctx.Err() == nil {
		s.Log.InfoContext(s.ctx, "a WebSocket is cut: its peer gives no sign of life")
		_ = s.conn.CloseNow() // an error means that it is closed already
	}
}

// drain ends subscriptions, lets the rest finish, and closes the socket.
func (s *socket) drain() {
	s.stopAll(func(op *operation) bool { return op.subscription })
	idle := make(chan struct{})
	s.running.Go(func() {
		s.under.Wait()
		close(idle)
	})
	select {
	case <-idle:
		s.close(websocket.StatusGoingAway, "the server is stopping")
	case <-s.ctx.Done():
	}
}

// stopAll ends those operations, and lets no further ones begin.
func (s *socket) stopAll(which func(*operation) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for _, op := range s.operations {
		if which(op) {
			op.cut()
		}
	}
}
