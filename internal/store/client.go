package store

import (
	"context"

	"carehome/ent"

	_ "carehome/ent/runtime" // without it the schema's hooks and policies do not run
)

// newClient makes the reading client.
func (s *Store) newClient() *ent.Client { return ent.NewClient(ent.Driver(readDriver{s})) }

// Write runs fn in a transaction, all or nothing, and returns nil only when that is
// committed and survives what Options.Durability promises. Except with
// FullDurability, those who queue at the same time share one: fn sees what those
// before it did. It waits its turn until ctx ends, or for Options.WriteTimeout where
// ctx has no deadline; if ctx ends before fn has ended, everything is undone; from
// then on it is not heard.
//
// fn works on the client that it is given. Its error undoes the transaction and
// comes back as it is; a panic comes back as a PanicError. After one failed
// statement all others fail too, so look before you insert. fn must not start
// another Write, nor wait for anything but the database: everybody else queues
// behind it.
//
// Errors, for errors.Is: ErrStorageFull, ErrReadOnly, ErrTimeout, ErrClosed,
// ErrNested, ErrTxDead, ErrUndone, ErrPanic, context.Canceled; with any of these nothing was
// changed. ErrSync: whether the change holds is unknown, and the process must end.
func (s *Store) Write(ctx context.Context, fn func(ctx context.Context, client *ent.Client) error) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return fn(ctx, ent.NewClient(ent.Driver(t)))
	})
}
