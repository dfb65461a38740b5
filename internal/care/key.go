package care

import (
	"context"

	"carehome/ent"
	"carehome/ent/apikey"
	"carehome/ent/hook"
	"carehome/internal/access"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/relay"
	"carehome/internal/scalar"
	"carehome/internal/secret"
	"carehome/internal/viewer"
)

// CreateKey makes a key that asks in the name of a staff user, and returns its
// secret, which is kept nowhere. A zero secret means a new one; one that is given
// must be of secret.New.
func CreateKey(ctx context.Context, tx *ent.Client, in ent.CreateApiKeyInput, key secret.Key) (*ent.APIKey, secret.Key, error) {
	if key == "" {
		key = secret.New()
	}
	// The client is of this transaction alone, and so is the hook.
	tx.APIKey.Use(func(next ent.Mutator) ent.Mutator {
		return hook.APIKeyFunc(func(ctx context.Context, m *ent.APIKeyMutation) (ent.Value, error) {
			m.SetPrefix(key.Prefix())
			m.SetHash(key.Hash())
			return next.Mutate(ctx, m)
		})
	})
	row, err := in.Save(ctx, tx)
	return row, key, err
}

// RevokeKey ends a key for good. One that is revoked already stays as it is.
// INVALID for the id of something else, NOT_FOUND, CONFLICT for a stale version.
func RevokeKey(ctx context.Context, tx *ent.Client, id nodeid.ID, d Deletion) (*ent.APIKey, error) {
	if err := access.Check(ctx, nodeid.APIKey, access.Update); err != nil {
		return nil, err
	}
	if err := relay.CheckKind("id", nodeid.APIKey, id); err != nil {
		return nil, err
	}
	ctx, err := withReason(ctx, d.Reason)
	if err != nil {
		return nil, err
	}
	row, err := tx.APIKey.Query().Where(apikey.ID(id)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, relay.NoSuch(nodeid.APIKey, id)
	case err != nil:
		return nil, err
	case d.ExpectedVersion != nil && *d.ExpectedVersion != row.Version:
		return nil, relay.Stale(row.Version)
	case row.RevokedAt != nil:
		return row, nil
	}
	return row.Update().SetRevokedAt(scalar.Now(ctx)).Save(ctx)
}

// checkKey keeps everybody from reaching further through a key than by
// themselves: a key is as good as its person.
func checkKey(ctx context.Context, m *ent.APIKeyMutation) (ent.Value, error) {
	v, _ := viewer.From(ctx)
	if v.IsSystem() || !m.Op().Is(ent.OpCreate) {
		return nil, nil
	}
	who, _ := m.StaffUserID()
	person, err := m.Client().StaffUser.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	if !access.Grants(v.Role, viewer.Role(person.Role)) {
		return nil, problem.Forbiddenf("your role cannot make keys of people of this role")
	}
	return nil, nil
}
