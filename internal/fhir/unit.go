package fhir

import (
	"cmp"
	"math/big"
	"strings"
)

// systemUCUM is the URI of the Unified Code for Units of Measure.
const systemUCUM = "http://unitsofmeasure.org"

// unit is the UCUM code in which a quantity is stated, without annotations, or
// the words it was stated in where they are not known. "{beats}/min" is "/min":
// UCUM gives no meaning to what stands in braces. A score has the unit "1".
func (q quantity) unit() string {
	if code := strings.TrimSpace(q.Code); code != "" && q.System == systemUCUM {
		return cmp.Or(unannotated(code), "1")
	}
	words := oneLine(q.Code)
	if q.System != "" || words == "" {
		words = cmp.Or(oneLine(q.Unit), words) // the code is of another system
	}
	if words == "" {
		return ""
	}
	if code := unitInWords(strings.ToLower(words)); code != "" {
		return code
	}
	return cmp.Or(unannotated(words), "1")
}

// unannotated is a UCUM code without what stands in braces.
func unannotated(code string) string {
	for {
		open := strings.IndexByte(code, '{')
		if open < 0 {
			return code
		}
		length := strings.IndexByte(code[open:], '}')
		if length < 0 {
			return code
		}
		code = code[:open] + code[open+length+1:]
	}
}

// unitInWords is the UCUM code of a unit that was written for people.
func unitInWords(words string) string {
	switch words {
	case "mmhg", "mm hg", "mm[hg]", "millimeter of mercury", "millimetre of mercury":
		return "mm[Hg]"
	case "bpm", "beats/min", "beats/minute", "beats per minute", "breaths/min", "breaths/minute", "breaths per minute", "/minute", "per minute", "1/min":
		return "/min"
	case "percent", "% o2":
		return "%"
	case "c", "°c", "degc", "deg c", "degrees c", "celsius", "degrees celsius", "cel":
		return "Cel"
	case "f", "°f", "degf", "deg f", "degrees f", "fahrenheit", "degrees fahrenheit":
		return "[degF]"
	case "kgs", "kilogram", "kilograms":
		return "kg"
	case "gram", "grams":
		return "g"
	case "lb", "lbs", "pound", "pounds":
		return "[lb_av]"
	case "centimeter", "centimeters", "centimetre", "centimetres":
		return "cm"
	case "in", "inch", "inches":
		return "[in_i]"
	case "l/min", "l/minute", "liters per minute", "litres per minute", "lpm":
		return "L/min"
	case "score", "(score)", "points", "1":
		return "1"
	}
	return ""
}

// conversion takes a number from one unit to another: (number + offset) × factor.
type conversion struct{ offset, factor *big.Rat }

func (c conversion) apply(r *big.Rat) *big.Rat {
	moved := new(big.Rat).Add(r, c.offset)
	return moved.Mul(moved, c.factor)
}

// convert finds how to take a number between two UCUM units, both without
// annotations. Only units of vital signs are known; any other pair is not.
func convert(from, to string) (conversion, bool) {
	by := func(num, den int64) (conversion, bool) {
		return conversion{new(big.Rat), big.NewRat(num, den)}, true
	}
	if from == to {
		return by(1, 1)
	}
	switch [2]string{from, to} {
	case [2]string{"1/min", "/min"}, [2]string{"l/min", "L/min"}, [2]string{"mmHg", "mm[Hg]"}:
		return by(1, 1) // spellings of the same unit; the last is no UCUM, and common
	case [2]string{"[lb_av]", "kg"}:
		return by(45359237, 100_000_000) // the international pound
	case [2]string{"g", "kg"}:
		return by(1, 1000)
	case [2]string{"[in_i]", "cm"}:
		return by(254, 100) // the international inch
	case [2]string{"m", "cm"}:
		return by(100, 1)
	case [2]string{"[degF]", "Cel"}:
		return conversion{big.NewRat(-32, 1), big.NewRat(5, 9)}, true
	case [2]string{"mg/dL", "mmol/L"}:
		return by(1000, 18016) // of glucose, 180.16 g/mol: the only use of this pair
	}
	return conversion{}, false
}
