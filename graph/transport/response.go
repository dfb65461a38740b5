package transport

import (
	"encoding/json"
	"slices"

	"github.com/99designs/gqlgen/graphql"
)

// AppendResponse appends the JSON of an answer. A request that was refused before
// it ran has no data entry; one that ran has, even if it is null.
func AppendResponse(b []byte, response *graphql.Response) []byte {
	const rest = 512
	b = slices.Grow(b, len(response.Data)+rest)
	b = append(appendBeforeData(b, response), response.Data...)
	return appendAfterData(b, response)
}

// appendBeforeData appends what of the JSON comes before the data themselves. They are
// JSON already: to check them again would cost as much as to make them.
func appendBeforeData(b []byte, response *graphql.Response) []byte {
	b = append(b, '{')
	if len(response.Errors) > 0 {
		b = appendEntry(b, "errors", response.Errors)
	}
	if response.Data != nil {
		b = append(separated(b), `"data":`...)
	}
	return b
}

// appendAfterData appends what comes after them.
func appendAfterData(b []byte, response *graphql.Response) []byte {
	if len(response.Extensions) > 0 {
		if response.Data != nil || len(response.Errors) > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, "extensions", response.Extensions)
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
	return appendMember(separated(b), name, value)
}

func appendMember(b []byte, name string, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own values, and texts
	}
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return append(b, text...)
}
