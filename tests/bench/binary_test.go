package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// binary compiles the program once a run.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "carehome")
	if output, err := exec.Command("go", "build", "-o", path, "carehome").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, output)
	}
	return path, nil
})

// process is the program, running by itself.
type process struct {
	tb      testing.TB
	command *exec.Cmd
	address string
	ended   chan error
}

// run starts the program's server on a free port and waits until it serves.
func run(tb testing.TB, flags ...string) *process {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, command: exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, flags...)...), ended: make(chan error, 1)}
	// Our variables are none of the program's settings, which it would refuse.
	p.command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "CAREHOME_") })
	log, err := p.command.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		tb.Fatal(err)
	}
	serving := make(chan string, 1)
	var said strings.Builder
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			var line struct{ Msg, URL string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				serving <- strings.TrimPrefix(line.URL, "http://")
				break
			}
		}
		// A line for each request follows, which nobody reads.
		_, err := io.Copy(io.Discard, log)
		p.ended <- errors.Join(err, p.command.Wait())
	}()
	select {
	case p.address = <-serving:
	case err := <-p.ended:
		tb.Fatalf("the program ended: %v\n%s", err, &said)
	}
	tb.Cleanup(p.stop)
	return p
}

// stop ends the program as a supervisor would, and waits for it. Once is enough.
func (p *process) stop() {
	if p.ended == nil {
		return
	}
	err := p.command.Process.Signal(syscall.SIGTERM)
	if err := errors.Join(err, <-p.ended); err != nil {
		p.tb.Errorf("stopping the program: %v", err)
	}
	p.ended = nil
}

// memory is a line of the kernel's account of the process, in MiB: VmRSS is what
// it holds in memory, VmHWM the most it has held.
func (p *process) memory(line string) float64 {
	p.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		p.tb.Skip("this system does not tell the memory of a process")
	}
	if err != nil {
		p.tb.Fatal(err)
	}
	for text := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(text, ":"); name == line {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				p.tb.Fatal(err)
			}
			return float64(kilobytes) / 1024
		}
	}
	p.tb.Fatalf("no line %s in %s", line, status)
	return 0
}

// together lets a number of clients work at once, each on a connection of its
// own, until each has ended.
func together(clients []*client, work func(*client, int) error) error {
	var group sync.WaitGroup
	failed := make([]error, len(clients))
	for i, c := range clients {
		group.Go(func() { failed[i] = work(c, i) })
	}
	group.Wait()
	return errors.Join(failed...)
}

func dialAll(tb testing.TB, address string, n int) []*client {
	tb.Helper()
	all := make([]*client, n)
	for i := range all {
		all[i] = dial(tb, address)
	}
	return all
}
