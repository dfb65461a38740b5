package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestUpToDate builds the page again and compares it with what is committed,
// unpacked: how well gzip packs may change with Go's version.
func TestUpToDate(t *testing.T) {
	if _, err := os.Stat("../ui/node_modules"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("CAREHOME_TEST_REQUIRE"), ","), "npm") {
			t.Fatal("CAREHOME_TEST_REQUIRE asks for npm, but the node packages are missing: run `npm --prefix internal/web/ui ci`")
		}
		t.Skip("SKIPPED: internal/web/ui/node_modules is missing, so the playground is not built again and compared")
	}
	want, err := build("../ui")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("../dist")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".gz")
		content, ok := want[name]
		if !ok {
			t.Errorf("dist has %s, which is not built any more; run `make playground`", name)
			continue
		}
		delete(want, name)
		if !bytes.Equal(unpack(t, filepath.Join("../dist", e.Name())), content) {
			t.Errorf("dist has another %s than is built; run `make playground`", name)
		}
	}
	for name := range want {
		t.Errorf("dist lacks %s; run `make playground`", name)
	}
}

func unpack(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestPackageDir(t *testing.T) {
	for input, want := range map[string]string{
		"playground.jsx":                               "",
		"node_modules/react/index.js":                  "node_modules/react",
		"node_modules/@graphiql/react/dist/index.js":   "node_modules/@graphiql/react",
		"node_modules/@a/b/node_modules/c/lib/main.js": "node_modules/@a/b/node_modules/c",
	} {
		if got, ok := packageDir(input); got != want || ok != (want != "") {
			t.Errorf("%s: %q %t, want %q", input, got, ok, want)
		}
	}
}
