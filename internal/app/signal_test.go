package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// process is the program in a process of its own.
type process struct {
	*running
	cmd *exec.Cmd
}

// spawn starts the program and waits until its log says that it serves.
func spawn(t *testing.T, args ...string) process {
	t.Helper()
	cmd := exec.Command("carehome", append(args, "--listen", "127.0.0.1:0", "--log-format", "json")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{running: &running{log: new(lines), t: t}, cmd: cmd}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it has ended by itself otherwise
			_ = cmd.Wait()
		}
	})
	scan := bufio.NewScanner(stderr)
	for scan.Scan() {
		if _, err := p.log.Write(append(scan.Bytes(), '\n')); err != nil {
			t.Fatal(err)
		}
		var line struct{ Msg, URL string }
		if json.Unmarshal(scan.Bytes(), &line) == nil && line.Msg == "serving" {
			p.url = line.URL
			// The rest is read so that the program never waits for us.
			go func() { _, _ = io.Copy(p.log, stderr) }()
			return p
		}
	}
	t.Fatalf("the program does not serve: %v\n%s", scan.Err(), p.log)
	return p
}

func (p process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (p process) exit() int {
	p.t.Helper()
	err := p.cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func TestSignal(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			p := spawn(t, "--database", filepath.Join(t.TempDir(), "home.db"))
			if status, _, _ := p.get("/readyz"); status != http.StatusOK {
				t.Errorf("/readyz is %d", status)
			}
			p.signal(signal)
			if code := p.exit(); code != exitOK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestSecondSignal ends at once a server that waits for a request.
func TestSecondSignal(t *testing.T) {
	p := spawn(t, "--database", filepath.Join(t.TempDir(), "home.db"), "--shutdown-timeout", "10m")
	p.underWay()
	p.signal(syscall.SIGTERM)
	p.untilStopping()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}

// TestKilled: after kill -9 the next start serves what was acknowledged.
func TestKilled(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	p := spawn(t, "--database", database)
	if answer := p.query(newResident); answer == "" {
		t.Fatal("no answer")
	}
	p.signal(syscall.SIGKILL)
	if code := p.exit(); code != -1 {
		t.Errorf("exit code %d", code)
	}
	again := spawn(t, "--database", database)
	const want = `{"data":{"residents":{"totalCount":1}},"extensions":`
	if answer := again.query(`{ residents { totalCount } }`); !strings.HasPrefix(answer, want) {
		t.Errorf("got %s", answer)
	}
	again.signal(syscall.SIGTERM)
	if code := again.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
