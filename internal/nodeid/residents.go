package nodeid

import (
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
)

// Residents are the ids of some residents. The database keeps them as a JSON list
// of their numbers, such as [3,17], since there may be hundreds; null for none.
type Residents []ID

// Value is the JSON list.
func (r Residents) Value() (driver.Value, error) {
	if len(r) == 0 {
		return nil, nil
	}
	return string(r.append(make([]byte, 0, 2+6*len(r)))), nil
}

func (r Residents) append(b []byte) []byte {
	for i, id := range r {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		b = append(b, separator)
		b = strconv.AppendUint(b, uint64(id.Number()), 10)
	}
	return append(b, ']')
}

// Scan reads a JSON list. What Value would not have written is an error.
func (r *Residents) Scan(v any) error {
	*r = nil
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("cannot read %T as %s", v, "residents")
	}
	inner, ok := strings.CutSuffix(text, "]")
	inner, opened := strings.CutPrefix(inner, "[")
	read := make(Residents, 0, strings.Count(inner, ",")+1)
	for number := range strings.SplitSeq(inner, ",") {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n == 0 || number[0] == '0' {
			ok = false
		}
		read = append(read, New(Resident, uint32(n)))
	}
	if !ok || !opened {
		return fmt.Errorf("cannot read %T as %s", v, "residents")
	}
	*r = read
	return nil
}
