package reference

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"carehome/internal/web"
)

// contentSecurityPolicy lets the pages use their own style and script, and the
// form of the search this server; there is nothing else.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the reference that make returns: the first page at /docs/, the
// others below it. It is made at the first question, so that a start does not
// wait for it.
func Handler(make func() (*Reference, error)) http.Handler {
	return &handler{load: sync.OnceValues(func() (*site, error) {
		r, err := make()
		if err != nil {
			return nil, err
		}
		pages, err := r.render()
		if err != nil {
			return nil, err
		}
		s := &site{reference: r, hits: r.hits(), pages: map[string]*web.Page{}}
		for name, content := range pages {
			if s.pages[name], err = web.NewPage(name, content); err != nil {
				return nil, fmt.Errorf("packing %q: %w", name, err)
			}
		}
		return s, nil
	})}
}

type handler struct{ load func() (*site, error) }

// site is what is served.
type site struct {
	reference *Reference
	pages     map[string]*web.Page
	hits      []hit
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	web.Protect(header, contentSecurityPolicy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/docs" {
		// Relative, so that it holds behind a proxy that adds a prefix.
		header.Set("Location", "docs/")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	s, err := h.load()
	if err != nil {
		panic(err) // the schema and the examples are part of the program
	}
	name, below := strings.CutPrefix(r.URL.Path, "/docs/")
	if name == "search" && below {
		s.search(w, r)
		return
	}
	page := s.pages[name]
	if page == nil || !below {
		http.NotFound(w, r)
		return
	}
	header.Set("Cache-Control", "no-cache")
	page.ServeHTTP(w, r)
}

// search answers the form, for browsers without scripts.
func (s *site) search(w http.ResponseWriter, r *http.Request) {
	page, err := s.reference.templates()
	if err != nil {
		panic(err) // a file of the program
	}
	question := r.URL.Query().Get("q")
	v := view{Reference: s.reference, Title: "Search", Searched: true, Query: question[:min(len(question), maxQuestion)], Found: search(s.hits, question)}
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	// The peer may have gone: there is nobody to tell.
	_, _ = w.Write(b.Bytes())
}
