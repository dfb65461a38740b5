package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"carehome/internal/web"
)

func handler(t *testing.T) http.Handler {
	t.Helper()
	h, err := web.Handler(web.Options{Endpoint: "/graphql", Examples: []web.Example{
		{Name: "one", Title: "One & only", Kind: "query", Query: "# </script><b>\n{ __typename }\n"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return h
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

var (
	linked   = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	dataOnly = regexp.MustCompile(`(?s)<script type="application/json" id="settings">(.*?)</script>`)
)

func TestPage(t *testing.T) {
	h := handler(t)
	w := ask(h, "GET", "/")
	page := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %q", w.Code, w.Header().Get("Content-Type"))
	}

	t.Run("OK names files that are there", func(t *testing.T) {
		files := 0
		for _, match := range linked.FindAllStringSubmatch(page, -1) {
			if match[1] == "data:," { // no icon, so that the browser asks for none
				continue
			}
			files++
			if code := ask(h, "GET", "/"+match[1]).Code; code != http.StatusOK {
				t.Errorf("%s: %d", match[1], code)
			}
		}
		if files != 2 {
			t.Errorf("%d files, want a script and a style sheet:\n%s", files, page)
		}
	})

	t.Run("OK hands over the settings as data", func(t *testing.T) {
		data := dataOnly.FindStringSubmatch(page)
		if data == nil {
			t.Fatalf("no settings in\n%s", page)
		}
		var settings struct {
			Endpoint string
			Examples []web.Example
			Workers  map[string]string
		}
		if err := json.Unmarshal([]byte(data[1]), &settings); err != nil {
			t.Fatal(err)
		}
		if settings.Endpoint != "/graphql" {
			t.Errorf("endpoint %q", settings.Endpoint)
		}
		if len(settings.Examples) != 1 || settings.Examples[0].Query != "# </script><b>\n{ __typename }\n" {
			t.Errorf("examples %+v", settings.Examples)
		}
		for _, name := range []string{"editor", "json", "graphql"} {
			if code := ask(h, "GET", "/"+settings.Workers[name]).Code; code != http.StatusOK {
				t.Errorf("worker %s at %q: %d", name, settings.Workers[name], code)
			}
		}
	})

	t.Run("OK runs no script but its own files", func(t *testing.T) {
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") {
			t.Errorf("policy %q", policy)
		}
		if strings.Contains(policy, "http") || strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "*") {
			t.Errorf("the policy lets something else in: %q", policy)
		}
		rest := dataOnly.ReplaceAllString(page, "")
		if scripts := strings.Count(rest, "<script"); scripts != 1 || !strings.Contains(rest, `<script type="module" src="playground/`) {
			t.Errorf("%d scripts beside the settings:\n%s", scripts, rest)
		}
		if inline := regexp.MustCompile(`(?i)\son\w+=|javascript:`).FindString(rest); inline != "" {
			t.Errorf("an inline script: %q", inline)
		}
	})
}

func TestServe(t *testing.T) {
	h := handler(t)
	style := "/" + regexp.MustCompile(`playground/playground-\w+\.css`).FindString(ask(h, "GET", "/").Body.String())

	t.Run("OK page is asked for again, files are kept", func(t *testing.T) {
		if got := ask(h, "GET", "/").Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("page: %q", got)
		}
		if got := ask(h, "GET", style).Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("style: %q", got)
		}
		if got := ask(h, "GET", "/playground/licenses.txt").Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("licences, whose name never changes: %q", got)
		}
	})

	t.Run("OK packed and plain are the same file", func(t *testing.T) {
		for _, target := range []string{"/", style} {
			packed := ask(h, "GET", target, "Accept-Encoding", "br, gzip")
			if packed.Header().Get("Content-Encoding") != "gzip" {
				t.Fatalf("%s: not packed", target)
			}
			if got, want := packed.Header().Get("Content-Length"), packed.Body.Len(); got == "" || got != strconv.Itoa(want) {
				t.Errorf("%s: Content-Length %q, body of %d", target, got, want)
			}
			r, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			plain := ask(h, "GET", target)
			if plain.Header().Get("Content-Encoding") != "" || !bytes.Equal(plain.Body.Bytes(), unpacked) {
				t.Errorf("%s: the plain file differs", target)
			}
			if packed.Header().Get("ETag") == plain.Header().Get("ETag") {
				t.Errorf("%s: both have the ETag %s", target, plain.Header().Get("ETag"))
			}
			if got := plain.Header().Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("%s: Vary %q", target, got)
			}
		}
	})

	for accept, packed := range map[string]bool{
		"gzip": true, "GZIP": true, "x-gzip": true, "*": true, "deflate, gzip;q=0.5": true, "gzip; q=1.0": true,
		"": false, "br": false, "gzip;q=0": false, "gzip;q=0.000, *": false, "*;q=0": false, "gzip;q=much": false,
		"identity, *;q=0": false,
	} {
		t.Run("OK Accept-Encoding "+accept, func(t *testing.T) {
			got := ask(h, "GET", style, "Accept-Encoding", accept).Header().Get("Content-Encoding") == "gzip"
			if got != packed {
				t.Errorf("packed: %t, want %t", got, packed)
			}
		})
	}

	t.Run("OK not modified", func(t *testing.T) {
		for _, accept := range []string{"", "gzip"} {
			etag := ask(h, "GET", "/", "Accept-Encoding", accept).Header().Get("ETag")
			w := ask(h, "GET", "/", "Accept-Encoding", accept, "If-None-Match", `"other", `+etag)
			if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
				t.Errorf("%q: %d with %d bytes", accept, w.Code, w.Body.Len())
			}
			if w.Header().Get("ETag") != etag || w.Header().Get("Cache-Control") == "" {
				t.Errorf("%q: 304 with %v", accept, w.Header())
			}
		}
	})

	t.Run("OK HEAD", func(t *testing.T) {
		get, head := ask(h, "GET", style), ask(h, "HEAD", style)
		if head.Code != http.StatusOK || head.Body.Len() != 0 {
			t.Errorf("%d with %d bytes", head.Code, head.Body.Len())
		}
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Cache-Control"} {
			if got, want := head.Header().Get(name), get.Header().Get(name); got != want || got == "" {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})

	t.Run("OK content types", func(t *testing.T) {
		entries, err := os.ReadDir("dist")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".ttf": "font/ttf",
			".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
		}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".gz")
			w := ask(h, "GET", "/playground/"+name, "Accept-Encoding", "gzip")
			if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != want[filepath.Ext(name)] {
				t.Errorf("%s: %d %q", name, w.Code, got)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: may be sniffed", name)
			}
		}
	})

	for _, target := range []string{
		"/nothing", "/playground", "/playground/", "/playground/nothing.js", "/playground/../web.go",
		"/playground/licenses.txt.gz", "/licenses.txt", style + "/", "/index.html",
	} {
		t.Run("ErrNotFound "+target, func(t *testing.T) {
			if code := ask(h, "GET", target).Code; code != http.StatusNotFound {
				t.Errorf("%d", code)
			}
		})
	}

	t.Run("ErrMethod", func(t *testing.T) {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			w := ask(h, method, "/")
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
			}
		}
	})
}

// The repository carries these files, and every visitor loads most of them.
func TestSize(t *testing.T) {
	const limit = 3 << 20
	entries, err := os.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size == 0 || size > limit {
		t.Errorf("dist has %d bytes, want at most %d", size, limit)
	}
}

// The bundler is needed to build the page, not to serve it.
func TestServerDoesNotLinkBundler(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "carehome").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("carehome/internal/web\n")) {
		t.Fatalf("not the list that was asked for:\n%s", out)
	}
	if bytes.Contains(out, []byte("evanw/esbuild")) {
		t.Error("the server depends on esbuild")
	}
}
