//go:build !race

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// outputs are what is generated, which may be deleted at any time.
var outputs = []string{"ent", "graph/ent.graphqls", "graph/generated", "graph/model/generated.go", "docs/api", "docs/access.md"}

// TestGeneratedIsUpToDate rebuilds everything generated from nothing, in a copy
// of the checkout, and compares it with what is committed. (Not under the race
// detector: it would only run the same programs again.)
func TestGeneratedIsUpToDate(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	fresh := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "gqlgen.yml", "schema", "graph", "internal", "docs"} {
		copyTree(t, filepath.Join(root, name), filepath.Join(fresh, name))
	}
	for _, name := range outputs {
		if err := os.RemoveAll(filepath.Join(fresh, name)); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "run", "./internal/codegen")
	command.Dir = fresh
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("generating from nothing: %v\n%s", err, output)
	}
	compared := 0
	for _, name := range []string{"ent", "graph", "docs"} {
		want, got := tree(t, filepath.Join(root, name)), tree(t, filepath.Join(fresh, name))
		for path, content := range want {
			compared++
			if other, ok := got[path]; !ok {
				t.Errorf("%s/%s is not generated any more", name, path)
			} else if !bytes.Equal(content, other) {
				t.Errorf("%s/%s is out of date: go generate ./...", name, path)
			}
		}
		for path := range got {
			if _, ok := want[path]; !ok {
				t.Errorf("%s/%s is generated and not committed", name, path)
			}
		}
	}
	if compared < 100 {
		t.Errorf("compared %d files only", compared)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tree reads every file below a folder, by its path in it.
func tree(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		files[relative], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
