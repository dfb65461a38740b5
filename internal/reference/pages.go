package reference

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

//go:embed pages
var files embed.FS

// view is what a page's template is given.
type view struct {
	*Reference
	Title   string
	Section *Section // of a page of entries
	Index   bool
	// ShowExamples is set for the page of examples.
	ShowExamples bool
	// Query and Found are those of a search without a script.
	Searched bool
	Query    string
	Found    []hit
}

// About, Conventions and Codes are the words of the first page.
func (view) About() string { return about }

// Convention is one of the first page.
type Convention struct{ Title, Text string }

// Conventions are those that hold everywhere.
func (view) Conventions() (list []Convention) {
	for _, c := range conventions() {
		list = append(list, Convention{c.title, c.text})
	}
	return list
}

// Codes are the codes of errors with what they mean.
func (view) Codes() (list []Convention) {
	for _, code := range problem.Codes() {
		list = append(list, Convention{string(code), meaning(code)})
	}
	return list
}

// templates parses the pages' template.
func (r *Reference) templates() (*template.Template, error) {
	return template.New("page.html").Funcs(template.FuncMap{
		"type":      r.typeHTML,
		"words":     wordsHTML,
		"line":      lineHTML,
		"place":     r.placeHTML,
		"named":     func(name string) template.HTML { return r.typeHTML(ast.NamedType(name, nil)) },
		"heading":   heading,
		"operation": operation,
		"few":       func(list []*Example) []*Example { return list[:min(len(list), shownExamples)] },
		"some":      func(list []place) []place { return list[:min(len(list), shownUses)] },
		"rest":      func(list []place) int { return max(0, len(list)-shownUses) },
	}).ParseFS(files, "pages/page.html")
}

// typeHTML is a type as it is written, with a link to what it is.
func (r *Reference) typeHTML(typ *ast.Type) template.HTML {
	name := typ.Name()
	before, after, _ := strings.Cut(typ.String(), name)
	return template.HTML(fmt.Sprintf(`<code>%s<a href="%s#%s">%s</a>%s</code>`, before, r.page[name], name, name, after))
}

// placeHTML is a link to where something is used.
func (r *Reference) placeHTML(p place) template.HTML {
	page, anchor := r.where(p)
	return template.HTML(fmt.Sprintf(`<a href="%s#%s"><code>%s.%s</code></a>`, page, anchor, p.Type, p.Field))
}

// wordsHTML is a description: paragraphs, with what stands between backticks as
// code. lineHTML is one without paragraphs.
func wordsHTML(description string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(description), "\n\n") {
		b.WriteString("<p>" + string(lineHTML(paragraph)) + "</p>")
	}
	return template.HTML(b.String())
}

func lineHTML(description string) template.HTML {
	var b strings.Builder
	parts := strings.Split(strings.TrimSpace(description), "`")
	for i, part := range parts {
		part = template.HTMLEscapeString(part)
		switch {
		case i%2 == 0:
			b.WriteString(part)
		case i == len(parts)-1: // a backtick without its other one
			b.WriteString("`" + part)
		default:
			b.WriteString("<code>" + part + "</code>")
		}
	}
	return template.HTML(b.String())
}

// render makes all pages by the last part of their address; the first is "".
func (r *Reference) render() (map[string][]byte, error) {
	page, err := r.templates()
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	made := map[string][]byte{}
	one := func(name string, v view) error {
		v.Reference = r
		var b bytes.Buffer
		if err := page.Execute(&b, v); err != nil {
			return fmt.Errorf("rendering %q: %w", name, err)
		}
		made[name] = b.Bytes()
		return nil
	}
	if err := one("", view{Title: "The API", Index: true}); err != nil {
		return nil, err
	}
	if err := one("examples", view{Title: "Examples", ShowExamples: true}); err != nil {
		return nil, err
	}
	for _, s := range r.Sections {
		if err := one(s.Slug, view{Title: s.Title, Section: s}); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"docs.css", "docs.js"} {
		if made[name], err = files.ReadFile("pages/" + name); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	if made["search.json"], err = json.Marshal(r.hits()); err != nil {
		return nil, fmt.Errorf("writing the index: %w", err)
	}
	return made, nil
}
