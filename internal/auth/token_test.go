package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/auth"
	"carehome/internal/auth/idp"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

const audience = "carehome-of-sol"

// withProvider is a home that trusts an identity provider of its own.
func withProvider(t *testing.T, set func(*auth.ProviderOptions)) (*home, *idp.Process) {
	t.Helper()
	provider := idp.Start(t)
	h := open(t, func(h *home, o *auth.Options) {
		p := auth.ProviderOptions{Issuer: provider.URL, Audience: audience, Algorithms: []string{"RS256", "ES256"}, Clock: h.clock.Now}
		p.Log = o.Log
		if set != nil {
			set(&p)
		}
		o.Tokens = auth.NewProvider(p)
		// Of no effect: people have to say who they are where there is a provider.
		o.Anyone = &viewer.Viewer{Role: viewer.Admin}
	})
	return h, provider
}

// claims are those of a good token, changed; nil takes one away.
func (h *home) claims(change map[string]any) map[string]any {
	now := h.clock.Now()
	said := map[string]any{"aud": audience, "sub": "ana", "exp": now.Add(10 * time.Minute).Unix(), "iat": now.Unix()}
	maps.Copy(said, change)
	return said
}

func (h *home) subject(role staffuser.Role, subject string) nodeid.ID {
	return h.person(role, func(c *ent.StaffUserCreate) { c.SetSubject(subject) })
}

func TestTokensLetIn(t *testing.T) {
	h, provider := withProvider(t, func(o *auth.ProviderOptions) { o.Algorithms = idp.Algorithms() })
	ana := h.subject(staffuser.RoleNurse, "ana")
	byMail := h.person(staffuser.RoleCarer, func(c *ent.StaffUserCreate) { c.SetEmail("Eva@Example.org") })
	for name, tc := range map[string]struct {
		order idp.Order
		want  viewer.Viewer
	}{
		"RS256":      {idp.Order{}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"PS256":      {idp.Order{Algorithm: "PS256"}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"ES256":      {idp.Order{Algorithm: "ES256"}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"EdDSA":      {idp.Order{Algorithm: "EdDSA"}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"Audiences":  {idp.Order{Claims: map[string]any{"aud": []string{"other", audience}}}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"AccessType": {idp.Order{Header: map[string]any{"typ": "at+jwt"}}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"LateClock":  {idp.Order{Claims: map[string]any{"exp": h.clock.Now().Add(-59 * time.Second).Unix()}}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"EarlyClock": {idp.Order{Claims: map[string]any{"nbf": h.clock.Now().Add(59 * time.Second).Unix()}}, viewer.Viewer{ID: ana, Role: viewer.Nurse}},
		"ByEmail":    {idp.Order{Claims: map[string]any{"sub": "eva", "email": "eva@example.ORG", "email_verified": true}}, viewer.Viewer{ID: byMail, Role: viewer.Carer}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.order.Claims = h.claims(tc.order.Claims)
			token := provider.Token(tc.order)
			for range 2 { // the second from memory
				ctx := h.lets("Bearer "+token, tc.want)
				if err := h.guard.Valid(ctx); err != nil {
					t.Errorf("not valid: %v", err)
				}
			}
		})
	}
	if asked := provider.Asked(); asked != 1 {
		t.Errorf("the keys were asked for %d times", asked)
	}
}

// TestErrTokens: each of these is refused, and like any other bad credential.
func TestErrTokens(t *testing.T) {
	h, provider := withProvider(t, nil)
	h.subject(staffuser.RoleNurse, "ana")
	h.subject(staffuser.RoleNurse, "bound")
	h.person(staffuser.RoleNurse, func(c *ent.StaffUserCreate) { c.SetSubject("gone").SetActive(false) })
	h.person(staffuser.RoleNurse, func(c *ent.StaffUserCreate) { c.SetEmail("eva@example.org") })
	h.person(staffuser.RoleNurse, func(c *ent.StaffUserCreate) { c.SetEmail("own@example.org").SetSubject("own") })
	now := h.clock.Now()
	signed := func(order idp.Order) string {
		order.Claims = h.claims(order.Claims)
		return provider.Token(order)
	}
	said := func(change map[string]any) string { return signed(idp.Order{Claims: change}) }
	good := said(nil)
	parts := strings.Split(good, ".")
	encode := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	keys := provider.Keys()
	var public *rsa.PublicKey
	var name string
	for _, key := range keys.Keys {
		if key.Algorithm == "RS256" {
			public, name = key.Key.(*rsa.PublicKey), key.KeyID
		}
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	// The public key taken for a shared secret.
	confused := func(secret []byte) string {
		head := encode(map[string]any{"alg": "HS256", "kid": name, "typ": "JWT"}) + "." + parts[1]
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(head))
		return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	table := map[string]string{
		"None":            encode(map[string]any{"alg": "none"}) + "." + parts[1] + ".",
		"NoneSigned":      encode(map[string]any{"alg": "none", "kid": name}) + "." + parts[1] + "." + parts[2],
		"NoneUpperCase":   encode(map[string]any{"alg": "NONE"}) + "." + parts[1] + ".",
		"NoAlgorithm":     encode(map[string]any{"kid": name}) + "." + parts[1] + "." + parts[2],
		"ConfusedDER":     confused(der),
		"ConfusedPEM":     confused(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"NotAllowed":      signed(idp.Order{Algorithm: "PS256"}),
		"NotAllowedEdDSA": signed(idp.Order{Algorithm: "EdDSA"}),
		"OtherAlgorithm":  encode(map[string]any{"alg": "ES256", "kid": name}) + "." + parts[1] + "." + parts[2],
		"Foreign":         signed(idp.Order{Key: "foreign"}),
		"ForeignNamed":    signed(idp.Order{Key: "foreign", Name: &name}),
		"NoName":          signed(idp.Order{Name: new("")}),
		"OwnKey":          signed(idp.Order{Key: "foreign", Name: &name, Header: map[string]any{"jwk": keys.Keys[0], "jku": provider.URL + "/keys", "x5u": provider.URL}}),
		"Critical":        signed(idp.Order{Header: map[string]any{"crit": []string{"exp"}, "exp": 1}}),
		"LogoutToken":     signed(idp.Order{Header: map[string]any{"typ": "logout+jwt"}}),
		"Issuer":          said(map[string]any{"iss": "https://elsewhere.example"}),
		"IssuerSlash":     said(map[string]any{"iss": provider.URL + "/"}),
		"NoIssuer":        said(map[string]any{"iss": nil}),
		"Audience":        said(map[string]any{"aud": "another"}),
		"AudiencePrefix":  said(map[string]any{"aud": audience + "2"}),
		"Audiences":       said(map[string]any{"aud": []string{"another", "third"}}),
		"NoAudience":      said(map[string]any{"aud": nil}),
		"Expired":         said(map[string]any{"exp": now.Add(-61 * time.Second).Unix()}),
		"NoExpiry":        said(map[string]any{"exp": nil}),
		"ExpiryText":      said(map[string]any{"exp": "tomorrow"}),
		"NotYet":          said(map[string]any{"nbf": now.Add(61 * time.Second).Unix()}),
		"IssuedLater":     said(map[string]any{"iat": now.Add(61 * time.Second).Unix()}),
		"NoSubject":       said(map[string]any{"sub": nil}),
		"EmptySubject":    said(map[string]any{"sub": ""}),
		"UnknownSubject":  said(map[string]any{"sub": "somebody"}),
		"OtherCase":       said(map[string]any{"sub": "ANA"}),
		"Deactivated":     said(map[string]any{"sub": "gone"}),
		"UnverifiedEmail": said(map[string]any{"sub": "eva", "email": "eva@example.org", "email_verified": false}),
		"EmailOnly":       said(map[string]any{"sub": "eva", "email": "eva@example.org"}),
		"OthersEmail":     said(map[string]any{"sub": "thief", "email": "own@example.org", "email_verified": true}),
		"Claims":          parts[0] + "." + encode(h.claims(map[string]any{"sub": "bound"})) + "." + parts[2],
		"Signature":       parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"NoSignature":     parts[0] + "." + parts[1] + ".",
		"TwoParts":        parts[0] + "." + parts[1],
		"FourParts":       good + "." + parts[2],
		"JSON":            `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"NotBase64":       parts[0] + ".*." + parts[2],
		"Garbage":         "not.a.token",
		"Long":            good + strings.Repeat("A", 1<<20),
		"ManyClaims":      said(map[string]any{"groups": strings.Repeat("x", 20<<10)}),
	}
	for name, token := range table {
		t.Run(name, func(t *testing.T) { h.refuses("Bearer "+token, "192.0.2."+name) })
	}
	if len(table) < 40 {
		t.Errorf("tried %d only", len(table))
	}
	h.lets("Bearer "+good, viewer.Viewer{ID: nodeid.New(nodeid.StaffUser, 1), Role: viewer.Nurse})
	if asked := provider.Asked(); asked != 1 {
		t.Errorf("strangers had the provider asked %d times", asked)
	}
	for name, token := range table {
		if len(token) > 20 && strings.Contains(h.log.String(), token) {
			t.Errorf("the log has the token %s", name)
		}
	}
}

func TestTokenEnds(t *testing.T) {
	h, provider := withProvider(t, nil)
	ana := h.subject(staffuser.RoleNurse, "ana")
	token := "Bearer " + provider.Token(idp.Order{Claims: h.claims(nil)})
	want := viewer.Viewer{ID: ana, Role: viewer.Nurse}
	ctx := h.lets(token, want)
	h.clock.pass(10*time.Minute + 59*time.Second)
	h.lets(token, want)
	if err := h.guard.Valid(ctx); err != nil {
		t.Errorf("before its time: %v", err)
	}
	h.clock.pass(time.Second)
	if err := h.guard.Valid(ctx); err == nil {
		t.Error("a socket outlives its token")
	}
	h.refuses(token, "192.0.2.1")
}

func TestTokenOfTheMoved(t *testing.T) {
	h, provider := withProvider(t, nil)
	ana := h.subject(staffuser.RoleNurse, "ana")
	token := "Bearer " + provider.Token(idp.Order{Claims: h.claims(nil)})
	ctx := h.lets(token, viewer.Viewer{ID: ana, Role: viewer.Nurse})
	h.do(h.guard.Watch(h.store.Write), func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.UpdateOneID(ana).SetRole(staffuser.RoleCarer).Exec(ctx)
	})
	if err := h.guard.Valid(ctx); err == nil {
		t.Error("the socket of a nurse goes on")
	}
	ctx = h.lets(token, viewer.Viewer{ID: ana, Role: viewer.Carer})
	h.do(h.write, func(ctx context.Context, tx *ent.Client) error {
		return tx.StaffUser.UpdateOneID(ana).SetActive(false).Exec(ctx)
	})
	h.clock.pass(auth.Fresh)
	if err := h.guard.Valid(ctx); err == nil {
		t.Error("the socket of who has left goes on")
	}
	h.refuses(token, "192.0.2.1")
}

func TestRoleClaim(t *testing.T) {
	for name, tc := range map[string]struct {
		claim  string
		roles  map[string]viewer.Role
		claims map[string]any
		want   viewer.Role
		sees   bool
	}{
		"Text":         {claim: "role", claims: map[string]any{"role": "carer"}, want: viewer.Carer},
		"List":         {claim: "roles", claims: map[string]any{"roles": []string{"offline_access", "MANAGER"}}, want: viewer.Manager},
		"Nested":       {claim: "realm_access.roles", claims: map[string]any{"realm_access": map[string]any{"roles": []string{"REPORTING"}}}, want: viewer.Reporting, sees: true},
		"Namespaced":   {claim: "https://sol.example/role", claims: map[string]any{"https://sol.example/role": "NURSE"}, want: viewer.Nurse},
		"Mapped":       {claim: "groups", roles: map[string]viewer.Role{"g-17": viewer.Carer}, claims: map[string]any{"groups": []string{"g-1", "g-17"}}, want: viewer.Carer},
		"Twice":        {claim: "groups", roles: map[string]viewer.Role{"a": viewer.Carer, "b": viewer.Carer}, claims: map[string]any{"groups": []string{"a", "b"}}, want: viewer.Carer},
		"ErrOwnNames":  {claim: "groups", roles: map[string]viewer.Role{"g-17": viewer.Carer}, claims: map[string]any{"groups": []string{"ADMIN"}}},
		"ErrNone":      {claim: "role", claims: nil},
		"ErrUnknown":   {claim: "role", claims: map[string]any{"role": "KING"}},
		"ErrTwo":       {claim: "roles", claims: map[string]any{"roles": []string{"ADMIN", "CARER"}}},
		"ErrNumber":    {claim: "role", claims: map[string]any{"role": 1}},
		"ErrObject":    {claim: "role", claims: map[string]any{"role": map[string]any{"ADMIN": true}}},
		"ErrDeepInOne": {claim: "role.name", claims: map[string]any{"role": "ADMIN"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, provider := withProvider(t, func(o *auth.ProviderOptions) { o.RoleClaim, o.Roles = tc.claim, tc.roles })
			ana := h.person(staffuser.RoleFamily, func(c *ent.StaffUserCreate) { c.SetSubject("ana").SetSeesNames(true) })
			token := "Bearer " + provider.Token(idp.Order{Claims: h.claims(tc.claims)})
			if tc.want == "" {
				h.refuses(token, "192.0.2.1")
				return
			}
			h.lets(token, viewer.Viewer{ID: ana, Role: tc.want, SeesNames: tc.sees})
		})
	}
}

// TestRotation: a new key is known within a minute, an old one forgotten within
// ten, and nobody can have the provider asked more than once a minute.
func TestRotation(t *testing.T) {
	h, provider := withProvider(t, nil)
	ana := h.subject(staffuser.RoleNurse, "ana")
	want := viewer.Viewer{ID: ana, Role: viewer.Nurse}
	long := map[string]any{"exp": h.clock.Now().Add(24 * time.Hour).Unix()}
	old := "Bearer " + provider.Token(idp.Order{Claims: h.claims(long)})
	h.lets(old, want)
	provider.Set(idp.State{Rotate: true})
	fresh := "Bearer " + provider.Token(idp.Order{Claims: h.claims(long)})
	for range 50 { // within the minute since the last question
		h.refuses(fresh, "192.0.2.1")
	}
	h.clock.pass(time.Minute)
	h.lets(fresh, want)
	for range 40 {
		h.refuses("Bearer "+provider.Token(idp.Order{Key: "foreign", Claims: h.claims(long)}), "192.0.2.2")
	}
	if asked := provider.Asked(); asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	h.clock.pass(6 * time.Minute)
	h.refuses(old, "192.0.2.3") // its signature is checked anew, and its key is not published any more
	h.lets(fresh, want)
}

func TestProviderDown(t *testing.T) {
	h, provider := withProvider(t, nil)
	ana := h.subject(staffuser.RoleNurse, "ana")
	want := viewer.Viewer{ID: ana, Role: viewer.Nurse}
	long := map[string]any{"exp": h.clock.Now().Add(24 * time.Hour).Unix()}
	token := func() string {
		long["jti"] = h.clock.Now().String() // none is remembered
		return "Bearer " + provider.Token(idp.Order{Claims: h.claims(long)})
	}
	unreachable := func() {
		t.Helper()
		_, err := h.admit(token(), "192.0.2.1")
		var refused *auth.RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.RetryAfter == 0 || refused.Problem.Code != problem.Timeout {
			t.Errorf("got %v", err)
		}
	}
	provider.Set(idp.State{Down: true})
	unreachable()
	provider.Set(idp.State{})
	unreachable() // it was asked a moment ago
	h.clock.pass(5 * time.Second)
	h.lets(token(), want)

	provider.Set(idp.State{Down: true})
	h.clock.pass(59 * time.Minute)
	h.lets(token(), want) // by the keys that are known
	h.clock.pass(time.Minute)
	unreachable()
	provider.Set(idp.State{})
	h.clock.pass(time.Minute)
	h.lets(token(), want)
}

func TestErrOtherProvider(t *testing.T) {
	h, provider := withProvider(t, nil)
	h.subject(staffuser.RoleNurse, "ana")
	provider.Set(idp.State{Issuer: "https://elsewhere.example"})
	_, err := h.admit("Bearer "+provider.Token(idp.Order{Claims: h.claims(nil)}), "192.0.2.1")
	var refused *auth.RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
}

// TestOddKeys: keys that cannot or must not be used do not spoil the others.
func TestOddKeys(t *testing.T) {
	h, provider := withProvider(t, nil)
	ana := h.subject(staffuser.RoleNurse, "ana")
	provider.Set(idp.State{Extra: []json.RawMessage{
		json.RawMessage(`{"kty":"oct","kid":"shared","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256"}`),
		json.RawMessage(`{"kty":"FUTURE","kid":"future"}`), json.RawMessage(`17`),
		json.RawMessage(`{"kty":"RSA","kid":"short","alg":"RS256","e":"AQAB","n":"3ZWrUY0Y6IKN1qI4BhxR2C7oHVFgGPYkd38uGq1jQNSqEvJFcN93CYm16_G78FAFKWqwsJb3Wx-nbxDn6LtP4AhULB1H0K0g7_jLklDAHvI8yhOKlvoyvsUFPWtNxlJyh5JJXvkNKV_4Oo12e69f8QCuQ6NpEPl-cSvXIqUYBCs"}`),
	}})
	h.lets("Bearer "+provider.Token(idp.Order{Claims: h.claims(nil)}), viewer.Viewer{ID: ana, Role: viewer.Nurse})
	h.refuses("Bearer "+provider.Token(idp.Order{Claims: h.claims(nil), Name: new("short")}), "192.0.2.1")
}
