package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// own builds the binary for a test that needs a server of its own; where the
// suite was given an address it has nothing to build it from.
func own(t *testing.T) string {
	t.Helper()
	if os.Getenv(address) != "" {
		t.Skipf("SKIPPED: the server at %s is tested", address)
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// The demo home is what a newcomer meets: it answers nested questions with rows
// on every level, the README's examples run on it, and a later start finds it.
func TestDemoHome(t *testing.T) {
	binary := own(t)
	database := filepath.Join(t.TempDir(), "demo.db")
	const nested = `{
		residents(first: 100, where: {status: ACTIVE, hasPrescriptionsWith: [{status: ACTIVE}]}) {
			totalCount
			edges { node {
				fullName
				prescriptions(first: 1, where: {status: ACTIVE}) { edges { node { medication { name ingredients { substance } } } } }
				participations(first: 1) { edges { node { activity { title } } } }
				wellness(first: 1, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { node { takenAt } } }
			} }
		}
		facilities { edges { node { timeZone } } }
	}`
	var answers []string
	for range 2 {
		p, err := start(binary, database, "--demo")
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, p.url, nested, nil)
		answers = append(answers, string(got.raw))
		if n, _ := at(t, got.Data, "residents", "totalCount").(float64); n < 25 {
			t.Errorf("%v residents take something", n)
		}
		for _, edge := range at(t, got.Data, "residents", "edges").([]any) {
			at(t, edge, "node", "prescriptions", "edges", 0, "node", "medication", "ingredients", 0, "substance")
			at(t, edge, "node", "wellness", "edges", 0, "node", "takenAt")
		}
		if len(answers) == 1 {
			runReadme(t, p.url)
		}
		if err := p.stop(); err != nil {
			t.Fatalf("stopping: %v\n%s", err, p.log)
		}
	}
	// The README's mutation records one check for the first resident.
	if len(answers[0]) != len(answers[1]) {
		t.Error("the second start answers otherwise than the first")
	}
}

// runReadme runs every GraphQL example of the README.
func runReadme(t *testing.T, url string) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindAllSubmatch(text, -1)
	if len(examples) < 2 {
		t.Fatalf("the README has %d examples", len(examples))
	}
	for _, example := range examples {
		if got := ask(t, url, string(example[1]), nil); len(got.Errors) > 0 {
			t.Errorf("the README's example %s\nanswers %s", example[1], got.raw)
		}
	}
}
