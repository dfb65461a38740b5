package reference

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

// note stands at the head of each file, so that nobody edits it.
const note = "<!-- Code generated from the schema by go generate, DO NOT EDIT. -->\n\n"

// Markdown are the files of docs/api by name.
func (r *Reference) Markdown() map[string][]byte {
	files := map[string][]byte{"README.md": []byte(note + r.markdownIndex()), "examples.md": []byte(note + r.markdownExamples())}
	for _, s := range r.Sections {
		files[s.Slug+".md"] = []byte(note + r.markdownSection(s))
	}
	return files
}

func (r *Reference) markdownIndex() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The API\n\n%s The same as pages, with a search, is at `/docs` of every server.\n\n| | |\n|---|---|\n", about)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", s.Title, s.Slug, s.Intro)
	}
	fmt.Fprintf(&b, "| [Examples](examples.md) | The %d operations of the playground's menu. |\n\n", len(r.Examples))
	for _, c := range conventions() {
		fmt.Fprintf(&b, "**%s.** %s\n\n", c.title, c.text)
	}
	b.WriteString("| code | |\n|---|---|\n")
	for _, code := range problem.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", code, meaning(code))
	}
	return b.String()
}

func (r *Reference) markdownSection(s *Section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", s.Title, s.Intro)
	for _, e := range s.Entries {
		r.markdownEntry(&b, e)
	}
	return strings.TrimRight(strings.ReplaceAll(b.String(), "\n\n\n", "\n\n"), "\n") + "\n"
}

func (r *Reference) markdownEntry(b *strings.Builder, e *Entry) {
	fmt.Fprintf(b, "\n## %s\n\n", e.Name)
	if e.Deprecated != "" {
		fmt.Fprintf(b, "**Deprecated:** %s\n\n", text(e.Deprecated))
	}
	if e.Description != "" {
		fmt.Fprintf(b, "%s\n\n", text(e.Description))
	}
	var facts []string
	if e.Type != nil {
		facts = append(facts, "Gives "+r.markdownType(e.Type)+".")
	}
	if len(e.Implements) > 0 {
		facts = append(facts, "Is a "+r.markdownNames(e.Implements)+".")
	}
	if len(e.Possible) > 0 {
		facts = append(facts, "Is one of "+r.markdownNames(e.Possible)+".")
	}
	if e.OneOf {
		facts = append(facts, "Exactly one of its fields is given.")
	}
	if e.Specified != "" {
		facts = append(facts, "As in <"+e.Specified+">.")
	}
	if len(facts) > 0 {
		fmt.Fprintf(b, "%s\n\n", strings.Join(facts, " "))
	}
	r.markdownMembers(b, heading(e), e.Members)
	for _, m := range e.Members {
		if len(m.Args) > 0 {
			fmt.Fprintf(b, "Arguments of `%s`:\n\n", m.Name)
			r.markdownMembers(b, "argument", m.Args)
		}
	}
	if len(e.Examples) > 0 {
		fmt.Fprintf(b, "Examples: %s.\n\n", markdownLinks(e.Examples))
	}
	if len(e.Usage) > 0 {
		fmt.Fprintf(b, "Used by %s.\n", r.markdownUsage(e.Usage))
	}
}

// heading names the first column of an entry's table.
func heading(e *Entry) string {
	switch {
	case e.Kind == "enum":
		return "value"
	case e.Type != nil:
		return "argument"
	}
	return "field"
}

func (r *Reference) markdownMembers(b *strings.Builder, first string, list []*Member) {
	if len(list) == 0 {
		return
	}
	if first == "value" {
		b.WriteString("| value | |\n|---|---|\n")
	} else {
		fmt.Fprintf(b, "| %s | type | |\n|---|---|---|\n", first)
	}
	for _, m := range list {
		what := cell(m.Description)
		if m.Deprecated != "" {
			what = "**Deprecated:** " + cell(m.Deprecated) + " " + what
		}
		if m.Default != "" {
			what += " Default: `" + cell(m.Default) + "`."
		}
		if len(m.Examples) > 0 {
			what += " (" + markdownLinks(m.Examples[:min(len(m.Examples), shownExamples)]) + ")"
		}
		if m.Type == nil {
			fmt.Fprintf(b, "| `%s` | %s |\n", m.Name, what)
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", m.Name, r.markdownType(m.Type), what)
	}
	b.WriteString("\n")
}

// How many examples and uses are told at most.
const (
	shownExamples = 2
	shownUses     = 12
)

func markdownLinks(list []*Example) string {
	var links []string
	for _, e := range list {
		links = append(links, fmt.Sprintf("[%s](examples.md#%s)", text(e.Title), slug(e.Title)))
	}
	return strings.Join(links, ", ")
}

func (r *Reference) markdownUsage(list []place) string {
	var links []string
	for _, p := range list[:min(len(list), shownUses)] {
		page, anchor := r.where(p)
		// Headings are anchors there, rows of tables are not.
		anchor, _, _ = strings.Cut(anchor, ".")
		links = append(links, fmt.Sprintf("[`%s.%s`](%s.md#%s)", p.Type, p.Field, page, strings.ToLower(anchor)))
	}
	more := ""
	if n := len(list) - len(links); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(links, ", ") + more
}

func (r *Reference) markdownNames(names []string) string {
	var links []string
	for _, name := range names {
		links = append(links, r.markdownType(ast.NamedType(name, nil)))
	}
	return strings.Join(links, ", ")
}

// markdownType is a type as it is written, with a link to what it is.
func (r *Reference) markdownType(typ *ast.Type) string {
	return fmt.Sprintf("[`%s`](%s.md#%s)", typ, r.page[typ.Name()], strings.ToLower(typ.Name()))
}

func (r *Reference) markdownExamples() string {
	var b strings.Builder
	b.WriteString("# Examples\n\nThe operations of the playground's menu. Each is run as a test on a fresh demo home.\n")
	for _, e := range r.Examples {
		fmt.Fprintf(&b, "\n## %s\n\n```graphql\n%s```\n", text(e.Title), operation(e))
		if e.Variables != "" {
			fmt.Fprintf(&b, "\n```json\n%s\n```\n", e.Variables)
		}
	}
	return b.String()
}

// operation is an example's document without the line that has its title.
func operation(e *Example) string {
	_, rest, _ := strings.Cut(e.Query, "\n")
	return strings.TrimSuffix(strings.TrimPrefix(rest, "#\n"), "\n") + "\n"
}

// slug is the anchor that a heading gets.
func slug(heading string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(heading) {
		switch {
		case c == ' ' || c == '-':
			b.WriteByte('-')
		case c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c > 127:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// text is a description as Markdown of several lines, cell as that of one. What a
// reader would take for a tag or for emphasis is written as itself.
func text(description string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`).Replace(strings.TrimSpace(description))
}

func cell(description string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text(description)), " "), "|", `\|`)
}
