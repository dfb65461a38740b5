package limits

import (
	"reflect"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

// Meter counts what an operation really makes, while it runs. It is safe for
// concurrent use.
type Meter struct {
	schema               *Schema
	costLimit, byteLimit int
	cost, bytes          atomic.Int64
}

// NewMeter counts up to the limits.
func NewMeter(s *Schema, costLimit, byteLimit int) *Meter {
	return &Meter{schema: s, costLimit: costLimit, byteLimit: byteLimit}
}

// Count counts the value of a field that was resolved.
func (m *Meter) Count(name string, definition *ast.FieldDefinition, value any) {
	// Of "name":value the quotes, the colon and the least of a value: what is counted
	// is never more than the answer has.
	const around = 4
	size := len(name) + around
	k := m.schema.kinds[definition]
	switch value := value.(type) {
	case nil:
		k = leaf
	case string:
		size += len(value)
	case *string:
		if value != nil {
			size += len(*value)
		}
	}
	m.bytes.Add(int64(size))
	switch k {
	case leaf, through:
	case act:
		m.cost.Add(actCost)
	case schema:
		m.cost.Add(schemaCost)
	case edges, list:
		if v := reflect.ValueOf(value); v.Kind() == reflect.Slice {
			m.cost.Add(int64(v.Len()))
		}
	default:
		if v := reflect.ValueOf(value); v.Kind() != reflect.Pointer || !v.IsNil() {
			m.cost.Add(1)
		}
	}
}

// Reset begins to count anew.
func (m *Meter) Reset() {
	m.cost.Store(0)
	m.bytes.Store(0)
}

// Cost is what was counted so far.
func (m *Meter) Cost() int { return int(m.cost.Load()) }

// Exceeded says which limit was passed, if one was.
func (m *Meter) Exceeded() *problem.Problem {
	if p := CheckCost(m.costLimit, m.Cost()); p != nil {
		return p
	}
	return CheckAnswer(m.byteLimit, int(m.bytes.Load()))
}

// CheckCost refuses an operation that costs too much.
func CheckCost(limit, actual int) *problem.Problem {
	if actual <= limit {
		return nil
	}
	return named("cost", problem.Limit("query", limit, actual, "the answer may hold at most %d objects: ask for fewer at once", limit))
}

// CheckAnswer refuses an answer that has too many bytes.
func CheckAnswer(limit, actual int) *problem.Problem {
	if actual <= limit {
		return nil
	}
	return named("answer", problem.Limit("query", limit, actual, "the answer may have at most %d bytes: ask for less at once", limit))
}
