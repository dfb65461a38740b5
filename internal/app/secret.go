package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"carehome/ent"
	"carehome/internal/relay"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// cursorSecret names what cursors are sealed with. It stands in the database, so
// that cursors are good after a restart and on every server of one database.
const cursorSecret = "cursors"

// cursorSealer seals cursors by the database's secret, which it makes where there
// is none. A home that is opened for reading only and has none gets one that lasts
// as long as the program.
func cursorSealer(ctx context.Context, st *store.Store) (relay.Sealer, error) {
	ctx = viewer.With(ctx, viewer.System())
	kept, err := st.Client().Secret.Get(ctx, cursorSecret)
	if err == nil {
		return relay.NewSealer(kept.Value)
	}
	if !ent.IsNotFound(err) {
		return nil, fmt.Errorf("reading the secret of cursors: %w", err)
	}
	err = st.Write(ctx, func(ctx context.Context, tx *ent.Client) error {
		// Another server may have been faster.
		if kept, err = tx.Secret.Get(ctx, cursorSecret); !ent.IsNotFound(err) {
			return err
		}
		value := make([]byte, relay.SecretSize)
		_, _ = rand.Read(value) // it never fails
		kept, err = tx.Secret.Create().SetID(cursorSecret).SetValue(value).Save(ctx)
		return err
	})
	if errors.Is(err, store.ErrReadOnly) {
		return relay.RandomSealer(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("making the secret of cursors: %w", err)
	}
	return relay.NewSealer(kept.Value)
}
