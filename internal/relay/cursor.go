package relay

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"carehome/internal/access"
	"carehome/internal/problem"
)

// Cursor is the opaque position of one row in one order.
type Cursor string

// MarshalGQL writes the cursor as a JSON string.
func (c Cursor) MarshalGQL(w io.Writer) {
	// An io.Writer of gqlgen's is a buffer: it cannot fail.
	_, _ = io.WriteString(w, strconv.Quote(string(c)))
}

// UnmarshalGQL takes any text; only the order that it is used with can tell
// whether it is a cursor.
func (c *Cursor) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("a cursor is a text from an earlier answer")
	}
	*c = Cursor(text)
	return nil
}

// Sealer turns the content of cursors into text and back, so that nobody reads or
// makes them. what tells what the cursor is good for, and for whom; a text that
// was sealed for something else does not open.
type Sealer interface {
	Seal(what string, content []byte) (string, error)
	Open(what, text string) ([]byte, error)
}

// SecretSize is how many bytes the secret of a sealer has.
const SecretSize = 32

// seal is AES-GCM whose nonce is made from what is sealed: a row has the same
// cursor each time, and a nonce comes back only with the same content.
type seal struct {
	aead   cipher.AEAD
	nonces []byte
}

// NewSealer makes a sealer of a secret. Those of the same secret open each
// other's cursors.
func NewSealer(secret []byte) (Sealer, error) {
	if len(secret) != SecretSize {
		return nil, fmt.Errorf("a secret of cursors has %d bytes, not %d", SecretSize, len(secret))
	}
	derive := func(what string) ([]byte, error) { return hkdf.Key(sha256.New, secret, nil, what, SecretSize) }
	key, err := derive("carehome cursors: content")
	if err != nil {
		return nil, err
	}
	nonces, err := derive("carehome cursors: nonces")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return seal{aead, nonces}, err
}

// RandomSealer makes a sealer whose cursors are good as long as the program runs.
func RandomSealer() Sealer {
	secret := make([]byte, SecretSize)
	_, _ = rand.Read(secret) // it never fails
	s, err := NewSealer(secret)
	if err != nil {
		panic(err) // the size is right
	}
	return s
}

func (s seal) Seal(what string, content []byte) (string, error) {
	mac := hmac.New(sha256.New, s.nonces)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(what))))
	mac.Write([]byte(what))
	mac.Write(content)
	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, content, []byte(what))), nil
}

func (s seal) Open(what, text string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(sealed) < s.aead.NonceSize() {
		return nil, errors.New("too short for a cursor")
	}
	return s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], []byte(what))
}

type sealerKey struct{}

// WithSealer makes every cursor below ctx be sealed and opened by s, each for the
// viewer of ctx alone. Without a sealer there are no cursors.
func WithSealer(ctx context.Context, s Sealer) context.Context {
	return context.WithValue(ctx, sealerKey{}, s)
}

func sealerOf(ctx context.Context) Sealer {
	s, ok := ctx.Value(sealerKey{}).(Sealer)
	if !ok {
		return unsealed{}
	}
	return bound{s, access.CursorScope(ctx)}
}

// bound seals for one viewer.
type bound struct {
	Sealer
	scope string
}

func (b bound) Seal(what string, content []byte) (string, error) {
	return b.Sealer.Seal(b.scope+"\n"+what, content)
}

func (b bound) Open(what, text string) ([]byte, error) { return b.Sealer.Open(b.scope+"\n"+what, text) }

// unsealed is where nobody has said how cursors are sealed.
type unsealed struct{}

var errUnsealed = errors.New("there is nothing to seal cursors with")

func (unsealed) Seal(string, []byte) (string, error) { return "", errUnsealed }

func (unsealed) Open(string, string) ([]byte, error) { return nil, errUnsealed }

const (
	// cursorVersion changes when the content of cursors does, so that old ones
	// are refused instead of misread.
	cursorVersion = "2 "
	// maxCursor is far above the longest cursor we make; longer ones are not
	// even decoded.
	maxCursor = 8 << 10
)

// seal makes the cursor of a row in the order: the values of the order's keys.
func (o Order[T]) seal(s Sealer, row *T) (Cursor, error) {
	values := make([]json.RawMessage, len(o.terms))
	for i, t := range o.terms {
		value, err := json.Marshal(t.key.value(row))
		if err != nil {
			return "", fmt.Errorf("encoding the %s of a cursor: %w", t.key.Name, err)
		}
		values[i] = value
	}
	content, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encoding a cursor: %w", err)
	}
	sealed, err := s.Seal(cursorVersion+o.shape(), content)
	if err != nil {
		return "", fmt.Errorf("sealing a cursor: %w", err)
	}
	return Cursor(sealed), nil
}

// open reads the key values of a cursor that was made in the same order.
func (o Order[T]) open(s Sealer, field string, cursor Cursor) ([]any, error) {
	malformed := problem.Invalidf(field, "This is not a cursor of this list. Use a cursor from an answer with the same orderBy.")
	if len(cursor) > maxCursor {
		return nil, malformed
	}
	content, err := s.Open(cursorVersion+o.shape(), string(cursor))
	if err != nil {
		return nil, malformed
	}
	var texts []json.RawMessage
	if json.Unmarshal(content, &texts) != nil || len(texts) != len(o.terms) {
		return nil, malformed
	}
	values := make([]any, len(texts))
	for i, t := range o.terms {
		if values[i], err = t.key.parse(texts[i]); err != nil {
			return nil, malformed
		}
	}
	return values, nil
}
