package fhir

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
)

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	const two = `{"resourceType":"Bundle","id":"b","type":"collection","link":[{"url":"x"}],"timestamp":"2020-01-02T03:04:05Z","entry":[
		{"fullUrl":"urn:uuid:aaa","resource":{"resourceType":"Patient","id":"p"}},
		{"fullUrl":"https://example.org/fhir/Observation/o-1","resource":{"resourceType":"Observation","valueQuantity":{"value":"72.10"}}},
		{"resource":{"resourceType":"Claim","id":"c","total":{"value":1e99}}},
		{"resource":{"resourceType":"Condition"}},
		{"request":{"method":"DELETE","url":"Patient/9"}}]}`
	for name, input := range map[string][]byte{
		"Plain": []byte(two), "Gzip": zip(t, two), "ByteOrderMark": []byte("\xef\xbb\xbf" + two),
		"GzipByteOrderMark": zip(t, "\xef\xbb\xbf"+two), "BlanksAround": []byte("\n\n " + two + "\n \n"),
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Decode(bytes.NewReader(input))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range b.entries {
				got = append(got, e.typ+"/"+e.id)
			}
			want := "Patient/p Observation/o-1 Claim/c Condition/sha256-"
			if s := strings.Join(got, " "); !strings.HasPrefix(s, want) || b.Type != "collection" || len(got) != 5 {
				t.Errorf("got %s of type %s, want %s…", s, b.Type, want)
			}
			if b.entries[1].resource.(*observation).ValueQuantity.Value != "72.10" {
				t.Errorf("a number was not kept as it was written: %+v", b.entries[1].resource)
			}
		})
	}
	for _, typ := range bundleTypes() {
		t.Run("Type/"+typ, func(t *testing.T) {
			if _, err := Decode(strings.NewReader(`{"type":"` + typ + `","resourceType":"Bundle"}`)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	bundle := func(entries string) string {
		return `{"resourceType":"Bundle","type":"batch","entry":[` + entries + `]}`
	}
	good := `{"resource":{"resourceType":"Patient","id":"p"}}`
	for name, tc := range map[string]struct{ input, want string }{
		"ErrEmpty":         {"", "it is empty"},
		"ErrText":          {"Dear doctor", "not a FHIR bundle"},
		"ErrList":          {"[]", "not a JSON object"},
		"ErrOther":         {`{"resourceType":"Patient","id":"p"}`, `its resourceType is "Patient"`},
		"ErrNoType":        {`{"resourceType":"Bundle"}`, `a bundle of type ""`},
		"ErrHistory":       {`{"resourceType":"Bundle","type":"history","entry":[]}`, `a bundle of type "history" cannot be imported`},
		"ErrNoKind":        {`{"type":"batch"}`, `its resourceType is ""`},
		"ErrEntryObject":   {`{"resourceType":"Bundle","type":"batch","entry":{}}`, "reading entry: it is not a list"},
		"ErrTwo":           {bundle(good) + bundle(good), "something after its end"},
		"ErrCutInEntry":    {bundle(good)[:70], "entry 0: the file is cut off at byte"},
		"ErrCutAfter":      {strings.TrimSuffix(bundle(good), "]}"), "cut off at byte"},
		"ErrCutAtEnd":      {strings.TrimSuffix(bundle(good), "}"), "cut off at byte"},
		"ErrNoResource":    {bundle(good + `,{"resource":{"id":"x"}}`), "entry 1: resourceType is missing"},
		"ErrWrongJSON":     {bundle(good + `,{"resource":{"resourceType":"Observation","id":"o","valueQuantity":{"value":[1]}}}`), "entry 1 (Observation/o): valueQuantity.value is a JSON array"},
		"ErrNumberText":    {bundle(`{"resource":{"resourceType":"Observation","id":"o","valueQuantity":{"value":"many"}}}`), `entry 0 (Observation/o): `},
		"ErrEntryIsText":   {bundle(`"x"`), "entry 0: it is a JSON string"},
		"ErrNotJSONinside": {bundle(good + `,{"resource":{"resourceType":"Patient",}}`), "entry 1: "},
	} {
		t.Run(name, func(t *testing.T) {
			for _, input := range [][]byte{[]byte(tc.input), zip(t, tc.input)} {
				if _, err := Decode(bytes.NewReader(input)); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want … %s …", err, tc.want)
				}
			}
		})
	}
	t.Run("ErrGzipCut", func(t *testing.T) {
		whole := zip(t, bundle(good))
		if _, err := Decode(bytes.NewReader(whole[:len(whole)-9])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrGzipHeader", func(t *testing.T) {
		if _, err := Decode(strings.NewReader("\x1f\x8bxx")); err == nil {
			t.Error("it was read")
		}
	})
}
