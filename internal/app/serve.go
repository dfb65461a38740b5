package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"carehome/graph"
	"carehome/internal/auth"
	"carehome/internal/config"
	"carehome/internal/live"
	"carehome/internal/locale"
	"carehome/internal/problem"
	"carehome/internal/reference"
	"carehome/internal/seed"
	"carehome/internal/store"
	"carehome/internal/telemetry"
	"carehome/internal/viewer"
	"carehome/internal/web"
)

// graphPath is where the graph is.
const graphPath = "/graphql"

// serve answers requests until ctx ends, then lets those under way finish and
// closes the store. The listener is open from the start, so that /livez answers
// while a migration runs or a demo home is made.
func (p Program) serve(ctx context.Context, c config.ServeCommand) (err error) {
	log := logger(p.Stderr, c.Log)
	if err := exposed(c); err != nil {
		return err
	}
	secured, err := p.secured(c.Edge, log)
	if err != nil {
		return err
	}
	home := &site{log: log, words: locale.NewCatalog(), stopping: make(chan struct{}), watch: p.telemetry(ctx, log)}
	defer func() { stopTelling(home.watch, log) }()
	figures, err := p.listenMetrics(ctx, c.Metrics, home.watch, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, figures.close()) }()
	routes, err := home.routes(c)
	if err != nil {
		return err
	}
	srv, err := p.listen(ctx, c.Listen, routes, secured, home.watch, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.close()) }()

	options := p.storeOptions(c.Database, log)
	options.Watch, options.Synced = home.watch.Part, home.watch.Synced
	options.Durability, options.Reads = store.Durability(c.Durability.Durability), store.Reads(c.Reads)
	options.ReadOnly = c.ReadOnly
	st, err := openStore(ctx, options)
	if err != nil {
		return err
	}
	// Last of all: what was acknowledged is brought into the one file.
	defer func() { err = errors.Join(err, closeStore(st)) }()
	defer home.endRecord()
	defer home.leave()
	if err := p.open(ctx, home, st, c); err != nil {
		return err
	}
	address := srv.url()
	if home.open {
		log.WarnContext(ctx, "development mode: everybody on this machine is the home's administrator, since no keys are configured")
	}
	log.InfoContext(ctx, "serving", "url", address, "database", string(c.Database.Database), "version", p.version().Version)
	if c.Demo {
		header := ""
		if !home.open {
			header = " -H \"Authorization: Bearer $KEY\""
		}
		if err := p.print(demoText, address, graphPath, header); err != nil {
			return err
		}
	}
	p.Ready()
	spareHeap()
	defer p.restWhenQuiet(ctx, &home.gate, log)()

	select {
	case <-ctx.Done():
	case err = <-srv.failed:
		err = fmt.Errorf("serving: %w", err)
	case err = <-st.Fatal():
		err = fmt.Errorf("stopping, since nothing more can be kept safely: %w", err)
	}
	log.InfoContext(ctx, "stopping", "timeout", c.ShutdownTimeout.String())
	close(home.stopping)
	srv.drain(&home.gate, c.ShutdownTimeout)
	// Before the store: nobody may be left who asks it.
	return errors.Join(err, srv.close())
}

const demoText = `
A made-up home is ready. Open %[1]s to look around, or ask from here:

  curl %[1]s%[2]s%[3]s -H 'Content-Type: application/json' -d '{"query":
    "{ residents(first: 3) { edges { node { fullName prescriptions(first: 3) { edges { node { medication { name } } } } } } } }"}'

Ctrl-C stops it; everything is kept for the next start.
`

// site is what a server serves. Its fields but the first five are set once,
// before the gate opens.
type site struct {
	log   *slog.Logger
	words *locale.Catalog
	watch *telemetry.Telemetry
	gate  gate
	// stopping is closed when the server is told to stop: streams end then.
	stopping chan struct{}
	record   func() // ends the record of what is read; nil before it begins
	store    *store.Store
	guard    *auth.Guard
	open     bool // nobody had to say who they are when it was started
	graph    http.Handler
	page     http.Handler
	told     atomic.Pointer[string] // the problems that were logged last
}

// open makes the home ready and lets requests in.
func (p Program) open(ctx context.Context, s *site, st *store.Store, c config.ServeCommand) error {
	if c.Demo {
		if err := p.demo(ctx, st, c, s.log); err != nil {
			return fmt.Errorf("%s: %w", c.Database.Database, err)
		}
	}
	admin, err := ensureHome(ctx, st, c.TimeZone)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Database.Database, err)
	}
	cursors, err := cursorSealer(ctx, st)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Database.Database, err)
	}
	tell, end, err := p.openRecord(ctx, st, c.ReadOnly, s.log)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Database.Database, err)
	}
	s.record = end
	hub, err := live.Open(ctx, st, live.Options{})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Database.Database, err)
	}
	if err := p.identify(ctx, s, st, c, admin, tell); err != nil {
		return err
	}
	documents, err := trusted(c.Limits)
	if err != nil {
		return err
	}
	s.graph = graph.NewHandler(graph.Deps{
		Client: st.Client(), Write: hub.Watch(s.guard.Watch(st.Write)), Snapshot: st.Snapshot, Explain: explain, Log: s.log,
		Watch:   graph.Watch{Operation: s.watch.Operation, Refused: s.watch.Refused},
		Cursors: cursors, Reads: tell,
		Limits: graphLimits(c.Limits), Trusted: documents, NoIntrospection: !c.Introspection,
		Live: hub, Stopping: s.stopping,
		Origins: c.AllowOrigin, SignIn: s.signIn, Valid: s.valid,
	})
	if c.Playground {
		examples, err := web.Examples()
		if err != nil {
			return fmt.Errorf("reading the examples: %w", err)
		}
		if s.page, err = web.Handler(web.Options{Endpoint: graphPath, Examples: examples}); err != nil {
			return fmt.Errorf("building the page: %w", err)
		}
	}
	s.store = st
	s.watch.Add(s.figures)
	s.gate.open()
	return nil
}

// demo makes the made-up home where there is none yet.
func (p Program) demo(ctx context.Context, st *store.Store, c config.ServeCommand, log *slog.Logger) error {
	made, err := seed.Marked(viewer.With(ctx, viewer.System()), st.Client())
	if made || err != nil {
		return err
	}
	_, err = p.fill(ctx, st, seed.Options{Residents: demoResidents, Days: demoDays, Seed: demoSeed},
		p.progress(c.Progress, log, "making a demo home"))
	if errors.Is(err, seed.ErrOccupied) {
		return errNotDemo
	}
	return err
}

// The demo home; seed makes others.
const (
	demoResidents = 40
	demoDays      = 90
	demoSeed      = 42
)

// routes are the pages of the server.
func (s *site) routes(c config.ServeCommand) (http.Handler, error) {
	mux := http.NewServeMux()
	healthPages(mux, s.health)
	mux.Handle(graphPath, shared(c.AllowOrigin, throughGate(&s.gate, s.identified(c.TrustedProxies,
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.graph.ServeHTTP(w, r) })))))
	if c.Playground {
		page := throughGate(&s.gate, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.page.ServeHTTP(w, r)
		}))
		mux.Handle("/{$}", page)
		mux.Handle("/playground/", page)
		docs := reference.Handler(describe)
		mux.Handle("/docs", docs)
		mux.Handle("/docs/", docs)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusNotFound, problem.NotFound, "there is nothing at this address; the graph is at "+graphPath)
	})
	var all http.Handler = mux
	if c.Listen.Loopback() {
		all = sameMachine(c.AllowOrigin, all)
	}
	return sameOrigin(c.AllowOrigin, all)
}

// describe makes the documentation of the graph.
func describe() (*reference.Reference, error) {
	examples, err := web.Examples()
	if err != nil {
		return nil, fmt.Errorf("reading the examples: %w", err)
	}
	return reference.New(graph.Schema(), examples)
}

// health is what /readyz tells.
func (s *site) health(ctx context.Context) Health {
	switch now, _ := s.gate.state(); now {
	case starting:
		return Health{Status: "starting"}
	case stopping:
		return Health{Status: "stopping"}
	}
	h := s.store.Health(ctx)
	s.tell(ctx, h.Problems)
	if len(h.Problems) == 0 {
		return Health{Status: ready}
	}
	// A stranger may read this page: what the store says names tables and files,
	// and stays in the log.
	told := Health{Status: "degraded"}
	if h.Full {
		told.Problems = append(told.Problems, "The disk is full: nothing can be kept until there is room. Reading goes on.")
	}
	if n := len(h.Drift); n > 0 {
		told.Problems = append(told.Problems, fmt.Sprintf("The database is not shaped as this version expects, in %d places; the log names them.", n))
	}
	if len(told.Problems) == 0 {
		told.Problems = append(told.Problems, "The database cannot be used as it should; the log says why.")
	}
	return told
}

// tell logs the store's problems when they change; a probe asks every few
// seconds.
func (s *site) tell(ctx context.Context, problems []string) {
	now := strings.Join(problems, "; ")
	if before := s.told.Swap(&now); before != nil && *before == now || before == nil && now == "" {
		return
	}
	if now == "" {
		s.log.InfoContext(ctx, "the database is well again")
		return
	}
	s.log.ErrorContext(ctx, "the database is not well", "problems", problems)
}

// server is an HTTP server on its listener.
type server struct {
	http    *http.Server
	cut     context.CancelFunc // ends the contexts of all requests
	log     *slog.Logger
	addr    net.Addr
	secured bool         // by TLS
	failed  <-chan error // of those that listen made
}

// listen begins to serve handler on address, and tells of each request.
func (p Program) listen(ctx context.Context, address config.Address, handler http.Handler, secured *tls.Config, tell *telemetry.Telemetry, log *slog.Logger) (*server, error) {
	failed := make(chan error, 1)
	s, err := p.serveOn(ctx, address, edge{log: log, clock: p.Clock, watch: tell.Request}.wrap(handler), secured, log, func(err error) { failed <- err })
	if err != nil {
		return nil, err
	}
	s.failed = failed
	p.Listening(s.addr)
	return s, nil
}

// serveOn begins to serve handler on address; fail is told once if that ends by
// itself.
func (p Program) serveOn(ctx context.Context, address config.Address, handler http.Handler, secured *tls.Config, log *slog.Logger, fail func(error)) (*server, error) {
	settings := net.ListenConfig{Control: giveUp, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: peerIdle, Interval: peerInterval, Count: peerProbes,
	}}
	listener, err := settings.Listen(ctx, "tcp", string(address))
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	// What is under way goes on when the program is told to stop.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	s := &server{
		cut: cut,
		http: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
			BaseContext:       func(net.Listener) context.Context { return base },
			TLSConfig:         secured,
		},
		log: log, addr: listener.Addr(), secured: secured != nil,
	}
	go func() {
		serve := s.http.Serve
		if secured != nil {
			serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(err)
		}
	}()
	return s, nil
}

// url is where a browser on this machine finds the server.
func (s *server) url() string {
	host, port, err := net.SplitHostPort(s.addr.String())
	if err != nil {
		return s.addr.String()
	}
	scheme := "http"
	if s.secured {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(reachable(host), port)
}

// drain shuts the gate and waits for those inside, at most timeout. The health
// pages answer meanwhile, so that whoever spreads the load learns of it.
func (s *server) drain(g *gate, timeout time.Duration) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-g.shut():
	case <-timer.C:
		_, inside := g.state()
		s.log.Warn("requests are cut off: they took longer than the server may take to stop", "requests", inside)
		s.cut()
	}
}

// close ends the server. Answers of requests that have left the gate are sent.
func (s *server) close() error {
	if s == nil {
		return nil // it was not wanted
	}
	defer s.cut()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err == nil {
		return nil
	}
	if err := s.http.Close(); err != nil {
		return fmt.Errorf("closing the server: %w", err)
	}
	return nil
}
