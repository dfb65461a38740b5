package locale

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"carehome/internal/nodeid"
)

func TestEveryMessageHasItsSpanish(t *testing.T) {
	written := messages(t)
	if len(written) < 100 {
		t.Errorf("found %d messages only", len(written))
	}
	known := map[string]bool{}
	for _, m := range spanishMessages() {
		if known[m.english] {
			t.Errorf("%q stands twice in the catalog", m.english)
		}
		known[m.english] = true
		if written[m.english] == "" {
			t.Errorf("%q is in the catalog, but nowhere in the code", m.english)
		}
	}
	for text, where := range written {
		if !known[text] {
			t.Errorf("%s: %q has no Spanish", where, text)
		}
	}
}

func TestSpanishHasTheSameShape(t *testing.T) {
	capital := func(s string) bool {
		first, _ := utf8.DecodeRuneInString(s)
		return unicode.IsUpper(first)
	}
	for _, m := range spanishMessages() {
		var verbs []string
		for _, v := range verb.FindAllString(m.spanish, -1) {
			verbs = append(verbs, strings.Trim(v, "{}"))
		}
		if want := verb.FindAllString(m.english, -1); !slices.Equal(verbs, want) {
			t.Errorf("%q has the verbs %v, want %v", m.spanish, verbs, want)
		}
		if strings.Count(m.spanish, "%") != len(verbs) {
			t.Errorf("%q has a verb that is not known here", m.spanish)
		}
		if strings.HasSuffix(m.spanish, ".") != strings.HasSuffix(m.english, ".") {
			t.Errorf("%q and %q end otherwise", m.spanish, m.english)
		}
		if !strings.HasPrefix(m.english, "%") && capital(m.spanish) != capital(m.english) {
			t.Errorf("%q and %q begin otherwise", m.spanish, m.english)
		}
	}
}

// Each message is formatted as the code does, and must become its own Spanish,
// not that of another that looks like it.
func TestEveryMessageIsSaid(t *testing.T) {
	c, ctx := NewCatalog(), With(context.Background(), language.Spanish)
	for _, m := range spanishMessages() {
		var arguments []any
		for i, v := range verb.FindAllString(m.english, -1) {
			switch v[len(v)-1] {
			case 'd':
				arguments = append(arguments, i-1)
			case 'q':
				arguments = append(arguments, "say \"a\", \\ is not\n[b]; (ñ) looks like \"c\"")
			case 'v':
				arguments = append(arguments, []string{"A", "B"})
			default:
				arguments = append(arguments, "Ibuprofeno (400 mg), $1 {x}")
			}
		}
		english := fmt.Sprintf(m.english, arguments...)
		want := fmt.Sprintf(strings.NewReplacer("{", "", "}", "").Replace(m.spanish), arguments...)
		if got := c.Say(ctx, "", english); got != want {
			t.Errorf("%q is said %q, want %q", english, got, want)
		}
		got, wanted := c.Say(ctx, "input.endsAt", "endsAt "+strings.TrimSuffix(english, ".")+"."), "endsAt "+strings.TrimSuffix(want, ".")+"."
		if got != wanted {
			t.Errorf("of a field, %q is said %q, want %q", english, got, wanted)
		}
		if got := c.Say(context.Background(), "", english); got != english {
			t.Errorf("in English, %q is said %q", english, got)
		}
	}
}

func TestSay(t *testing.T) {
	c, ctx := NewCatalog(), With(context.Background(), language.Spanish)
	for _, tc := range []struct{ field, english, want string }{
		{"input.energy", "energy must be from 1 to 10, is 999.", "energy debe estar entre 1 y 10; es 999."},
		{"first", "first may be at most 200, is 500.", "first puede ser como máximo 200; es 500."},
		{"id", "There is no resident contact with the id con_9.", "No existe un contacto de residente con el id con_9."},
		{"id", "must be the id of a ResidentContact, such as \"con_17\"", "debe ser el id de un contacto de residente, como \"con_17\""},
		{"input.medicationID", "resident is not active and cannot be prescribed", "resident no está activo y no se puede prescribir"},
		{"input.energy", "mood must be given.", "mood must be given."},
		{"", "Cannot query field \"residentz\" on type \"Query\".", "Cannot query field \"residentz\" on type \"Query\"."},
		{"", "", ""},
	} {
		if got := c.Say(ctx, tc.field, tc.english); got != tc.want {
			t.Errorf("%q is said %q, want %q", tc.english, got, tc.want)
		}
	}
}

func TestEveryWordHasItsSpanish(t *testing.T) {
	words := spanishWords()
	for _, kind := range nodeid.Kinds() {
		if words[wordKey(kind.String())] == "" {
			t.Errorf("the kind %s has no Spanish", kind)
		}
	}
	for _, holder := range holders(t) {
		if words[wordKey(holder)] == "" {
			t.Errorf("the holder %q has no Spanish", holder)
		}
	}
}

func BenchmarkSay(b *testing.B) {
	c, ctx := NewCatalog(), With(context.Background(), language.Spanish)
	for name, text := range map[string]string{
		"known":   `"x" is not an id; an id looks like "res_17"`,
		"unknown": `"x" is not an idea; an id looks like "res_17"`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.Say(ctx, "ids.4711", text)
			}
		})
	}
}

func BenchmarkNewCatalog(b *testing.B) {
	for b.Loop() {
		NewCatalog()
	}
}
