package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// jsonObject is a JSON object with its keys in order.
type jsonObject []member

type member struct {
	key   string
	value any
}

func (o jsonObject) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// ordered reads JSON and refuses keys that come twice.
func ordered(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := orderedValue(decoder)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the answer")
	}
	return value, nil
}

func orderedValue(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := orderedValue(decoder)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = decoder.Token()
		return list, err
	case json.Delim('{'):
		o := jsonObject{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			value, err := orderedValue(decoder)
			if err != nil {
				return nil, err
			}
			if _, twice := o.get(key.(string)); twice {
				return nil, fmt.Errorf("the key %v comes twice", key)
			}
			o = append(o, member{key.(string), value})
		}
		_, err = decoder.Token()
		return o, err
	}
	return token, nil
}

// conformity checks answers against the schema and gathers what is off.
type conformity struct {
	schema *schema
	// found is told of each object with an id.
	found func(object, id string)
	// anyData is set where data may be anything: what was asked is not known.
	anyData bool
	off     []string
}

func (c *conformity) report(path, format string, args ...any) {
	c.off = append(c.off, path+" "+fmt.Sprintf(format, args...))
}

// codes is the closed list.
var codes = []string{
	"INVALID", "NOT_FOUND", "CONFLICT", "FORBIDDEN", "UNAUTHENTICATED", "SAFETY_BLOCK", "LIMIT_EXCEEDED", "STORAGE_FULL", "TIMEOUT", "INTERNAL",
}

// answer checks a whole answer. Where set is nil, no data is expected.
func (c *conformity) answer(text []byte, root string, set []*selection) (executed bool, failed []string) {
	value, err := ordered(text)
	if err != nil {
		c.report("answer", "is not read: %v", err)
		return false, nil
	}
	all, ok := value.(jsonObject)
	if !ok {
		c.report("answer", "is no object")
		return false, nil
	}
	var data any
	for _, m := range all {
		switch m.key {
		case "data":
			data, executed = m.value, true
		case "errors":
			failed = c.errors(m.value)
		case "extensions":
			if _, ok := m.value.(jsonObject); !ok {
				c.report("extensions", "is no object")
			}
		default:
			c.report("answer", "has the key %q", m.key)
		}
	}
	if told, ok := all.get("errors"); ok && data == nil && !located(told) {
		executed = false // refused, whatever the form of the answer
	}
	if !executed && len(failed) == 0 {
		c.report("answer", "has neither data nor errors")
	}
	if data != nil {
		switch {
		case c.anyData:
		case set == nil:
			c.report("data", "is there although the request must be refused")
		default:
			c.object("data", root, set, data)
		}
	} else if executed && len(failed) == 0 {
		c.report("data", "is null without an error")
	}
	if told, ok := all.get("errors"); ok && executed {
		c.paths(told, data)
	}
	return executed, failed
}

// located reports errors that are about fields.
func located(told any) bool {
	list, _ := told.([]any)
	for _, one := range list {
		err, _ := one.(jsonObject)
		if _, there := err.get("path"); there {
			return true
		}
	}
	return false
}

// paths wants a null where, or above where, an error says that it happened.
func (c *conformity) paths(told, data any) {
	list, _ := told.([]any)
	for _, one := range list {
		err, _ := one.(jsonObject)
		path, there := err.get("path")
		steps, _ := path.([]any)
		if !there {
			c.report("errors", "one of a field has no path: %v", one)
			continue
		}
		at := data
		for _, step := range steps {
			switch step := step.(type) {
			case string:
				if o, ok := at.(jsonObject); ok {
					value, known := o.get(step)
					if !known {
						c.report("errors", "the path %v leads nowhere", steps)
					}
					at = value
				}
			case json.Number:
				if list, ok := at.([]any); ok {
					i, err := step.Int64()
					if err != nil || i < 0 || int(i) >= len(list) {
						c.report("errors", "the path %v leads nowhere", steps)
						break
					}
					at = list[i]
				}
			}
			if at == nil {
				break
			}
		}
		if at != nil {
			c.report("errors", "the path %v leads to a value", steps)
		}
	}
}

// errors checks the errors and returns their codes.
func (c *conformity) errors(value any) (found []string) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		c.report("errors", "is no list with something in it")
		return nil
	}
	for i, one := range list {
		path := fmt.Sprintf("errors.%d", i)
		err, ok := one.(jsonObject)
		if !ok {
			c.report(path, "is no object")
			continue
		}
		for _, m := range err {
			switch m.key {
			case "message":
				if text, ok := m.value.(string); !ok || strings.TrimSpace(text) == "" {
					c.report(path, "has no message")
				}
			case "path":
				if steps, ok := m.value.([]any); !ok || len(steps) == 0 {
					c.report(path, "has an odd path: %v", m.value)
				}
			case "locations":
				c.locations(path, m.value)
			case "extensions":
			default:
				c.report(path, "has the key %q", m.key)
			}
		}
		extensions, _ := err.get("extensions")
		more, _ := extensions.(jsonObject)
		code, _ := more.get("code")
		id, _ := more.get("requestId")
		if text, _ := code.(string); slices.Contains(codes, text) {
			found = append(found, text)
		} else {
			c.report(path, "has the code %v", code)
		}
		if text, _ := id.(string); text == "" {
			c.report(path, "has no requestId")
		}
		if field, there := more.get("field"); there {
			if text, ok := field.(string); !ok || text == "" {
				c.report(path, "has the field %v", field)
			}
		}
		if _, there := err.get("message"); !there {
			c.report(path, "has no message")
		}
	}
	return found
}

func (c *conformity) locations(path string, value any) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		c.report(path, "has odd locations: %v", value)
	}
	for _, one := range list {
		place, _ := one.(jsonObject)
		for _, key := range []string{"line", "column"} {
			n, _ := place.get(key)
			number, _ := n.(json.Number)
			if at, err := number.Int64(); err != nil || at < 1 {
				c.report(path, "has the location %v", one)
			}
		}
	}
}

// object checks that an object has what was selected, in its order, and no more.
func (c *conformity) object(path, of string, set []*selection, value any) {
	o, ok := value.(jsonObject)
	if !ok {
		c.report(path, "is %v, not an object of %s", value, of)
		return
	}
	if c.schema.types[of].abstract() {
		name, _ := o.get("__typename")
		text, _ := name.(string)
		if !c.schema.is(text, of) || text == of {
			c.report(path, "says that it is a %v, not a %s", name, of)
			return
		}
		of = text
	}
	wanted := c.collect(of, set, nil)
	var got, want []string
	for _, m := range o {
		got = append(got, m.key)
	}
	for _, w := range wanted {
		want = append(want, w.key)
	}
	if !slices.Equal(got, want) {
		c.report(path, "has the keys %v, want %v", got, want)
		return
	}
	for i, w := range wanted {
		c.value(path+"."+w.key, w.typ, w.sub, o[i].value)
		if text, ok := o[i].value.(string); ok && w.name == "id" && w.typ.named() == "ID" {
			c.found(of, text)
		}
		if w.name == "__typename" && o[i].value != of {
			c.report(path, "says that it is a %v, not a %s", o[i].value, of)
		}
	}
}

// collect is what is selected of an object, what has one key merged.
func (c *conformity) collect(of string, set []*selection, into []*selection) []*selection {
	for _, s := range set {
		switch {
		case s.off:
		case s.name == "":
			if s.on == "" || c.schema.is(of, s.on) {
				into = c.collect(of, s.sub, into)
			}
		default:
			i := slices.IndexFunc(into, func(other *selection) bool { return other.key == s.key })
			if i < 0 {
				one := *s
				one.sub = slices.Clip(one.sub)
				into = append(into, &one)
			} else {
				into[i].sub = append(into[i].sub, s.sub...)
			}
		}
	}
	return into
}

func (c *conformity) value(path string, of *ref, set []*selection, value any) {
	switch {
	case of.Kind == "NON_NULL":
		if value == nil {
			c.report(path, "is null, want %s", of)
			return
		}
		c.value(path, of.OfType, set, value)
	case value == nil:
	case of.Kind == "LIST":
		list, ok := value.([]any)
		if !ok {
			c.report(path, "is %v, want a list", value)
		}
		for i, item := range list {
			c.value(fmt.Sprintf("%s.%d", path, i), of.OfType, set, item)
		}
	case c.schema.types[of.Name].Kind == "ENUM":
		for _, known := range c.schema.types[of.Name].EnumValues {
			if value == known.Name {
				return
			}
		}
		c.report(path, "is %v, no value of %s", value, of.Name)
	case c.schema.types[of.Name].Kind == "SCALAR":
		if form := forms[of.Name]; form != nil && !form(value) {
			c.report(path, "is %#v, no %s", value, of.Name)
		}
	default:
		c.object(path, of.Name, set, value)
	}
}

// forms are what values of scalars look like in answers.
var forms = map[string]func(any) bool{
	"ID":      matching(`^[a-z]{3}_(0|[1-9][0-9]*)$`),
	"String":  func(v any) bool { _, ok := v.(string); return ok },
	"Boolean": func(v any) bool { _, ok := v.(bool); return ok },
	"Int": func(v any) bool {
		number, _ := v.(json.Number)
		n, err := number.Int64()
		return err == nil && n >= -1<<31 && n < 1<<31
	},
	"Float": func(v any) bool {
		number, _ := v.(json.Number)
		_, err := number.Float64()
		return err == nil
	},
	"Cursor":        matching(`^.+$`),
	"Decimal":       matching(`^-?(0|[1-9][0-9]*)(\.[0-9]{0,3}[1-9])?$`),
	"Time":          timely("2006-01-02T15:04:05.000Z"),
	"Date":          timely("2006-01-02"),
	"LocalTime":     timely("15:04"),
	"LocalDateTime": timely("2006-01-02T15:04"),
}

func matching(pattern string) func(any) bool {
	form := regexp.MustCompile(pattern)
	return func(v any) bool {
		text, ok := v.(string)
		return ok && form.MatchString(text)
	}
}

func timely(layout string) func(any) bool {
	return func(v any) bool {
		text, _ := v.(string)
		at, err := time.Parse(layout, text)
		return err == nil && at.Format(layout) == text
	}
}

// insides are words of the implementation that no error may have. What residents
// are called, what carers write and what the tests send has none of them.
var insides = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`\bsql`, `sqlite`, `\bent[:./]`, `gqlgen`, `gqlparser`, `golang`, `goroutine`, `\bpanic`, `runtime error`, `nil pointer`, `\bnil\b`,
	`interface ?\{`, `\bmap\[`, `\[\](string|byte|interface|any|int)`, `struct \{`, `\*(ent|model|graph|scalar|nodeid)\.`, `%!`,
	`constraint failed`, `foreign key`, `no such (table|column)`, `syntax error near`, `database is`, `\btransaction\b`, `rows in result`,
	`\.go\b`, `/(root|tmp|home|usr|var)/`, `\b(reflect|strconv|json|http|context|errors|fmt|relay|problem|store)\.[A-Z]`, `unmarshal`, `marshal`,
	`\b(u?int(8|16|32|64)|float(32|64)|uintptr)\b`, `context (deadline|canceled)`, `unexpected EOF`, `invalid character`, `cannot use`, `\bstack\b`,
	`0x[0-9a-f]{6}`, `database/`, `(?-i:\b[a-z]+_[a-z_]+\b)`, `hasOne|hasMany|\bpredicate\b`, `\bresolver`,
}, "|"))

// idOfRequest is 26 letters by chance, in which any short word may turn up.
var idOfRequest = regexp.MustCompile(`"requestId":\s*"[A-Z2-7]{26}"`)

// leaks are the words of the implementation in the errors of an answer, but for those
// that were in what was asked: a field that does not exist is called what it was.
func leaks(text []byte, asked ...[]byte) string {
	var told struct{ Errors []json.RawMessage }
	if err := json.Unmarshal(text, &told); err != nil {
		return string(text)
	}
	for _, one := range told.Errors {
		for _, found := range insides.FindAll(idOfRequest.ReplaceAll(one, nil), -1) {
			if !bytes.Contains(bytes.Join(asked, []byte("\n")), found) {
				return fmt.Sprintf("%q in %s", found, one)
			}
		}
	}
	return ""
}

// A word of the implementation is found where it is, and not in a request's id.
func TestLeaks(t *testing.T) {
	for message, want := range map[string]bool{
		"there is nothing by this id": false, "energy must be from 1 to 10, is 999.": false, "There is no staff user with the id stf_17.": false,
		`Cannot query field "map" on type "Resident".`: false, "UNIQUE constraint failed: residents.source_id": true, "sql: no rows in result set": true,
		"cannot use float64 as Int": true, "ent: resident not found": true, "open /tmp/x: no such file": true, "runtime error: index out of range": true,
		"near resident_contacts": true, "context deadline exceeded": true, "invalid character 'x' looking for beginning of value": true,
	} {
		answer := fmt.Sprintf(`{"errors": [{"message": %s, "extensions": {"code": "NOT_FOUND", "requestId": "SQLYU7DSGWJYCNRWPK25PIZTSU"}}]}`, quoted(message))
		if got := leaks([]byte(answer)) != ""; got != want {
			t.Errorf("%q: %t", message, got)
		}
		if found := leaks([]byte(answer), []byte("{ x("+message+") }")); found != "" {
			t.Errorf("what was asked counts: %s", found)
		}
	}
}
