package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carehome/ent"
	"carehome/graph"
	"carehome/internal/audit"
	"carehome/internal/problem"
	"carehome/internal/store"
)

const createGil = `mutation { createResident(input: {givenName: "Ana", familyName: "Gil", birthDate: "1939-05-17", sex: FEMALE}) {
	resident { familyName wellness(first: 1) { edges { node { id } } } } } }`

// A change whose time is up while the disk keeps it was made, and is answered so: who
// is told of a failure does it again.
func TestChangeKeptAfterItsTime(t *testing.T) {
	e := newEdge(t, 1, func(d *graph.Deps) {
		d.Limits.Time = time.Second
		write := d.Write
		d.Write = func(ctx context.Context, fn func(context.Context, *ent.Client) error) error {
			err := write(ctx, fn)
			<-ctx.Done()
			return err
		}
	})
	got := e.ask(createGil)
	var data struct {
		CreateResident struct {
			Resident struct{ FamilyName string }
		}
	}
	if err := json.Unmarshal(got.Data, &data); err != nil {
		t.Fatal(err)
	}
	if len(got.Errors) > 0 || data.CreateResident.Resident.FamilyName != "Gil" {
		t.Errorf("got %d %s", got.status, got.text)
	}
}

// Where it cannot be read again in time, the answer says that it was made. A query
// that took too long changed nothing and says so.
func TestChangeThatCannotBeShown(t *testing.T) {
	var slow atomic.Bool
	e := newEdge(t, 1, func(d *graph.Deps) {
		write := d.Write
		d.Write = func(ctx context.Context, fn func(context.Context, *ent.Client) error) error {
			err := write(ctx, fn)
			slow.Store(err == nil)
			return err
		}
		d.Explain = func(err error) *problem.Problem {
			if errors.Is(err, store.ErrTimeout) {
				return problem.New(problem.Timeout, "", "the request took too long and was given up; nothing was changed")
			}
			return nil
		}
		d.Client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
			return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
				if slow.Load() {
					return nil, store.ErrTimeout
				}
				return next.Query(ctx, q)
			})
		}))
	})
	for ask, want := range map[string]string{createGil: "the change was made", everybody: "nothing was changed"} {
		slow.Store(ask == everybody)
		if got := e.ask(ask); got.code() != "TIMEOUT" || !strings.Contains(got.Errors[0].Message, want) {
			t.Errorf("%.20s: got %d %s; want %q", ask, got.status, got.text, want)
		}
	}
}

// The same with what is read put on record, for which there is no time left either.
func TestChangeKeptAfterItsTimeIsOnRecord(t *testing.T) {
	var told atomic.Int64
	e := newEdge(t, 1, func(d *graph.Deps) {
		d.Limits.Time = 100 * time.Millisecond
		write := d.Write
		d.Write = func(ctx context.Context, fn func(context.Context, *ent.Client) error) error {
			err := write(ctx, fn)
			<-ctx.Done()
			return err
		}
		record := audit.NewRecorder(audit.RecorderOptions{
			Keep:  func(_ context.Context, events []audit.Event) error { told.Add(int64(len(events))); return nil },
			Clock: time.Now, Log: d.Log,
		})
		t.Cleanup(func() {
			record.Close()
			if n := told.Load(); n != 10 {
				t.Errorf("%d events; want one for each of 10", n)
			}
		})
		d.Reads = record.Tell
	})
	for range 10 {
		got := e.ask(strings.Replace(createGil, "familyName wellness", "allergyStatus wellness", 1))
		if len(got.Errors) > 0 {
			t.Errorf("got %d %s", got.status, got.text)
		}
	}
}

// An answer that would be too long is of a change that was made.
func TestChangeWhoseAnswerIsTooLong(t *testing.T) {
	e := newEdge(t, 1, func(d *graph.Deps) { d.Limits.AnswerBytes = 40 })
	got := e.ask(createGil)
	if got.code() != "LIMIT_EXCEEDED answer" || !strings.Contains(got.Errors[0].Message, "the change was made") {
		t.Errorf("got %d %s", got.status, got.text)
	}
}
