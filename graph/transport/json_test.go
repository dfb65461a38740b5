package transport

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadParams(t *testing.T) {
	params, err := ReadParams([]byte("\xef\xbb\xbf { \"\\u0071uery\" : \"{ a }\" , \"variables\": {\"n\": 12345678901234567890, \"l\": [1, {\"a\": null}]}, \"operationName\": null, \"else\": [[]], \"extensions\": {}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if params.Query != "{ a }" || params.OperationName != "" || params.Variables["n"] != json.Number("12345678901234567890") || params.Extensions == nil {
		t.Errorf("got %+v", params)
	}
}

// FuzzJSON holds the scanner against encoding/json: both take the same texts.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `{"a":1}`, `[1,2]`, `"x"`, `-0.5e+3`, `01`, `1.`, `.5`, `+1`, `1e`, `-`, `null`, `nul`, `true false`,
		`{"a":}`, `{"a" 1}`, `{,}`, `[,]`, `[1,]`, `{"a":1,}`, `"\u12g4"`, `"\ud800"`, `"\"`, "\"\n\"", `{"a":{"a":{"a":[]}}}`, `{"query":"a","query":"b"}`,
		"\xff", "\"\xff\"", "[1]\x00", `{"variables":{"a":[1,2,{"b":"c"}]}}`, strings.Repeat("[", 300) + strings.Repeat("]", 300),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := jsonScanner{text: text}
		got := s.document()
		if s.full {
			return
		}
		if want := json.Valid(text); got != want {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
		if !got || !utf8.Valid(text) {
			return
		}
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(text, &object) == nil && object != nil
		if isObject != (s.members != nil) {
			t.Fatalf("%q: an object: got %v, want %v", text, s.members != nil, isObject)
		}
		for name, value := range s.members {
			if !s.twice && string(object[name]) != string(value) {
				t.Fatalf("%q: %s is %q, want %q", text, name, value, object[name])
			}
		}
	})
}

func TestJSONBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		full bool
	}{
		"deep":     {strings.Repeat("[", maxNesting) + "1" + strings.Repeat("]", maxNesting), false},
		"too deep": {strings.Repeat("[", maxNesting+1) + "1" + strings.Repeat("]", maxNesting+1), true},
		"wide":     {"[" + strings.Repeat("0,", maxValues-2) + "0]", false},
		"too wide": {"[" + strings.Repeat("0,", maxValues-1) + "0]", true},
	} {
		s := jsonScanner{text: []byte(tc.text)}
		if ok := s.document(); ok == tc.full || s.full != tc.full {
			t.Errorf("%s: ok %v, full %v", name, ok, s.full)
		}
	}
	// What is refused costs nothing but the look at it.
	hostile := []byte(strings.Repeat("[", 1<<20))
	if allocs := testing.AllocsPerRun(10, func() {
		s := jsonScanner{text: hostile}
		s.document()
	}); allocs > 10 {
		t.Errorf("%v allocations", allocs)
	}
}
