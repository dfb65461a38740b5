package graph

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityparticipation"
	"carehome/ent/prescription"
	"carehome/ent/privacy"
	"carehome/ent/wellness"
	"carehome/graph/model"
	"carehome/graph/transport"
	"carehome/internal/access"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/relay"
	"carehome/internal/viewer"
)

// events are what a subscription tells.
type events[P any] struct {
	residents []nodeid.ID // nil for all
	// may fails where the viewer may see no such rows at all.
	may func(context.Context) error
	// concerns reports, without a look at the database, whether an event may be one
	// of them.
	concerns func(live.Event) bool
	// tell reads what is told of an event, as the viewer. NOT_FOUND is an event that
	// is none of the viewer's business.
	tell func(context.Context, live.Event) (P, error)
}

// lastEvent is the id of the last event, in the state that the query reads.
func (r *Resolver) lastEvent(ctx context.Context) (*live.ID, error) {
	if _, known := viewer.From(ctx); !known {
		return nil, privacy.Deny
	}
	id, there, err := r.live.Last(ctx)
	if err != nil || !there {
		return nil, err
	}
	return &id, nil
}

// follow tells events until ctx ends or nothing more can be told; then the stream
// knows why.
func follow[P any](ctx context.Context, r *Resolver, after *live.ID, e events[P]) (<-chan P, error) {
	stream, ok := transport.StreamOf(ctx)
	if !ok {
		return nil, problem.New(problem.Invalid, "", "subscribe over a WebSocket (graphql-transport-ws) or with Accept: text/event-stream")
	}
	if err := checkResidents(ctx, e.residents); err != nil {
		return nil, err
	}
	if err := e.may(ctx); err != nil {
		return nil, err
	}
	// A client that sends the same request again by itself, as browsers do, says only
	// there what it has received meanwhile.
	if stream.After() != "" {
		id, err := live.ParseID(stream.After())
		if err != nil {
			return nil, problem.Invalidf("after", "%s", err)
		}
		after = &id
	}
	listener, err := r.live.Follow(ctx, after)
	if err != nil {
		return nil, err
	}
	told := make(chan P)
	stream.Go(func() error {
		defer close(told)
		for {
			batch, err := listener.Next(ctx, eventBatch)
			if err != nil {
				return err
			}
			batch = slices.DeleteFunc(batch, func(one live.Event) bool { return !e.concerns(one) })
			for len(batch) > 0 {
				// What is told is read when it can be told, not before.
				n, back, err := admitted(ctx).afford(ctx, len(batch))
				if err != nil {
					return err
				}
				again, err := tell(ctx, r, stream, told, e, batch[:n], back)
				if err != nil {
					return err
				}
				batch = batch[n-again:]
			}
		}
	})
	return told, nil
}

// eventBatch is how many events are read in one snapshot. While others write, each
// snapshot waits for the disk; so that one event at a time could not keep up.
const eventBatch = 32

// tell reads what is told of events, and hands it over. It returns how many of the last
// have to be read again, as the viewer saw more then than now. What of them was not told
// is given back.
func tell[P any](ctx context.Context, r *Resolver, stream *transport.Stream, told chan<- P, e events[P], batch []live.Event, back func(int)) (again int, err error) {
	all, until, err := e.read(ctx, r, batch)
	if err != nil {
		return 0, err
	}
	back(len(batch) - len(all))
	for i, one := range all {
		if err := stream.Wanted(ctx); err != nil {
			back(len(all) - i)
			return 0, err
		}
		if access.Over(ctx, until) {
			stream.Unwanted()
			back(len(all) - i)
			return len(batch) - one.place, nil
		}
		stream.Sending(batch[one.place].ID.String())
		select {
		case told <- one.payload:
		case <-ctx.Done():
			back(len(all) - i)
			return 0, ctx.Err()
		}
	}
	return 0, nil
}

// found is what is told of one of a batch of events.
type found[P any] struct {
	place   int
	payload P
}

// read reads what is told of events, in one state of the database, and until when that
// may be shown; zero for always.
func (e events[P]) read(ctx context.Context, r *Resolver, batch []live.Event) (all []found[P], until time.Time, err error) {
	err = r.snapshot(ctx, func(ctx context.Context) error {
		ctx, err := care.AsNow(ctx, r.client)
		if err != nil {
			return err
		}
		who, _ := viewer.From(ctx)
		until = who.BreakGlassUntil
		for i, one := range batch {
			payload, err := e.tell(ctx, one)
			switch {
			case err == nil:
				all = append(all, found[P]{i, payload})
			case !isNotFound(err):
				return err
			}
		}
		return nil
	})
	return all, until, err
}

func isNotFound(err error) bool {
	var known *problem.Problem
	return ent.IsNotFound(err) || errors.As(err, &known) && known.Code == problem.NotFound
}

func checkResidents(ctx context.Context, ids []nodeid.ID) error {
	if err := relay.CheckMany(ctx, "residentIDs", len(ids)); err != nil {
		return err
	}
	for i, id := range ids {
		if err := relay.CheckKind("residentIDs."+strconv.Itoa(i), nodeid.Resident, id); err != nil {
			return err
		}
	}
	return nil
}

// of reports whether an event of a resident's row is asked for.
func of(residents []nodeid.ID, kind nodeid.Kind) func(live.Event) bool {
	return func(e live.Event) bool {
		return e.Entity.Kind() == kind && (residents == nil || slices.Contains(residents, e.Resident))
	}
}

func (r *Resolver) wellnessEvents(residents []nodeid.ID) events[*model.WellnessEvent] {
	return events[*model.WellnessEvent]{
		residents: residents,
		may: func(ctx context.Context) error {
			_, err := r.client.Wellness.Query().Where(wellness.ID(0)).Exist(ctx)
			return err
		},
		concerns: of(residents, nodeid.Wellness),
		tell: func(ctx context.Context, e live.Event) (*model.WellnessEvent, error) {
			row, err := node[*ent.Wellness](ctx, r, e.Entity, "wellness")
			return &model.WellnessEvent{EventID: e.ID, Change: model.Change(e.What), Wellness: row}, err
		},
	}
}

func (r *Resolver) prescriptionEvents(residents []nodeid.ID) events[*model.PrescriptionEvent] {
	return events[*model.PrescriptionEvent]{
		residents: residents,
		may: func(ctx context.Context) error {
			_, err := r.client.Prescription.Query().Where(prescription.ID(0)).Exist(ctx)
			return err
		},
		concerns: of(residents, nodeid.Prescription),
		tell: func(ctx context.Context, e live.Event) (*model.PrescriptionEvent, error) {
			row, err := node[*ent.Prescription](ctx, r, e.Entity, "prescription")
			return &model.PrescriptionEvent{EventID: e.ID, Change: model.Change(e.What), Prescription: row}, err
		},
	}
}

func (r *Resolver) activityEvents(residents []nodeid.ID) events[*model.ActivityEvent] {
	return events[*model.ActivityEvent]{
		residents: residents,
		may: func(ctx context.Context) error {
			_, err := r.client.Activity.Query().Where(activity.ID(0)).Exist(ctx)
			return err
		},
		concerns: func(e live.Event) bool {
			switch e.Entity.Kind() {
			case nodeid.Activity, nodeid.ActivityException:
				return residents == nil || len(residents) > 0
			case nodeid.ActivityParticipation:
				return of(residents, nodeid.ActivityParticipation)(e)
			}
			return false
		},
		tell: func(ctx context.Context, e live.Event) (*model.ActivityEvent, error) {
			return r.activityEvent(ctx, residents, e)
		},
	}
}

func (r *Resolver) activityEvent(ctx context.Context, residents []nodeid.ID, e live.Event) (*model.ActivityEvent, error) {
	told := &model.ActivityEvent{EventID: e.ID, Change: model.Change(e.What), ChangedID: e.Entity, ActivityID: e.Activity}
	if kind := e.Entity.Kind(); residents != nil && kind != nodeid.ActivityParticipation {
		// Asked of the participations, so that only those count which the viewer may
		// see.
		takesPart, err := r.client.ActivityParticipation.Query().Where(
			activityparticipation.ActivityID(e.Activity),
			activityparticipation.ResidentIDIn(residents...),
			activityparticipation.StatusNEQ(activityparticipation.StatusEnteredInError),
		).Exist(ctx)
		if err != nil {
			return nil, err
		}
		if !takesPart {
			return nil, notTold()
		}
	}
	var err error
	if e.What == live.Deleted && e.Entity == e.Activity {
		return told, r.seesDeleted(ctx)
	}
	if told.Activity, err = node[*ent.Activity](ctx, r, e.Activity, "activity"); err != nil {
		return nil, err
	}
	switch {
	case e.What == live.Deleted:
	case e.Entity.Kind() == nodeid.ActivityException:
		told.Exception, err = node[*ent.ActivityException](ctx, r, e.Entity, "exception")
	case e.Entity.Kind() == nodeid.ActivityParticipation:
		told.Participation, err = node[*ent.ActivityParticipation](ctx, r, e.Entity, "participation")
	}
	return told, err
}

// seesDeleted fails for a viewer who might not have seen an activity that is gone:
// there is no row left to ask.
func (r *Resolver) seesDeleted(ctx context.Context) error {
	if _, scope := access.RowsOf(ctx, nodeid.Activity); scope != access.All {
		return notTold()
	}
	return nil
}

func notTold() error { return problem.New(problem.NotFound, "", "there is nothing by this id") }
