package limits

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// defaultPage is how many rows a page has if nothing else is asked for.
const defaultPage = 50

// most is where costs stop growing: far above any limit, and far below where sums and
// products of them would be too large for an int.
const most = 1 << 30

// Cost is how many objects the answer to an operation may hold at most, where a list
// of pages may have as many rows as pageLimit, and one without is taken to have a few.
// What is skipped by a directive counts as well.
func (p *Plan) Cost(variables map[string]any, pageLimit int) int {
	return p.price(variables, pageLimit).sum(p.steps, 0)
}

func (p *Plan) price(variables map[string]any, pageLimit int) pricing {
	return pricing{variables, pageLimit}
}

type pricing struct {
	variables map[string]any
	pageLimit int
}

func (p pricing) sum(steps []*step, rows int) (cost int) {
	for _, s := range steps {
		cost = plus(cost, p.step(s, rows))
	}
	return cost
}

// step is the cost of a field; rows is how many edges it has if it is a page's.
func (p pricing) step(s *step, rows int) int {
	switch s.kind {
	case schema:
		return schemaCost
	case act:
		return plus(actCost, p.sum(s.steps, 0))
	case page:
		return plus(1, p.sum(s.steps, p.rows(s)))
	case edges:
		return times(rows, plus(1, p.sum(s.steps, 0)))
	case list:
		return times(p.rows(s), plus(1, p.sum(s.steps, 0)))
	case through:
		return p.sum(s.steps, 0)
	default:
		return plus(1, p.sum(s.steps, 0))
	}
}

// rows is the most that one of the fields asks for.
func (p pricing) rows(s *step) (rows int) {
	usual, limit := defaultPage, p.pageLimit
	if s.kind == list {
		usual, limit = listCost, most
	}
	for _, size := range s.sizes {
		n := size.number
		if size.variable != "" {
			n = number(p.variables[size.variable])
		}
		if n < 0 {
			n = usual
		}
		rows = max(rows, min(n, limit))
	}
	return rows
}

// sizeOf is how long a list is to be by its arguments.
func sizeOf(k kind, arguments ast.ArgumentList) size {
	found := size{number: -1}
	for _, argument := range arguments {
		switch {
		case k == page && argument.Name != "first" && argument.Name != "last", k == list && argument.Name != "ids":
		case argument.Value == nil || argument.Value.Kind == ast.NullValue:
		case argument.Value.Kind == ast.Variable:
			found = size{variable: argument.Value.Raw}
		case argument.Value.Kind == ast.ListValue:
			found = size{number: len(argument.Value.Children)}
		case k == list:
			found = size{number: 1}
		default:
			n, err := strconv.Atoi(argument.Value.Raw)
			if err != nil {
				n = most // too long for a number, or none at all
			}
			found = size{number: max(n, 0)}
		}
	}
	return found
}

// number is the size that a variable says, negative if it says none.
func number(value any) int {
	switch value := value.(type) {
	case nil:
		return -1
	case json.Number:
		n, err := strconv.Atoi(value.String())
		if err != nil {
			return most
		}
		return max(n, 0)
	case string:
		return most
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Slice:
		return v.Len()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return int(min(max(v.Int(), 0), most))
	case reflect.Pointer:
		if v.IsNil() {
			return -1
		}
		return number(v.Elem().Interface())
	default:
		return most
	}
}

func plus(a, b int) int { return min(a+b, most) }

func times(a, b int) int {
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}
