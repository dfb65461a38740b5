package graph

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/internal/access"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/relay"
)

// Resolver is the root of all resolvers and holds what they need.
type Resolver struct {
	// client reads; it cannot write.
	client *ent.Client
	// commit runs one transaction, kept for good when it returns nil. Mutations go
	// through write.
	commit care.Write
	// live tells what happens.
	live *live.Hub
	// snapshot lets all that is read below ctx see one state of the database.
	snapshot func(ctx context.Context, read func(ctx context.Context) error) error
}

// one reads the row of an id of one kind, with what the selection asks of it.
func one[E ent.Noder](ctx context.Context, r *Resolver, kind nodeid.Kind, id nodeid.ID) (row E, err error) {
	if err := relay.CheckKind("id", kind, id); err != nil {
		return row, err
	}
	return node[E](ctx, r, id)
}

// create makes a row, and reads it as the payload's field asks.
func create[E ent.Noder](ctx context.Context, r *Resolver, field string, save func(context.Context, *ent.Client) (E, error)) (E, error) {
	return change(ctx, r, field, access.Create, save)
}

// update changes the row of an id, and reads it as the payload's field asks.
func update[E ent.Noder](ctx context.Context, r *Resolver, field string, id nodeid.ID, save func(context.Context, *ent.Client, nodeid.ID) (E, error)) (E, error) {
	return change(ctx, r, field, access.Update, func(ctx context.Context, tx *ent.Client) (E, error) { return save(ctx, tx, id) })
}

// change does an act that comes to a row of E, and reads it as the payload's field
// asks.
func change[E ent.Noder](ctx context.Context, r *Resolver, field string, act access.Act, save func(context.Context, *ent.Client) (E, error)) (row E, err error) {
	id, err := r.write(ctx, may(row.NodeKind(), act), func(ctx context.Context, tx *ent.Client) (nodeid.ID, error) {
		row, err := save(ctx, tx)
		if err != nil {
			return 0, err
		}
		return row.NodeID(), nil
	})
	if err != nil {
		return row, err
	}
	return changed[E](ctx, r, id, field)
}

// remove takes the row of an id off the record.
func (r *Resolver) remove(ctx context.Context, kind nodeid.Kind, id nodeid.ID, input *care.Deletion) error {
	_, err := r.write(ctx, may(kind, access.Delete), func(ctx context.Context, tx *ent.Client) (nodeid.ID, error) {
		return id, care.Delete(ctx, tx, kind, id, deletion(input))
	})
	return err
}

// may refuses whoever does not do an act to any row of a kind.
func may(kind nodeid.Kind, act access.Act) func(context.Context) error {
	return func(ctx context.Context) error { return access.Check(ctx, kind, act) }
}

// write does the work of a mutation in one transaction, and returns the row that it
// comes to. Every mutation must go through it, since it is here that one which is
// sent again with its idempotencyKey is not done again. Who may not do it, or not any
// more, is refused by allowed before anything is looked for, also that key: what was
// done under it is told only to who may do it now.
func (r *Resolver) write(ctx context.Context, allowed func(context.Context) error, work func(context.Context, *ent.Client) (nodeid.ID, error)) (id nodeid.ID, err error) {
	if err := allowed(ctx); err != nil {
		return 0, err
	}
	request := requested(ctx)
	// What is read on the way is not shown.
	ctx = audit.WithOperation(access.WithSeen(ctx, nil), graphql.GetFieldContext(ctx).Field.Name)
	err = r.commit(ctx, func(ctx context.Context, tx *ent.Client) error {
		id, err = care.Once(ctx, tx, request, func() (nodeid.ID, error) { return work(ctx, tx) })
		return err
	})
	return id, err
}

// requested is the mutation that ctx resolves: its name and arguments, and the key
// among these.
func requested(ctx context.Context) care.Request {
	field, op := graphql.GetFieldContext(ctx), graphql.GetOperationContext(ctx)
	arguments := maps.Clone(field.Field.ArgumentMap(op.Variables))
	input, _ := arguments["input"].(map[string]any)
	request := care.Request{Content: []any{field.Field.Name, arguments}}
	if key, given := input["idempotencyKey"].(string); given {
		request.Key = &key
		input = maps.Clone(input)
		delete(input, "idempotencyKey")
		arguments["input"] = input
	}
	return request
}

// deletion is what an input says that may be left out.
func deletion(input *care.Deletion) (d care.Deletion) {
	if input != nil {
		d = *input
	}
	return d
}

// void takes a clinical fact off the record, and reads it as the payload's
// field asks.
func void[E ent.Noder](ctx context.Context, r *Resolver, field string, kind nodeid.Kind, id nodeid.ID, input *care.Deletion) (row E, err error) {
	if err := r.remove(ctx, kind, id, input); err != nil {
		return row, err
	}
	return changed[E](ctx, r, id, field)
}

// payloadTime is how long reading what a mutation has changed may take.
const payloadTime = 5 * time.Second

// changed reads the row of a mutation that has been kept. The time of the request may
// be up by then, having been spent on the way to the disk: whoever is told of that
// would take it for nothing done.
func changed[E ent.Noder](ctx context.Context, r *Resolver, id nodeid.ID, field string) (row E, err error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	a := admitted(ctx)
	done, err := a.turns.Take(ctx, a.asker, a.cost)
	if err == nil {
		defer done()
		row, err = node[E](ctx, r, id, field)
	}
	if err != nil {
		err = &keptError{err}
	}
	return row, err
}

// afterwards gives a mutation that was kept some time to be answered.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), payloadTime)
}

// keptError is why a change cannot be shown that was made all the same.
type keptError struct{ cause error }

func (e *keptError) Error() string { return "the change was made: " + e.cause.Error() }

func (e *keptError) Unwrap() error { return e.cause }

// node reads a row with what the selection asks of it, under the named fields.
func node[E ent.Noder](ctx context.Context, r *Resolver, id nodeid.ID, under ...string) (row E, err error) {
	found, err := r.client.Noder(ctx, id, under...)
	if err != nil {
		return row, err
	}
	row, ok := found.(E)
	if !ok {
		return row, fmt.Errorf("%v is a %T", id, found)
	}
	return row, nil
}
