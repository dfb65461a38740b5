package tests

import (
	"encoding/json"
	"io"
	"net/http"
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
			response, err := http.Post(url+"/graphql", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			var got answer
			if err := json.Unmarshal(text, &got); err != nil || len(got.Errors) != 1 {
				t.Fatalf("%s: %v: %.300s", response.Status, err, text)
			}
			if code := got.Errors[0].Extensions["code"]; code != "INVALID" {
				t.Errorf("the code is %v: %s", code, text)
			}
			if strings.Contains(string(text), "secret") {
				t.Errorf("the body came back: %s", text)
			}
		})
	}
}
