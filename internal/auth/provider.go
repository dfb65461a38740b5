package auth

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"carehome/internal/viewer"
)

// skew is how far the clocks of this machine and the provider's may lie apart.
const skew = time.Minute

// ProviderOptions say whose tokens are good, and what they tell.
type ProviderOptions struct {
	// Issuer is the provider, as its tokens name it; its keys are found below it.
	Issuer string
	// Audience is what a token must be meant for.
	Audience string
	// Algorithms are those that a token may be signed by: of RS256, RS384, RS512,
	// PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA.
	Algorithms []string
	// RoleClaim is the claim that tells the role, such as "realm_access.roles";
	// empty where the staff user's row tells.
	RoleClaim string
	// Roles say what role a value of the claim stands for; where there are none,
	// the values are the roles' own names, whatever their case.
	Roles map[string]viewer.Role
	Clock func() time.Time
	Log   *slog.Logger
	// HTTP asks the provider; a client of our own unless set.
	HTTP *http.Client
}

// Provider verifies the tokens of an OpenID Connect identity provider. Make one
// with NewProvider, and Close it.
type Provider struct {
	ProviderOptions
	algorithms []jose.SignatureAlgorithm
	keys       *keySet
}

// NewProvider makes a Provider. The provider itself is asked when the first token
// comes, so that this server starts whether that one is up or not.
func NewProvider(o ProviderOptions) *Provider {
	p := &Provider{ProviderOptions: o, keys: newKeySet(o)}
	for _, name := range o.Algorithms {
		p.algorithms = append(p.algorithms, jose.SignatureAlgorithm(name))
	}
	return p
}

// Close ends what asks the provider.
func (p *Provider) Close() { p.keys.close() }

// claims are what a verified token tells.
type claims struct {
	identity
	expires time.Time
	role    viewer.Role // empty where the row tells
}

// verify checks a token and reads its claims. errBad says that it is no good; any
// other error, that it could not be checked.
func (p *Provider) verify(ctx context.Context, text string) (claims, error) {
	// The algorithm is of our list, never only what the token says: "none" and
	// those with a shared secret are not in it.
	token, err := jwt.ParseSigned(text, p.algorithms)
	if err != nil || len(token.Headers) != 1 {
		return p.bad(ctx, "it cannot be read, or is signed by an algorithm that is not allowed")
	}
	header := token.Headers[0]
	if !isToken(header) {
		return p.bad(ctx, "it is something else than a token to present")
	}
	keys, err := p.keys.find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return claims{}, err
	}
	var said jwt.Claims
	var all map[string]any
	verified := slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool {
		said, all = jwt.Claims{}, nil
		return token.Claims(key.Key, &said, &all) == nil
	})
	switch {
	case !verified:
		return p.bad(ctx, "its signature is not of a key of the provider")
	case said.Expiry == nil || said.Subject == "":
		return p.bad(ctx, "it does not say who it is for, or until when")
	}
	err = said.ValidateWithLeeway(jwt.Expected{Issuer: p.Issuer, AnyAudience: jwt.Audience{p.Audience}, Time: p.Clock()}, skew)
	if err != nil {
		return p.bad(ctx, "its issuer, its audience or its time is not right")
	}
	c := claims{identity: identity{subject: said.Subject}, expires: said.Expiry.Time()}
	if all["email_verified"] == true || all["email_verified"] == "true" {
		c.email, _ = all["email"].(string)
	}
	if p.RoleClaim == "" {
		return c, nil
	}
	if c.role = p.role(all); c.role == "" {
		return p.bad(ctx, "it tells no role, or more than one")
	}
	return c, nil
}

// bad refuses a token. Why stands in the record and, if asked for, in the log; the
// token stands nowhere.
func (p *Provider) bad(ctx context.Context, why string) (claims, error) {
	p.Log.DebugContext(ctx, "a token is refused", "why", why)
	return claims{}, &badError{why: "a token: " + why}
}

// isToken tells tokens that people present from others that a provider signs,
// such as those that end a session.
func isToken(header jose.Header) bool {
	typ, given := header.ExtraHeaders[jose.HeaderType]
	if !given {
		return true
	}
	name, _ := typ.(string)
	switch strings.TrimPrefix(strings.ToLower(name), "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

// role is the one that the claim tells, or nothing where it tells none or several.
func (p *Provider) role(all map[string]any) (told viewer.Role) {
	var value any = all
	for name := range strings.SplitSeq(p.RoleClaim, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	// A claim such as "https://example.org/role" has dots in its own name.
	if value == nil {
		value = all[p.RoleClaim]
	}
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	for _, value := range values {
		text, _ := value.(string)
		role := p.Roles[text]
		if named := viewer.Role(strings.ToUpper(text)); len(p.Roles) == 0 && slices.Contains(viewer.Roles(), named) {
			role = named
		}
		if role != "" && told != "" && role != told {
			return ""
		}
		if role != "" {
			told = role
		}
	}
	return told
}
