package tests

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// clients is the folder of the clients that are written for Node.
const clients = "clients"

// node is the path of Node, where it and the packages of clients are there.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(clients + "/node_modules")
	}
	if err != nil {
		lacking(t, "npm", err)
	}
	return path
}

// TestGraphQLOverHTTP holds every audit of the npm package graphql-http against the
// server: what the specification says must, should and may be.
func TestGraphQLOverHTTP(t *testing.T) {
	command := exec.Command(node(t), "audit.mjs", shared.get(t)+"/graphql")
	command.Dir = clients
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("running the audits: %v\n%s", err, &complaints)
	}
	var results []struct{ ID, Name, Status, Reason string }
	if err := json.Unmarshal(output, &results); err != nil {
		t.Fatalf("the audits wrote %.300s: %v", output, err)
	}
	const known = 61
	if len(results) < known {
		t.Errorf("only %d audits ran", len(results))
	}
	for _, result := range results {
		t.Run(result.ID, func(t *testing.T) {
			if result.Status != "ok" {
				t.Errorf("%s: %s", result.Name, result.Reason)
			}
		})
	}
}
