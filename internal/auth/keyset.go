package auth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"carehome/internal/problem"
)

const (
	// renew is how old the provider's keys may be before they are asked for again,
	// beside the requests.
	renew = 5 * time.Minute
	// trust is how long they are good where the provider does not answer.
	trust = time.Hour
	// pause is the least time between two questions: a stranger who makes up names
	// of keys must not have us ask the provider all the time.
	pause = time.Minute
	// firstPause is the same while there are no keys yet.
	firstPause = 5 * time.Second
	// fetchTime bounds one question.
	fetchTime = 10 * time.Second
	// maxDocument bounds an answer of the provider.
	maxDocument = 1 << 20
	// minRSA is the least length of an RSA key, in bits.
	minRSA = 2048
)

// keySet are the provider's public keys, as of some minutes ago at most.
type keySet struct {
	issuer string
	http   *http.Client
	o      ProviderOptions

	ctx  context.Context // ends with close
	quit context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	keys   []jose.JSONWebKey
	read   time.Time     // when the keys were read
	tried  time.Time     // when they were last asked for
	flight chan struct{} // closed when the question under way is answered; nil if there is none
}

func newKeySet(o ProviderOptions) *keySet {
	s := &keySet{issuer: o.Issuer, http: o.HTTP, o: o}
	if s.http == nil {
		s.http = &http.Client{Timeout: fetchTime, CheckRedirect: noDetour}
	}
	s.ctx, s.quit = context.WithCancel(context.Background())
	return s
}

func (s *keySet) close() {
	s.quit()
	s.work.Wait()
}

// find returns the keys that a token may be signed by: that of its name or, where
// it names none, the only one there is.
func (s *keySet) find(ctx context.Context, name, algorithm string) ([]jose.JSONWebKey, error) {
	found, asked := s.look(name, algorithm)
	if asked == nil {
		return found, s.known()
	}
	select {
	case <-asked:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.matching(name, algorithm), s.knownLocked()
}

// look finds the keys. The channel is not nil where it is worth waiting for.
func (s *keySet) look(name, algorithm string) ([]jose.JSONWebKey, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.matching(name, algorithm)
	if len(found) > 0 && s.o.Clock().Sub(s.read) < renew {
		return found, nil
	}
	asked := s.ask()
	if len(found) > 0 {
		return found, nil // good enough for now
	}
	return nil, asked
}

// matching is called with the lock. Keys that are too old do not count.
func (s *keySet) matching(name, algorithm string) (found []jose.JSONWebKey) {
	if s.o.Clock().Sub(s.read) >= trust || name == "" && len(s.keys) != 1 {
		return nil
	}
	for _, key := range s.keys {
		if (name == "" || key.KeyID == name) && (key.Algorithm == "" || key.Algorithm == algorithm) {
			found = append(found, key)
		}
	}
	return found
}

// known is an error while there are no keys at all.
func (s *keySet) known() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.knownLocked()
}

func (s *keySet) knownLocked() error {
	if s.o.Clock().Sub(s.read) < trust {
		return nil
	}
	return &RefusedError{
		Status: http.StatusServiceUnavailable, RetryAfter: firstPause,
		Problem: problem.New(problem.Timeout, "", "who you are cannot be checked at present: the identity provider does not answer; try again in a few seconds"),
	}
}

// ask has the provider asked, unless that was done a moment ago. It is called with
// the lock; the channel is nil where there is nothing to wait for.
func (s *keySet) ask() <-chan struct{} {
	if s.flight != nil {
		return s.flight
	}
	least := pause
	if s.read.IsZero() {
		least = firstPause
	}
	if now := s.o.Clock(); now.Sub(s.tried) >= least && s.ctx.Err() == nil {
		s.tried = now
		s.flight = make(chan struct{})
		s.work.Add(1)
		go s.fetch(s.flight)
		return s.flight
	}
	return nil
}

func (s *keySet) fetch(answered chan struct{}) {
	defer s.work.Done()
	ctx, cancel := context.WithTimeout(s.ctx, fetchTime)
	defer cancel()
	keys, err := s.download(ctx)
	if err != nil && s.ctx.Err() == nil {
		s.o.Log.WarnContext(ctx, "the keys of the identity provider could not be read", "issuer", s.issuer, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.read = keys, s.o.Clock()
	}
	s.flight = nil
	close(answered)
}

// download finds the provider's keys by its own description of itself.
func (s *keySet) download(ctx context.Context) ([]jose.JSONWebKey, error) {
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return nil, err
	}
	if about.Issuer != s.issuer {
		return nil, fmt.Errorf("it calls itself %.100q", about.Issuer)
	}
	if !Trustworthy(about.Keys) {
		return nil, fmt.Errorf("its keys are not at an https address, but at %.200q", about.Keys)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.get(ctx, about.Keys, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, text := range set.Keys {
		// What we cannot read, or must not use, may be for somebody else.
		if key := new(jose.JSONWebKey); key.UnmarshalJSON(text) == nil && signs(key) {
			keys = append(keys, *key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no key that can be used")
	}
	return keys, nil
}

// signs reports whether tokens may be verified by a key: it is public, made for
// signatures, and long enough.
func signs(key *jose.JSONWebKey) bool {
	if public, isRSA := key.Key.(*rsa.PublicKey); isRSA && public.N.BitLen() < minRSA {
		return false
	}
	_, secret := key.Key.([]byte)
	return !secret && key.IsPublic() && key.Valid() && (key.Use == "" || key.Use == "sig")
}

func (s *keySet) get(ctx context.Context, address string, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", address, err)
	case len(body) > maxDocument:
		return fmt.Errorf("%s answers more than %d bytes", address, maxDocument)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading %s: %w", address, err)
	}
	return nil
}

// noDetour lets the provider send us on to another place of the same trust.
func noDetour(request *http.Request, before []*http.Request) error {
	const most = 3
	if len(before) > most || !Trustworthy(request.URL.String()) {
		return fmt.Errorf("it sends us on to %.200q", request.URL.Redacted())
	}
	return nil
}

// Trustworthy reports whether what is read from an address is certainly of whom
// the address names: by https, or from this machine.
func Trustworthy(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := err == nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && local
}
