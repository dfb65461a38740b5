package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"carehome/internal/config"
)

const nested = `{ residents(first: 3) { totalCount edges { node { fullName
	prescriptions(first: 2) { edges { node { medication { name } } } }
	wellness(first: 1) { edges { node { takenAt } } } } } } activities(first: 1) { totalCount } }`

// TestDemo: the first start makes the home, a later one serves the same.
func TestDemo(t *testing.T) {
	database := filepath.Join(t.TempDir(), "demo.db")
	r := start(t, Program{}, "--demo", "--database", database)
	if out := r.out.String(); !strings.Contains(out, r.url) || !strings.Contains(out, "/graphql") {
		t.Errorf("the newcomer is told\n%s", out)
	}
	// What the newcomer is told to ask is asked to the letter.
	_, told, _ := strings.Cut(r.out.String(), "-d '")
	told, _, _ = strings.Cut(told, "'")
	request, err := http.NewRequest(http.MethodPost, r.url+graphPath, strings.NewReader(told))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if status, _, body := send(t, request); status != http.StatusOK || !strings.Contains(body, `"fullName"`) || strings.Contains(body, `"errors"`) {
		t.Errorf("asking\n%s\ngives %d %s", told, status, body)
	}
	before := r.query(nested)
	for _, want := range []string{`"totalCount":40`, `"fullName":"`, `"name":"`, `"takenAt":"`} {
		if !strings.Contains(before, want) {
			t.Errorf("%s is not in %s", want, before)
		}
	}
	r.end()
	r = start(t, Program{}, "--demo", "--database", database)
	if after := r.query(nested); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if r.out.String() == "" {
		t.Error("the newcomer is told nothing on the second start")
	}
}

// TestErrDemoOverHome: a home that is not made up is neither served as a demo
// nor added to.
func TestErrDemoOverHome(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	const ask = `{ residents { totalCount } medications { totalCount } staffUsers { totalCount } }`
	r := start(t, Program{}, "--database", database)
	if answer := r.query(newResident); !strings.Contains(answer, `"res_1"`) {
		t.Fatalf("got %s", answer)
	}
	before := r.query(ask)
	r.end()
	for _, args := range [][]string{{"--demo", "--database", database}, {"seed", "--database", database}} {
		if args[0] == "--demo" {
			args = append(args, "--listen", "127.0.0.1:0")
		}
		cfg, err := config.Parse(args, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = Program{Stdout: new(lines), Stderr: new(lines)}.Run(t.Context(), cfg)
		if exitCode(err) != exitConfig || !strings.Contains(err.Error(), "--database") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v ended with %v", args, err)
		}
	}
	r = start(t, Program{}, "--database", database)
	if after := r.query(ask); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// TestSeedStopped: a home that was not finished is not there at all.
func TestSeedStopped(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	cfg, err := config.Parse([]string{"seed", "--residents", "3", "--days", "9", "--database", database}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := newHand()
	hasty := func() time.Time { // so that each step is told
		h.forward(progressEvery)
		return h.clock()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := Program{Clock: hasty, Stdout: new(lines), Stderr: onLine{"making a home", cancel}}
	if err := stopped.Run(ctx, cfg); exitCode(err) != exitTempFail {
		t.Fatalf("it ended with %v", err)
	}
	r := start(t, Program{}, "--database", database)
	const want = `{"data":{"residents":{"totalCount":0},"medications":{"totalCount":0}},"extensions":`
	if answer := r.query(`{ residents { totalCount } medications { totalCount } }`); !strings.HasPrefix(answer, want) {
		t.Errorf("got %s", answer)
	}
	r.end()
	p := Program{Stdout: new(lines), Stderr: new(lines)}
	if err := p.Run(t.Context(), cfg); err != nil {
		t.Errorf("the next try ended with %v", err)
	}
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.json", `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":
		{"resourceType":"Patient","id":"p1","name":[{"family":"Hartmann","given":["Adalberto"]}],"gender":"male","birthDate":"1939-05-17"}}]}`)
	broken := write("broken.json", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resource`)
	database := filepath.Join(dir, "home.db")
	run := func(args ...string) (out, log *lines, err error) {
		t.Helper()
		cfg, err := config.Parse(append([]string{"import", "fhir", "--log-format", "json", "--database", database}, args...), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, log = new(lines), new(lines)
		return out, log, Program{Stdout: out, Stderr: log}.Run(t.Context(), cfg)
	}

	// A slip of the keyboard makes no database.
	if _, _, err := run(filepath.Join(dir, "misisng.json")); exitCode(err) != exitData {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := os.Stat(database); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database: %v", err)
	}

	out, _, err := run(good)
	if err != nil || !strings.Contains(out.String(), good) || !strings.Contains(out.String(), "Resident") {
		t.Errorf("got %v\n%s", err, out)
	}
	// One bundle that is broken keeps no other out, and is told.
	out, log, err := run(broken, good, filepath.Join(dir, "missing.json"))
	var quiet quietError
	if !errors.As(err, &quiet) || quiet.code != exitData {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), "Resident 0 0 1 0") || !strings.Contains(log.String(), "carehome: reading "+broken) ||
		!strings.Contains(log.String(), fs.ErrNotExist.Error()) && !strings.Contains(log.String(), "no such file") {
		t.Errorf("got\n%s\n%s", out, log)
	}
	out, _, err = run("--json", broken, good)
	if exitCode(err) != exitData || !strings.Contains(out.String(), `"failed": [`) || !strings.Contains(out.String(), `"unchanged": 1`) {
		t.Errorf("got %v\n%s", err, out)
	}
	r := start(t, Program{}, "--database", database)
	if answer := r.query(`{ residents { totalCount edges { node { familyName } } } }`); !strings.Contains(answer, `"totalCount":1`) || !strings.Contains(answer, "Hartmann") {
		t.Errorf("got %s", answer)
	}
}

// onLine is a log that does something once it is told a message.
type onLine struct {
	message string
	act     func()
}

func (o onLine) Write(b []byte) (int, error) {
	if strings.Contains(string(b), o.message) {
		o.act()
	}
	return len(b), nil
}
