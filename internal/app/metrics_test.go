package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector keeps the traces that it is sent.
type collector struct {
	mu    sync.Mutex
	text  strings.Builder // all of them, as text
	spans []*tracepb.Span
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(sent.String() + string(body))
	for _, of := range sent.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// figures reads /metrics at the address that the log tells.
func (r *running) figures() map[string]float64 {
	r.t.Helper()
	told := r.log.find(r.t, "telling figures")
	if len(told) != 1 {
		r.t.Fatalf("the log tells no address of figures: %s", r.log)
	}
	request, err := http.NewRequest(http.MethodGet, told[0]["url"].(string), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	status, _, body := send(r.t, request)
	if status != http.StatusOK {
		r.t.Fatalf("got %d %s", status, body)
	}
	series := map[string]float64{}
	for line := range strings.Lines(body) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if name += "}"; !ok {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		if number, err := strconv.ParseFloat(value, 64); err == nil && !strings.HasPrefix(line, "#") {
			series[name] = number
		}
	}
	return series
}

// post sends an operation with a name and a trace.
func (r *running) post(body, trace string) (status int, answer string) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.url+graphPath, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if trace != "" {
		request.Header.Set("Traceparent", trace)
	}
	status, _, answer = send(r.t, request)
	return status, answer
}

// TestTelling runs operations of every kind on a home with a resident whose name
// must come up nowhere but in the answers.
func TestTelling(t *testing.T) {
	const canary = "Xilonenovska"
	traces := new(collector)
	to := httptest.NewServer(traces)
	defer to.Close()
	p := Program{Getenv: func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL}[name]
	}}
	r := start(t, p, "--database", filepath.Join(t.TempDir(), "home.db"), "--metrics-listen", "127.0.0.1:0", "--log-level", "debug")
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, step := range []struct{ body, trace, want string }{
		{`{"query":"mutation Admit($i: CreateResidentInput!) { createResident(input: $i) { resident { id } } }","variables":{"i":{"givenName":"` + canary + `","familyName":"` + canary + `","birthDate":"1939-05-17","sex":"FEMALE"}}}`,
			"00-" + trace + "-00f067aa0ba902b7-01", `"id":"res_1"`},
		{`{"query":"query Find { residents(where: {familyName: \"` + canary + `\"}) { edges { node { fullName } } } }"}`, "", canary},
		{`{"query":"{ residents { totalCount } }"}`, "", `"totalCount":1`},
		// A refusal of the input, of a value, of the document, and what cannot be read.
		{`{"query":"mutation Admit { createResident(input: {givenName: \"` + strings.Repeat(canary, 60) + `\", familyName: \"` + canary + `\", birthDate: \"1939-05-17\", sex: FEMALE}) { resident { id } } }"}`, "", `"INVALID"`},
		{`{"query":"query Find { residents(where: {birthDate: \"` + canary + `\"}) { totalCount } }"}`, "", `"errors"`},
		{`{"query":"query Find { ` + canary + ` }"}`, "", `"errors"`},
		{`{"query":"` + canary + `"}`, "", `"errors"`},
		{canary, "", `"errors"`},
		{`{"query":"query Missing { resident(id: \"res_99\") { fullName } }"}`, "", `"NOT_FOUND"`},
	} {
		if _, answer := r.post(step.body, step.trace); !strings.Contains(answer, step.want) {
			t.Errorf("%s answers %s", step.body, answer)
		}
	}
	for _, path := range []string{"/" + canary, "/livez?" + canary, "/graphql?query={residents{totalCount}}&x=" + canary} {
		r.get(path)
	}
	for i := range 60 {
		if status, answer := r.post(fmt.Sprintf(`{"query":"query Many%d { __typename }"}`, i), ""); status != http.StatusOK {
			t.Fatalf("got %s", answer)
		}
	}
	series := r.figures()
	if len(series) > 500 {
		t.Errorf("%d series", len(series))
	}
	for name, least := range map[string]float64{
		`carehome_graphql_operation_duration_seconds_count{operation="Admit",type="mutation"}`: 2,
		`carehome_graphql_operation_duration_seconds_count{operation="Find",type="query"}`:     1,
		`carehome_graphql_operation_duration_seconds_count{operation="unnamed",type="query"}`:  2,
		`carehome_graphql_operation_duration_seconds_count{operation="other",type="query"}`:    30,
		`carehome_graphql_errors_total{code="INVALID",operation="Admit"}`:                      1,
		`carehome_graphql_errors_total{code="INVALID",operation="none"}`:                       3,
		`carehome_graphql_errors_total{code="NOT_FOUND",operation="other"}`:                    1,
		`carehome_http_requests_total{route="/graphql",status="200"}`:                          64,
		`carehome_http_requests_total{route="other",status="404"}`:                             1,
		`carehome_http_requests_total{route="/livez",status="200"}`:                            1,
		`carehome_http_request_duration_seconds_count{route="/graphql"}`:                       64,
		`carehome_store_duration_seconds_count{part="write"}`:                                  1,
		`carehome_store_duration_seconds_count{part="queue"}`:                                  1,
		`carehome_store_duration_seconds_count{part="transaction"}`:                            1,
		`carehome_store_duration_seconds_count{part="commit"}`:                                 1,
		`carehome_store_duration_seconds_count{part="sync"}`:                                   1,
		`carehome_store_duration_seconds_count{part="read"}`:                                   1,
		`carehome_wal_sync_duration_seconds_count`:                                             1,
		`carehome_ready`:          1,
		`carehome_store_writable`: 1,
		`carehome_commits_total`:  1,
		`carehome_database_bytes`: 4096,
		`carehome_wal_bytes`:      1,
		`carehome_sql_readers`:    1,
		`go_goroutines`:           1,
	} {
		if value, there := series[name]; !there || value < least {
			t.Errorf("%s is %v (there: %t), want at least %v", name, value, there, least)
		}
	}
	for _, name := range []string{
		"carehome_writer_queue", "carehome_sql_readers_busy", "carehome_sql_reader_waits_total", "carehome_sql_reader_wait_seconds_total",
		"carehome_wal_sync_p99_seconds", "carehome_oldest_read_seconds", "carehome_http_requests_in_flight", "process_open_fds",
	} {
		if _, there := series[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
	r.end() // sends the last traces

	// The log: who asked, for what, in which trace.
	admitted := slices.IndexFunc(r.log.find(t, "request"), func(line map[string]any) bool { return line["traceId"] == trace })
	if admitted < 0 {
		t.Fatalf("no line has the trace: %s", r.log)
	}
	line := r.log.find(t, "request")[admitted]
	if line["operation"] != "Admit" || line["role"] != "ADMIN" || line["requestId"] == "" || !regexp.MustCompile(`^stf_\d+$`).MatchString(fmt.Sprint(line["viewer"])) {
		t.Errorf("the line is %v", line)
	}

	// The traces: from the request to the disk.
	parent := map[string]string{"POST /graphql": "00f067aa0ba902b7", "mutation Admit": "POST /graphql", "write": "mutation Admit", "transaction": "write"}
	spans := map[string]*tracepb.Span{}
	for _, span := range traces.spans {
		if fmt.Sprintf("%x", span.GetTraceId()) == trace {
			spans[span.GetName()] = span
		}
	}
	for name, above := range parent {
		want := above
		if spans[above] != nil {
			want = fmt.Sprintf("%x", spans[above].GetSpanId())
		}
		if spans[name] == nil || fmt.Sprintf("%x", spans[name].GetParentSpanId()) != want {
			t.Errorf("%s is %v, want it below %s", name, spans[name], above)
		}
	}

	for where, text := range map[string]string{"log": r.log.String(), "figures": fmt.Sprint(series), "traces": traces.text.String()} {
		if text == "" || strings.Contains(strings.ToLower(text), strings.ToLower(canary)) {
			t.Errorf("the %s: the resident's name is in %s", where, text)
		}
	}
}

func TestNothingIsToldUnasked(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	if status, _, _ := r.get("/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics beside the records answers %d", status)
	}
	if told := r.log.find(t, "telling figures"); len(told) != 0 {
		t.Errorf("the log is %s", r.log)
	}
}

func TestKeeperTells(t *testing.T) {
	folder := t.TempDir()
	k := start(t, Program{}, "keeper", "--database", filepath.Join(folder, "home.db"), "--backups", filepath.Join(folder, "backups"), "--metrics-listen", "127.0.0.1:0")
	series := k.figures()
	for name, least := range map[string]float64{
		"carehome_ready": 1, "carehome_last_backup_timestamp_seconds": 1.7e9, "carehome_last_backup_bytes": 4096, "carehome_last_backup_age_seconds": 0,
		"carehome_last_check_timestamp_seconds": 1.7e9, "carehome_last_check_ok": 1,
	} {
		if value, there := series[name]; !there || value < least {
			t.Errorf("%s is %v (there: %t), want at least %v", name, value, there, least)
		}
	}
}

func TestErrMetricsAddressTaken(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	second, _ := launch(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"), "--metrics-listen", strings.TrimPrefix(r.url, "http://"))
	if err := second.wait(); err == nil || exitCode(err) != exitTempFail {
		t.Errorf("it ended with %v", err)
	}
}
