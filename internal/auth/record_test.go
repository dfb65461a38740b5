package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/audit"
	"carehome/internal/auth"
	"carehome/internal/auth/idp"
	"carehome/internal/nodeid"
	"carehome/internal/requestid"
	"carehome/internal/scalar"
	"carehome/internal/secret"
	"carehome/internal/viewer"

	"github.com/99designs/gqlgen/graphql"
)

// events are what a guard has put on record.
type events struct {
	mu   sync.Mutex
	list []audit.Event
	err  error
}

func (e *events) tell(ctx context.Context, one audit.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := errors.Join(e.err, ctx.Err()); err != nil {
		return err
	}
	e.list = append(e.list, one)
	return nil
}

func (e *events) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// take are the events since it was last called.
func (e *events) take() []audit.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

func onRecord(e *events) func(*home, *auth.Options) {
	return func(_ *home, o *auth.Options) { o.Tell = e.tell }
}

// TestArrivals: that somebody uses the server is on record once, and again from
// elsewhere, as somebody else, or after half a day of quiet.
func TestArrivals(t *testing.T) {
	var told events
	h := open(t, onRecord(&told))
	who := h.person(staffuser.RoleNurse, nil)
	id, key := h.key(who, ent.CreateApiKeyInput{})
	come := func(from, role string, times int) {
		t.Helper()
		for range 3 {
			if _, err := h.admit("Bearer "+key.Reveal(), from); err != nil {
				t.Fatal(err)
			}
		}
		list := told.take()
		if len(list) != times {
			t.Fatalf("told %d times, want %d: %+v", len(list), times, list)
		}
		for _, e := range list {
			want := audit.Event{Action: audit.Login, Actor: who, Key: id, Role: role, Reason: "from " + from + " with a key", Operation: "sign in"}
			if string(e.Line()) != string(want.Line()) {
				t.Errorf("told of %s", e.Line())
			}
		}
	}
	come("192.0.2.1", "NURSE", 1)
	come("192.0.2.1", "NURSE", 0)
	come("192.0.2.2", "NURSE", 1)
	for range 3 { // in use all the time
		h.clock.pass(11 * time.Hour)
		come("192.0.2.1", "NURSE", 0)
	}
	h.clock.pass(12 * time.Hour)
	come("192.0.2.1", "NURSE", 1)
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.UpdateOneID(who).SetRole(staffuser.RoleManager).Exec(ctx)
	})
	h.clock.pass(auth.Fresh)
	come("192.0.2.1", "MANAGER", 1)
	// What could not be put on record is tried again.
	told.fail(errors.New("the recorder is closed"))
	come("192.0.2.9", "MANAGER", 0)
	told.fail(nil)
	come("192.0.2.9", "MANAGER", 1)
	if text := h.log.String(); !strings.Contains(text, "the recorder is closed") {
		t.Errorf("the log says %s", text)
	}
}

// TestArrivalsByToken: a person is one, however many tokens their provider gives out.
func TestArrivalsByToken(t *testing.T) {
	var told events
	provider := idp.Start(t)
	h := open(t, func(h *home, o *auth.Options) {
		o.Tell = told.tell
		o.Tokens = auth.NewProvider(auth.ProviderOptions{Issuer: provider.URL, Audience: audience, Algorithms: []string{"RS256"}, Clock: h.clock.Now, Log: o.Log})
	})
	ana := h.subject(staffuser.RoleNurse, "ana")
	for range 3 {
		token := provider.Token(idp.Order{Claims: h.claims(nil)})
		h.lets("Bearer "+token, viewer.Viewer{ID: ana, Role: viewer.Nurse})
		h.clock.pass(time.Minute)
	}
	list := told.take()
	if len(list) != 1 || list[0].Action != audit.Login || list[0].Actor != ana || list[0].Key != 0 || list[0].Reason != "from 192.0.2.1 with a token" {
		t.Errorf("told of %+v", list)
	}
	for want, order := range map[string]idp.Order{
		"a token of nobody who is known here":                                          {Claims: h.claims(map[string]any{"sub": "stranger"})},
		"a token: its issuer, its audience or its time is not right":                   {Claims: h.claims(map[string]any{"aud": "another"})},
		"a token: it does not say who it is for, or until when":                        {Claims: h.claims(map[string]any{"exp": nil})},
		"a token: its signature is not of a key of the provider":                       {Claims: h.claims(nil), Header: map[string]any{"kid": "none"}},
		"a token: it is something else than a token to present":                        {Claims: h.claims(nil), Header: map[string]any{"typ": "logout+jwt"}},
		"a token: it cannot be read, or is signed by an algorithm that is not allowed": {Claims: h.claims(nil), Algorithm: "ES256"},
	} {
		h.clock.pass(time.Minute)
		h.refuses("Bearer "+provider.Token(order), "192.0.2.1")
		if list := told.take(); len(list) != 1 || list[0].Action != audit.Refused || list[0].Actor != 0 || list[0].Reason != "from 192.0.2.1 ("+want+")" {
			t.Errorf("told of %+v, want %s", list, want)
		}
	}
}

// TestRefusals: why a credential was refused is on record, if not in the answer, and
// what it was is not.
func TestRefusals(t *testing.T) {
	var told events
	h := open(t, onRecord(&told))
	who, gone := h.person(staffuser.RoleNurse, nil), h.person(staffuser.RoleNurse, nil)
	good, goodKey := h.key(who, ent.CreateApiKeyInput{})
	revoked, revokedKey := h.key(who, ent.CreateApiKeyInput{})
	h.revoke(h.write, revoked)
	expired, expiredKey := h.key(who, ent.CreateApiKeyInput{ExpiresAt: graphql.OmittableOf(new(scalar.At(h.clock.Now().Add(time.Hour))))})
	h.clock.pass(time.Hour)
	left, leftKey := h.key(gone, ent.CreateApiKeyInput{})
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.UpdateOneID(gone).SetActive(false).Exec(ctx)
	})
	stranger, rest := secret.New(), secret.New()
	secrets := []string{stranger.Reveal(), rest.Reveal(), revokedKey.Reveal(), expiredKey.Reveal(), leftKey.Reveal(), "nonsense"}
	for i, tc := range []struct {
		credential, prefix, why string
		key                     nodeid.ID
	}{
		{"Bearer " + stranger.Reveal(), stranger.Prefix(), "there is no such key", 0},
		{"Bearer " + goodKey.Prefix() + rest.Reveal()[len(rest.Prefix()):], goodKey.Prefix(), "not the rest of that key", good},
		{"Bearer " + revokedKey.Reveal(), revokedKey.Prefix(), "it is revoked", revoked},
		{"Bearer " + expiredKey.Reveal(), expiredKey.Prefix(), "it has expired", expired},
		{"Bearer " + leftKey.Reveal(), leftKey.Prefix(), "its user is let in no more", left},
		{"Bearer nonsense", "", "neither a key nor a token", 0},
		{"Basic nonsense", "", "neither a key nor a token", 0},
	} {
		from := fmt.Sprint("192.0.2.", i)
		// Whoever has gone by then was refused all the same.
		ctx, cancel := context.WithCancel(requestid.With(context.Background(), "r-1"))
		if tc.key == 0 && tc.prefix == "" {
			cancel()
		}
		_, err := h.guard.Admit(ctx, tc.credential, from)
		cancel()
		if err == nil {
			t.Fatalf("%s is let in", tc.why)
		}
		list := told.take()
		if len(list) != 1 {
			t.Fatalf("%s: told of %+v", tc.why, list)
		}
		with := ""
		if tc.prefix != "" {
			with = "with " + tc.prefix + " "
		}
		want := audit.Event{Action: audit.Refused, Key: tc.key, Request: "r-1", Operation: "sign in", Reason: "from " + from + " " + with + "(" + tc.why + ")"}
		got := string(list[0].Line())
		if got != string(want.Line()) {
			t.Errorf("told of %s\nwant    %s", got, want.Line())
		}
		for _, text := range secrets {
			if strings.Contains(got, text[len(text)/2:]) {
				t.Errorf("what was presented is on record: %s", got)
			}
		}
	}
	// Who presents nothing is not refused anything.
	if _, err := h.admit("", "192.0.2.99"); err == nil || len(told.take()) > 0 {
		t.Errorf("nobody: %v", err)
	}
}

var times = regexp.MustCompile(`(\d+) times`)

// counted is of how many refusals events tell.
func counted(t *testing.T, list []audit.Event) (n int) {
	t.Helper()
	for _, e := range list {
		if e.Action != audit.Refused {
			t.Fatalf("told of %s", e.Line())
		}
		more := 1
		if found := times.FindStringSubmatch(e.Reason); found != nil {
			var err error
			if more, err = strconv.Atoi(found[1]); err != nil {
				t.Fatal(err)
			}
		}
		n += more
	}
	return n
}

// TestRefusalsAreCounted: one address cannot have more than an event a minute, and
// none of its refusals is left out, those that had to wait included.
func TestRefusalsAreCounted(t *testing.T) {
	var told events
	h := open(t, onRecord(&told))
	const from = "192.0.2.1"
	tried := 0
	try := func(n int) {
		t.Helper()
		for range n {
			if _, err := h.admit("Bearer "+secret.New().Reveal(), from); err == nil {
				t.Fatal("let in")
			}
			tried++
		}
	}
	try(150)
	list := told.take()
	if len(list) != 1 || counted(t, list) != 1 {
		t.Fatalf("told of %+v", list)
	}
	h.clock.pass(59 * time.Second)
	try(50)
	if list := told.take(); len(list) != 0 {
		t.Fatalf("told of %+v", list)
	}
	h.clock.pass(time.Second)
	try(1)
	list = append(list, told.take()...)
	if len(list) != 2 || counted(t, list) != tried || !strings.HasPrefix(list[1].Reason, "from 192.0.2.1 200 times, last with carehome_") {
		t.Fatalf("told of %+v, tried %d times", list, tried)
	}
	try(7)
	h.guard.Close()
	h.guard.Close()
	list = append(list, told.take()...)
	if len(list) != 3 || counted(t, list) != tried {
		t.Fatalf("told of %+v, tried %d times", list, tried)
	}
	try(1) // a server that stops
	if list := told.take(); len(list) > 0 {
		t.Errorf("told of %+v", list)
	}
}

// TestRefusalsAreBounded: however many addresses there are, the events are few, and
// their numbers sum up.
func TestRefusalsAreBounded(t *testing.T) {
	var told events
	h := open(t, onRecord(&told))
	tried := 0
	try := func(addresses int) {
		t.Helper()
		for i := range addresses {
			if _, err := h.admit("Bearer nonsense", fmt.Sprintf("198.51.%d.%d", i/256, i%256)); err == nil {
				t.Fatal("let in")
			}
			tried++
		}
	}
	try(3000)
	list := told.take()
	if len(list) != 100 {
		t.Fatalf("%d events of a burst", len(list))
	}
	for range 10 { // one more each minute
		h.clock.pass(time.Minute)
		try(500)
	}
	list = append(list, told.take()...)
	if len(list) != 110 {
		t.Fatalf("%d events", len(list))
	}
	h.guard.Close()
	list = append(list, told.take()...)
	if last := list[len(list)-1].Reason; len(list) != 111 || counted(t, list) != tried || !strings.Contains(last, " times from more than ") {
		t.Errorf("%d events tell of %d of %d refusals: %s", len(list), counted(t, list), tried, last)
	}
}

// TestRefusalsAreToldInTime: what was counted is told a minute later though nothing
// more comes, and only once.
func TestRefusalsAreToldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		guard := auth.New(auth.Options{Tell: told.tell, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		defer guard.Close()
		try := func(from string, n int) {
			for range n {
				if _, err := guard.Admit(t.Context(), "Bearer nonsense", from); err == nil {
					t.Error("let in")
				}
			}
		}
		wait := func(d time.Duration) []audit.Event {
			time.Sleep(d)
			synctest.Wait()
			return told.take()
		}
		try("192.0.2.1", 5)
		told.take()
		if list := wait(59 * time.Second); len(list) > 0 {
			t.Errorf("told of %+v", list)
		}
		if list := wait(2 * time.Second); len(list) != 1 || list[0].Reason != "from 192.0.2.1 4 times, last (neither a key nor a token)" {
			t.Errorf("told of %+v", list)
		}
		if list := wait(time.Hour); len(list) > 0 {
			t.Errorf("told of %+v", list)
		}
		for i := range 1500 {
			try(fmt.Sprintf("198.51.%d.%d", i/256, i%256), 2)
		}
		burst := told.take()
		rest := wait(2 * time.Minute)
		if len(burst) != 100 || len(rest) != 1 || counted(t, append(burst, rest...)) != 3000 {
			t.Errorf("%d events, then %+v", len(burst), rest)
		}
	})
}

// TestDevelopmentModeIsNoArrival: nobody has said who they are.
func TestDevelopmentModeIsNoArrival(t *testing.T) {
	var told events
	h := open(t, func(h *home, o *auth.Options) {
		o.Tell = told.tell
		o.Anyone = &viewer.Viewer{ID: h.person(staffuser.RoleAdmin, nil), Role: viewer.Admin}
	})
	if _, err := h.admit("", "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if list := told.take(); len(list) > 0 {
		t.Errorf("told of %+v", list)
	}
}
