package reference_test

import (
	"compress/gzip"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
	"carehome/internal/reference"
	"carehome/internal/web"
)

// whole is the graph's own schema with the playground's examples.
func whole(t *testing.T) (*ast.Schema, *reference.Reference) {
	t.Helper()
	names, err := filepath.Glob("../../graph/*.graphqls")
	if err != nil || len(names) == 0 {
		t.Fatalf("no schema: %v", err)
	}
	var sources []*ast.Source
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	examples, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	r, err := reference.New(schema, examples)
	if err != nil {
		t.Fatal(err)
	}
	return schema, r
}

// small is a schema with what the graph's own has none of, yet.
func small(t *testing.T) *reference.Reference {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: `
		"Rows < of | all * kinds."
		union Thing = Cat | Dog
		"A cat."
		type Cat { "Its name." name: String! @deprecated(reason: "Use <title>.") }
		"A dog."
		type Dog { "Its name." name(upper: Boolean = false): String! }
		"One of two, with ` + "`code`" + `."
		input Which @oneOf { "By id." id: ID "By name." name: String = "Rex" }
		"A size."
		enum Size { "Small." S "Large." L @deprecated }
		"An address."
		scalar URL @specifiedBy(url: "https://example.org/url")
		type Query { "Finds.\n\nSecond paragraph." things("Which." by: Which!, size: Size = S): [Thing!]! @deprecated(reason: "Old.") link: URL }
		type Subscription { "New ones." thing: Thing }`})
	if err != nil {
		t.Fatal(err)
	}
	r, err := reference.New(schema, []web.Example{{Name: "one", Title: "Find & look", Kind: "query", Query: "# Find & look\nquery One { things(by: {id: 1}) { ...F } }\nfragment F on Cat { name }\n", Variables: "{}"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func handler(r *reference.Reference) http.Handler {
	return reference.Handler(func() (*reference.Reference, error) { return r, nil })
}

func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// pages are all pages by name.
func pages(t *testing.T, r *reference.Reference) map[string]string {
	t.Helper()
	h := handler(r)
	all := map[string]string{}
	for _, name := range append([]string{"", "examples", "search?q=resident", "search"}, slugs(r)...) {
		w := ask(h, "GET", "/docs/"+name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("/docs/%s: %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		all[name] = w.Body.String()
	}
	return all
}

func slugs(r *reference.Reference) (list []string) {
	for _, s := range r.Sections {
		list = append(list, s.Slug)
	}
	return list
}

// normal is a text as a reader sees it: entities are characters, and a line's end
// is a space.
func normal(text string) string { return strings.Join(strings.Fields(html.UnescapeString(text)), " ") }

// Every type, field, argument and value is there with its description, in both.
func TestEverythingIsThere(t *testing.T) {
	schema, r := whole(t)
	anchors, onPages, inMarkdown := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var allPages, allMarkdown strings.Builder
	for _, page := range pages(t, r) {
		for _, anchor := range regexp.MustCompile(`id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
			anchors[anchor[1]] = true
		}
		// Tags within descriptions, of code, are not what is looked for.
		page = strings.NewReplacer("<code>", "", "</code>", "").Replace(page)
		for _, piece := range regexp.MustCompile(`<[^>]*>`).Split(page, -1) {
			onPages[normal(piece)] = true
		}
		allPages.WriteString(normal(page))
	}
	for _, file := range r.Markdown() {
		plain := strings.NewReplacer("`", "", `\*`, "*", `\|`, "|").Replace(string(file))
		for line := range strings.Lines(plain) {
			for cell := range strings.SplitSeq(line, " | ") {
				inMarkdown[normal(strings.TrimSuffix(strings.TrimSpace(cell), " |"))] = true
			}
		}
		allMarkdown.WriteString(normal(plain))
	}
	checked := 0
	is := func(where, anchor, description string) {
		checked++
		want := normal(strings.ReplaceAll(description, "`", ""))
		if want == "" || !onPages[want] && !strings.Contains(allPages.String(), want) {
			t.Errorf("%s is not on the pages: %q", where, want)
		}
		if !inMarkdown[want] && !strings.Contains(allMarkdown.String(), want) {
			t.Errorf("%s is not in the Markdown: %q", where, want)
		}
		if anchor != "" && !anchors[anchor] {
			t.Errorf("%s has no anchor %q", where, anchor)
		}
	}
	for name, definition := range schema.Types {
		if strings.HasPrefix(name, "__") || definition.BuiltIn {
			continue
		}
		root := definition == schema.Query || definition == schema.Mutation || definition == schema.Subscription
		if !root {
			is(name, name, definition.Description)
		}
		for _, field := range definition.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			anchor := name + "." + field.Name
			if root {
				anchor = field.Name
			}
			is(name+"."+field.Name, anchor, field.Description)
			for _, argument := range field.Arguments {
				is(name+"."+field.Name+"("+argument.Name+")", "", argument.Description)
			}
		}
		for _, value := range definition.EnumValues {
			is(name+"."+value.Name, name+"."+value.Name, value.Description)
		}
	}
	if checked < 3000 {
		t.Errorf("looked for %d descriptions only", checked)
	}
	for _, code := range problem.Codes() {
		if !strings.Contains(allPages.String(), string(code)) || !regexp.MustCompile("`"+string(code)+"` \\| [A-Z]").Match(r.Markdown()["README.md"]) {
			t.Errorf("the code %s is not explained", code)
		}
	}
}

// No link leads nowhere.
func TestLinks(t *testing.T) {
	for name, r := range map[string]*reference.Reference{"whole": second(whole(t)), "small": small(t)} {
		t.Run(name, func(t *testing.T) {
			all := pages(t, r)
			anchors := map[string]map[string]bool{}
			for name, page := range all {
				anchors[name] = map[string]bool{}
				for _, id := range regexp.MustCompile(`id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
					anchors[name][id[1]] = true
				}
			}
			links := 0
			for from, page := range all {
				for _, link := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
					links++
					to, anchor, _ := strings.Cut(html.UnescapeString(link[1]), "#")
					switch to {
					case "data:,", "docs.css", "docs.js", "../", "search":
						continue
					case "./":
						to = ""
					case "":
						to = from
					}
					if _, there := all[to]; !there {
						t.Errorf("/docs/%s links to %q", from, link[1])
					} else if anchor != "" && !anchors[to][anchor] {
						t.Errorf("/docs/%s links to %q, which is not there", from, link[1])
					}
				}
			}
			files := r.Markdown()
			headings := map[string]map[string]int{}
			for name, file := range files {
				headings[name] = map[string]int{}
				for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(file), -1) {
					headings[name][anchorOf(heading[1])]++
				}
			}
			for from, file := range files {
				for _, link := range regexp.MustCompile(`\]\(([a-zA-Z]+\.md)?(?:#([^)]+))?\)`).FindAllStringSubmatch(string(file), -1) {
					links++
					to := files[link[1]]
					if to == nil {
						t.Errorf("%s links to %q", from, link[1])
						continue
					}
					if link[2] != "" && headings[link[1]][link[2]] != 1 {
						t.Errorf("%s links to %s, which is there %d times", from, link[0], headings[link[1]][link[2]])
					}
				}
			}
			if links < 20 {
				t.Errorf("%d links only", links)
			}
		})
	}
}

func second(_ *ast.Schema, r *reference.Reference) *reference.Reference { return r }

// anchorOf is what GitHub makes of a heading.
func anchorOf(heading string) string {
	heading = strings.ToLower(strings.ReplaceAll(heading, "&lt;", "<"))
	return strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N}_\- ]`).ReplaceAllString(heading, ""), " ", "-")
}

func TestSmall(t *testing.T) {
	r := small(t)
	all := pages(t, r)
	if got := slugs(r); !slices.Equal(got, []string{"queries", "subscriptions", "objects", "inputs", "enums", "scalars"}) {
		t.Errorf("the pages are %v", got)
	}
	for page, wants := range map[string][]string{
		"queries": {`<p>Finds.</p><p>Second paragraph.</p>`, `Deprecated:</strong> Old.`, `<code>[<a href="objects#Thing">Thing</a>!]!</code>`,
			`Default: <code>S</code>.`, `<summary>Example: Find &amp; look</summary>`, `query One { things(by: {id: 1})`},
		"objects": {`Is one of <code><a href="objects#Cat">Cat</a></code>, <code><a href="objects#Dog">Dog</a></code>.`, `Rows &lt; of | all * kinds.`,
			`Deprecated: Use &lt;title&gt;.`, `<summary>1 argument</summary>`, `e.g. <a href="examples#one">Find &amp; look</a>`},
		"inputs":        {`Exactly one of its fields is given.`, `<p>One of two, with <code>code</code>.</p>`, `Default: <code>&#34;Rex&#34;</code>.`, `Used by <a href="queries#things"><code>Query.things</code></a>.`},
		"enums":         {`id="Size.L"`, `No longer supported`},
		"scalars":       {`As in https://example.org/url.`},
		"subscriptions": {`New ones.`},
		"examples":      {`id="one"`},
	} {
		for _, want := range wants {
			if !strings.Contains(all[page], want) {
				t.Errorf("%s: there is no %s in\n%s", page, want, all[page])
			}
		}
	}
	files := r.Markdown()
	for file, wants := range map[string][]string{
		"queries.md": {"**Deprecated:** Old.", "Gives [`[Thing!]!`](objects.md#thing).", "| `size` | [`Size`](enums.md#size) |  Default: `S`. |", "[Find & look](examples.md#find--look)"},
		"objects.md": {"Rows &lt; of | all \\* kinds.", "Is one of [`Cat`](objects.md#cat), [`Dog`](objects.md#dog).", "**Deprecated:** Use &lt;title>. Its name.", "Arguments of `name`:"},
		"inputs.md":  {"Exactly one of its fields is given."},
		"scalars.md": {"As in <https://example.org/url>."},
	} {
		for _, want := range wants {
			if !strings.Contains(string(files[file]), want) {
				t.Errorf("%s: there is no %s in\n%s", file, want, files[file])
			}
		}
	}
}

func TestErrExample(t *testing.T) {
	schema, _ := whole(t)
	for _, query := range []string{"{ noSuchField }", "{"} {
		if _, err := reference.New(schema, []web.Example{{Name: "x", Query: query}}); err == nil || !strings.Contains(err.Error(), "example x") {
			t.Errorf("%q gives %v", query, err)
		}
	}
}

func TestServe(t *testing.T) {
	_, r := whole(t)
	h := handler(r)
	t.Run("OK pages have a policy and no script of their own", func(t *testing.T) {
		for name, page := range pages(t, r) {
			if strings.Count(page, "<script") != 1 || !strings.Contains(page, `<script src="docs.js" defer></script>`) ||
				strings.Contains(page, "<style") || regexp.MustCompile(`\s(on\w+|style)=`).MatchString(page) {
				t.Errorf("/docs/%s has a script or a style of its own", name)
			}
		}
		policy := ask(h, "GET", "/docs/").Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("the policy is %q", policy)
		}
	})
	t.Run("OK small", func(t *testing.T) {
		size := 0
		for _, name := range append([]string{"", "examples", "docs.css", "docs.js", "search.json"}, slugs(r)...) {
			w := ask(h, "GET", "/docs/"+name, "Accept-Encoding", "gzip")
			if w.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("/docs/%s is not packed", name)
			}
			size += w.Body.Len()
			packed, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(packed)
			if err != nil || string(plain) != ask(h, "GET", "/docs/"+name).Body.String() {
				t.Errorf("/docs/%s: packed and plain differ (%v)", name, err)
			}
		}
		if size > 400<<10 {
			t.Errorf("all pages have %d bytes", size)
		}
		t.Logf("all pages have %d bytes, packed", size)
	})
	t.Run("OK not modified", func(t *testing.T) {
		etag := ask(h, "GET", "/docs/objects").Header().Get("ETag")
		if w := ask(h, "GET", "/docs/objects", "If-None-Match", etag); etag == "" || w.Code != http.StatusNotModified {
			t.Errorf("%d for the ETag %q", w.Code, etag)
		}
	})
	t.Run("OK the folder's name alone", func(t *testing.T) {
		if w := ask(h, "GET", "/docs"); w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "docs/" {
			t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	})
	for target, want := range map[string]string{
		"/docs/docs.css": "text/css; charset=utf-8", "/docs/docs.js": "text/javascript; charset=utf-8", "/docs/search.json": "application/json",
	} {
		if got := ask(h, "GET", target).Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %q", target, got)
		}
	}
	for _, target := range []string{"/docs/nothing", "/docs/page.html", "/docs/objects/", "/docs/docs.go", "/other", "/docs//"} {
		if code := ask(h, "GET", target).Code; code != http.StatusNotFound {
			t.Errorf("%s: %d", target, code)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if w := ask(h, method, "/docs/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

// The form works without a script, and shows what was asked as text.
func TestSearch(t *testing.T) {
	h := handler(second(whole(t)))
	for question, first := range map[string]string{
		"Resident": "objects#Resident", "resident": "objects#Resident", "createWellness": "mutations#createWellness", "takenAt": "objects#Wellness.takenAt",
		"resid": "objects#Resident", "Find a resident": "examples#030-find-resident", "LocalTime": "scalars#LocalTime", "TRANSDERMAL": "enums#PrescriptionRoute.TRANSDERMAL",
	} {
		body := ask(h, "GET", "/docs/search?q="+strings.ReplaceAll(question, " ", "+")).Body.String()
		_, list, _ := strings.Cut(body, `<ul class="results">`)
		found := regexp.MustCompile(`href="([^"]+)"`).FindStringSubmatch(list)
		if found == nil {
			t.Errorf("%s finds nothing", question)
		} else if page, _, _ := strings.Cut(first, "#"); question != "resident" && question != "resid" && question != "takenAt" && found[1] != first {
			t.Errorf("%s finds %s first, want %s", question, found[1], first)
		} else if !strings.Contains(list, `href="`+first+`"`) && page != "" {
			t.Errorf("%s does not find %s", question, first)
		}
	}
	body := ask(h, "GET", `/docs/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22`).Body.String()
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, "0 found for “&lt;script&gt;alert(1)&lt;/script&gt;&#34;”") {
		t.Errorf("what was asked is shown as\n%s", body)
	}
	if body := ask(h, "GET", "/docs/search?q="+strings.Repeat("a", 5000)).Body.String(); strings.Contains(body, strings.Repeat("a", 101)) {
		t.Error("a question of any length comes back")
	}
}
