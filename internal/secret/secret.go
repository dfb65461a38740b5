package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"log/slog"
	"strings"
)

const (
	// Mark leads every key, so that programs that look for leaked secrets, and
	// people, know one when they see it.
	Mark = "carehome_"

	prefixBytes = 5  // 40 bits: two keys of a home hardly ever share them
	secretBytes = 32 // 256 bits: nobody can go through all
)

// encoding has no letter that is mistaken for another when read aloud, nor one
// that a double click would stop at.
var encoding = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// Key is the text of a key. It hides itself from logs and from %v.
type Key string

// New makes a key of the system's randomness.
func New() Key {
	// It never fails: the program ends where the system has no randomness.
	chance := make([]byte, prefixBytes+secretBytes)
	_, _ = rand.Read(chance)
	return Key(Mark + encoding.EncodeToString(chance[:prefixBytes]) + "_" + encoding.EncodeToString(chance[prefixBytes:]))
}

// Parse reads a key, and is false where the text has not the form of one.
func Parse(text string) (Key, bool) {
	rest, marked := strings.CutPrefix(text, Mark)
	prefix, secret, parted := strings.Cut(rest, "_")
	if !marked || !parted || !encodes(prefix, prefixBytes) || !encodes(secret, secretBytes) {
		return "", false
	}
	return Key(text), true
}

// encodes reports whether text is n bytes, written in the one way there is.
func encodes(text string, n int) bool {
	if len(text) != encoding.EncodedLen(n) {
		return false
	}
	decoded, err := encoding.DecodeString(text)
	return err == nil && encoding.EncodeToString(decoded) == text
}

// Prefix is the beginning of the key that may be shown and logged.
func (k Key) Prefix() string {
	end := len(Mark) + encoding.EncodedLen(prefixBytes)
	if len(k) < end {
		return ""
	}
	return string(k[:end])
}

// Hash is what is kept of the key. A fast hash is enough for 256 bits of chance.
func (k Key) Hash() []byte {
	sum := sha256.Sum256([]byte(k))
	return sum[:]
}

// Reveal is the whole text, for the one who is to have it.
func (k Key) Reveal() string { return string(k) }

// String is the prefix, so that a key printed by mistake tells nothing.
func (k Key) String() string { return k.Prefix() + "_…" }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
