package telemetry

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// sink is a collector: it keeps what it is sent, and answers as it is told.
type sink struct {
	mu      sync.Mutex
	spans   map[string]*tracepb.Span // by name
	about   map[string]string
	headers http.Header
	path    string
	calls   int
	// answer, where set, answers instead of taking the spans.
	answer func(call int, w http.ResponseWriter) (handled bool)
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.answer != nil && s.answer(s.calls, w) {
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		packed, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = packed
	}
	text, err := io.ReadAll(body)
	var sent tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(text, &sent)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	s.headers, s.path = r.Header, r.URL.Path
	if s.spans == nil {
		s.spans, s.about = map[string]*tracepb.Span{}, map[string]string{}
	}
	for _, of := range sent.GetResourceSpans() {
		for _, a := range of.GetResource().GetAttributes() {
			s.about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.spans[span.GetName()] = span
			}
		}
	}
}

// sending is a telemetry that sends to the sink.
func sending(t *testing.T, s *sink, more map[string]string) (*Telemetry, *strings.Builder) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL + "/base"}
	for name, value := range more {
		env[name] = strings.ReplaceAll(value, "SERVER", server.URL)
		t.Setenv(name, env[name]) // what the library reads by itself
	}
	var log strings.Builder // written before Close returns
	return New(t.Context(), Options{
		Service: "carehome", Version: "1.2.3", Clock: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Getenv: func(name string) string { return env[name] },
	}), &log
}

func silent(t *testing.T) *Telemetry {
	t.Helper()
	return New(t.Context(), Options{Version: "1", Clock: time.Now, Log: slog.New(slog.DiscardHandler), Getenv: func(string) string { return "" }})
}

func finish(t *testing.T, tell *Telemetry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := tell.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

const (
	givenTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	givenSpan  = "00f067aa0ba902b7"
)

// askAndWrite is a request that runs an operation that writes.
func askAndWrite(tell *Telemetry, failed ...string) (traceID string) {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.Header.Set("Traceparent", "00-"+givenTrace+"-"+givenSpan+"-01")
	ctx, answered := tell.Request(context.Background(), r)
	Asked(ctx, "NURSE")
	ctx, operated := tell.Operation(ctx, "RecordCheck", "mutation")
	ctx, written := tell.Part(ctx, "write")
	_, done := tell.Part(ctx, "transaction")
	done(nil)
	_, synced := tell.Part(ctx, "sync")
	synced(nil)
	written(nil)
	operated(failed)
	answered("/graphql", 200)
	return TraceID(ctx)
}

func TestTracesReachTheCollector(t *testing.T) {
	s := &sink{}
	tell, log := sending(t, s, map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x-team = care", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		"OTEL_SERVICE_NAME": "west-wing", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
	})
	if id := askAndWrite(tell, "INTERNAL"); id != givenTrace {
		t.Errorf("the trace is %s, not the sender's", id)
	}
	finish(t, tell)
	if log.Len() > 0 {
		t.Errorf("the log is %s", log)
	}
	if s.path != "/base/v1/traces" || s.headers.Get("Api-Key") != "a b" || s.headers.Get("X-Team") != "care" || s.headers.Get("User-Agent") != "carehome/1.2.3" {
		t.Errorf("sent to %s with %v", s.path, s.headers)
	}
	for key, want := range map[string]string{"service.name": "west-wing", "service.version": "1.2.3", "deployment.environment.name": "test", "telemetry.sdk.language": "go"} {
		if s.about[key] != want {
			t.Errorf("%s is %q, want %q", key, s.about[key], want)
		}
	}
	parents := map[string]string{
		"POST /graphql": givenSpan, "mutation RecordCheck": "POST /graphql", "write": "mutation RecordCheck", "transaction": "write", "sync": "write",
	}
	for name, parent := range parents {
		span := s.spans[name]
		if span == nil {
			t.Fatalf("there is no span %q among %v", name, s.spans)
		}
		if got := fmt.Sprintf("%x", span.GetTraceId()); got != givenTrace {
			t.Errorf("%s is in the trace %s", name, got)
		}
		want := parent
		if above := s.spans[parent]; above != nil {
			want = fmt.Sprintf("%x", above.GetSpanId())
		}
		if got := fmt.Sprintf("%x", span.GetParentSpanId()); got != want {
			t.Errorf("the parent of %s is %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string][]string{
		"POST /graphql":        {"http.request.method=POST", "http.route=/graphql", "http.response.status_code=200", "enduser.role=NURSE"},
		"mutation RecordCheck": {"graphql.operation.name=RecordCheck", "graphql.operation.type=mutation", "error.type=INTERNAL"},
	} {
		var got []string
		for _, a := range s.spans[name].GetAttributes() {
			value := a.GetValue().GetStringValue()
			if value == "" {
				value = fmt.Sprint(a.GetValue().GetIntValue())
			}
			got = append(got, a.GetKey()+"="+value)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", name, got, want)
		}
	}
	if code := s.spans["mutation RecordCheck"].GetStatus().GetCode(); code != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("the failed operation has the status %v", code)
	}
}

// The standard variables turn it off, choose, and never stop the server.
func TestEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		env   map[string]string
		spans int
		log   string
	}{
		"OwnEndpoint":     {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "SERVER/own"}, 5, ""},
		"Disabled":        {map[string]string{"OTEL_SDK_DISABLED": "true"}, 0, ""},
		"NoExporter":      {map[string]string{"OTEL_TRACES_EXPORTER": "none"}, 0, ""},
		"Unset":           {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, 0, ""},
		"SamplerOff":      {map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, 0, ""},
		"SamplerParent":   {map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 5, ""},
		"SamplerRatio":    {map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, 0, ""},
		"ErrExporter":     {map[string]string{"OTEL_TRACES_EXPORTER": "console"}, 0, "only otlp and none"},
		"ErrProtocol":     {map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, 0, "only http/protobuf"},
		"ErrEndpoint":     {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, 0, "http://"},
		"ErrHeaders":      {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "s3cret"}, 0, "key=value"},
		"ErrHeaderName":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a b=s3cret"}, 0, "key=value"},
		"ErrHeaderValue":  {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=s3cret%0A"}, 0, "key=value"},
		"ErrTimeout":      {map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, 0, "milliseconds"},
		"ErrCompression":  {map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, 0, "gzip"},
		"ErrCertificate":  {map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nonexistent"}, 0, "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		"ErrClientKey":    {map[string]string{"OTEL_EXPORTER_OTLP_CLIENT_KEY": "/nonexistent"}, 0, "_CLIENT_KEY"},
		"ErrAttributes":   {map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "novalue"}, 0, "OTEL_RESOURCE_ATTRIBUTES"},
		"OtherPropagator": {map[string]string{"OTEL_PROPAGATORS": "b3"}, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sink{}
			tell, log := sending(t, s, tc.env)
			id := askAndWrite(tell)
			finish(t, tell)
			if len(s.spans) != tc.spans {
				t.Errorf("%d spans were sent, want %d", len(s.spans), tc.spans)
			}
			if !strings.Contains(log.String(), tc.log) || tc.log == "" && log.Len() > 0 || strings.Contains(log.String(), "s3cret") {
				t.Errorf("the log is %s", log)
			}
			if own := id != givenTrace; own != (name == "OtherPropagator") {
				t.Errorf("the trace is %q", id)
			}
			if name == "OwnEndpoint" && s.path != "/own" {
				t.Errorf("sent to %s", s.path)
			}
		})
	}
}

func TestCollectorThatIsNotWell(t *testing.T) {
	status := func(code int, header ...string) func(int, http.ResponseWriter) bool {
		return func(call int, w http.ResponseWriter) bool {
			if call > 2 {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	partial := protowire.AppendTag(nil, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, 3)
	partial = protowire.AppendTag(partial, 2, protowire.BytesType)
	partial = protowire.AppendString(partial, "too old")
	body := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
	for name, tc := range map[string]struct {
		answer func(int, http.ResponseWriter) bool
		calls  int
		waits  func([]time.Duration) bool
		err    string
		log    string
	}{
		"OK": {nil, 1, nil, "", ""},
		"OKBusyThenWell": {status(503), 3, func(waits []time.Duration) bool {
			return len(waits) == 2 && waits[0] >= firstWait/2 && waits[0] < 3*firstWait/2 && waits[1] >= firstWait && waits[1] < 3*firstWait
		}, "", ""},
		"OKRetryAfterSeconds": {status(429, "Retry-After", "7"), 3, func(waits []time.Duration) bool {
			return slices.Equal(waits, []time.Duration{7 * time.Second, 7 * time.Second})
		}, "", ""},
		"OKRetryAfterDate": {status(502, "Retry-After", time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat)), 3, func(waits []time.Duration) bool {
			return len(waits) == 2 && waits[0] > time.Hour
		}, "", ""},
		"OKPartly":    {func(_ int, w http.ResponseWriter) bool { _, err := w.Write(body); return err == nil }, 1, nil, "", "refused=3"},
		"OKOddAnswer": {func(_ int, w http.ResponseWriter) bool { _, err := io.WriteString(w, "thanks!"); return err == nil }, 1, nil, "", ""},
		"ErrRefused":  {status(400), 1, nil, "400", ""},
		"ErrServer":   {status(500), 1, nil, "500", ""},
		"ErrRedirect": {status(307, "Location", "http://127.0.0.1:1/"), 1, nil, "307", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sink{answer: tc.answer}
			server := httptest.NewServer(s)
			defer server.Close()
			var log strings.Builder
			c := newCollector(destination{url: server.URL, timeout: 24 * time.Hour}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			var waits []time.Duration
			c.wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
			err := c.UploadTraces(t.Context(), []*tracepb.ResourceSpans{{}})
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("the error is %v", err)
			}
			if s.calls != tc.calls {
				t.Errorf("%d calls, want %d", s.calls, tc.calls)
			}
			if tc.waits == nil && len(waits) > 0 || tc.waits != nil && !tc.waits(waits) {
				t.Errorf("it waited %v", waits)
			}
			if !strings.Contains(log.String(), tc.log) || tc.log == "" && log.Len() > 0 {
				t.Errorf("the log is %s", log.String())
			}
			if err := c.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("ErrNeverWell", func(t *testing.T) {
		s := &sink{answer: func(_ int, w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }}
		server := httptest.NewServer(s)
		defer server.Close()
		c := newCollector(destination{url: server.URL, timeout: time.Hour}, Options{Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		c.wait = func(ctx context.Context, d time.Duration) error { cancel(); return wait(ctx, d) }
		if err := c.UploadTraces(ctx, nil); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("ErrLaterThanTheTime", func(t *testing.T) {
		s := &sink{answer: status(503, "Retry-After", "7200")}
		server := httptest.NewServer(s)
		defer server.Close()
		c := newCollector(destination{url: server.URL, timeout: time.Hour}, Options{Log: slog.New(slog.DiscardHandler)})
		if err := c.UploadTraces(t.Context(), nil); err == nil || s.calls != 1 {
			t.Errorf("%d calls, the error is %v", s.calls, err)
		}
	})
	t.Run("ErrNobodyThere", func(t *testing.T) {
		c := newCollector(destination{url: "http://127.0.0.1:1/", timeout: time.Hour}, Options{Log: slog.New(slog.DiscardHandler)})
		tries := 0
		c.wait = func(context.Context, time.Duration) error {
			if tries++; tries == 3 {
				return context.Canceled
			}
			return nil
		}
		if err := c.UploadTraces(t.Context(), nil); err == nil || tries != 3 {
			t.Errorf("%d tries, the error is %v", tries, err)
		}
	})
}

// scrape reads the figures as lines without comments.
func scrape(t *testing.T, tell *Telemetry) []string {
	t.Helper()
	w := httptest.NewRecorder()
	tell.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	var series []string
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			series = append(series, strings.TrimSpace(line))
		}
	}
	return series
}

func wants(t *testing.T, series []string, want ...string) {
	t.Helper()
	for _, one := range want {
		if !slices.Contains(series, one) {
			t.Errorf("%q is not in\n%s", one, strings.Join(series, "\n"))
		}
	}
}

func TestFigures(t *testing.T) {
	tell := silent(t)
	if id := askAndWrite(tell, "INVALID", "INVALID", "CONFLICT"); id != givenTrace {
		t.Errorf("without a collector the trace is %q", id)
	}
	askAndWrite(tell)
	askAndWrite(tell, "INVALID")
	_, ended := tell.Operation(t.Context(), "", "query")
	ended(nil)
	tell.Refused(t.Context(), []string{"LIMIT_EXCEEDED"})
	_, closed := tell.Operation(t.Context(), "Follow", "subscription")
	tell.Synced(3 * time.Millisecond)
	tell.Add(func() []Figure {
		return []Figure{{Name: "carehome_a", Help: "A.", Value: 7}, {Name: "carehome_b_total", Help: "B.", Value: 2, Counter: true, Label: "of", Of: "x"}}
	})
	series := scrape(t, tell)
	wants(t, series,
		`carehome_graphql_errors_total{code="INVALID",operation="RecordCheck"} 1`,
		`carehome_graphql_errors_total{code="INVALID",operation="other"} 1`, // the name was not known then
		`carehome_graphql_errors_total{code="CONFLICT",operation="other"} 1`,
		`carehome_graphql_errors_total{code="LIMIT_EXCEEDED",operation="none"} 1`,
		`carehome_graphql_operation_duration_seconds_count{operation="RecordCheck",type="mutation"} 2`,
		`carehome_graphql_operation_duration_seconds_count{operation="other",type="mutation"} 1`,
		`carehome_graphql_operation_duration_seconds_count{operation="unnamed",type="query"} 1`,
		`carehome_graphql_subscriptions 1`,
		`carehome_http_requests_total{route="/graphql",status="200"} 3`,
		`carehome_http_request_duration_seconds_count{route="/graphql"} 3`,
		`carehome_store_duration_seconds_count{part="transaction"} 3`,
		`carehome_wal_sync_duration_seconds_bucket{le="0.005"} 1`,
		`carehome_wal_sync_duration_seconds_bucket{le="0.002"} 0`,
		`carehome_a 7`, `carehome_b_total{of="x"} 2`)
	closed(nil)
	wants(t, scrape(t, tell), `carehome_graphql_subscriptions 0`)
}

// However many names and errors clients make up, the number of series is bounded.
func TestSeriesAreBounded(t *testing.T) {
	tell := silent(t)
	codes := []string{"INVALID", "NOT_FOUND", "CONFLICT", "FORBIDDEN", "UNAUTHENTICATED", "SAFETY_BLOCK", "LIMIT_EXCEEDED", "STORAGE_FULL", "TIMEOUT", "INTERNAL"}
	for i := range 3000 {
		name := fmt.Sprintf("Operation%d", i%1000)
		for _, kind := range []string{"query", "mutation", "subscription"} {
			_, ended := tell.Operation(t.Context(), name, kind)
			var failed []string
			if i >= 1000 {
				failed = codes[i%10 : i%10+1]
			}
			ended(failed)
		}
		for _, route := range []string{"/graphql", "/{$}", "/playground/", "/docs/", "GET /reports/{name}", "/", ""} {
			r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/x%d", i), nil)
			r.Method = fmt.Sprintf("M%d", i)
			_, answered := tell.Request(t.Context(), r)
			answered(route, []int{200, 400, 404, 500}[i%4])
		}
	}
	for _, part := range []string{"write", "queue", "transaction", "commit", "sync", "read"} {
		_, ended := tell.Part(t.Context(), part)
		ended(nil)
	}
	series := scrape(t, tell)
	if len(series) > 480 {
		t.Errorf("%d series", len(series))
	}
	named := map[string]bool{}
	for _, one := range series {
		if name := regexp.MustCompile(`operation="(Operation\d+)"`).FindStringSubmatch(one); name != nil {
			named[name[1]] = true
		}
	}
	if len(named) != 10 { // each of three kinds
		t.Errorf("%d names are told apart", len(named))
	}
	wants(t, series, `carehome_http_requests_total{route="other",status="404"} 1500`)
	if long := strings.Join(series, "\n"); strings.Contains(long, "/x1") || strings.Contains(long, `"M1`) {
		t.Error("what clients have typed is a label")
	}
}

func TestLongNamesAreOther(t *testing.T) {
	tell := silent(t)
	long := strings.Repeat("n", maxName+1)
	_, ended := tell.Operation(t.Context(), long, "query")
	ended(nil)
	series := scrape(t, tell)
	wants(t, series, `carehome_graphql_operation_duration_seconds_count{operation="other",type="query"} 1`)
	if strings.Contains(strings.Join(series, "\n"), long) {
		t.Error("a name of any length is a label")
	}
}

func TestFiguresAreOnlyRead(t *testing.T) {
	w := httptest.NewRecorder()
	silent(t).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/metrics", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// gRPC's code is 3 MB of the program; traces do without.
func TestServerDoesNotLinkGRPC(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "carehome").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "carehome/internal/telemetry\n") {
		t.Fatalf("not the list that was asked for:\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "google.golang.org/grpc") {
			t.Errorf("the server depends on %s", line)
		}
	}
}
