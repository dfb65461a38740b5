package relay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

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

// Sealer turns the content of cursors into text and back, so that they can be
// encrypted and bound to a viewer. shape says which type and order the cursor
// belongs to; a text sealed for another shape must not open.
type Sealer interface {
	Seal(shape string, content []byte) (string, error)
	Open(shape, text string) ([]byte, error)
}

type sealerKey struct{}

// WithSealer makes every cursor below ctx be sealed and opened by s. Without it
// cursors are encoded but not secret.
func WithSealer(ctx context.Context, s Sealer) context.Context {
	return context.WithValue(ctx, sealerKey{}, s)
}

func sealerOf(ctx context.Context) Sealer {
	if s, ok := ctx.Value(sealerKey{}).(Sealer); ok {
		return s
	}
	return plain{}
}

// plain writes cursors in the clear. The shape is part of the content, so it
// needs no check here.
type plain struct{}

func (plain) Seal(_ string, content []byte) (string, error) {
	return base64.RawURLEncoding.EncodeToString(content), nil
}

func (plain) Open(_, text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

const (
	// cursorVersion changes when the content of cursors does, so that old ones
	// are refused instead of misread.
	cursorVersion = 1
	// maxCursor is far above the longest cursor we make; longer ones are not
	// even decoded.
	maxCursor = 8 << 10
)

// content is what a cursor holds: the values of the order's keys at its row.
type content struct {
	Version int               `json:"v"`
	Shape   string            `json:"s"`
	Values  []json.RawMessage `json:"k"`
}

// seal makes the cursor of a row in the order.
func (o Order[T]) seal(s Sealer, row *T) (Cursor, error) {
	c := content{Version: cursorVersion, Shape: o.shape()}
	for _, t := range o.terms {
		value, err := json.Marshal(t.key.value(row))
		if err != nil {
			return "", fmt.Errorf("encoding the %s of a cursor: %w", t.key.Name, err)
		}
		c.Values = append(c.Values, value)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding a cursor: %w", err)
	}
	sealed, err := s.Seal(c.Shape, text)
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
	text, err := s.Open(o.shape(), string(cursor))
	if err != nil {
		return nil, malformed
	}
	var c content
	if json.Unmarshal(text, &c) != nil || c.Version != cursorVersion ||
		c.Shape != o.shape() || len(c.Values) != len(o.terms) {
		return nil, malformed
	}
	values := make([]any, len(c.Values))
	for i, t := range o.terms {
		if values[i], err = t.key.parse(c.Values[i]); err != nil {
			return nil, malformed
		}
	}
	return values, nil
}
