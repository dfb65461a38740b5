package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/graph"
	"carehome/graph/documents"
	"carehome/graph/limits"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// edge is a served home of some residents, with settings of its own.
type edge struct {
	t   *testing.T
	url string
}

// clock is one that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// nobodyHeader makes a request that comes from nobody, and numberHeader one of another
// viewer; roleHeader says its role.
const (
	nobodyHeader = "X-Nobody"
	numberHeader = "X-Number"
	roleHeader   = "X-Role"
)

func newEdge(t *testing.T, residents int, change func(*graph.Deps)) *edge {
	t.Helper()
	ctx := viewer.With(context.Background(), viewer.System())
	st, err := store.Open(ctx, store.Options{Database: filepath.Join(t.TempDir(), "home.db"), Durability: store.RelaxedDurability})
	if err != nil {
		t.Fatal(err)
	}
	deps := graph.Deps{
		Client: st.Client(), Write: st.Write, Snapshot: st.Snapshot, Log: slog.New(slog.DiscardHandler),
		Explain: func(error) *problem.Problem { return nil }, Limits: limits.Default(),
	}
	change(&deps)
	api := graph.NewHandler(deps)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.Header.Get(nobodyHeader) == "" {
			who := viewer.Viewer{Name: "Ana", Role: viewer.Admin}
			if n, err := strconv.ParseUint(r.Header.Get(numberHeader), 10, 32); err == nil {
				who.ID = nodeid.New(nodeid.StaffUser, uint32(n))
			}
			if role := r.Header.Get(roleHeader); role != "" {
				who.Role = viewer.Role(role)
			}
			ctx = viewer.With(ctx, who)
		}
		api.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(func() {
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	born, err := scalar.ParseDate("1939-05-17")
	if err != nil {
		t.Fatal(err)
	}
	err = st.Write(ctx, func(ctx context.Context, tx *ent.Client) error {
		for i := range residents {
			err := tx.Resident.Create().SetGivenName("Ana").SetFamilyName(fmt.Sprintf("López %d", i)).SetBirthDate(born).SetSex(resident.SexFemale).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &edge{t, server.URL}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions map[string]any
	}
	Extensions struct {
		Cost *struct {
			Estimated, Limit int
			Actual           *int
		}
	}
}

// code is that of the first error and of the limit it names.
func (r reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	code, _ := r.Errors[0].Extensions["code"].(string)
	if name, ok := r.Errors[0].Extensions["name"].(string); ok {
		code += " " + name
	}
	return code
}

// post sends members of a request, and headers in pairs.
func (e *edge) post(members map[string]any, header ...string) (got reply) {
	e.t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		e.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/graphql-response+json")
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	got.status, got.header, got.text = response.StatusCode, response.Header, string(text)
	if err := json.Unmarshal(text, &got); err != nil {
		e.t.Fatalf("%v: %s", err, text)
	}
	return got
}

func (e *edge) ask(query string, header ...string) reply {
	e.t.Helper()
	return e.post(map[string]any{"query": query}, header...)
}

const everybody = `{ residents(first: 200) { edges { node { id fullName createdBy { id } } } } }`

func TestCostIsTold(t *testing.T) {
	e := newEdge(t, 3, func(*graph.Deps) {})
	got := e.ask(everybody)
	cost := got.Extensions.Cost
	if cost == nil || cost.Estimated != 1+200*2 || cost.Actual == nil || *cost.Actual != 1+3 || cost.Limit != 50_000 {
		t.Errorf("got %d %s", got.status, got.text)
	}
	if cost := e.ask(everybody, roleHeader, "REPORTING").Extensions.Cost; cost == nil || cost.Limit != 500_000 {
		t.Errorf("the reporting role has %v", cost)
	}
}

func TestDryRun(t *testing.T) {
	e := newEdge(t, 0, func(*graph.Deps) {})
	dry := map[string]any{"dryRun": true}
	const create = `mutation { createResident(input: {givenName: "Ana", familyName: "Gil", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`
	got := e.post(map[string]any{"query": create, "extensions": dry})
	cost := got.Extensions.Cost
	if got.status != http.StatusOK || len(got.Errors) > 0 || string(got.Data) != "null" || cost == nil || cost.Estimated != 11 || cost.Actual != nil {
		t.Errorf("got %d %s", got.status, got.text)
	}
	// Also of what would be refused for its cost.
	got = e.post(map[string]any{"query": tooDear, "extensions": dry})
	if cost := got.Extensions.Cost; len(got.Errors) > 0 || cost == nil || cost.Estimated <= cost.Limit {
		t.Errorf("got %d %s", got.status, got.text)
	}
	if got := e.post(map[string]any{"query": "{ a }", "extensions": dry}); got.code() != "INVALID" {
		t.Errorf("got %d %s", got.status, got.text)
	}
	if got := e.post(map[string]any{"query": everybody, "extensions": map[string]any{"dryRun": "yes"}}); got.code() != "INVALID" {
		t.Errorf("got %d %s", got.status, got.text)
	}
	if got := e.ask("{ residents { totalCount } }"); string(got.Data) != `{"residents":{"totalCount":0}}` {
		t.Errorf("a dry run was none: %s", got.text)
	}
}

const tooDear = `{ residents(first: 200) { edges { node { prescriptions(first: 200) { edges { node { medication { id } } } } } } } }`

// An operation that takes longer than it may is given up.
func TestTimeout(t *testing.T) {
	e := newEdge(t, 200, func(d *graph.Deps) { d.Limits.Time = time.Millisecond })
	var slow strings.Builder
	for i := range 20 {
		fmt.Fprintf(&slow, "a%d: residents(first: 200) { edges { node { id fullName age createdAt updatedAt contacts { id } } } } ", i)
	}
	got := e.ask("{ " + slow.String() + "}")
	if got.code() != "TIMEOUT" || len(got.Errors) != 1 || got.Data != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d %.500s", got.status, got.text)
	}
}

func TestAnswerLimit(t *testing.T) {
	const query = "{ residents(first: 20, orderBy: [{field: FAMILY_NAME}]) { edges { node { id version fullName } } pageInfo { hasNextPage } } }"
	size := len(newEdge(t, 20, func(*graph.Deps) {}).ask(query).Data)
	if size < 1000 {
		t.Fatalf("the answer has %d bytes", size)
	}
	for limit, want := range map[int]string{size: "", size - 1: "LIMIT_EXCEEDED answer", size / 4: "LIMIT_EXCEEDED answer"} {
		e := newEdge(t, 20, func(d *graph.Deps) { d.Limits.AnswerBytes = limit })
		got := e.ask(query)
		if got.code() != want || (got.Data == nil) != (want != "") {
			t.Errorf("%d of %d bytes: got %d %s", limit, size, got.status, got.text)
		}
	}
}

// What an answer makes is bounded as well as what was foreseen.
func TestActualCostIsBounded(t *testing.T) {
	e := newEdge(t, 0, func(d *graph.Deps) { d.Limits.Cost = 30 })
	made := e.ask(`mutation { createResident(input: {givenName: "Ana", familyName: "Gil", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`)
	var data struct {
		CreateResident struct{ Resident struct{ ID string } }
	}
	if err := json.Unmarshal(made.Data, &data); err != nil {
		t.Fatal(err, made.text)
	}
	id := data.CreateResident.Resident.ID
	for range 15 {
		for _, name := range []string{"A", "B"} {
			got := e.ask(fmt.Sprintf(`mutation { createResidentContact(input: {residentID: %q, name: %q, relationship: OTHER, phone: "+34 600 000 000"}) { __typename } }`, id, name))
			if len(got.Errors) > 0 {
				t.Fatal(got.text)
			}
		}
	}
	if got := e.ask(fmt.Sprintf(`{ resident(id: %q) { contacts { id } } }`, id)); got.code() != "LIMIT_EXCEEDED cost" || got.Data != nil {
		t.Errorf("got %d %s", got.status, got.text)
	}
}

// hashed names a document by its hash.
func hashed(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

func TestPersistedQueries(t *testing.T) {
	e := newEdge(t, 1, func(*graph.Deps) {})
	const query = "{ residents { totalCount } }"
	hash := documents.Hash(query)
	if got := e.post(map[string]any{"extensions": hashed(hash)}); got.code() != "NOT_FOUND" || got.Errors[0].Message != "PersistedQueryNotFound" {
		t.Fatalf("a hash that nobody left: %s", got.text)
	}
	if got := e.post(map[string]any{"extensions": hashed(hash)}, "Accept-Language", "es"); got.Errors[0].Message != "PersistedQueryNotFound" {
		t.Fatalf("clients look for these words in any language: %s", got.text)
	}
	for range 2 {
		if got := e.post(map[string]any{"query": query, "extensions": hashed(hash)}); len(got.Errors) > 0 {
			t.Fatalf("leaving it: %s", got.text)
		}
		if got := e.post(map[string]any{"extensions": hashed(hash)}); string(got.Data) != `{"residents":{"totalCount":1}}` {
			t.Fatalf("by its hash: %s", got.text)
		}
	}
	// What is not valid, or not what the hash says, is not kept.
	const wrong = "{ nothing }"
	for name, tc := range map[string]struct {
		members map[string]any
		code    string
	}{
		"Invalid":       {map[string]any{"query": wrong, "extensions": hashed(documents.Hash(wrong))}, "INVALID"},
		"InvalidIsGone": {map[string]any{"extensions": hashed(documents.Hash(wrong))}, "NOT_FOUND"},
		"Other":         {map[string]any{"query": "{ __typename }", "extensions": hashed(hash)}, "INVALID"},
		"NoVersion":     {map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"sha256Hash": hash}}}, "INVALID"},
		"Version2":      {map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"sha256Hash": hash, "version": 2}}}, "INVALID"},
		"NoHash":        {map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1}}}, "INVALID"},
		"Text":          {map[string]any{"extensions": map[string]any{"persistedQuery": hash}}, "INVALID"},
	} {
		if got := e.post(tc.members); got.code() != tc.code || got.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", name, got.status, got.text)
		}
	}
}

func TestTrustedDocuments(t *testing.T) {
	const known = "query Count { residents { totalCount } }"
	manifest, err := documents.ParseManifest([]byte(`{"count-1": "` + known + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, 1, func(d *graph.Deps) { d.Trusted = manifest })
	for name, tc := range map[string]struct {
		members map[string]any
		code    string
	}{
		"ID":      {map[string]any{"extensions": hashed("count-1")}, ""},
		"Hash":    {map[string]any{"extensions": hashed(documents.Hash(known))}, ""},
		"Text":    {map[string]any{"query": known}, ""},
		"Other":   {map[string]any{"query": "{ residents { totalCount } }"}, "FORBIDDEN"},
		"NoID":    {map[string]any{"extensions": hashed("count-2")}, "FORBIDDEN"},
		"Both":    {map[string]any{"query": "{ __typename }", "extensions": hashed("count-1")}, "FORBIDDEN"},
		"Schema":  {map[string]any{"query": "{ __schema { types { name } } }"}, "FORBIDDEN"},
		"Nothing": {map[string]any{}, "INVALID"},
	} {
		got := e.post(tc.members)
		if got.code() != tc.code || tc.code == "" && string(got.Data) != `{"residents":{"totalCount":1}}` {
			t.Errorf("%s: got %d %s", name, got.status, got.text)
		}
	}
	wrong, err := documents.ParseManifest([]byte(`{"a": "{ nothing }", "b": "{ __typename }", "c": "{"}`))
	if err != nil {
		t.Fatal(err)
	}
	if found := graph.CheckDocuments(wrong, limits.Default()); len(found) != 2 || found["a"] == "" || found["c"] == "" {
		t.Errorf("found %v", found)
	}
}

// Each viewer has an account, and so has each address that nobody speaks for. What is
// refused is paid for as well.
func TestRate(t *testing.T) {
	c := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	e := newEdge(t, 3, func(d *graph.Deps) {
		d.Now = c.Now
		d.Limits.Rate, d.Limits.Cost, d.Limits.ReportingCost = 100, 500, 500
	})
	// The account holds 1,000. What was not needed is given back: 600 that may be cost 5.
	for range 20 {
		if got := e.ask(everybody); len(got.Errors) > 0 {
			t.Fatalf("got %d %s", got.status, got.text)
		}
	}
	wait := func(header ...string) (asked, seconds int) {
		for range 2_000 {
			got := e.ask("{ nothing }", header...)
			if got.status != http.StatusTooManyRequests {
				asked++
				continue
			}
			seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
			if err != nil || got.code() != "LIMIT_EXCEEDED rate" || got.Errors[0].Extensions["retryAfter"] != float64(seconds) {
				t.Fatalf("got %v %s", got.header, got.text)
			}
			return asked, seconds
		}
		t.Fatal("nothing is refused")
		return 0, 0
	}
	asked, seconds := wait()
	if asked < 20 || asked > 100 || seconds != 1 {
		t.Errorf("%d were answered, wait %d s", asked, seconds)
	}
	if got := e.ask("{ __typename }", numberHeader, "1"); len(got.Errors) > 0 {
		t.Errorf("another viewer waits too: %s", got.text)
	}
	if got := e.ask(everybody); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "4" && got.header.Get("Retry-After") != "5" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	if nobody, _ := wait(nobodyHeader, "1"); nobody < asked {
		t.Errorf("an address has %d, a viewer %d", nobody, asked)
	}
	c.pass(time.Second)
	if got := e.ask("{ nothing }"); got.code() != "INVALID" {
		t.Errorf("after the wait: %d %s", got.status, got.text)
	}
	c.pass(10 * time.Second)
	if got := e.ask(everybody); len(got.Errors) > 0 {
		t.Errorf("after ten seconds: %d %s", got.status, got.text)
	}
}

// Those who may not see the schema are told nothing of it.
func TestNoIntrospection(t *testing.T) {
	hidden := newEdge(t, 0, func(d *graph.Deps) { d.NoIntrospection = true })
	shown := newEdge(t, 0, func(*graph.Deps) {})
	for _, query := range []string{
		"{ __schema { types { name } } }", `{ __type(name: "Resident") { name } }`,
		"{ ...A } fragment A on Query { s: __schema { types { name } } }",
	} {
		if got := hidden.ask(query); got.code() != "FORBIDDEN" || got.status != http.StatusForbidden || got.Data != nil {
			t.Errorf("%s: got %d %s", query, got.status, got.text)
		}
		if got := shown.ask(query); len(got.Errors) > 0 {
			t.Errorf("%s: got %s", query, got.text)
		}
		// The document is known by now; nobody is shown it all the same.
		if got := shown.ask(query, nobodyHeader, "1"); got.code() != "FORBIDDEN" {
			t.Errorf("%s, by nobody: got %s", query, got.text)
		}
	}
	for _, query := range []string{
		"{ residentz { totalCount } }", "{ residents(fist: 1) { totalCount } }", "{ ... on Residentt { id } }", "{ residents }",
		"{ residents(where: {statuz: ACTIVE}) { totalCount } }", "{ residents(where: {status: ACTIV}) { totalCount } }",
		"query($x: Residentt) { __typename }",
	} {
		if got := hidden.ask(query); got.code() != "INVALID" || strings.Contains(strings.ToLower(got.text), "did you mean") {
			t.Errorf("%s: got %s", query, got.text)
		}
	}
	if got := shown.ask("{ residentz { totalCount } }"); !strings.Contains(got.text, "Did you mean") {
		t.Errorf("got %s", got.text)
	}
	if got := hidden.ask("{ __typename residents { __typename } }"); len(got.Errors) > 0 {
		t.Errorf("got %s", got.text)
	}
}
