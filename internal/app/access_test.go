package app

import (
	"bytes"
	"os"
	"testing"
)

// The page in docs is what the program says.
func TestAccessPageIsUpToDate(t *testing.T) {
	var out, log bytes.Buffer
	if code := (Program{Stdout: &out, Stderr: &log}).Main([]string{"access"}, nil); code != exitOK {
		t.Fatalf("access ended with %d: %s", code, log.String())
	}
	page, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), page) {
		t.Error("docs/access.md is out of date: go generate ./...")
	}
}
