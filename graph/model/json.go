package model

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalJSON writes a JSON value as it is.
func MarshalJSON(value json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		// gqlgen's writer is a buffer: it cannot fail.
		_, _ = w.Write(value)
	})
}

// UnmarshalJSON reads any JSON value.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("must be a JSON value: %w", err)
	}
	return value, nil
}
