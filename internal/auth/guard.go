package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"carehome/ent"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/secret"
	"carehome/internal/viewer"
)

// Fresh is how old what is known of a key or a person may be. So long may a key
// that another process revoked be good; what this process changes is known at
// once.
const Fresh = 2 * time.Second

// maxCredential bounds what is looked at: a token of an identity provider with
// many groups has some 4 KB.
const maxCredential = 16 << 10

// Write runs a function in one transaction.
type Write = func(ctx context.Context, work func(ctx context.Context, tx *ent.Client) error) error

// Options are what a Guard needs.
type Options struct {
	// Client reads.
	Client *ent.Client
	// Write notes when a key was used; nil where nothing can be written.
	Write Write
	// AfterCommit has a function run once the write that ctx is in is kept.
	AfterCommit func(ctx context.Context, f func()) error
	// Anyone is who everybody is while nothing is configured that could tell one
	// from another (development mode); nil where that must not be.
	Anyone *viewer.Viewer
	// Tell puts on record who begins to use the server, and who is refused; nil for
	// nowhere.
	Tell Tell
	// Tokens verifies those of an identity provider; nil if there is none.
	Tokens *Provider
	Clock  func() time.Time
	Log    *slog.Logger
}

// Guard lets people and programs in. Make one with New, and Close it.
type Guard struct {
	Options
	accounts   *memory[string, account]   // keys by their prefix
	people     *memory[identity, person]  // of tokens
	tokens     *memory[[32]byte, checked] // by their sums
	configured *memory[struct{}, bool]    // whether there is any key
	locked     atomic.Bool                // there is one, and will ever be
	open       atomic.Bool                // there was none when last asked
	addresses  *throttle
	prefixes   *throttle
	uses       *uses
	arrivals   *arrivals // nil where nothing is put on record, as refusals
	refusals   *refusals
}

// Bounds of what is remembered; each entry has some hundred bytes.
const (
	knownKeys   = 10_000
	knownPeople = 10_000
	knownTokens = 10_000
)

// New makes a Guard.
func New(o Options) *Guard {
	g := &Guard{
		Options:    o,
		accounts:   newMemory[string, account](knownKeys, o.Clock),
		people:     newMemory[identity, person](knownPeople, o.Clock),
		tokens:     newMemory[[32]byte, checked](knownTokens, o.Clock),
		configured: newMemory[struct{}, bool](1, o.Clock),
		addresses:  newThrottle(addressTries, o.Clock),
		prefixes:   newThrottle(prefixTries, o.Clock),
	}
	if o.Write != nil {
		g.uses = newUses(o.Write, o.Clock, o.Log)
	}
	if o.Tell != nil {
		g.arrivals, g.refusals = newArrivals(o.Tell, o.Clock, o.Log), newRefusals(o.Tell, o.Clock, o.Log)
	}
	return g
}

// Close writes what is noted and not written yet.
func (g *Guard) Close() {
	if g.refusals != nil {
		g.refusals.close()
	}
	if g.uses != nil {
		g.uses.close()
	}
}

// RefusedError is why somebody was not let in.
type RefusedError struct {
	// Status is the answer's HTTP status.
	Status int
	// Problem is what the client is told.
	Problem *problem.Problem
	// Presented is set where there was a credential, but no good one.
	Presented bool
	// RetryAfter is how long the client has to wait; 0 if it need not.
	RetryAfter time.Duration
}

// Error is the problem's.
func (r *RefusedError) Error() string { return r.Problem.Error() }

// Unwrap gives the problem.
func (r *RefusedError) Unwrap() error { return r.Problem }

func nobody() error {
	return &RefusedError{Status: http.StatusUnauthorized, Problem: problem.New(problem.Unauthenticated, "", "say who you are: no data is shown to nobody")}
}

func unknown() error {
	return &RefusedError{Status: http.StatusUnauthorized, Presented: true, Problem: problem.New(problem.Unauthenticated, "", "the key or token is not accepted")}
}

func tooMany(wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	p := problem.New(problem.LimitExceeded, "", "too many failed attempts: try again in %d seconds", int(wait.Seconds()))
	return &RefusedError{Status: http.StatusTooManyRequests, Presented: true, RetryAfter: wait, Problem: p}
}

// errBad is a credential that is no good, for whatever reason. It never leaves
// the package: all reasons are answered alike.
var errBad = errors.New("the credential is no good")

// badError is an errBad of which more is known, for the record.
type badError struct {
	why string
	key nodeid.ID // whose prefix was presented; zero if there is none
}

// Error is for the log.
func (b *badError) Error() string { return errBad.Error() + ": " + b.why }

// Is makes it an errBad.
func (b *badError) Is(target error) bool { return target == errBad }

// proof is what somebody was let in by.
type proof struct {
	viewer viewer.Viewer
	// again finds out who would be let in by it now.
	again func(ctx context.Context) (viewer.Viewer, error)
}

type proofKey struct{}

// Admit lets somebody in who presents what an Authorization header holds, such as
// "Bearer SECRET", or nothing, from an address. The context that it returns names
// the viewer. A *RefusedError says why not; any other error is ours.
func (g *Guard) Admit(ctx context.Context, authorization, from string) (context.Context, error) {
	p, err := g.admit(ctx, authorization, from)
	if err != nil {
		return nil, err
	}
	return context.WithValue(viewer.With(ctx, p.viewer), proofKey{}, p), nil
}

func (g *Guard) admit(ctx context.Context, authorization, from string) (*proof, error) {
	if authorization == "" {
		return g.anyone(ctx)
	}
	text := bearer(authorization)
	key, isKey := secret.Parse(text)
	known := false
	switch {
	case isKey:
		known = g.knowsKey(key)
	case g.Tokens != nil:
		known = g.knowsToken(text)
	}
	// Who is known already is let in whatever strangers do from the same address,
	// or with the beginning of the same key.
	if !known {
		if wait := max(g.addresses.wait(from), g.prefixes.wait(key.Prefix())); wait > 0 {
			g.refused(ctx, from, key.Prefix(), &badError{why: "too many failed attempts"})
			return nil, tooMany(wait)
		}
	}
	var p *proof
	var err error = &badError{why: "neither a key nor a token"}
	switch {
	case isKey:
		p, err = g.byKey(ctx, key)
	case g.Tokens != nil && text != "":
		p, err = g.byToken(ctx, text)
	}
	if errors.Is(err, errBad) {
		g.addresses.fail(from)
		if isKey {
			g.prefixes.fail(key.Prefix())
		}
		bad := &badError{why: "it is no good"}
		errors.As(err, &bad)
		g.refused(ctx, from, key.Prefix(), bad)
		return nil, unknown()
	}
	if err == nil && g.arrivals != nil {
		g.arrivals.note(ctx, p.viewer, from)
	}
	return p, err
}

// refused notes that a credential was presented and not accepted.
func (g *Guard) refused(ctx context.Context, from, prefix string, bad *badError) {
	if g.refusals != nil {
		g.refusals.note(ctx, from, prefix, bad)
	}
}

// Valid reports by nil that whoever Admit let in would still be let in, as the
// same viewer: for what lasts, such as a socket. To be asked every few seconds.
func (g *Guard) Valid(ctx context.Context) error {
	p, ok := ctx.Value(proofKey{}).(*proof)
	if !ok {
		return nobody()
	}
	now, err := p.again(ctx)
	if errors.Is(err, errBad) || err == nil && now != p.viewer {
		return unknown()
	}
	return err
}

// anyone lets in who presents nothing, in development mode.
func (g *Guard) anyone(ctx context.Context) (*proof, error) {
	again := func(ctx context.Context) (viewer.Viewer, error) {
		if g.Anyone == nil {
			return viewer.Viewer{}, errBad
		}
		locked, err := g.Configured(ctx)
		switch {
		case err != nil:
			return viewer.Viewer{}, err
		case locked:
			return viewer.Viewer{}, errBad
		}
		return *g.Anyone, nil
	}
	v, err := again(ctx)
	switch {
	case errors.Is(err, errBad):
		return nil, nobody()
	case err != nil:
		return nil, err
	}
	return &proof{v, again}, nil
}

// Configured reports whether people have to say who they are: an identity
// provider is set, or there is a key, even one that is revoked. Once so, it stays
// so: revoking the last key must not open the home.
func (g *Guard) Configured(ctx context.Context) (bool, error) {
	if g.Tokens != nil || g.locked.Load() {
		return true, nil
	}
	there, err := g.configured.get(ctx, struct{}{}, func(ctx context.Context) (bool, error) {
		return g.Client.APIKey.Query().Exist(asSystem(ctx))
	})
	switch {
	case err != nil:
	case !there:
		g.open.Store(true)
	case g.locked.CompareAndSwap(false, true) && g.open.Load() && g.Anyone != nil:
		g.Log.WarnContext(ctx, "development mode is over: there is a key now, and everybody has to present one")
	}
	return there, err
}

// Watch is write, for all that people ask for: it takes note of what changes about
// keys and people, so that the next request knows of it.
func (g *Guard) Watch(write Write) Write {
	return func(ctx context.Context, work func(context.Context, *ent.Client) error) error {
		return write(ctx, func(ctx context.Context, tx *ent.Client) error {
			watch := func(next ent.Mutator) ent.Mutator {
				return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
					value, err := next.Mutate(ctx, m)
					if err != nil {
						return value, err
					}
					return value, g.AfterCommit(ctx, g.forget)
				})
			}
			tx.APIKey.Use(watch)
			tx.StaffUser.Use(watch)
			return work(ctx, tx)
		})
	}
}

// forget makes everything be read anew.
func (g *Guard) forget() {
	g.accounts.forget()
	g.people.forget()
	g.configured.forget()
}

// bearer is the credential of an Authorization header, or nothing.
func bearer(authorization string) string {
	scheme, text, _ := strings.Cut(authorization, " ")
	text = strings.Trim(text, " ")
	if len(authorization) > maxCredential || !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(text, " \t,") {
		return ""
	}
	return text
}

func asSystem(ctx context.Context) context.Context { return viewer.With(ctx, viewer.System()) }
