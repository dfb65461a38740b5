package web

import (
	"strings"
	"testing"
)

func TestExamples(t *testing.T) {
	examples, err := Examples()
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) < 12 {
		t.Errorf("%d examples, want at least 12", len(examples))
	}
	seen := map[string]string{}
	for _, e := range examples {
		if other := seen[e.Title]; other != "" {
			t.Errorf("%s and %s have the same title %q", other, e.Name, e.Title)
		}
		seen[e.Title] = e.Name
		if len(e.Title) > 70 {
			t.Errorf("%s: the title has %d characters, want at most 70", e.Name, len(e.Title))
		}
	}
}

func TestParseExample(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		got, err := parseExample("010-one", "# One resident\n#\n# variables: {\"z\": 12345678901234567890, \"a\": [1]}\n"+
			"query One($z: Int, $a: [Int]) { __typename }\n")
		if err != nil {
			t.Fatal(err)
		}
		want := Example{
			Name: "010-one", Title: "One resident", Kind: "query",
			Query:     "# One resident\n#\nquery One($z: Int, $a: [Int]) { __typename }\n",
			Variables: "{\n  \"z\": 12345678901234567890,\n  \"a\": [\n    1\n  ]\n}",
		}
		if got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
	t.Run("OK mutation with a fragment", func(t *testing.T) {
		got, err := parseExample("x", "# Add\nmutation Add { ...f }\nfragment f on Mutation { __typename }\n")
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind != "mutation" || got.Variables != "" {
			t.Errorf("got %+v", got)
		}
	})
	for name, c := range map[string]struct{ text, want string }{
		"ErrTitle":      {"query A { a }\n", "title"},
		"ErrEmpty":      {"", "title"},
		"ErrSyntax":     {"# A\nquery A {\n", "Expected"},
		"ErrOperations": {"# A\nquery A { a }\nquery B { b }\n", "2 operations"},
		"ErrNone":       {"# A\nfragment f on Query { a }\n", "0 operations"},
		"ErrVariables":  {"# A\n# variables: [1]\nquery A { a }\n", "not a JSON object"},
		"ErrTwice":      {"# A\n# variables: {\"a\": 1}\n# variables: {}\nquery A { a }\n", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseExample("x", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
