package care

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"carehome/ent"
	"carehome/ent/retry"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// Request is what a client asks for under a key of its own, so that the same sent
// again is not done again.
type Request struct {
	// Key is the client's; nil if there is none.
	Key *string
	// Content is what is asked for, without the key: its JSON tells requests apart.
	Content any
}

const (
	// keyLimit is how long a key may be, in characters.
	keyLimit = 200
	// retryTime is how long a key is remembered.
	retryTime = 24 * time.Hour
	// retriesForgotten is how many that are older go with each one that comes: they
	// become fewer, and no single change pays for all.
	retriesForgotten = 8
)

// Once has work done once for each key of the viewer, and returns the row that it
// came to, then or now. Work that fails may be tried again. It must be called in
// the transaction of the work, which is when nobody else writes.
func Once(ctx context.Context, tx *ent.Client, r Request, work func() (nodeid.ID, error)) (nodeid.ID, error) {
	if r.Key == nil {
		return work()
	}
	if n := utf8.RuneCountInString(*r.Key); n < 1 || n > keyLimit || !utf8.ValidString(*r.Key) {
		return 0, problem.Invalidf("input.idempotencyKey", "must have 1 to %d characters", keyLimit)
	}
	content, err := json.Marshal(r.Content)
	if err != nil {
		return 0, fmt.Errorf("telling a request from others: %w", err)
	}
	request := sha256.Sum256(content)
	who, ok := viewer.From(ctx)
	if !ok {
		return work() // which refuses nobody
	}
	own, now := viewer.With(ctx, viewer.System()), scalar.Now(ctx)
	id := who.ID.String() + " " + *r.Key
	before, err := tx.Retry.Get(own, id)
	switch {
	case ent.IsNotFound(err):
	case err != nil:
		return 0, fmt.Errorf("looking for an earlier request: %w", err)
	case now.Sub(before.At.Time) >= retryTime:
		if err := tx.Retry.DeleteOneID(id).Exec(own); err != nil {
			return 0, fmt.Errorf("forgetting an earlier request: %w", err)
		}
	case string(before.Request) != string(request[:]):
		return 0, problem.Conflictf("input.idempotencyKey", "this key came with another request before: what is new needs a new key")
	default:
		return before.EntityID, nil
	}
	row, err := work()
	if err != nil {
		return 0, err
	}
	err = tx.Retry.Create().SetID(id).SetRequest(request[:]).SetEntityID(row).SetAt(now).Exec(own)
	if err = errors.Join(err, forget(own, tx, scalar.At(now.Add(-retryTime)))); err != nil {
		return 0, fmt.Errorf("remembering a request: %w", err)
	}
	return row, nil
}

func forget(ctx context.Context, tx *ent.Client, before scalar.Time) error {
	old, err := tx.Retry.Query().Where(retry.AtLTE(before)).Order(retry.ByAt()).Limit(retriesForgotten).IDs(ctx)
	if err != nil || len(old) == 0 {
		return err
	}
	_, err = tx.Retry.Delete().Where(retry.IDIn(old...)).Exec(ctx)
	return err
}
