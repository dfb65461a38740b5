package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// schemaFile is the schema that the binary prints.
func schemaFile(t *testing.T) string {
	t.Helper()
	sdl, err := exec.Command(own(t), "schema", "print").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "schema.graphql")
	if err := os.WriteFile(file, sdl, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// nodeIn makes commands of Node in a folder whose packages npm has put there.
func nodeIn(t *testing.T, folder string) func(arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(folder, "node_modules"))
	}
	if err != nil {
		lacking(t, "npm", fmt.Errorf("%w; run `npm --prefix %s ci`", err, folder))
	}
	return func(arguments ...string) *exec.Cmd {
		command := exec.Command(path, arguments...)
		command.Dir = folder
		return command
	}
}

// must runs a command to its end and returns what it wrote.
func must(t *testing.T, command *exec.Cmd) []byte {
	t.Helper()
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command.Args, " "), err, output)
	}
	return output
}

// The schema keeps the recommended rules of graphql-eslint, and Relay's.
func TestSchemaLint(t *testing.T) {
	node := nodeIn(t, "sdl")
	file := schemaFile(t)
	lint := func(file string) (result struct {
		Rules    int
		Findings []struct{ Rule, Message, Place string }
	}) {
		t.Helper()
		command := node("lint.mjs", file)
		var complaints bytes.Buffer
		command.Stderr = &complaints
		output, err := command.Output()
		if err == nil {
			err = json.Unmarshal(output, &result)
		}
		if err != nil {
			t.Fatalf("linting: %v\n%s%s", err, output, &complaints)
		}
		return result
	}
	found := lint(file)
	if found.Rules < 20 {
		t.Errorf("only %d rules were looked at", found.Rules)
	}
	for _, f := range found.Findings {
		t.Errorf("line %s: %s (%s)", f.Place, f.Message, f.Rule)
	}
	// A schema that does not keep them is found out.
	bad := filepath.Join(t.TempDir(), "bad.graphql")
	if err := os.WriteFile(bad, []byte("type Query { getThing: thing } type thing { Name: String } type OddConnection { a: Int }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := lint(bad); len(found.Findings) < 5 {
		t.Errorf("of a bad schema it says %v", found.Findings)
	}
}

// The example with urql compiles against the schema, lists the residents, and hears
// what happens after, also what happened while it was cut off.
func TestUrqlExample(t *testing.T) {
	const example = "../examples/urql"
	nodeIn(t, example)
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "src"), os.DirFS(filepath.Join(example, "src"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"codegen.ts", "package.json", "tsconfig.json", "node_modules"} {
		from, err := filepath.Abs(filepath.Join(example, name))
		if err == nil {
			err = os.Symlink(from, filepath.Join(folder, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(folder, "src", "gql")); err != nil { // somebody's, perhaps older
		t.Fatal(err)
	}
	node := nodeIn(t, folder)
	codegen := node("node_modules/@graphql-codegen/cli/esm/bin.js", "--config", "codegen.ts")
	codegen.Env = append(os.Environ(), "CAREHOME_SCHEMA="+schemaFile(t))
	must(t, codegen)
	must(t, node("node_modules/typescript/bin/tsc"))

	f := newFamily(t, shared.get(t))
	name := fmt.Sprint("Zoë", time.Now().UnixNano())
	f.change(t, `updateResident(id: "`+f.ana+`", input: {givenName: "`+name+`"}) { resident { id } }`)
	line, cut := cuttable(t, f.url)
	command := node("build/main.js", line+"/graphql")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	over := time.AfterFunc(patience, func() { _ = command.Process.Kill() }) // it may have ended
	lines := bufio.NewScanner(output)
	says := func(want string) {
		t.Helper()
		var before []string
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
			before = append(before, lines.Text())
		}
		t.Fatalf("it did not say %q after %q\n%s", want, before, &complaints)
	}
	says(name + " López: no check yet")
	says("following …")
	for range 3 {
		cut()
		f.check(t, f.ana)
		says("CREATED: " + name + " López, mood 3")
	}
	over.Stop()
	if err := command.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("it ended by itself")
	}
}

// cuttable is a line to a server that can be cut: all connections end, and new ones
// are good again.
func cuttable(t *testing.T, to string) (line string, cut func()) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, server.CloseClientConnections
}

// The example with genqlient compiles against the schema, records a check and lists
// it.
func TestGenqlientExample(t *testing.T) {
	file := schemaFile(t)
	folder := filepath.Join(t.TempDir(), "genqlient")
	if err := os.CopyFS(folder, os.DirFS("../examples/genqlient")); err != nil {
		t.Fatal(err)
	}
	sdl, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "schema.graphql"), sdl, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	golang := func(arguments ...string) *exec.Cmd {
		command := exec.Command("go", arguments...)
		command.Dir, command.Env = folder, append(os.Environ(), "GOWORK=off")
		return command
	}
	if output, err := golang("mod", "download").CombinedOutput(); err != nil {
		lacking(t, "genqlient", fmt.Errorf("its modules: %w\n%s", err, output))
	}
	if err := os.Remove(filepath.Join(folder, "generated.go")); err != nil {
		t.Fatal(err)
	}
	must(t, golang("tool", "genqlient"))
	must(t, golang("vet", "."))
	must(t, golang("build", "-o", "example", "."))
	f := newFamily(t, shared.get(t))
	run := func(arguments ...string) string {
		t.Helper()
		command := exec.Command(filepath.Join(folder, "example"), append([]string{"-url", f.url + "/graphql"}, arguments...)...)
		return string(must(t, command))
	}
	if got := run(f.ana, "4"); !strings.HasPrefix(got, "recorded wel_") {
		t.Errorf("it says %s", got)
	}
	if got := run(); !strings.Contains(got, f.ana+" Ana López, checked at ") || !strings.Contains(got, ", mood 4\n") {
		t.Errorf("it says %s", got)
	}
}
