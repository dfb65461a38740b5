package leak

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/access"
	"carehome/internal/viewer"
)

// result is what a run of the matrix came to.
type result struct {
	mu     sync.Mutex
	cells  int
	byPath map[string]int
	leaks  map[string][]string
}

func (r *result) add(p path, a asker, c cell, leaks []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cells++
	r.byPath[p.name]++
	for _, leak := range leaks {
		r.leaks[p.name] = append(r.leaks[p.name], fmt.Sprintf("%s, %s, %s: %s", p.name, a.name, c.of, leak))
	}
}

// run tries the cells of the paths, of those askers whom who takes: what only
// reads at once for all askers, changes one by one. Of each path at least so many
// are tried in each name, if there are so many, however few are sampled.
func (w *world) run(t *testing.T, paths []path, who func(asker) bool, least int) *result {
	t.Helper()
	sampled := func(cells []cell) int {
		if least == 0 {
			return sample
		}
		return max(1, min(sample, len(cells)/least))
	}
	found := &result{byPath: map[string]int{}, leaks: map[string][]string{}}
	var readers sync.WaitGroup
	queue := make(chan asker)
	for range 4 {
		readers.Go(func() {
			for a := range queue {
				for _, p := range paths {
					if p.does != reads {
						continue
					}
					cells := p.cells(w, a)
					every := sampled(cells)
					for i, c := range cells {
						if (i+len(a.name))%every == 0 {
							found.add(p, a, c, c.try())
						}
					}
				}
			}
		})
	}
	for _, a := range w.askers {
		if who(a) {
			queue <- a
		}
	}
	close(queue)
	readers.Wait()

	db := openRaw(t, w.file)
	for _, p := range paths {
		for _, a := range w.askers {
			if p.does == reads || !who(a) {
				continue
			}
			cells := p.cells(w, a)
			every := sampled(cells)
			for i, c := range cells {
				if (i+len(a.name))%every != 0 && p.does == tries {
					continue
				}
				before := w.oracle.state(t, db)
				leaks := c.try()
				if p.does == tries && w.oracle.state(t, db) != before {
					leaks = append(leaks, "something was changed")
				}
				found.add(p, a, c, leaks)
			}
		}
	}
	return found
}

func everyone(asker) bool { return true }

// pathsEnv names the paths that TestNothingLeaks tries, with commas; all if it is
// not set.
const pathsEnv = "CAREHOME_TEST_LEAK_PATHS"

// TestNothingLeaks tries every role, every type and every path.
func TestNothingLeaks(t *testing.T) {
	paths, want := leakPaths(), 3000/sample
	if only := os.Getenv(pathsEnv); only != "" {
		paths = slices.DeleteFunc(paths, func(p path) bool { return !slices.Contains(strings.Split(only, ","), p.name) })
		want = len(paths)
	}
	w := newWorld(t, 0)
	found := w.run(t, paths, everyone, 0)
	for _, name := range slices.Sorted(maps.Keys(found.byPath)) {
		t.Logf("%-10s %5d cells, %d leaks", name, found.byPath[name], len(found.leaks[name]))
		for i, leak := range found.leaks[name] {
			if i == 12 {
				break
			}
			t.Errorf("%.700s", leak)
		}
	}
	t.Logf("%d cells", found.cells)
	if found.cells < want {
		t.Errorf("%d cells only, want %d", found.cells, want)
	}
	for _, p := range paths {
		if found.byPath[p.name] == 0 {
			t.Errorf("the path %s was not tried", p.name)
		}
	}
}

// TestEverythingIsTried: each way to look at each type is tried for each viewer, and
// each mutation and each subscription in each of their names.
func TestEverythingIsTried(t *testing.T) {
	w := newWorld(t, 0)
	o, tried := w.oracle, map[[3]string]bool{}
	for _, p := range leakPaths() {
		for _, a := range w.askers {
			for _, c := range p.cells(w, a) {
				tried[[3]string{p.name, a.name, c.of}] = true
			}
		}
	}
	for _, fields := range []ast.FieldList{o.schema.Query.Fields, o.schema.Mutation.Fields, o.schema.Subscription.Fields} {
		for _, f := range fields {
			if !strings.HasPrefix(f.Name, "__") && !tried[[3]string{"nobody", w.askers[0].name, f.Name}] {
				t.Errorf("%s is not tried by nobody", f.Name)
			}
		}
	}
	for _, a := range w.askers {
		must := func(of string, paths ...string) {
			for _, path := range paths {
				if !tried[[3]string{path, a.name, of}] {
					t.Errorf("%s of %s is not tried by %s", path, of, a.name)
				}
			}
		}
		for _, typ := range o.types() {
			must(typ, "node", "nodes", "list", "count", "cursor")
			if a.Role != viewer.Admin { // what filters and orders mean is learnt from there
				must(typ, "filter", "order")
			}
			if len(o.edges(typ)) > 0 {
				must(typ, "edge")
			}
			if slices.ContainsFunc(o.schema.Types[typ+"WhereInput"].Fields, func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "has") }) {
				must(typ, "hop")
			}
		}
		for _, f := range o.schema.Subscription.Fields {
			must(f.Name, "subscription")
		}
		for _, m := range o.everyAct() {
			must(m.field.Name, "retry")
			if w.may(a, m) {
				must(m.field.Name, "payload")
			} else {
				must(m.field.Name, "act")
			}
		}
	}
}

// enough cells of a path, in one name, see whatever rule is gone.
const enough = 120

// TestPlantedLeaksAreFound takes one rule away at a time: the matrix must see it,
// or it proves nothing.
func TestPlantedLeaksAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		lapse access.Rule
		// in are paths that must report it.
		in []string
	}{
		"rows":    {access.Rows, []string{"node", "nodes", "list", "count", "edge", "filter", "hop", "order", "search", "bisect", "nested", "subscription"}},
		"fields":  {access.Fields, []string{"node", "list"}},
		"filters": {access.Filters, []string{"filter", "hop", "order", "search"}},
		"acts":    {access.Acts, []string{"act", "reference"}},
		"cursors": {access.Cursors, []string{"cursor"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.lapse)
			var paths []path
			for _, p := range leakPaths() {
				if slices.Contains(tc.in, p.name) {
					paths = append(paths, p)
				}
			}
			found := w.run(t, paths, func(a asker) bool {
				return a.name == "FAMILY of two" || a.name == "REPORTING" || strings.HasPrefix(a.name, "NURSE")
			}, enough)
			for _, in := range tc.in {
				t.Logf("%s: %d leaks in %d cells", in, len(found.leaks[in]), found.byPath[in])
				if len(found.leaks[in]) == 0 {
					t.Errorf("the matrix does not see by %s that the rule of %s is gone", in, name)
				}
			}
		})
	}
}
