package telemetry

import (
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of what is kept. All series together stay below 500, whatever clients
// send: each name of an operation costs 8 of them, and one for each code of error.
const (
	// maxNames is how many operations are told apart: the first so many that were
	// run with success. All others share one name.
	maxNames = 30
	// maxName bounds the length of one.
	maxName = 80
	// maxErrors is how many pairs of operation and code are told apart.
	maxErrors = 60
)

// The buckets that every Prometheus can read, in seconds. One that is asked to
// take native histograms gets those instead: exact to 10 percent.
var (
	operationBuckets = []float64{0.01, 0.05, 0.25, 1, 5}
	storeBuckets     = []float64{0.001, 0.005, 0.02, 0.1, 0.5, 5}
	syncBuckets      = []float64{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1}
)

// Metrics are the figures. They are reached through Telemetry.
type Metrics struct {
	registry *prometheus.Registry

	requests         *prometheus.CounterVec
	requestSeconds   *prometheus.HistogramVec
	operationSeconds *prometheus.HistogramVec
	errors           *prometheus.CounterVec
	subscriptions    prometheus.Gauge
	storeSeconds     *prometheus.HistogramVec
	syncSeconds      prometheus.Histogram

	mu    sync.Mutex
	names map[[2]string]bool // known operations: kind and name
	pairs map[[2]string]bool // known errors: name and code
}

func newMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carehome_http_requests_total",
			Help: "Requests answered, by page and HTTP status.",
		}, []string{"route", "status"}),
		requestSeconds: prometheus.NewHistogramVec(histogram("carehome_http_request_duration_seconds",
			"How long requests took, by page; without those for the health.", operationBuckets), []string{"route"}),
		operationSeconds: prometheus.NewHistogramVec(histogram("carehome_graphql_operation_duration_seconds",
			"How long operations of the graph took, by name and type. The first 30 names that succeed are told apart, the rest is \"other\".",
			operationBuckets), []string{"operation", "type"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carehome_graphql_errors_total",
			Help: "Answers of the graph with an error, by operation and code; \"none\" where nothing was run.",
		}, []string{"operation", "code"}),
		subscriptions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "carehome_graphql_subscriptions",
			Help: "Subscriptions that are open.",
		}),
		storeSeconds: prometheus.NewHistogramVec(histogram("carehome_store_duration_seconds",
			"How long parts of the storage's work took: write (all of it), queue (for the one writer), transaction (its part of one), commit (once for all who share it), sync (waiting for the disk), read.",
			storeBuckets), []string{"part"}),
		syncSeconds: prometheus.NewHistogram(histogram("carehome_wal_sync_duration_seconds",
			"How long the disk took to make the write-ahead log durable; many writes share one sync.", syncBuckets)),
		names: map[[2]string]bool{}, pairs: map[[2]string]bool{},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "carehome_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.requestSeconds, m.operationSeconds, m.errors, m.subscriptions,
		m.storeSeconds, m.syncSeconds, build,
		collectors.NewGoCollector(
			// All of MemStats is 23 series; these tell what somebody on call asks.
			collectors.WithGoCollectorMemStatsMetricsDisabled(),
			collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
				Matcher: regexp.MustCompile(`^/memory/classes/(heap/objects|total):bytes$|^/sched/gomaxprocs:threads$`),
			})),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

// Handler answers GET with all figures as text, or as Prometheus asks for them.
func (m *Metrics) Handler() http.Handler {
	figures := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		// A source that fails costs its own figures, not the others.
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      m.registry, MaxRequestsInFlight: 4,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
			return
		}
		figures.ServeHTTP(w, r)
	})
}

func (m *Metrics) request(route string, status int) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

func (m *Metrics) operation(name, kind string, took time.Duration, failed []string) {
	if name == "" {
		name = unnamed
	}
	name = m.known(name, kind, len(failed) == 0)
	if kind != subscription { // those last as long as somebody looks
		m.operationSeconds.WithLabelValues(name, kind).Observe(took.Seconds())
	}
	m.failed(name, failed)
}

// known is the name, or other. New names are learnt from operations that went
// well, so that what is sent at random does not use them up.
func (m *Metrics) known(name, kind string, learn bool) string {
	switch name {
	case unnamed, other:
		return name
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{kind, name}
	if m.names[key] {
		return name
	}
	if !learn || len(m.names) >= maxNames {
		return other
	}
	m.names[key] = true
	return name
}

// failed counts an answer once for each code of its errors.
func (m *Metrics) failed(name string, codes []string) {
	told := map[string]bool{}
	for _, code := range codes {
		if told[code] {
			continue
		}
		told[code] = true
		m.errors.WithLabelValues(m.pair(name, code), code).Inc()
	}
}

// pair is the name, or other where too many pairs are known.
func (m *Metrics) pair(name, code string) string {
	if name == other || name == none || name == unnamed {
		return name
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{name, code}
	if !m.pairs[key] && len(m.pairs) >= maxErrors {
		return other
	}
	m.pairs[key] = true
	return name
}

// Figure is a number that is read when somebody asks.
type Figure struct {
	// Name is that of the series: carehome_wal_bytes. Those that only grow end in
	// _total.
	Name, Help string
	// Counter is true for what only grows.
	Counter bool
	Value   float64
	// Label and Of, where set, tell series of one name apart. There must be few.
	Label, Of string
}

// Add has the figures of a source told with the others. Source is called from many
// goroutines, each time somebody asks.
func (m *Metrics) Add(source func() []Figure) { m.registry.MustRegister(figures(source)) }

// figures is a source as Prometheus's library sees it.
type figures func() []Figure

// Describe says nothing beforehand, so that a source may leave figures out.
func (f figures) Describe(chan<- *prometheus.Desc) {}

// Collect reads the source.
func (f figures) Collect(into chan<- prometheus.Metric) {
	for _, one := range f() {
		var labels, values []string
		if one.Label != "" {
			labels, values = []string{one.Label}, []string{one.Of}
		}
		kind := prometheus.GaugeValue
		if one.Counter {
			kind = prometheus.CounterValue
		}
		into <- prometheus.MustNewConstMetric(prometheus.NewDesc(one.Name, one.Help, labels, nil), kind, one.Value, values...)
	}
}
