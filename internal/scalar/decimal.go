package scalar

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// DecimalPlaces is how many places a Decimal keeps.
const DecimalPlaces = 4

const decimalOne = 10_000

// Decimal is an exact number with four places: doses, weights, temperatures. It
// is stored as an integer of ten-thousandths and written as text, so that no
// reader turns 0.1 into 0.1000000001.
type Decimal int64

// Whole makes the decimal n.
func Whole(n int64) Decimal { return Decimal(n * decimalOne) }

// ParseDecimal reads an exact number such as "2.5" and refuses one with more
// than four places or too large to keep.
func ParseDecimal(s string) (Decimal, error) {
	d, rounded, err := RoundDecimal(s, DecimalPlaces)
	if err == nil && rounded {
		return 0, fmt.Errorf("%.40q has more than %d decimal places", s, DecimalPlaces)
	}
	return d, err
}

// RoundDecimal reads a number in plain or exponent notation and rounds it half
// away from zero to places (at most four), telling whether that changed it.
func RoundDecimal(s string, places int) (d Decimal, rounded bool, err error) {
	number, _, err := apd.NewFromString(s)
	if err != nil || number.Form != apd.Finite || len(s) > 40 || strings.ContainsAny(s, " _") {
		return 0, false, fmt.Errorf("%.40q is not a decimal number; one looks like %q", s, "2.5")
	}
	if number.Exponent > 18 || number.Exponent < -400 {
		return 0, false, fmt.Errorf("%.40q is too large or too fine to keep", s)
	}
	context := apd.BaseContext.WithPrecision(60)
	context.Rounding = apd.RoundHalfUp // apd's half up is half away from zero
	var quantized apd.Decimal
	if _, err := context.Quantize(&quantized, number, int32(-places)); err != nil {
		return 0, false, fmt.Errorf("%.40q is too large to keep", s)
	}
	rounded = quantized.Cmp(number) != 0
	if _, err := context.Quantize(&quantized, &quantized, -DecimalPlaces); err != nil {
		return 0, false, fmt.Errorf("%.40q is too large to keep", s)
	}
	if quantized.Coeff.Sign() != 0 && !quantized.Coeff.IsInt64() {
		return 0, false, fmt.Errorf("%.40q is too large to keep", s)
	}
	units := quantized.Coeff.Int64()
	if quantized.Negative {
		units = -units
	}
	return Decimal(units), rounded, nil
}

// HasPlaces reports whether d is exact with the given number of places.
func (d Decimal) HasPlaces(places int) bool {
	return int64(d)%int64(math.Pow10(DecimalPlaces-places)) == 0
}

// String is the shortest exact text: "2.5", "500", "-0.25".
func (d Decimal) String() string {
	sign, units := "", uint64(d)
	if d < 0 {
		sign, units = "-", uint64(-d)
	}
	whole, rest := units/decimalOne, units%decimalOne
	if rest == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(fmt.Sprintf("%04d", rest), "0")
}

// Value stores the number of ten-thousandths.
func (d Decimal) Value() (driver.Value, error) { return int64(d), nil }

// Scan reads the number of ten-thousandths.
func (d *Decimal) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return cannotScan(v, "a decimal")
	}
	*d = Decimal(n)
	return nil
}

// MarshalGQL writes the number as a JSON string.
func (d Decimal) MarshalGQL(w io.Writer) { writeText(w, d.String()) }

// UnmarshalGQL reads a text or a whole number. A number with a fraction must be
// a text: a float on the way here may have lost the digits that were meant.
func (d *Decimal) UnmarshalGQL(v any) error {
	var s string
	switch v := v.(type) {
	case Decimal:
		*d = v
		return nil
	case string:
		s = v
	case json.Number:
		s = v.String()
	case int64:
		s = strconv.FormatInt(v, 10)
	case int:
		s = strconv.Itoa(v)
	default:
		return fmt.Errorf("a decimal is a text such as %q", "2.5")
	}
	parsed, err := ParseDecimal(s)
	*d = parsed
	return err
}

// MarshalText writes the same text as String.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Decimal) UnmarshalText(b []byte) error {
	parsed, err := ParseDecimal(string(b))
	*d = parsed
	return err
}
