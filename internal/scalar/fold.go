package scalar

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Fold is s without accents and case and with single spaces, for columns that
// are searched: "García  Ruiz" and "garcia ruiz" fold to the same text.
func Fold(s string) string {
	// Both are made for each call: a transformer keeps state.
	strip := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	plain, _, err := transform.String(strip, s)
	if err != nil {
		plain = s // invalid UTF-8 is searched as it stands
	}
	return strings.Join(strings.Fields(cases.Fold().String(plain)), " ")
}
