// Package idp is an identity provider for tests: a process of its own that serves
// its description, its public keys and tokens, turns its keys over, and can be
// made to fail. A test's binary becomes one by Main.
package idp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// variable tells a test's binary to be the provider.
const variable = "CAREHOME_TEST_IDENTITY_PROVIDER"

// Main is called first in TestMain: in the provider's process it never returns.
func Main() {
	if os.Getenv(variable) == "" {
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "identity provider:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Order says what token to sign.
type Order struct {
	// Claims are the token's. "iss" is the provider unless given.
	Claims map[string]any `json:"claims"`
	// Algorithm is RS256 unless set; one of those of Algorithms.
	Algorithm string `json:"algorithm"`
	// Key is "current" unless set, "foreign" for one that is not published, or
	// the name of one.
	Key string `json:"key"`
	// Name is the key's name in the header; that of the key unless set.
	Name *string `json:"name"`
	// Header are further fields of the header.
	Header map[string]any `json:"header"`
}

// State is what a test changes of the provider.
type State struct {
	// Rotate makes new keys; the old ones are not published any more.
	Rotate bool `json:"rotate"`
	// Down has it answer nothing but errors.
	Down bool `json:"down"`
	// Issuer is what it calls itself; its address if empty.
	Issuer string `json:"issuer"`
	// Extra are further published keys, as JSON.
	Extra []json.RawMessage `json:"extra"`
}

// Algorithms are those it has keys for.
func Algorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// Process is a running provider.
type Process struct {
	URL string
	t   testing.TB
}

// Start runs a provider until the test ends.
func Start(t testing.TB) *Process {
	t.Helper()
	command := exec.CommandContext(context.Background(), os.Args[0])
	command.Env = append(os.Environ(), variable+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It ends with its input, also where this process is killed.
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &Process{URL: strings.TrimSpace(address), t: t}
}

// Token signs a token.
func (p *Process) Token(order Order) string {
	p.t.Helper()
	return string(p.post("/control/token", order))
}

// Set changes the provider.
func (p *Process) Set(state State) {
	p.t.Helper()
	p.post("/control/state", state)
}

// Asked is how often the keys were asked for.
func (p *Process) Asked() int {
	p.t.Helper()
	n, err := strconv.Atoi(string(p.post("/control/asked", nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// Keys are the published keys, as it serves them.
func (p *Process) Keys() jose.JSONWebKeySet {
	p.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(p.post("/control/keys", nil), &set); err != nil {
		p.t.Fatal(err)
	}
	return set
}

func (p *Process) post(path string, value any) []byte {
	p.t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.URL+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %s %v", path, response.Status, answer, err)
	}
	return answer
}

// provider is the process's side.
type provider struct {
	url string

	mu      sync.Mutex
	state   State
	turn    int
	keys    map[string]map[string]jose.JSONWebKey // by turn or "foreign", and algorithm
	current string
	asked   int
}

func serve() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p := &provider{url: "http://" + listener.Addr().String(), keys: map[string]map[string]jose.JSONWebKey{}}
	if p.keys["foreign"], err = newKeys("foreign"); err != nil {
		return err
	}
	if err := p.rotate(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.public(func() any {
		issuer := p.url
		if p.state.Issuer != "" {
			issuer = p.state.Issuer
		}
		return map[string]any{"issuer": issuer, "jwks_uri": p.url + "/keys"}
	}))
	mux.HandleFunc("GET /keys", p.public(func() any {
		p.asked++
		return p.published()
	}))
	mux.HandleFunc("POST /control/keys", p.control(func([]byte) (any, error) { return p.published(), nil }))
	mux.HandleFunc("POST /control/asked", p.control(func([]byte) (any, error) { return p.asked, nil }))
	mux.HandleFunc("POST /control/state", p.control(func(body []byte) (any, error) {
		p.state = State{}
		if err := json.Unmarshal(body, &p.state); err != nil {
			return nil, err
		}
		if p.state.Rotate {
			return nil, p.rotate()
		}
		return nil, nil
	}))
	mux.HandleFunc("POST /control/token", p.control(func(body []byte) (any, error) {
		var order Order
		if err := json.Unmarshal(body, &order); err != nil {
			return nil, err
		}
		return p.sign(order)
	}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Println(p.url)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := server.Shutdown(context.Background()); err != nil {
		return err
	}
	<-ended
	return nil
}

// published are the public keys of now, and what a test adds.
func (p *provider) published() any {
	keys := []any{}
	for _, extra := range p.state.Extra {
		keys = append(keys, extra)
	}
	for _, name := range Algorithms() {
		key := p.keys[p.current][name]
		keys = append(keys, key.Public())
	}
	return map[string]any{"keys": keys}
}

func (p *provider) rotate() (err error) {
	p.turn++
	p.current = strconv.Itoa(p.turn)
	p.keys[p.current], err = newKeys(p.current)
	return err
}

func newKeys(turn string) (map[string]jose.JSONWebKey, error) {
	keys := map[string]jose.JSONWebKey{}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, d, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	for name, key := range map[string]any{"RS256": r, "PS256": r, "ES256": e, "EdDSA": d} {
		keys[name] = jose.JSONWebKey{Key: key, KeyID: turn + "-" + name, Algorithm: name, Use: "sig"}
	}
	return keys, nil
}

func (p *provider) sign(order Order) (string, error) {
	if order.Algorithm == "" {
		order.Algorithm = "RS256"
	}
	turn := order.Key
	if turn == "" || turn == "current" {
		turn = p.current
	}
	key, ok := p.keys[turn][order.Algorithm]
	if !ok {
		return "", fmt.Errorf("no key %q for %q", turn, order.Algorithm)
	}
	if order.Name != nil {
		key.KeyID = *order.Name
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range order.Header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(order.Algorithm), Key: key}, options)
	if err != nil {
		return "", err
	}
	said := map[string]any{"iss": p.url}
	maps.Copy(said, order.Claims)
	for name, value := range said {
		if value == nil {
			delete(said, name)
		}
	}
	payload, err := json.Marshal(said)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// public is what it serves to everybody, unless it is down.
func (p *provider) public(answer func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.state.Down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		write(w, answer())
	}
}

// control is what it serves to the test.
func (p *provider) control(act func(body []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		var value any
		if err == nil {
			value, err = act(body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		write(w, value)
	}
}

func write(w http.ResponseWriter, value any) {
	body := []byte(fmt.Sprint(value))
	if _, isText := value.(string); !isText {
		var err error
		if body, err = json.Marshal(value); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	// A test that has gone needs no answer.
	_, _ = w.Write(body)
}
