package scalar

import (
	"fmt"
	"io"
	"strconv"
)

// writeText writes a scalar as a JSON string. The texts of this package need no
// escaping, and gqlgen's writer is a buffer, which cannot fail.
func writeText(w io.Writer, text string) {
	_, _ = io.WriteString(w, strconv.Quote(text))
}

// text takes the text out of what a database driver or gqlgen hands over.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

func cannotScan(v any, into string) error {
	return fmt.Errorf("cannot read %T as %s", v, into)
}
