package live

import (
	"context"
	"fmt"

	"carehome/ent"
	"carehome/ent/activityexception"
	"carehome/ent/activityparticipation"
	"carehome/ent/prescription"
	"carehome/ent/wellness"
	"carehome/internal/access"
	"carehome/internal/care"
	"carehome/internal/nodeid"
	"carehome/internal/store"
)

// Watch returns a Write whose transactions note what they change in the journal,
// and tell it to those who listen once it is safe. It expects each transaction to
// bring a client of its own, and a write of the hub's store.
func (h *Hub) Watch(write care.Write) care.Write {
	return func(ctx context.Context, work func(ctx context.Context, tx *ent.Client) error) error {
		return write(ctx, func(ctx context.Context, tx *ent.Client) error {
			w := &watch{at: map[nodeid.ID]int{}}
			w.register(tx)
			if err := work(ctx, tx); err != nil {
				return err
			}
			return h.note(ctx, w.result(h.batch))
		})
	}
}

func (h *Hub) note(ctx context.Context, changes []store.Change) error {
	noted, err := store.NoteChanges(ctx, changes)
	if err != nil || len(noted) == 0 {
		return err
	}
	return store.AfterCommit(ctx, func() { h.publish(noted) })
}

// watch collects the changes of one transaction: one for each row, in the order
// in which the rows were first touched.
type watch struct {
	changes []store.Change
	at      map[nodeid.ID]int
	many    bool // rows were changed by a condition, so nobody knows which
}

func (w *watch) register(tx *ent.Client) {
	tx.Wellness.Use(w.hook(func(_ context.Context, v any) (store.Change, error) {
		row, ok := v.(*ent.Wellness)
		if !ok {
			return store.Change{}, unknown(v)
		}
		return change(row.ID, row.Status == wellness.StatusEnteredInError, row.ResidentID, 0), nil
	}, nil))
	tx.Prescription.Use(w.hook(func(_ context.Context, v any) (store.Change, error) {
		row, ok := v.(*ent.Prescription)
		if !ok {
			return store.Change{}, unknown(v)
		}
		return change(row.ID, row.Status == prescription.StatusEnteredInError, row.ResidentID, 0), nil
	}, nil))
	tx.Activity.Use(w.hook(func(_ context.Context, v any) (store.Change, error) {
		row, ok := v.(*ent.Activity)
		if !ok {
			return store.Change{}, unknown(v)
		}
		return change(row.ID, false, 0, row.ID), nil
	}, func(_ context.Context, id nodeid.ID) (store.Change, error) {
		return change(id, false, 0, id), nil
	}))
	tx.ActivityException.Use(w.hook(func(_ context.Context, v any) (store.Change, error) {
		row, ok := v.(*ent.ActivityException)
		if !ok {
			return store.Change{}, unknown(v)
		}
		return change(row.ID, false, 0, row.ActivityID), nil
	}, func(ctx context.Context, id nodeid.ID) (store.Change, error) {
		// Whether the viewer may delete it is decided elsewhere.
		row, err := tx.ActivityException.Query().Where(activityexception.ID(id)).Only(access.Lift(ctx, access.EveryRule))
		if err != nil {
			return store.Change{}, err
		}
		return change(id, false, 0, row.ActivityID), nil
	}))
	tx.ActivityParticipation.Use(w.hook(func(_ context.Context, v any) (store.Change, error) {
		row, ok := v.(*ent.ActivityParticipation)
		if !ok {
			return store.Change{}, unknown(v)
		}
		return change(row.ID, row.Status == activityparticipation.StatusEnteredInError, row.ResidentID, row.ActivityID), nil
	}, nil))
}

func unknown(v any) error { return fmt.Errorf("a changed row is a %T", v) }

// change is a line without what happened, but for VOIDED.
func change(id nodeid.ID, voided bool, resident, activity nodeid.ID) store.Change {
	c := store.Change{Entity: id, Resident: resident, Activity: activity}
	if voided {
		c.What = string(Voided)
	}
	return c
}

// hook notes each change of a type's rows after it was made: what the row is like
// then, or, before it goes, what it was.
func (w *watch) hook(
	made func(context.Context, any) (store.Change, error),
	going func(context.Context, nodeid.ID) (store.Change, error),
) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			var gone store.Change
			one, ok := m.(interface{ ID() (nodeid.ID, bool) })
			deletes := m.Op().Is(ent.OpDeleteOne) && ok && going != nil
			if deletes {
				id, _ := one.ID()
				before, err := going(ctx, id)
				if ent.IsNotFound(err) {
					return next.Mutate(ctx, m) // whose error it is
				}
				if err != nil {
					return nil, err
				}
				gone = before
			}
			v, err := next.Mutate(ctx, m)
			if err != nil {
				return v, err
			}
			switch {
			case deletes:
				w.add(gone, Deleted)
			case m.Op().Is(ent.OpCreate | ent.OpUpdateOne):
				c, err := made(ctx, v)
				if err != nil {
					return nil, err
				}
				what := Updated
				if m.Op().Is(ent.OpCreate) {
					what = Created
				}
				w.add(c, what)
			default:
				w.many = true
			}
			return v, nil
		})
	}
}

// add takes a change in. Of several changes of a row in one transaction nobody
// saw those between.
func (w *watch) add(c store.Change, what What) {
	if c.What == "" {
		c.What = string(what)
	}
	i, known := w.at[c.Entity]
	if !known {
		w.at[c.Entity] = len(w.changes)
		w.changes = append(w.changes, c)
		return
	}
	before := What(w.changes[i].What)
	switch {
	case before == Created && what == Deleted:
		c.What = "" // it never was there for anybody
	case before == Created && what == Updated:
		c.What = string(Created)
	}
	w.changes[i] = c
}

// result are the lines for the journal: one for all, if there are more than most
// or nobody knows which.
func (w *watch) result(most int) []store.Change {
	var lines []store.Change
	for _, c := range w.changes {
		if c.What != "" {
			lines = append(lines, c)
		}
	}
	if w.many || len(lines) > most {
		return []store.Change{{What: store.Unnoted}}
	}
	return lines
}
