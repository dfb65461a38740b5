package reference

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// hit is something that can be searched for.
type hit struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	To   string `json:"to"`
	What string `json:"what"`
}

// maxWhat bounds the words beside a hit, in characters.
const maxWhat = 90

// hits are all types, fields and values. The fields of filters are left out: each
// is that of a row with a comparison.
func (r *Reference) hits() (all []hit) {
	for _, s := range r.Sections {
		for _, e := range s.Entries {
			all = append(all, hit{e.Name, e.Kind, s.Slug + "#" + e.Name, short(e.Description)})
			if s.Slug == "filters" || e.Type != nil {
				continue
			}
			for _, m := range e.Members {
				all = append(all, hit{e.Name + "." + m.Name, heading(e), s.Slug + "#" + e.Name + "." + m.Name, short(m.Description)})
			}
		}
	}
	for _, e := range r.Examples {
		all = append(all, hit{e.Title, "example", "examples#" + e.Name, ""})
	}
	return all
}

func short(description string) string {
	line := strings.Join(strings.Fields(description), " ")
	if utf8.RuneCountInString(line) <= maxWhat {
		return line
	}
	return string([]rune(line)[:maxWhat-1]) + "…"
}

// Searching answers at most so many, to questions of at most so many bytes.
const (
	maxFound    = 100
	maxQuestion = 100
)

// search finds what has the question in its name, or else in its words: the
// closest names first.
func search(all []hit, question string) []hit {
	asked := strings.TrimSpace(question[:min(len(question), maxQuestion)])
	question = strings.ToLower(asked)
	if question == "" {
		return nil
	}
	type ranked struct {
		hit
		rank int
	}
	var found []ranked
	for _, h := range all {
		name := strings.ToLower(h.Name)
		_, last, _ := strings.Cut(name, ".")
		switch {
		case h.Name == asked:
			found = append(found, ranked{h, -1})
		case name == question:
			found = append(found, ranked{h, 0})
		case last == question:
			found = append(found, ranked{h, 1})
		case strings.HasPrefix(name, question):
			found = append(found, ranked{h, 2})
		case strings.HasPrefix(last, question):
			found = append(found, ranked{h, 3})
		case strings.Contains(name, question):
			found = append(found, ranked{h, 4})
		case strings.Contains(strings.ToLower(h.What), question):
			found = append(found, ranked{h, 5})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return a.rank - b.rank })
	list := make([]hit, 0, min(len(found), maxFound))
	for _, f := range found[:min(len(found), maxFound)] {
		list = append(list, f.hit)
	}
	return list
}
