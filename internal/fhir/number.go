package fhir

import (
	"encoding/json"
	"fmt"
	"math/big"

	"carehome/internal/scalar"
)

// exact reads a JSON number as a fraction. What is out of all proportion is
// refused before it could cost memory.
func exact(n json.Number) (*big.Rat, error) {
	if _, _, err := scalar.RoundDecimal(n.String(), scalar.DecimalPlaces); err != nil {
		return nil, err
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil, fmt.Errorf("%.40q is not a decimal number", n)
	}
	return r, nil
}

// round is r at the given number of places, half away from zero, and whether
// that changed it.
func round(r *big.Rat, places int) (d scalar.Decimal, rounded bool, err error) {
	text := r.FloatString(places) // exact, halves away from zero
	if d, err = scalar.ParseDecimal(text); err != nil {
		return 0, false, err
	}
	back, _ := new(big.Rat).SetString(text)
	return d, back.Cmp(r) != 0, nil
}

// whole reads a JSON number that must be a whole one from low to high.
func whole(n json.Number, low, high int64) (int, bool) {
	r, err := exact(n)
	if err != nil || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	if v := r.Num().Int64(); v >= low && v <= high {
		return int(v), true
	}
	return 0, false
}
