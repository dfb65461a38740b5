package tests

import (
	"embed"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// The case files are embedded, so that the compiled suite needs nothing beside it.
//
//go:embed cases/*.yaml
var caseFiles embed.FS

// step is one request and what it must answer.
type step struct {
	// Do is the document; ${name} stands for something saved before.
	Do   string
	Vars map[string]any
	// Want is a part of the data: objects may hold more, lists may not. "$any"
	// stands for anything but null.
	Want any
	// Errors are all the errors, in any order; none unless given.
	Errors []wantedError
	// Save keeps values of the data by name: {id: createResident.resident.id}.
	Save map[string]string
}

type wantedError struct {
	Code, Field, Message string
}

func TestCases(t *testing.T) {
	files, err := caseFiles.ReadDir("cases")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	for _, file := range files {
		data, err := caseFiles.ReadFile("cases/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Name  string
			Steps []step
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(data)))
		decoder.KnownFields(true)
		if err := decoder.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", file.Name(), err)
		}
		t.Run(strings.TrimSuffix(file.Name(), ".yaml"), func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					saved := map[string]string{"unique": fmt.Sprint(time.Now().UnixNano())}
					for i, s := range c.Steps {
						s.run(t, i+1, saved)
					}
				})
			}
		})
	}
}

func (s step) run(t *testing.T, number int, saved map[string]string) {
	t.Helper()
	variables, _ := fill(any(s.Vars), saved).(map[string]any)
	got := ask(t, shared.get(t), fill(s.Do, saved).(string), variables)
	missing := append([]wantedError(nil), s.Errors...)
	for _, e := range got.Errors {
		code, _ := e.Extensions["code"].(string)
		field, _ := e.Extensions["field"].(string)
		if id, _ := e.Extensions["requestId"].(string); id == "" {
			t.Errorf("step %d: an error has no requestId: %s", number, got.raw)
		}
		known := false
		for j, want := range missing {
			if want.Code == code && want.Field == field && strings.Contains(e.Message, want.Message) {
				missing, known = append(missing[:j], missing[j+1:]...), true
				break
			}
		}
		if !known {
			t.Errorf("step %d: unexpected error %s %q: %s", number, code, field, e.Message)
		}
	}
	for _, want := range missing {
		t.Errorf("step %d: missing error %s %q %q", number, want.Code, want.Field, want.Message)
	}
	if s.Want != nil {
		if off := differs("data", fill(s.Want, saved), got.Data); off != "" {
			t.Errorf("step %d: %s\nin %s", number, off, got.raw)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	for name, path := range s.Save {
		value := got.Data
		for part := range strings.SplitSeq(path, ".") {
			if list, ok := value.([]any); ok {
				var index int
				if _, err := fmt.Sscan(part, &index); err != nil || index >= len(list) {
					t.Fatalf("step %d: no %s in %s", number, path, got.raw)
				}
				value = list[index]
				continue
			}
			object, _ := value.(map[string]any)
			value = object[part]
		}
		text, ok := value.(string)
		if !ok {
			t.Fatalf("step %d: %s is %v, not a text", number, path, value)
		}
		saved[name] = text
	}
}

var placeholder = regexp.MustCompile(`\$\{(\w+)\}`)

// fill puts saved values in the place of their names.
func fill(value any, saved map[string]string) any {
	switch value := value.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(value, func(name string) string { return saved[name[2:len(name)-1]] })
	case map[string]any:
		filled := make(map[string]any, len(value))
		for k, v := range value {
			filled[k] = fill(v, saved)
		}
		return filled
	case []any:
		filled := make([]any, len(value))
		for i, v := range value {
			filled[i] = fill(v, saved)
		}
		return filled
	}
	return value
}

// differs tells where got is not what is wanted, or nothing.
func differs(path string, want, got any) string {
	switch want := want.(type) {
	case string:
		if want == "$any" && got != nil {
			return ""
		}
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", path, got)
		}
		for key, value := range want {
			if off := differs(path+"."+key, value, object[key]); off != "" {
				return off
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s is %v, want %d items", path, got, len(want))
		}
		for i := range want {
			if off := differs(fmt.Sprintf("%s.%d", path, i), want[i], list[i]); off != "" {
				return off
			}
		}
		return ""
	case int:
		if number, ok := got.(float64); ok && number == float64(want) {
			return ""
		}
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", path, got, want)
}
