package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dist holds the bundled page, one gzip file per asset. It is generated; see
// the program in bundle.
//
//go:embed dist/*.gz
var dist embed.FS

//go:embed page.html
var pageHTML string

// assets is the folder under which the bundled files are served. The page
// names them relative to itself, so it also works behind a proxy that adds a
// prefix.
const assets = "playground/"

// contentSecurityPolicy lets the page use this server and nothing else. The
// exceptions, and why each is needed:
//
//   - style-src 'unsafe-inline': the editor (Monaco) measures text and places
//     it by style elements and attributes that it writes itself, and has no way
//     to sign them. Styles cannot run code, and with every source limited to
//     this server they have nowhere to send anything.
//   - img-src data:, font-src 'self': the editor's squiggles are pictures
//     inside its style sheet; its font and icons are files of ours.
//   - worker-src 'self': the editor checks what is typed in workers.
//
// Scripts have no exception: none is inline and none is evaluated from text.
// The settings in the page are data, which browsers do not execute.
const contentSecurityPolicy = "default-src 'none'; " +
	"script-src 'self'; " +
	"worker-src 'self'; " +
	"connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; " +
	"font-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options are what the playground must be told.
type Options struct {
	// Endpoint is the path of the GraphQL API, as a browser sees it: "/graphql".
	// It must be on the server that serves the page; the page's policy lets it
	// speak to no other.
	Endpoint string
	// Examples are the operations of the menu, in its order. The first one is
	// in the editor on the first visit.
	Examples []Example
}

// Handler returns the playground: the page at / and its files below
// /playground/. Anything else is 404, any method but GET and HEAD is 405. It
// fails only if the embedded files are not what the bundler makes.
func Handler(o Options) (http.Handler, error) {
	files, err := load()
	if err != nil {
		return nil, fmt.Errorf("loading the playground: %w", err)
	}
	page, err := render(o, files)
	if err != nil {
		return nil, fmt.Errorf("rendering the playground: %w", err)
	}
	return &handler{page: page, files: files}, nil
}

// Protect sets what tells a browser to trust a page with nothing but what its
// policy names, and no other site with the page.
func Protect(header http.Header, policy string) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

type handler struct {
	page  *file
	files map[string]*file // by name, without .gz
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	Protect(header, contentSecurityPolicy)

	f, cache := h.page, "no-cache" // the page is asked for again, so that an upgrade is seen
	if r.URL.Path != "/" {
		name, _ := strings.CutPrefix(r.URL.Path, "/"+assets)
		if f = h.files[name]; f == nil || !strings.HasPrefix(r.URL.Path, "/"+assets) {
			http.NotFound(w, r)
			return
		}
		if f.hashed {
			cache = "public, max-age=31536000, immutable"
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	header.Set("Cache-Control", cache)
	f.serve(w, r)
}

// file is one file of the page, kept as it is sent to nearly everybody:
// compressed.
type file struct {
	name   string
	packed []byte
	hashed bool   // the name changes with the content
	etag   string // without quotes
	plain  func() []byte
}

func newFile(name string, packed []byte) *file {
	sum := sha256.Sum256(packed)
	return &file{
		name:   name,
		packed: packed,
		hashed: strings.Contains(name, "-"),
		etag:   hex.EncodeToString(sum[:12]),
		// Unpacked at most once, and only if somebody asks who cannot do it.
		plain: sync.OnceValue(func() []byte { return unpack(packed) }),
	}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", contentType(f.name))
	header.Add("Vary", "Accept-Encoding")
	content := f.packed
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		header.Set("ETag", strconv.Quote(f.etag+"-gz"))
		header.Set("Content-Length", strconv.Itoa(len(content))) // ServeContent leaves it to us when content is encoded
	} else {
		content = f.plain()
		header.Set("ETag", strconv.Quote(f.etag))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Page is one file that is served as it is: packed for whoever can read that, with
// an ETag of its content.
type Page struct{ file *file }

// NewPage packs content. Its type follows from the name, which is that of a page
// (HTML) where it has no extension.
func NewPage(name string, content []byte) (*Page, error) {
	if path.Ext(name) == "" {
		name += ".html"
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &Page{newFile(name, packed.Bytes())}, nil
}

// ServeHTTP answers GET and HEAD; headers other than those of the content are the
// caller's.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.file.serve(w, r) }

// contentType does not ask the machine's table of types: it differs between
// machines, and browsers refuse a module of another type.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json":
		return "application/json"
	case ".ttf":
		return "font/ttf"
	case ".woff2":
		return "font/woff2"
	default:
		return "text/plain; charset=utf-8"
	}
}

// acceptsGzip reports whether an Accept-Encoding header allows gzip (RFC 9110,
// 12.5.3): it is named, or covered by *, with a weight that is not zero.
func acceptsGzip(values []string) bool {
	star := false
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(item, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				weight = 0 // not a weight: the plain file is always right
			}
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			star = weight > 0
		}
	}
	return star
}

// load returns the embedded files by the name under which they are served.
func load() (map[string]*file, error) {
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, err
	}
	files := make(map[string]*file, len(entries))
	for _, e := range entries {
		packed, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(e.Name(), ".gz")
		files[name] = newFile(name, packed)
	}
	return files, nil
}

// settings are handed to the page's script.
type settings struct {
	Endpoint string            `json:"endpoint"`
	Examples []Example         `json:"examples"`
	Workers  map[string]string `json:"workers"`
}

// render makes the page, which names the current files.
func render(o Options, files map[string]*file) (*file, error) {
	var err error
	find := func(stem, ext string) string {
		name, e := entry(files, stem, ext)
		if err == nil {
			err = e
		}
		return assets + name
	}
	data := struct {
		Style, Script string
		Settings      settings
	}{
		Style:  find("playground", ".css"),
		Script: find("playground", ".js"),
		Settings: settings{
			Endpoint: o.Endpoint,
			Examples: o.Examples,
			Workers: map[string]string{
				"editor":  find("worker-editor", ".js"),
				"json":    find("worker-json", ".js"),
				"graphql": find("worker-graphql", ".js"),
			},
		},
	}
	if err != nil {
		return nil, err
	}
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	packer := gzip.NewWriter(&buf)
	if err := page.Execute(packer, data); err != nil {
		return nil, err
	}
	if err := packer.Close(); err != nil {
		return nil, err
	}
	return newFile("index.html", buf.Bytes()), nil
}

// entry returns the one file called stem-HASH.ext.
func entry(files map[string]*file, stem, ext string) (string, error) {
	found := ""
	for name := range files {
		hash, ok := strings.CutPrefix(strings.TrimSuffix(name, ext), stem+"-")
		if !ok || path.Ext(name) != ext || strings.Contains(hash, "-") {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("both %s and %s are there", found, name)
		}
		found = name
	}
	if found == "" {
		return "", fmt.Errorf("%s-*%s is missing", stem, ext)
	}
	return found, nil
}

// unpack panics where content is not gzip: the binary itself would be damaged.
func unpack(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return content
}
