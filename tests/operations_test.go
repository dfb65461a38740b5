package tests

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// operationCount names how many random operations are tried, valid and invalid ones
// each.
const operationCount = "CAREHOME_TEST_OPERATIONS"

func count(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}

// lived is a server with a made-up home of some residents and weeks, for the tests
// that need rows in every table.
var lived sharedServer

// livedIn is the address of lived.
func livedIn(t *testing.T) string {
	t.Helper()
	lived.once.Do(func() {
		if lived.url = os.Getenv(address); lived.url != "" {
			return
		}
		var binary string
		if binary, lived.err = build(); lived.err != nil {
			return
		}
		if lived.folder, lived.err = os.MkdirTemp("", "carehome-tests"); lived.err != nil {
			return
		}
		database := filepath.Join(lived.folder, "lived.db")
		seed := exec.Command(binary, "seed", "--database", database, "--residents", "15", "--days", "20", "--no-progress")
		if output, err := seed.CombinedOutput(); err != nil {
			lived.err = fmt.Errorf("seeding: %w\n%s", err, output)
			return
		}
		if lived.own, lived.err = start(binary, database); lived.err == nil {
			lived.url = lived.own.url
		}
	})
	if lived.err != nil {
		t.Fatal(lived.err)
	}
	return lived.url
}

// request is what is sent, and what must come of it.
type request struct {
	what   string
	method string
	target string // after /graphql
	header http.Header
	body   []byte
	op     *operation // what is asked, where that is executed
	// refused requests have an error, and come to no data unless anyData is set.
	refused, anyData bool
}

// reply is what came of it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r request) send(ctx context.Context, to string) (reply, error) {
	question, err := http.NewRequestWithContext(ctx, r.method, to+"/graphql"+r.target, strings.NewReader(string(r.body)))
	if err != nil {
		return reply{}, err
	}
	for name, values := range r.header {
		question.Header[name] = values
	}
	answer, err := http.DefaultClient.Do(question)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, body}, err
}

// workers send at once.
const workers = 4

// try sends n requests that make makes up, and reports what is off with any. The
// seed is in the report, but what was sent is too: what ids there are depends on
// who came first.
func try(t *testing.T, n int, known *ids, make func(g *generator) request) {
	t.Helper()
	to := livedIn(t)
	s := schemaOf(t, to)
	seed := rand.Uint64()
	var mu sync.Mutex
	tally := map[string]int{}
	wrong := 0
	report := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if wrong++; wrong <= 10 {
			t.Errorf("seed %d: %s", seed, fmt.Sprintf(format, args...))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < n && ctx.Err() == nil; i += workers {
				g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(i))), schema: s, ids: known}
				r := make(g)
				got, err := r.send(ctx, to)
				if err != nil {
					report("%s: %v\n%s", r.what, err, r.body)
					continue
				}
				outcome, off := judge(g, r, got)
				mu.Lock()
				tally[outcome]++
				mu.Unlock()
				if len(off) > 0 {
					report("%s: %s\nsent %s %s\n%s\ngot %d %.3000s\n%s", r.what, strings.Join(off[:min(3, len(off))], "\n  "), r.method, r.target, r.body, got.status, got.body, logged(got.header.Get("X-Request-Id")))
				}
			}
		})
	}
	all.Wait()
	var told []string
	for outcome, times := range tally {
		told = append(told, fmt.Sprintf("%s %d", outcome, times))
	}
	slices.Sort(told)
	t.Logf("seed %d, %d requests: %s", seed, n, strings.Join(told, ", "))
}

func kind(r request) string {
	if r.op == nil {
		return "document"
	}
	return r.op.kind
}

// logged is what the server's log has of a request beside the line of every one.
func logged(id string) string {
	if lived.own == nil || id == "" {
		return ""
	}
	var found strings.Builder
	for line := range strings.Lines(lived.own.log.String()) {
		if strings.Contains(line, id) && !strings.Contains(line, `"msg":"request"`) {
			found.WriteString(line)
		}
	}
	return found.String()
}

// judge says what came of a request and what is off with that.
func judge(g *generator, r request, got reply) (outcome string, off []string) {
	if got.status >= 500 {
		off = append(off, fmt.Sprintf("the status is %d", got.status))
	}
	c := &conformity{schema: g.schema, found: func(object, id string) { g.ids.add(object, id, g.Rand) }}
	var root string
	var set []*selection
	if r.op != nil {
		root, set = g.schema.query.Name, r.op.root
		if r.op.kind == "mutation" {
			root = g.schema.mutation.Name
		}
	}
	c.anyData = r.anyData
	executed, failed := c.answer(got.body, root, set)
	off = append(off, c.off...)
	if slices.Contains(failed, "INTERNAL") {
		off = append(off, "the error is INTERNAL")
	}
	if found := leaks(got.body, r.body, []byte(r.target)); found != "" {
		off = append(off, "the answer tells of its insides: "+found)
	}
	if r.op != nil && !r.refused && (!executed || got.status != http.StatusOK) {
		off = append(off, "what is valid was refused")
	}
	if r.refused && len(failed) == 0 {
		off = append(off, "what is invalid was taken")
	}
	switch {
	case len(failed) == 0:
		return kind(r) + " well", off
	case executed:
		return kind(r) + " executed with " + failed[0], off
	}
	return fmt.Sprintf("refused with %d %s", got.status, failed[0]), off
}

// accepting is a header that asks for one of the two forms of answers.
func accepting(g *generator) http.Header {
	header := http.Header{"Content-Type": {"application/json"}}
	if form := []string{"", "application/json", "application/graphql-response+json", "*/*"}[g.IntN(4)]; form != "" {
		header.Set("Accept", form)
	}
	return header
}

// TestRandomOperations sends valid operations over the whole schema: each is
// executed, and each answer is what the schema promises.
func TestRandomOperations(t *testing.T) {
	known := &ids{}
	harvest(t, known)
	try(t, count(t, operationCount, 200), known, func(g *generator) request {
		op := g.operation()
		r := request{what: "a valid " + op.kind, method: http.MethodPost, header: accepting(g), body: op.body(), op: op}
		if op.kind == "query" && g.IntN(4) == 0 {
			r.method, r.body = http.MethodGet, nil
			r.header.Del("Content-Type")
			query := url.Values{"query": {op.document()}}
			if len(op.variables) > 0 {
				query.Set("variables", string(encoded(op.variables)))
			}
			if op.name != "" {
				query.Set("operationName", op.name)
			}
			r.target = "?" + query.Encode()
		}
		return r
	})
}

// spoils are ways to make a valid operation invalid.
var spoils = []func(g *generator, op *operation){
	func(g *generator, op *operation) { g.anySet(op, "noSuchField") },
	func(g *generator, op *operation) { g.anySet(op, "__typename(no: 1)") },
	func(g *generator, op *operation) { g.anySet(op, "__typename @include(if: $nope)") },
	func(g *generator, op *operation) { g.anySet(op, "__typename @include(if: \"yes\")") },
	func(g *generator, op *operation) { g.anySet(op, "__typename @nope") },
	func(g *generator, op *operation) { g.anySet(op, "__typename @skip") },
	func(g *generator, op *operation) { g.anySet(op, "__typename { id }") },
	func(g *generator, op *operation) { g.anySet(op, "...Nope") },
	func(g *generator, op *operation) { g.anySet(op, "... on Nope { id }") },
	func(g *generator, op *operation) { g.anySet(op, "... on Date { id }") },
	func(g *generator, op *operation) { g.anySet(op, "{ id }") },
	func(g *generator, op *operation) { g.anySet(op, "same: __typename same: nope") },
	func(_ *generator, op *operation) { op.declared = append(op.declared, "$idle: Int") },
	func(_ *generator, op *operation) { op.declared = append(op.declared, "$of: NoSuchType") },
	func(_ *generator, op *operation) { op.kind = "qwery" },
	func(_ *generator, op *operation) {
		op.fragments = append(op.fragments, &selection{head: "fragment Idle on Query", sub: []*selection{{head: "__typename"}}})
	},
	func(_ *generator, op *operation) {
		op.root = append(op.root, &selection{head: "...Round"})
		op.fragments = append(op.fragments, &selection{head: "fragment Round on Query", sub: []*selection{{head: "...Round"}}})
	},
}

// noise is what may turn up in a document by chance.
const noise = "{}()[]:$@!\"\\#.,= \n\x00az09\xff"

// anySet adds to the operation's root, or to any object that it selects from.
func (g *generator) anySet(op *operation, head string) {
	at := &op.root
	for {
		var below []*selection
		for _, s := range *at {
			if len(s.sub) > 0 && !strings.HasPrefix(s.head, "...F") { // as write does
				below = append(below, s)
			}
		}
		if len(below) == 0 || g.IntN(3) == 0 {
			break
		}
		at = &below[g.IntN(len(below))].sub
	}
	*at = append(*at, &selection{head: head})
}

// TestRandomRefusals sends what is no valid operation: none is executed, and none
// of the answers is other than the schema and the protocol promise.
func TestRandomRefusals(t *testing.T) {
	known := &ids{}
	harvest(t, known)
	try(t, count(t, operationCount, 200), known, func(g *generator) request {
		op := g.operation()
		r := request{what: "an invalid " + op.kind, method: http.MethodPost, header: accepting(g), refused: true}
		switch g.IntN(8) {
		case 0: // a document that ends too early
			text := op.document()
			r.body = encoded(map[string]any{"query": text[:g.IntN(len(text))]})
		case 1: // a body that does
			text := op.body()
			r.body = text[:g.IntN(len(text))]
		case 2: // an operation that is not there
			r.body = encoded(map[string]any{"query": op.document(), "variables": op.variables, "operationName": "Nope"})
		case 3: // parts of the request that are of another kind
			question := map[string]any{"query": op.document()}
			part := []string{"query", "variables", "operationName", "extensions"}[g.IntN(4)]
			question[part] = []any{[]any{1, "x"}, 17, true}[g.IntN(3)]
			r.body = encoded(question)
		case 4: // characters changed by chance: what comes of it is not known
			text := []byte(op.document())
			if op.kind == "query" {
				for range 1 + g.IntN(4) {
					text[g.IntN(len(text))] = noise[g.IntN(len(noise))]
				}
				r.refused, r.anyData = false, true
			} else {
				text = append(text, '}')
			}
			r.body = encoded(map[string]any{"query": string(text), "variables": op.variables})
		default:
			spoils[g.IntN(len(spoils))](g, op)
			r.body = op.body()
		}
		return r
	})
}

// harvest collects ids of every kind that lists show.
func harvest(t *testing.T, known *ids) {
	t.Helper()
	to := livedIn(t)
	s := schemaOf(t, to)
	random := rand.New(rand.NewPCG(1, 1))
	for _, f := range s.query.Fields {
		object, isList := strings.CutSuffix(f.Type.named(), "Connection")
		if !isList {
			continue
		}
		// A list that may not be read, or needs more to be said, is left out.
		edges, _ := ask(t, to, "{ "+f.Name+"(first: 50) { edges { node { id } } } }", nil).Data.(map[string]any)
		list, _ := edges[f.Name].(map[string]any)
		rows, _ := list["edges"].([]any)
		for _, edge := range rows {
			known.add(object, at(t, edge, "node", "id").(string), random)
		}
	}
	if len(known.of) < 8 {
		t.Fatalf("ids of %d kinds only", len(known.of))
	}
}
