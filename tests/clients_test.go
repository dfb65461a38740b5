package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// client is follow.mjs, running.
type client struct {
	t          *testing.T
	command    *exec.Cmd
	says       *bufio.Scanner
	input      io.WriteCloser
	complaints bytes.Buffer
	overdue    *time.Timer
}

func runClient(t *testing.T, how, url string, arguments ...string) *client {
	t.Helper()
	c := &client{t: t, command: exec.Command(node(t), append([]string{"follow.mjs", how, url + "/graphql"}, arguments...)...)}
	c.command.Dir, c.command.Stderr = clients, &c.complaints
	output, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.input, err = c.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	c.says = bufio.NewScanner(output)
	c.overdue = time.AfterFunc(patience, func() { _ = c.command.Process.Kill() }) // it may have ended
	return c
}

// hears wants what the client says next, but for its connections, to be this JSON;
// "$any" stands for any value.
func (c *client) hears(want any) {
	c.t.Helper()
	for c.says.Scan() {
		var got map[string]any
		if err := json.Unmarshal(c.says.Bytes(), &got); err != nil {
			c.t.Fatalf("it says %s", c.says.Bytes())
		}
		if got["connected"] != nil || got["closed"] != nil {
			continue
		}
		if off := differs("client", want, got); off != "" {
			c.t.Fatal(off)
		}
		return
	}
	c.t.Fatalf("it has ended, and said nothing like %v\n%s", want, &c.complaints)
}

func (c *client) checks(change, id string) {
	c.t.Helper()
	c.hears(map[string]any{"next": map[string]any{"data": map[string]any{"wellnessRecorded": map[string]any{
		"eventID": "$any", "change": change, "wellness": map[string]any{"id": id},
	}}}})
}

// ends lets the client leave, and returns what it has said besides.
func (c *client) ends() (rest []string) {
	c.t.Helper()
	if err := c.input.Close(); err != nil {
		c.t.Error(err)
	}
	for c.says.Scan() {
		rest = append(rest, c.says.Text())
	}
	if err := c.command.Wait(); err != nil {
		c.t.Errorf("the client: %v\n%s", err, &c.complaints)
	}
	c.overdue.Stop()
	return rest
}

// TestClients holds the clients of the protocols' own makers against the server:
// graphql-ws and graphql-sse.
func TestClients(t *testing.T) {
	for _, how := range []string{"ws", "sse"} {
		t.Run(how, func(t *testing.T) {
			t.Run("one answer", func(t *testing.T) {
				c := runClient(t, "query-"+how, shared.get(t))
				c.hears(map[string]any{"next": map[string]any{"data": map[string]any{"lastEventID": "$any"}}})
				c.hears(map[string]any{"complete": true})
				c.ends()
			})
			t.Run("error", func(t *testing.T) {
				f := newFamily(t, shared.get(t))
				number, _, _ := strings.Cut(f.last(t), "-")
				list := []any{map[string]any{"message": "$any", "path": []any{"wellnessRecorded"},
					"extensions": map[string]any{"code": "CONFLICT", "field": "after", "requestId": "$any"}}}
				c := runClient(t, how, f.url, f.ana, number+"-00000000")
				if how == "ws" {
					c.hears(map[string]any{"error": list})
				} else {
					c.hears(map[string]any{"next": map[string]any{"errors": list}})
					c.hears(map[string]any{"complete": true})
				}
				c.ends()
			})
			t.Run("leaves", func(t *testing.T) {
				f := newFamily(t, shared.get(t))
				c := runClient(t, how, f.url, f.ana, f.last(t))
				for range 3 {
					c.checks("CREATED", f.check(t, f.ana))
				}
				if rest := c.ends(); slices.ContainsFunc(rest, func(line string) bool { return strings.Contains(line, "error") }) {
					t.Errorf("it says %s", rest)
				}
			})
			t.Run("comes back", func(t *testing.T) { comesBack(t, how) })
		})
	}
}

// comesBack stops and kills the server under a client: by itself it comes back to
// the next one, and is told what happened meanwhile, and nothing twice.
func comesBack(t *testing.T, how string) {
	node(t) // or there is nothing to serve
	database := filepath.Join(t.TempDir(), "home.db")
	p := launch(t, database)
	f := newFamily(t, p.url)
	c := runClient(t, how, p.url, f.ana, f.last(t))
	c.checks("CREATED", f.check(t, f.ana))
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := p.command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, p); err != nil && signal == syscall.SIGTERM {
			t.Fatalf("stopping: %v\n%s", err, p.log)
		}
		p = launch(t, database)
		f.url = p.url
		missed := f.check(t, f.ana)
		if _, err := fmt.Fprintln(c.input, p.url+"/graphql"); err != nil {
			t.Fatal(err)
		}
		c.checks("CREATED", missed)
		c.checks("CREATED", f.check(t, f.ana))
	}
	c.ends()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, p); err != nil {
		t.Errorf("stopping: %v\n%s", err, p.log)
	}
}
