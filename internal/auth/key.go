package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"carehome/ent"
	"carehome/ent/apikey"
	"carehome/ent/staffuser"
	"carehome/internal/secret"
	"carehome/internal/viewer"
)

// account is what is known of a key.
type account struct {
	hash    []byte
	ended   string // why it is good no more; empty while it is
	expires time.Time
	used    time.Time
	viewer  viewer.Viewer
}

// knowsKey reports whether the key was good when it was last looked at.
func (g *Guard) knowsKey(key secret.Key) bool {
	a, ok := g.accounts.peek(key.Prefix())
	return ok && a.ended == "" && same(a.hash, key)
}

// byKey lets in by a key.
func (g *Guard) byKey(ctx context.Context, key secret.Key) (*proof, error) {
	a, err := g.account(ctx, key.Prefix())
	if err != nil {
		return nil, err
	}
	if !same(a.hash, key) {
		return nil, &badError{"not the rest of that key", a.viewer.Key}
	}
	v, err := g.holder(a)
	if err != nil {
		return nil, err
	}
	g.prefixes.clear(key.Prefix())
	if g.uses != nil {
		g.uses.note(v.Key, a.used)
	}
	prefix := key.Prefix() // all that is kept of the key while a socket lasts
	return &proof{v, func(ctx context.Context) (viewer.Viewer, error) {
		a, err := g.account(ctx, prefix)
		if err != nil {
			return viewer.Viewer{}, err
		}
		return g.holder(a)
	}}, nil
}

// holder is whom a key lets in now.
func (g *Guard) holder(a account) (viewer.Viewer, error) {
	switch {
	case a.ended != "":
		return viewer.Viewer{}, &badError{a.ended, a.viewer.Key}
	case !a.expires.IsZero() && !g.Clock().Before(a.expires):
		return viewer.Viewer{}, &badError{"it has expired", a.viewer.Key}
	}
	return a.viewer, nil
}

// account reads a key by its prefix; one that is not there has no hash.
func (g *Guard) account(ctx context.Context, prefix string) (account, error) {
	a, err := g.accounts.get(ctx, prefix, func(ctx context.Context) (account, error) {
		row, err := g.Client.APIKey.Query().Where(apikey.Prefix(prefix)).WithStaffUser().Only(asSystem(ctx))
		switch {
		case ent.IsNotFound(err):
			return account{}, &badError{why: "there is no such key"}
		case err != nil:
			return account{}, fmt.Errorf("looking for a key: %w", err)
		}
		who := row.Edges.StaffUser
		a := account{hash: row.Hash, viewer: viewerOf(who)}
		switch {
		case row.RevokedAt != nil:
			a.ended = "it is revoked"
		case !who.Active:
			a.ended = "its user is let in no more"
		}
		a.viewer.Key, a.viewer.ReadOnly = row.ID, row.Scope != apikey.ScopeFull
		if row.ExpiresAt != nil {
			a.expires = row.ExpiresAt.Time
		}
		if row.LastUsedAt != nil {
			a.used = row.LastUsedAt.Time
		}
		return a, nil
	})
	return a, err
}

// same compares a hash with a key's, in a time that tells nothing.
func same(hash []byte, key secret.Key) bool { return subtle.ConstantTimeCompare(hash, key.Hash()) == 1 }

// viewerOf is a person as a viewer.
func viewerOf(who *ent.StaffUser) viewer.Viewer {
	return viewer.Viewer{
		ID: who.ID, Name: who.DisplayName, Role: viewer.Role(who.Role),
		SeesNames: who.SeesNames && who.Role == staffuser.RoleReporting,
	}
}
