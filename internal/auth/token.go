package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/viewer"
)

// anew is how long a token's signature counts as checked: then it is checked
// again, in case its key has been withdrawn.
const anew = 5 * time.Minute

// checked is a token whose signature was verified.
type checked struct {
	claims
	at time.Time
}

// identity is whom a token names.
type identity struct{ subject, email string }

// person is what is known of whom a token names.
type person struct {
	active, seesNames bool
	viewer            viewer.Viewer
}

// knowsToken reports whether the token was good when it was last looked at.
func (g *Guard) knowsToken(text string) bool {
	_, known := g.tokens.peek(sha256.Sum256([]byte(text)))
	return known
}

// byToken lets in by a token of the identity provider.
func (g *Guard) byToken(ctx context.Context, text string) (*proof, error) {
	sum := sha256.Sum256([]byte(text))
	known, ok := g.tokens.peek(sum)
	if !ok || g.Clock().Sub(known.at) > anew {
		read, err := g.Tokens.verify(ctx, text)
		if err != nil {
			return nil, g.dropped(sum, err)
		}
		known = checked{read, g.Clock()}
	}
	v, err := g.named(ctx, known.claims)
	if err != nil {
		return nil, g.dropped(sum, err)
	}
	g.tokens.keep(sum, known)
	named := known.claims
	return &proof{v, func(ctx context.Context) (viewer.Viewer, error) { return g.named(ctx, named) }}, nil
}

// dropped forgets a token that is no good.
func (g *Guard) dropped(sum [32]byte, err error) error {
	if errors.Is(err, errBad) {
		g.tokens.drop(sum)
	}
	return err
}

// named is whom verified claims let in now.
func (g *Guard) named(ctx context.Context, c claims) (viewer.Viewer, error) {
	if !g.Clock().Before(c.expires.Add(skew)) {
		return viewer.Viewer{}, &badError{why: "a token that has expired"}
	}
	who, err := g.people.get(ctx, c.identity, func(ctx context.Context) (person, error) { return g.person(ctx, c.identity) })
	if err != nil {
		return viewer.Viewer{}, err
	}
	if !who.active {
		return viewer.Viewer{}, &badError{why: "a token whose user is let in no more"}
	}
	v := who.viewer
	if c.role != "" {
		v.Role = c.role
		v.SeesNames = who.seesNames && c.role == viewer.Reporting
	}
	return v, nil
}

// person reads whom a token names: the staff user with that subject or, where a
// person has none yet, with that verified address. Nobody is taken in only
// because the identity provider knows them.
func (g *Guard) person(ctx context.Context, i identity) (person, error) {
	ctx = asSystem(ctx)
	row, err := g.Client.StaffUser.Query().Where(staffuser.Subject(i.subject)).Only(ctx)
	if ent.IsNotFound(err) && i.email != "" {
		row, err = g.Client.StaffUser.Query().
			Where(staffuser.EmailKey(strings.ToLower(i.email)), staffuser.SubjectIsNil()).Only(ctx)
	}
	switch {
	case ent.IsNotFound(err):
		return person{}, &badError{why: "a token of nobody who is known here"}
	case err != nil:
		return person{}, fmt.Errorf("looking for a person: %w", err)
	}
	return person{active: row.Active, seesNames: row.SeesNames, viewer: viewerOf(row)}, nil
}
