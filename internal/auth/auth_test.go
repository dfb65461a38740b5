package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/apikey"
	"carehome/ent/staffuser"
	"carehome/internal/auth"
	"carehome/internal/care"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/secret"
	"carehome/internal/store"
	"carehome/internal/viewer"

	"github.com/99designs/gqlgen/graphql"
)

// clock is moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// home is a home with a guard.
type home struct {
	t     *testing.T
	clock *clock
	path  string
	store *store.Store
	write care.Write // what others than the guard's server do
	guard *auth.Guard
	log   *logged
}

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (h *home) ctx() context.Context {
	return scalar.WithClock(viewer.With(context.Background(), viewer.System()), h.clock.Now)
}

// open makes a home whose guard is set up further by set.
func open(t *testing.T, set func(*home, *auth.Options)) *home {
	t.Helper()
	h := &home{t: t, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}, path: filepath.Join(t.TempDir(), "home.db"), log: new(logged)}
	st, err := store.Open(context.Background(), store.Options{Database: h.path, Clock: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.store, h.write = st, care.Guard(st.Write)
	o := auth.Options{
		Client: st.Client(), Write: st.Write, AfterCommit: store.AfterCommit, Clock: h.clock.Now,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if set != nil {
		set(h, &o)
	}
	h.guard = auth.New(o)
	t.Cleanup(func() {
		h.guard.Close()
		if o.Tokens != nil {
			o.Tokens.Close()
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *home) do(write care.Write, change func(ctx context.Context, tx *ent.Client) error) {
	h.t.Helper()
	if err := write(h.ctx(), change); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) person(role staffuser.Role, more func(*ent.StaffUserCreate)) nodeid.ID {
	h.t.Helper()
	var id nodeid.ID
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		n, err := tx.StaffUser.Query().Count(ctx)
		if err != nil {
			return err
		}
		create := tx.StaffUser.Create().SetDisplayName(fmt.Sprintf("Person %d", n)).SetEmail(fmt.Sprintf("Person%d@example.org", n)).SetRole(role)
		if more != nil {
			more(create)
		}
		row, err := create.Save(ctx)
		if err == nil {
			id = row.ID
		}
		return err
	})
	return id
}

func (h *home) key(who nodeid.ID, in ent.CreateApiKeyInput) (nodeid.ID, secret.Key) {
	h.t.Helper()
	var id nodeid.ID
	var made secret.Key
	in.StaffUserID, in.Name = who, "a key"
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		row, key, err := care.CreateKey(ctx, tx, in, "")
		if err == nil {
			id, made = row.ID, key
		}
		return err
	})
	return id, made
}

func (h *home) revoke(write care.Write, id nodeid.ID) {
	h.t.Helper()
	h.do(write, func(ctx context.Context, tx *ent.Client) error {
		_, err := care.RevokeKey(ctx, tx, id, care.Deletion{})
		return err
	})
}

// admit presents a credential from an address.
func (h *home) admit(credential, from string) (context.Context, error) {
	return h.guard.Admit(context.Background(), credential, from)
}

// lets wants a credential to let in as somebody.
func (h *home) lets(credential string, want viewer.Viewer) context.Context {
	h.t.Helper()
	ctx, err := h.admit(credential, "192.0.2.1")
	if err != nil {
		h.t.Fatalf("not let in: %v", err)
	}
	got, _ := viewer.From(ctx)
	want.Name = got.Name
	if got != want {
		h.t.Fatalf("let in as %+v, want %+v", got, want)
	}
	return ctx
}

// refuses wants a credential to be refused like any other bad one.
func (h *home) refuses(credential, from string) {
	h.t.Helper()
	ctx, err := h.admit(credential, from)
	var refused *auth.RefusedError
	if ctx != nil || !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || !refused.Presented ||
		refused.Problem.Code != problem.Unauthenticated || refused.Problem.Message != "the key or token is not accepted" || refused.RetryAfter != 0 {
		h.t.Errorf("%.40q: got %v, %#v", credential, ctx, err)
	}
}

func TestKeysLetIn(t *testing.T) {
	h := open(t, nil)
	for _, tc := range []struct {
		name string
		role staffuser.Role
		sees bool
		in   ent.CreateApiKeyInput
		want viewer.Viewer
	}{
		{name: "Nurse", role: staffuser.RoleNurse, want: viewer.Viewer{Role: viewer.Nurse}},
		{name: "ReadOnly", role: staffuser.RoleAdmin, in: ent.CreateApiKeyInput{Scope: graphql.OmittableOf(new(apikey.ScopeReadOnly))}, want: viewer.Viewer{Role: viewer.Admin, ReadOnly: true}},
		{name: "Masked", role: staffuser.RoleReporting, want: viewer.Viewer{Role: viewer.Reporting}},
		{name: "SeesNames", role: staffuser.RoleReporting, sees: true, want: viewer.Viewer{Role: viewer.Reporting, SeesNames: true}},
		{name: "SeesNamesOfNoEffect", role: staffuser.RoleNurse, sees: true, want: viewer.Viewer{Role: viewer.Nurse}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.ID = h.person(tc.role, func(c *ent.StaffUserCreate) { c.SetSeesNames(tc.sees) })
			var key secret.Key
			tc.want.Key, key = h.key(tc.want.ID, tc.in)
			for _, credential := range []string{"Bearer " + key.Reveal(), "bearer  " + key.Reveal() + " "} {
				ctx := h.lets(credential, tc.want)
				if err := h.guard.Valid(ctx); err != nil {
					t.Errorf("not valid: %v", err)
				}
			}
		})
	}
}

// TestErrAlike: whatever is wrong with a key, the answer is the same.
func TestErrAlike(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	gone := h.person(staffuser.RoleNurse, nil)
	_, good := h.key(who, ent.CreateApiKeyInput{})
	revoked, revokedKey := h.key(who, ent.CreateApiKeyInput{})
	h.revoke(h.write, revoked)
	_, expired := h.key(who, ent.CreateApiKeyInput{ExpiresAt: graphql.OmittableOf(new(scalar.At(h.clock.Now().Add(time.Hour))))})
	h.lets("Bearer "+expired.Reveal(), viewer.Viewer{ID: who, Role: viewer.Nurse, Key: nodeid.New(nodeid.APIKey, 3)})
	h.clock.pass(time.Hour)
	_, goneKey := h.key(gone, ent.CreateApiKeyInput{})
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.UpdateOneID(gone).SetActive(false).Exec(ctx)
	})
	text := good.Reveal()
	for _, credential := range []string{
		"Bearer " + revokedKey.Reveal(), "Bearer " + expired.Reveal(), "Bearer " + goneKey.Reveal(),
		"Bearer " + secret.New().Reveal(),
		"Bearer " + good.Prefix() + secret.New().Reveal()[len(good.Prefix()):], // the right prefix
		"Bearer " + text[:len(text)-1], "Bearer " + text + "a", "Bearer " + strings.ToUpper(text),
		"Bearer", "Bearer ", text, "Basic " + text, "Bearer " + text + " " + text, "Bearer " + text + "," + text,
		"Bearer " + good.Prefix(), "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + strings.Repeat("a", 1<<20), "Bearer \x00",
	} {
		h.refuses(credential, "192.0.2.1")
	}
	if _, err := h.admit("", "192.0.2.1"); err == nil {
		t.Error("nobody is let in")
	} else if refused := new(auth.RefusedError); !errors.As(err, &refused) || refused.Presented || refused.Status != http.StatusUnauthorized {
		t.Errorf("nobody: %#v", err)
	}
	if strings.Contains(h.log.String(), text[len(good.Prefix())+1:]) || strings.Contains(h.log.String(), revokedKey.Reveal()) {
		t.Errorf("the log has a key: %s", h.log)
	}
}

// TestRevoked: what this server changes counts at once, what another process
// changes within auth.Fresh; sockets learn of it by Valid.
func TestRevoked(t *testing.T) {
	nurse := func(tx *ent.Client, who nodeid.ID) *ent.StaffUserUpdateOne { return tx.StaffUser.UpdateOneID(who) }
	for name, change := range map[string]func(ctx context.Context, tx *ent.Client, who, key nodeid.ID) error{
		"Revoked": func(ctx context.Context, tx *ent.Client, _, key nodeid.ID) error {
			_, err := care.RevokeKey(ctx, tx, key, care.Deletion{})
			return err
		},
		"Deactivated": func(ctx context.Context, tx *ent.Client, who, _ nodeid.ID) error {
			return nurse(tx, who).SetActive(false).Exec(ctx)
		},
		"Moved": func(ctx context.Context, tx *ent.Client, who, _ nodeid.ID) error {
			return nurse(tx, who).SetRole(staffuser.RoleCarer).Exec(ctx)
		},
	} {
		for place, own := range map[string]bool{"Here": true, "Elsewhere": false} {
			t.Run(name+place, func(t *testing.T) {
				h := open(t, nil)
				who := h.person(staffuser.RoleNurse, nil)
				id, key := h.key(who, ent.CreateApiKeyInput{})
				ctx := h.lets("Bearer "+key.Reveal(), viewer.Viewer{ID: who, Role: viewer.Nurse, Key: id})
				write := h.write
				if own {
					write = care.Guard(h.guard.Watch(h.store.Write))
				}
				h.do(write, func(ctx context.Context, tx *ent.Client) error { return change(ctx, tx, who, id) })
				if !own {
					if err := h.guard.Valid(ctx); err != nil {
						t.Errorf("it is read again before its time: %v", err)
					}
					h.clock.pass(auth.Fresh)
				}
				if err := h.guard.Valid(ctx); !errors.Is(err, &problem.Problem{Code: problem.Unauthenticated}) {
					t.Errorf("a socket goes on: %v", err)
				}
				if name == "Moved" {
					h.lets("Bearer "+key.Reveal(), viewer.Viewer{ID: who, Role: viewer.Carer, Key: id})
				} else {
					h.refuses("Bearer "+key.Reveal(), "192.0.2.1")
				}
			})
		}
	}
}

func TestSocketEndsWithItsKey(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{ExpiresAt: graphql.OmittableOf(new(scalar.At(h.clock.Now().Add(time.Minute))))})
	ctx := h.lets("Bearer "+key.Reveal(), viewer.Viewer{ID: who, Role: viewer.Nurse, Key: id})
	h.clock.pass(time.Minute - time.Second)
	if err := h.guard.Valid(ctx); err != nil {
		t.Errorf("before its time: %v", err)
	}
	h.clock.pass(time.Second)
	if err := h.guard.Valid(ctx); err == nil {
		t.Error("it outlives its key")
	}
	if err := h.guard.Valid(context.Background()); err == nil {
		t.Error("nobody is valid")
	}
}

// TestVanished: who goes away in the middle is no failure, and what was known of the
// key stays so: it is let in while the address has to wait.
func TestVanished(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{})
	want := viewer.Viewer{ID: who, Role: viewer.Nurse, Key: id}
	h.lets("Bearer "+key.Reveal(), want)
	h.clock.pass(time.Minute)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	ctx, err := h.guard.Admit(gone, "Bearer "+key.Reveal(), "192.0.2.1")
	if refused := new(auth.RefusedError); ctx != nil || err == nil || errors.As(err, &refused) {
		t.Fatalf("got %v, %v", ctx, err)
	}
	for range 200 {
		_, err = h.admit("Bearer "+secret.New().Reveal(), "192.0.2.1")
	}
	if refused := new(auth.RefusedError); !errors.As(err, &refused) || refused.Status != http.StatusTooManyRequests {
		t.Fatalf("the address is answered %v", err)
	}
	h.lets("Bearer "+key.Reveal(), want)
}

func TestDevelopmentMode(t *testing.T) {
	var admin nodeid.ID
	h := open(t, func(h *home, o *auth.Options) {
		admin = h.person(staffuser.RoleAdmin, nil)
		o.Anyone = &viewer.Viewer{ID: admin, Name: "Admin", Role: viewer.Admin}
	})
	ctx := h.lets("", viewer.Viewer{ID: admin, Role: viewer.Admin})
	if err := h.guard.Valid(ctx); err != nil {
		t.Errorf("not valid: %v", err)
	}
	h.refuses("Bearer "+secret.New().Reveal(), "127.0.0.1") // who presents something must be right
	// The first key, made by another process, ends it for good.
	id, key := h.key(admin, ent.CreateApiKeyInput{})
	h.clock.pass(auth.Fresh)
	if err := h.guard.Valid(ctx); err == nil {
		t.Error("a socket of nobody goes on")
	}
	if _, err := h.admit("", "127.0.0.1"); err == nil {
		t.Error("nobody is let in although there is a key")
	}
	h.lets("Bearer "+key.Reveal(), viewer.Viewer{ID: admin, Role: viewer.Admin, Key: id})
	h.revoke(h.write, id)
	h.clock.pass(time.Hour)
	if _, err := h.admit("", "127.0.0.1"); err == nil {
		t.Error("nobody is let in since the last key was revoked")
	}
	if n := strings.Count(h.log.String(), "development mode is over"); n != 1 {
		t.Errorf("said %d times: %s", n, h.log)
	}
}

func TestLastUse(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{})
	used := func() time.Time {
		row, err := h.store.Client().APIKey.Get(h.ctx(), id)
		if err != nil {
			t.Fatal(err)
		}
		if row.Version != 1 {
			t.Errorf("the version is %d", row.Version)
		}
		if row.LastUsedAt == nil {
			return time.Time{}
		}
		return row.LastUsedAt.Time
	}
	until := func(want time.Time) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for !used().Equal(want) {
			if time.Now().After(deadline) {
				t.Fatalf("last used at %v, want %v", used(), want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	want := viewer.Viewer{ID: who, Role: viewer.Nurse, Key: id}
	first := h.clock.Now()
	h.lets("Bearer "+key.Reveal(), want)
	until(first)
	for range 59 {
		h.clock.pass(time.Second)
		h.lets("Bearer "+key.Reveal(), want)
	}
	h.clock.pass(time.Second)
	second := h.clock.Now()
	h.lets("Bearer "+key.Reveal(), want)
	until(second)
	h.clock.pass(time.Minute)
	h.lets("Bearer "+key.Reveal(), want)
	h.guard.Close() // writes what waits
	if !used().Equal(h.clock.Now()) {
		t.Errorf("the last use before the end is %v", used())
	}
}

func TestThrottle(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{})
	want := viewer.Viewer{ID: who, Role: viewer.Nurse, Key: id}
	// A key that nobody has used since the start.
	_, sleeping := h.key(who, ent.CreateApiKeyInput{})
	h.lets("Bearer "+key.Reveal(), want)
	waits := func(credential, from string) time.Duration {
		t.Helper()
		_, err := h.admit(credential, from)
		var refused *auth.RefusedError
		if !errors.As(err, &refused) {
			t.Fatalf("got %v", err)
		}
		if refused.RetryAfter > 0 && (refused.Status != http.StatusTooManyRequests || refused.Problem.Code != problem.LimitExceeded) {
			t.Errorf("got %#v", refused)
		}
		return refused.RetryAfter
	}
	guess := func() string { return "Bearer " + secret.New().Reveal() }
	t.Run("Address", func(t *testing.T) {
		for range 100 {
			h.refuses(guess(), "198.51.100.7")
		}
		for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			if got := waits(guess(), "198.51.100.7"); got != time.Duration(seconds)*time.Second {
				t.Errorf("waits %v, want %d s", got, seconds)
			}
			if got := waits("Bearer "+sleeping.Reveal(), "198.51.100.7"); got != time.Duration(seconds)*time.Second {
				t.Errorf("a right key waits %v: it is told apart", got)
			}
			h.clock.pass(time.Duration(seconds) * time.Second)
			h.refuses(guess(), "198.51.100.7")
		}
		h.refuses(guess(), "198.51.100.8")
		if ctx, err := h.admit("Bearer "+key.Reveal(), "198.51.100.7"); err != nil || ctx == nil {
			t.Errorf("who is known suffers from strangers: %v", err)
		}
		h.clock.pass(16 * time.Minute)
		h.refuses(guess(), "198.51.100.7")
		h.refuses(guess(), "198.51.100.7")
	})
	t.Run("Prefix", func(t *testing.T) {
		for known, prefix := range map[string]string{"known": sleeping.Prefix(), "unknown": secret.New().Prefix()} {
			for i := range 10 {
				h.refuses("Bearer "+prefix+secret.New().Reveal()[len(prefix):], fmt.Sprintf("203.0.113.%d", i))
			}
			if got := waits("Bearer "+prefix+secret.New().Reveal()[len(prefix):], "203.0.113.99"); got != time.Second {
				t.Errorf("%s: waits %v", known, got)
			}
		}
		h.clock.pass(time.Second)
		if _, err := h.admit("Bearer "+sleeping.Reveal(), "203.0.113.99"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// TestAtOnce: many use, try and revoke at the same time.
func TestAtOnce(t *testing.T) {
	h := open(t, nil)
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{})
	write := care.Guard(h.guard.Watch(h.store.Write))
	revoked := make(chan struct{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for {
				ended := false
				select {
				case <-revoked:
					ended = true // so the next must be refused
				default:
				}
				_, err := h.admit("Bearer "+key.Reveal(), fmt.Sprint("192.0.2.", i))
				var refused *auth.RefusedError
				if err != nil && !errors.As(err, &refused) {
					t.Error(err)
				}
				if ended && err == nil {
					t.Error("a revoked key lets in")
				}
				if ended {
					return
				}
			}
		})
	}
	all.Go(func() {
		defer close(revoked)
		h.revoke(write, id)
	})
	all.Wait()
}
