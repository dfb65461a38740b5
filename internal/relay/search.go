package relay

import (
	"strings"

	"entgo.io/ent/dialect/sql"

	"carehome/internal/scalar"
)

// SearchText keeps the rows whose folded column contains each word of the term,
// whatever accents and case the term has. A term without words asks for nothing:
// then it is nil.
func SearchText(column, term string) func(*sql.Selector) {
	words := strings.Fields(scalar.Fold(term))
	if len(words) == 0 {
		return nil
	}
	return func(s *sql.Selector) {
		// In one predicate, so that it can be negated as a whole.
		contained := make([]*sql.Predicate, len(words))
		for i, word := range words {
			contained[i] = sql.Contains(s.C(column), word)
		}
		s.Where(sql.And(contained...))
	}
}
