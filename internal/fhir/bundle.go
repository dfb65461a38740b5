package fhir

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bundle is a FHIR bundle as it was read: the resources that an import looks
// at, and of all others only that they are there.
type Bundle struct {
	// Type is Bundle.type, such as "transaction".
	Type    string
	entries []*entry
}

// entry is one resource of a bundle.
type entry struct {
	index    int
	fullURL  string
	typ, id  string
	resource any // one of the types of resource.go; nil for the rest
}

// String names the entry for errors and reports.
func (e *entry) String() string {
	if e.id == "" {
		return fmt.Sprintf("entry %d (%s)", e.index, e.typ)
	}
	return fmt.Sprintf("entry %d (%s/%s)", e.index, e.typ, e.id)
}

// bundleTypes are those whose entries are the present state of resources. In a
// history the entries are versions, and a response has none to take.
func bundleTypes() []string {
	return []string{"transaction", "collection", "searchset", "batch", "document", "message"}
}

// Decode reads one bundle, plain or compressed with gzip. It reads entry by
// entry, so that a large bundle costs the memory of what is kept of it. An error
// names the entry and the path at fault.
func Decode(r io.Reader) (*Bundle, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	// Peek returns what there is of a file that is shorter, with an error.
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("reading the gzip header: %w", err)
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	}
	if mark, err := buffered.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := buffered.Discard(len(mark)); err != nil {
			return nil, fmt.Errorf("reading the byte order mark: %w", err)
		}
	}
	d := bundleDecoder{json: json.NewDecoder(buffered), bundle: &Bundle{}}
	if err := d.decode(); err != nil {
		return nil, err
	}
	return d.bundle, nil
}

type bundleDecoder struct {
	json   *json.Decoder
	bundle *Bundle
	typ    string // resourceType
}

func (d *bundleDecoder) decode() error {
	open, err := d.json.Token()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("not a FHIR bundle: it is empty")
	case err != nil:
		return fmt.Errorf("not a FHIR bundle: %w", d.cut(err))
	case open != json.Delim('{'):
		return errors.New("not a FHIR bundle: it is not a JSON object")
	}
	for d.json.More() {
		key, err := d.json.Token()
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", d.cut(err))
		}
		if err := d.field(key); err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return fmt.Errorf("reading the end of the bundle: %w", d.cut(err))
	}
	var syntax *json.SyntaxError
	switch _, err := d.json.Token(); {
	case errors.Is(err, io.EOF): // as it must be; gzip has compared its checksum
	case err == nil, errors.As(err, &syntax):
		return errors.New("not a FHIR bundle: there is something after its end")
	default:
		return fmt.Errorf("reading the end of the bundle: %w", d.cut(err))
	}
	if err := d.isBundle(); err != nil {
		return err
	}
	if !slices.Contains(bundleTypes(), d.bundle.Type) {
		return fmt.Errorf("a bundle of type %.40q cannot be imported; these can: %s", d.bundle.Type, strings.Join(bundleTypes(), ", "))
	}
	return nil
}

func (d *bundleDecoder) field(key json.Token) error {
	var err error
	switch key {
	case "resourceType":
		if err = d.json.Decode(&d.typ); err == nil {
			err = d.isBundle()
		}
	case "type":
		err = d.json.Decode(&d.bundle.Type)
	case "entry":
		return d.list()
	default:
		var ignored json.RawMessage
		err = d.json.Decode(&ignored)
	}
	if err != nil {
		return fmt.Errorf("reading %v: %w", key, d.cut(err))
	}
	return nil
}

func (d *bundleDecoder) isBundle() error {
	if d.typ != "Bundle" {
		return fmt.Errorf("not a FHIR bundle: its resourceType is %.40q", d.typ)
	}
	return nil
}

func (d *bundleDecoder) list() error {
	open, err := d.json.Token()
	if err == nil && open != json.Delim('[') {
		err = errors.New("it is not a list")
	}
	if err != nil {
		return fmt.Errorf("reading entry: %w", d.cut(err))
	}
	for d.json.More() {
		if err := d.entry(len(d.bundle.entries)); err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return fmt.Errorf("reading the end of the entries: %w", d.cut(err))
	}
	return nil
}

func (d *bundleDecoder) entry(index int) error {
	var raw struct {
		FullURL  string `json:"fullUrl"`
		Resource json.RawMessage
	}
	if err := d.json.Decode(&raw); err != nil {
		return fmt.Errorf("entry %d: %w", index, where(d.cut(err)))
	}
	e := &entry{index: index, fullURL: raw.FullURL}
	d.bundle.entries = append(d.bundle.entries, e)
	if len(raw.Resource) == 0 || string(raw.Resource) == "null" {
		return nil
	}
	var err error
	if e.typ, e.id, e.resource, err = decodeResource(raw.Resource); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	if e.typ == "" {
		return fmt.Errorf("entry %d: resourceType is missing", index)
	}
	if e.id == "" {
		e.id = idOfURL(e.fullURL)
	}
	if e.id == "" && e.resource != nil {
		// Its content is all the identity that it has.
		e.id = "sha256-" + digest(raw.Resource)
	}
	return nil
}

// cut says of an end where none may be that the file is incomplete.
func (d *bundleDecoder) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off at byte %d: %w", d.json.InputOffset(), io.ErrUnexpectedEOF)
	}
	return err
}

// where puts JSON's complaint about a type into the reader's words.
func where(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	var steps []string
	for step := range strings.SplitSeq(wrong.Field, ".") {
		if step != "" && step != "measured" && step != "contains" { // parts of Go's forms, not of FHIR's
			steps = append(steps, strings.ToLower(step[:1])+step[1:])
		}
	}
	path := cmp.Or(strings.Join(steps, "."), "it")
	return fmt.Errorf("%s is a JSON %s where FHIR R4 has another type", path, wrong.Value)
}

// decodeResource reads one resource; those that an import has no use for are
// only named.
func decodeResource(raw json.RawMessage) (typ, id string, resource any, err error) {
	var head struct {
		ResourceType string
		ID           string
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return "", "", nil, where(err)
	}
	if resource = newResource(head.ResourceType); resource == nil {
		return head.ResourceType, head.ID, nil, nil
	}
	if err := json.Unmarshal(raw, resource); err != nil {
		return head.ResourceType, head.ID, nil, where(err)
	}
	return head.ResourceType, head.ID, resource, nil
}

// idOfURL is the identity in a fullUrl: of "urn:uuid:x" and "https://h/T/x" x.
func idOfURL(url string) string {
	if rest, ok := strings.CutPrefix(url, "urn:uuid:"); ok {
		return rest
	}
	if rest, ok := strings.CutPrefix(url, "urn:oid:"); ok {
		return rest
	}
	return url[strings.LastIndexByte(url, '/')+1:]
}

// digest is half a SHA-256 in hexadecimal of a JSON text, blanks aside.
func digest(raw []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) == nil {
		raw = compact.Bytes()
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
