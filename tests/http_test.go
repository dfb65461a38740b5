package tests

import (
	"strings"
	"testing"
)

// A request that is no GraphQL is answered with a coded error, and nothing of
// it comes back.
func TestRequestsThatCannotBeRead(t *testing.T) {
	url := shared.get(t)
	for name, body := range map[string]string{
		"no JSON": `{secret`, "a list": `["secret"]`, "no query": `{"secret": 1}`, "query of a wrong type": `{"query": ["secret"]}`,
		"empty": ``, "variables of a wrong type": `{"query": "{ __typename }", "variables": "secret"}`,
		"unknown operation":          `{"query": "query A { __typename }", "operationName": "B"}`,
		"two operations and no name": `{"query": "query A { __typename } query B { __typename }"}`,
		"too many tokens":            `{"query": "{` + strings.Repeat(" __typename", 2100) + `}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, url, []byte(body), nil)
			if len(got.Errors) != 1 {
				t.Fatalf("not one error: %s", got.raw)
			}
			if code := got.Errors[0].Extensions["code"]; code != "INVALID" {
				t.Errorf("the code is %v: %s", code, got.raw)
			}
			if strings.Contains(string(got.raw), "secret") {
				t.Errorf("the body came back: %s", got.raw)
			}
		})
	}
}
