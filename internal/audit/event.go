package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// Action is what was done, close to FHIR's.
type Action string

// The actions. Those from Create to Migrate tell of a row, and what it was before
// and after.
const (
	Create Action = "CREATE"
	Update Action = "UPDATE"
	Delete Action = "DELETE"
	// Correct is the change of a clinical fact that was wrong.
	Correct Action = "CORRECT"
	// Void is the marking of a clinical fact as entered in error.
	Void Action = "VOID"
	// Baseline is a row as it was when the chain began.
	Baseline Action = "BASELINE"
	// Migrate is a row as a new version of the program has made it.
	Migrate Action = "MIGRATE"
	// BreakGlass is the beginning of reading what a role hides, in an emergency.
	BreakGlass Action = "BREAK_GLASS"
	// Read is the reading of a resident's clinical data.
	Read Action = "READ"
	// Start and Stop are those of the server; a Start without a Stop is one that did
	// not end in order. Gap is what was read and is not on record.
	Start Action = "START"
	Stop  Action = "STOP"
	Gap   Action = "GAP"
	// Login and Refused are an attempt to say who one is.
	Login   Action = "LOGIN"
	Refused Action = "REFUSED"
)

// Event is one thing that was done. A zero ID, an empty text or a nil digest is
// one that there is none of.
type Event struct {
	// ID is the event's place in the chain: the first is 1, and none is left out.
	ID nodeid.ID
	// At is when, by the server's clock, as the database keeps it.
	At     string
	Action Action
	// Actor is who did it; none for the program itself. Role is what they were,
	// and Key the API key that they came with.
	Actor nodeid.ID
	Role  string
	Key   nodeid.ID
	// Entity is the row that was changed.
	Entity nodeid.ID
	// Residents are whom that, or what was read, is about.
	Residents nodeid.Residents
	// Version is that of the row after the change.
	Version int64
	// Before and After are the digests of the row's content.
	Before, After *scalar.Digest
	Reason        string
	// Request is the request's id, Operation what it asked for.
	Request, Operation string

	// Previous is the hash of the event before; zero for the first.
	Previous, Hash scalar.Digest
}

// Line is the event as one JSON object, without its hash and without a line's
// end: what the hash is made of. Keys stand in one order, what there is none of
// is left out.
func (e *Event) Line() []byte { return append(e.open(make([]byte, 0, 512)), '}') }

// Export is the event as one JSON object with its hash.
func (e *Event) Export() []byte {
	b := append(e.open(make([]byte, 0, 640)), `,"hash":"`...)
	return append(hex.AppendEncode(b, e.Hash[:]), `"}`...)
}

// open writes all but the closing brace.
func (e *Event) open(b []byte) []byte {
	b = appendID(append(b, '{'), `"id":`, e.ID)
	b = appendText(b, `,"at":`, e.At)
	b = appendText(b, `,"action":`, string(e.Action))
	b = appendID(b, `,"actor":`, e.Actor)
	b = appendText(b, `,"role":`, e.Role)
	b = appendID(b, `,"key":`, e.Key)
	b = appendID(b, `,"entity":`, e.Entity)
	for i, id := range e.Residents {
		key := `,`
		if i == 0 {
			key = `,"residents":[`
		}
		b = appendID(b, key, id)
	}
	if len(e.Residents) > 0 {
		b = append(b, ']')
	}
	if e.Version != 0 {
		b = strconv.AppendInt(append(b, `,"version":`...), e.Version, 10)
	}
	b = appendDigest(b, `,"before":`, e.Before)
	b = appendDigest(b, `,"after":`, e.After)
	b = appendText(b, `,"reason":`, e.Reason)
	b = appendText(b, `,"request":`, e.Request)
	b = appendText(b, `,"operation":`, e.Operation)
	return appendDigest(b, `,"previous":`, &e.Previous)
}

func appendID(b []byte, key string, id nodeid.ID) []byte {
	if id == 0 {
		return b
	}
	b = append(append(b, key...), '"')
	if kind := id.Kind(); kind.Valid() {
		b = strconv.AppendUint(append(append(b, kind.Prefix()...), '_'), uint64(id.Number()), 10)
	} else {
		b = strconv.AppendInt(b, int64(id), 10) // no id of ours; told as it stands
	}
	return append(b, '"')
}

func appendText(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, key...)
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, quoted(text)...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// quoted is a text as JSON; what is no UTF-8 becomes U+FFFD.
func quoted(text string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// A string can always be encoded, and a buffer takes all.
	_ = encoder.Encode(text)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func appendDigest(b []byte, key string, d *scalar.Digest) []byte {
	if d == nil {
		return b
	}
	return append(hex.AppendEncode(append(append(b, key...), '"'), d[:]), '"')
}

// Sum is the hash that the event should carry: the SHA-256 of its Line, in which
// the hash of the event before stands.
func (e *Event) Sum() scalar.Digest { return sha256.Sum256(e.Line()) }

// Head is the end of a chain: who knows it can tell whether all before it is
// still there.
type Head struct {
	ID   nodeid.ID     `json:"event"`
	Hash scalar.Digest `json:"hash"`
}

// Empty is the head of a chain without events.
func Empty() Head { return Head{ID: nodeid.ID(nodeid.AuditEvent.Start())} }

// Append gives the event its place after the head, and returns the new head.
func (h Head) Append(e *Event) Head {
	e.ID, e.Previous = h.ID+1, h.Hash
	e.Hash = e.Sum()
	return Head{e.ID, e.Hash}
}
