package scalar

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Digest is a SHA-256: 64 hexadecimal digits in the graph and in exports, 32
// bytes in the database.
type Digest [32]byte

// ParseDigest reads 64 hexadecimal digits.
func ParseDigest(s string) (d Digest, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("%.80q is not a digest; a digest is 64 hexadecimal digits", s)
	}
	return Digest(b), nil
}

// String is the form that people see.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Value stores the bytes.
func (d Digest) Value() (driver.Value, error) { return d[:], nil }

// Scan reads the bytes.
func (d *Digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(d) {
		return cannotScan(v, "a digest")
	}
	copy(d[:], b)
	return nil
}

// MarshalGQL writes 64 hexadecimal digits.
func (d Digest) MarshalGQL(w io.Writer) { writeText(w, d.String()) }

// UnmarshalGQL reads 64 hexadecimal digits.
func (d *Digest) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case Digest:
		*d = v
		return nil
	case string:
		parsed, err := ParseDigest(v)
		*d = parsed
		return err
	}
	return errors.New("a digest is a text of 64 hexadecimal digits")
}

// MarshalText writes the same text as String, for JSON outside of the graph.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	*d = parsed
	return err
}
