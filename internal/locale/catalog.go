package locale

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Catalog holds the Spanish of every message. It is never changed once made, so
// many may use it at once.
type Catalog struct {
	// fixed are the messages without arguments.
	fixed map[string]string
	forms []form
	// words are arguments that are words themselves.
	words map[string]string
}

// form is a message with arguments.
type form struct {
	// english matches the whole message and captures its arguments.
	english *regexp.Regexp
	// mark is the longest text between the arguments. To look for it first is five
	// times as fast, where one request has thousands of wrong values.
	mark string
	// spanish are the texts around the arguments.
	spanish []string
	// word tells of each argument whether it is a word to translate.
	word []bool
}

// verb is where a message has an argument; in Spanish one in braces is a word
// of the catalog.
var verb = regexp.MustCompile(`\{?%[.0-9]*[dqsv]\}?`)

// NewCatalog makes the catalog.
func NewCatalog() *Catalog {
	c := &Catalog{fixed: map[string]string{}, words: spanishWords()}
	for _, m := range spanishMessages() {
		english, spanish := strings.TrimSuffix(m.english, "."), strings.TrimSuffix(m.spanish, ".")
		if !verb.MatchString(english) {
			c.fixed[english] = spanish
			continue
		}
		f := form{english: matching(english), spanish: verb.Split(spanish, -1)}
		f.mark = slices.MaxFunc(verb.Split(english, -1), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		for _, v := range verb.FindAllString(spanish, -1) {
			f.word = append(f.word, v[0] == '{')
		}
		c.forms = append(c.forms, f)
	}
	return c
}

// matching is the expression of a whole message, with a group for each verb.
func matching(english string) *regexp.Regexp {
	texts := verb.Split(english, -1)
	expression := `(?s)^` + regexp.QuoteMeta(texts[0])
	for i, v := range verb.FindAllString(english, -1) {
		switch v[len(v)-1] {
		case 'd':
			expression += `(-?\d+)`
		case 'q':
			expression += `("(?:[^"\\]|\\.)*")`
		default:
			expression += `(.*)`
		}
		expression += regexp.QuoteMeta(texts[i+1])
	}
	return regexp.MustCompile(expression + `$`)
}

// Say is an English message in the language of ctx, or as it is where it is not
// known. The field is the path of the argument that it is about, or empty: the
// message may begin with the last name of it, which stays as it is.
func (c *Catalog) Say(ctx context.Context, field, message string) string {
	if From(ctx) != language.Spanish {
		return message
	}
	sentence, stopped := strings.CutSuffix(message, ".")
	subject := field[strings.LastIndexByte(field, '.')+1:] + " "
	said, known := "", false
	if rest, about := strings.CutPrefix(sentence, subject); about {
		said, known = c.say(rest)
		said = subject + said
	}
	if !known {
		if said, known = c.say(sentence); !known {
			return message
		}
	}
	if stopped {
		said += "."
	}
	return said
}

func (c *Catalog) say(english string) (string, bool) {
	if spanish, ok := c.fixed[english]; ok {
		return spanish, true
	}
	for _, f := range c.forms {
		if !strings.Contains(english, f.mark) {
			continue
		}
		if found := f.english.FindStringSubmatch(english); found != nil {
			return f.fill(found[1:], c.words), true
		}
	}
	return "", false
}

// fill puts the arguments between the texts.
func (f form) fill(arguments []string, words map[string]string) string {
	var b strings.Builder
	b.WriteString(f.spanish[0])
	for i, argument := range arguments {
		if word, ok := words[wordKey(argument)]; ok && f.word[i] {
			argument = word
		}
		b.WriteString(argument)
		b.WriteString(f.spanish[i+1])
	}
	return b.String()
}

// wordKey is the same for "ResidentContact" and "resident contact".
func wordKey(word string) string { return strings.ToLower(strings.ReplaceAll(word, " ", "")) }
