package transport

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"carehome/internal/problem"
)

// What the JSON of a request may hold. Decoding makes some fifty bytes of every
// byte in the worst case, so that the bounds are checked before.
const (
	// maxValues are the values of the variables and the extensions, all together.
	maxValues = 10_000
	// maxNesting is how deep lists and objects may lie in one another. A filter of as
	// many conditions as are allowed, each inside the one before, stays below.
	maxNesting = 250
)

// ReadParams reads the parameters of a request from its JSON. Unknown members are
// ignored; a member that stands there twice is refused, since another reader on the
// way may have taken the other one. Nothing of the text is in its errors, which are
// problems.
func ReadParams(body []byte) (*graphql.RawParams, error) {
	// Some senders begin with a byte order mark; RFC 8259 lets a reader ignore it.
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	members, err := readObject(body)
	if err != nil {
		return nil, err
	}
	var (
		params graphql.RawParams
		wrong  problem.List
	)
	wrong = readText(wrong, members, "query", &params.Query)
	wrong = readText(wrong, members, "operationName", &params.OperationName)
	wrong = readMap(wrong, members, "variables", &params.Variables)
	wrong = readMap(wrong, members, "extensions", &params.Extensions)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return &params, nil
}

// readObject returns the members of the one object that a body is.
func readObject(body []byte) (map[string][]byte, error) {
	s := jsonScanner{text: body}
	if !utf8.Valid(body) || !s.document() {
		if s.full {
			return nil, tooManyValues()
		}
		return nil, problem.Invalidf("", "the request is not valid JSON")
	}
	switch {
	case s.members == nil:
		return nil, problem.Invalidf("", "the request cannot be read: it must be a JSON object with a query, and may have variables and an operationName")
	case s.twice:
		return nil, problem.Invalidf("", "the request says the same thing twice: each of its members may stand there once")
	}
	return s.members, nil
}

func tooManyValues() *problem.Problem {
	return problem.New(problem.LimitExceeded, "variables",
		"must have at most %d values, at most %d deep in one another", maxValues, maxNesting).
		With("name", "values").With("limit", maxValues)
}

// readText reads a member that is a text, null or not there.
func readText(wrong problem.List, members map[string][]byte, name string, into *string) problem.List {
	raw, ok := members[name]
	if !ok || string(raw) == "null" {
		return wrong
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return append(wrong, problem.Invalidf(name, "must be a text"))
	}
	return wrong
}

// readMap reads a member that is an object, null or not there.
func readMap(wrong problem.List, members map[string][]byte, name string, into *map[string]any) problem.List {
	raw, ok := members[name]
	if !ok || string(raw) == "null" {
		return wrong
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	// A number keeps its digits until its type is known.
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return append(wrong, problem.Invalidf(name, "must be a JSON object"))
	}
	return wrong
}

// jsonScanner checks that a text is JSON (RFC 8259) without making anything of it,
// counts what it holds, and finds the members of the object that it is.
type jsonScanner struct {
	text    []byte
	at      int
	depth   int
	values  int
	members map[string][]byte // of the outermost object; nil if it is something else
	twice   bool              // two of them have the same name
	full    bool              // there are more values, or deeper, than may be
}

// document scans the whole text.
func (s *jsonScanner) document() bool {
	s.blank()
	if s.at < len(s.text) && s.text[s.at] == '{' {
		s.members = map[string][]byte{}
	}
	if !s.value() {
		return false
	}
	s.blank()
	return s.at == len(s.text)
}

func (s *jsonScanner) value() bool {
	if s.values++; s.values > maxValues || s.depth > maxNesting {
		s.full = true
		return false
	}
	if s.at == len(s.text) {
		return false
	}
	switch c := s.text[s.at]; c {
	case '{':
		return s.object()
	case '[':
		return s.list()
	case '"':
		return s.string()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *jsonScanner) object() bool {
	s.at++
	s.depth++
	defer func() { s.depth-- }()
	if s.blank(); s.take('}') {
		return true
	}
	for {
		s.blank()
		name := s.at
		if s.at == len(s.text) || s.text[s.at] != '"' || !s.string() {
			return false
		}
		key := s.text[name:s.at]
		if s.blank(); !s.take(':') {
			return false
		}
		s.blank()
		value := s.at
		if !s.value() {
			return false
		}
		if s.depth == 1 {
			s.member(key, s.text[value:s.at])
		}
		if s.blank(); s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// member notes a member of the outermost object. Names are compared as they are
// read, not as they are written: "\u0071uery" is the query too.
func (s *jsonScanner) member(key, value []byte) {
	var name string
	if err := json.Unmarshal(key, &name); err != nil {
		return // not reached: it was scanned as a string
	}
	switch name {
	case "query", "operationName", "variables", "extensions":
		if _, known := s.members[name]; known {
			s.twice = true
		}
		s.members[name] = value
	}
}

func (s *jsonScanner) list() bool {
	s.at++
	s.depth++
	defer func() { s.depth-- }()
	if s.blank(); s.take(']') {
		return true
	}
	for {
		if s.blank(); !s.value() {
			return false
		}
		if s.blank(); s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *jsonScanner) string() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < ' ':
			return false
		case c == '\\':
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape scans what follows a backslash, to its last character.
func (s *jsonScanner) escape() bool {
	s.at++
	if s.at == len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.at++
			if s.at == len(s.text) || !isHex(s.text[s.at]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func (s *jsonScanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *jsonScanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}

func (s *jsonScanner) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

func (s *jsonScanner) take(c byte) bool {
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *jsonScanner) blank() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}
