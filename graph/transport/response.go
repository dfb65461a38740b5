package transport

import (
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
)

// AppendResponse appends the JSON of an answer. A request that was refused before
// it ran has no data entry; one that ran has, even if it is null.
func AppendResponse(b []byte, response *graphql.Response) []byte {
	if response.Data != nil && cap(b)-len(b) < len(response.Data) {
		const rest = 512
		b = append(make([]byte, 0, len(b)+len(response.Data)+rest), b...)
	}
	b = append(b, '{')
	if len(response.Errors) > 0 {
		b = appendEntry(b, "errors", response.Errors)
	}
	if response.Data != nil {
		// It is JSON already: to check it again would cost as much as to make it.
		b = append(separated(b), `"data":`...)
		b = append(b, response.Data...)
	}
	if len(response.Extensions) > 0 {
		b = appendEntry(b, "extensions", response.Extensions)
	}
	return append(b, '}')
}

func separated(b []byte) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return b
}

func appendEntry(b []byte, name string, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own values, and texts
	}
	b = append(separated(b), '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return append(b, text...)
}
