package schema

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/schema"

	"carehome/internal/scalar"
)

// builder is what ent's field builders have in common; each returns itself, so
// the helpers below can be put around any of them.
type builder[B any] interface {
	GoType(any) B
	SchemaType(map[string]string) B
	Annotations(...schema.Annotation) B
}

// instant makes a time column an instant in UTC at millisecond precision.
func instant[B builder[B]](b B) B {
	return b.GoType(scalar.Time{}).Annotations(graphType("Time")).SchemaType(map[string]string{
		dialect.SQLite: "text", dialect.Postgres: "timestamptz(3)",
	})
}

// date makes a time column a day of the calendar.
func date[B builder[B]](b B) B {
	return b.GoType(scalar.Date{}).Annotations(graphType("Date")).SchemaType(map[string]string{
		dialect.SQLite: "text", dialect.Postgres: "date",
	})
}

// wallTime makes a time column a date and time on the home's clocks.
func wallTime[B builder[B]](b B) B {
	return b.GoType(scalar.LocalDateTime{}).Annotations(graphType("LocalDateTime")).SchemaType(map[string]string{
		dialect.SQLite: "text", dialect.Postgres: "timestamp(0)",
	})
}

// decimal makes an int64 column an exact decimal with four places.
func decimal[B builder[B]](b B) B {
	return b.GoType(scalar.Decimal(0)).Annotations(graphType("Decimal"))
}

// digest makes a bytes column a SHA-256.
func digest[B builder[B]](b B) B {
	return b.GoType(scalar.Digest{}).Annotations(graphType("Digest"), leftOut(fromWhere|fromCreate|fromUpdate))
}

type enumBuilder[B any] interface {
	NamedValues(...string) B
	Annotations(...schema.Annotation) B
}

// choices gives an enum its closed list; each choice is "VALUE What it means."
func choices[B enumBuilder[B]](b B, list ...string) B {
	var named []string
	values := make(map[string]string, len(list))
	for _, choice := range list {
		value, meaning, _ := strings.Cut(choice, " ")
		values[value] = meaning
		named = append(named, goName(value), value)
	}
	return b.NamedValues(named...).Annotations(Carehome{Values: values})
}

// goName turns ON_LEAVE into OnLeave.
func goName(value string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(strings.ToLower(value), "_") {
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return name.String()
}

// hidden keeps a column out of the graph altogether.
var hidden = leftOut(everywhere)

// readOnly keeps a column out of the mutation inputs.
var readOnly = leftOut(fromCreate | fromUpdate)

// line accepts 1 to max characters of one line, without blanks at the ends.
func line(max int) func(string) error {
	return func(s string) error {
		if s != strings.TrimSpace(s) || s == "" {
			return errors.New("must not be blank nor begin or end with a blank")
		}
		if strings.ContainsFunc(s, unicode.IsControl) {
			return errors.New("must not contain control characters")
		}
		return text(max)(s)
	}
}

// text accepts up to max characters.
func text(max int) func(string) error {
	return func(s string) error {
		if !utf8.ValidString(s) {
			return errors.New("must be valid text")
		}
		if n := utf8.RuneCountInString(s); n > max {
			return fmt.Errorf("must have at most %d characters, has %d", max, n)
		}
		if strings.ContainsRune(s, 0) {
			return errors.New("must not contain control characters")
		}
		return nil
	}
}

// shaped accepts what the expression matches; like is shown as an example.
func shaped(expression, like string) func(string) error {
	re := regexp.MustCompile(expression)
	return func(s string) error {
		if !re.MatchString(s) {
			return fmt.Errorf("must look like %q", like)
		}
		return nil
	}
}

// between accepts whole numbers from low to high, both included.
func between(low, high int) func(int) error {
	return func(n int) error {
		if n < low || n > high {
			return fmt.Errorf("must be from %d to %d, is %d", low, high, n)
		}
		return nil
	}
}

// decimalBetween accepts decimals from low to high with at most places places.
func decimalBetween(low, high string, places int) func(int64) error {
	lowest, lowErr := scalar.ParseDecimal(low)
	highest, highErr := scalar.ParseDecimal(high)
	return func(n int64) error {
		d := scalar.Decimal(n)
		switch {
		case lowErr != nil || highErr != nil:
			return errors.Join(lowErr, highErr)
		case d < lowest || d > highest:
			return fmt.Errorf("must be from %s to %s, is %s", low, high, d)
		case !d.HasPlaces(places):
			return fmt.Errorf("must have at most %d decimal places, is %s", places, d)
		}
		return nil
	}
}
