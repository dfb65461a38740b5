package live_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityparticipation"
	"carehome/ent/resident"
	"carehome/internal/care"
	"carehome/internal/live"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// home is a store with a hub, and what it takes to change something.
type home struct {
	t        *testing.T
	ctx      context.Context
	path     string
	options  live.Options
	store    *store.Store
	hub      *live.Hub
	write    care.Write
	resident nodeid.ID
}

func newHome(t *testing.T, o live.Options) *home {
	t.Helper()
	h := &home{t: t, path: filepath.Join(t.TempDir(), "home.db"), options: o}
	h.ctx = viewer.With(context.Background(), viewer.System())
	h.ctx = scalar.WithClock(h.ctx, func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
	h.open()
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	h.change(func(ctx context.Context, tx *ent.Client) error {
		born, err := scalar.ParseDate("1939-05-17")
		if err != nil {
			return err
		}
		made, err := tx.Resident.Create().SetGivenName("Ana").SetFamilyName("López").SetBirthDate(born).SetSex(resident.SexFemale).Save(ctx)
		if err == nil {
			h.resident = made.ID
		}
		return err
	})
	return h
}

func (h *home) open() {
	h.t.Helper()
	var err error
	if h.store, err = store.Open(h.ctx, store.Options{Database: h.path, Durability: store.RelaxedDurability}); err != nil {
		h.t.Fatal(err)
	}
	if h.hub, err = live.Open(h.ctx, h.store, h.options); err != nil {
		h.t.Fatal(err)
	}
	h.write = care.Guard(h.hub.Watch(h.store.Write))
}

// reopen is what a restart does.
func (h *home) reopen() {
	h.t.Helper()
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.open()
}

func (h *home) change(work func(context.Context, *ent.Client) error) {
	h.t.Helper()
	if err := h.write(h.ctx, work); err != nil {
		h.t.Fatal(err)
	}
}

// check records a wellness check.
func (h *home) check(mood int) (id nodeid.ID) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *ent.Client) error {
		made, err := h.newCheck(tx, mood).Save(ctx)
		if err == nil {
			id = made.ID
		}
		return err
	})
	return id
}

func (h *home) newCheck(tx *ent.Client, mood int) *ent.WellnessCreate {
	return tx.Wellness.Create().SetResidentID(h.resident).SetTakenAt(scalar.Now(h.ctx)).SetMood(mood)
}

func (h *home) last() live.ID {
	h.t.Helper()
	id, there, err := h.hub.Last(h.ctx)
	if err != nil || !there {
		h.t.Fatalf("there is no last event: %v", err)
	}
	return id
}

func (h *home) follow(after *live.ID) *live.Listener {
	h.t.Helper()
	l, err := h.hub.Follow(h.ctx, after)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

func (h *home) next(l *live.Listener) (live.Event, error) {
	ctx, cancel := context.WithTimeout(h.ctx, time.Minute)
	defer cancel()
	batch, err := l.Next(ctx, 1)
	if err != nil {
		return live.Event{}, err
	}
	return batch[0], nil
}

// hears wants these events next, as "WHAT id resident activity", and none after.
func (h *home) hears(l *live.Listener, want ...string) {
	h.t.Helper()
	for _, w := range want {
		e, err := h.next(l)
		if err != nil {
			h.t.Fatalf("waiting for %s: %v", w, err)
		}
		got := fmt.Sprintf("%s %s", e.What, e.Entity)
		for _, id := range []nodeid.ID{e.Resident, e.Activity} {
			if id != 0 {
				got += " " + id.String()
			}
		}
		if got != w {
			h.t.Fatalf("heard %s, want %s", got, w)
		}
	}
	h.silent(l)
}

// silent wants nothing to be there for l.
func (h *home) silent(l *live.Listener) {
	h.t.Helper()
	over, cancel := context.WithCancel(h.ctx)
	cancel()
	if e, err := l.Next(over, 1); !errors.Is(err, context.Canceled) {
		h.t.Fatalf("heard %v, %v; want silence", e, err)
	}
}

func (h *home) wants(err error, code problem.Code) {
	h.t.Helper()
	_ = h.fails(err, code)
}

func (h *home) fails(err error, code problem.Code) *problem.Problem {
	h.t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != code {
		h.t.Fatalf("the error is %v, want %s", err, code)
	}
	return p
}

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{})
	l := h.follow(nil)
	h.check(3)
	h.hears(l, "CREATED wel_1 res_1")
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.Wellness.UpdateOneID(nodeid.New(nodeid.Wellness, 1)).SetMood(4).Exec(ctx)
	})
	h.hears(l, "UPDATED wel_1 res_1")
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return care.Delete(ctx, tx, nodeid.Wellness, nodeid.New(nodeid.Wellness, 1), care.Deletion{})
	})
	h.hears(l, "VOIDED wel_1 res_1")

	var music nodeid.ID
	h.change(func(ctx context.Context, tx *ent.Client) error {
		day, err := scalar.ParseLocalDateTime("2026-03-29T10:30")
		if err != nil {
			return err
		}
		made, err := tx.Activity.Create().SetTitle("Music").SetCategory(activity.CategoryMusic).SetStartsAtLocal(day).SetDurationMinutes(60).Save(ctx)
		if err != nil {
			return err
		}
		music = made.ID
		// One event for each row, whatever happens to it in one transaction.
		return made.Update().SetTitle("Music hour").Exec(ctx)
	})
	h.hears(l, "CREATED act_1 act_1")
	day := scalar.Date{}
	h.change(func(ctx context.Context, tx *ent.Client) (err error) {
		if day, err = scalar.ParseDate("2026-03-29"); err != nil {
			return err
		}
		return tx.ActivityException.Create().SetActivityID(music).SetOriginalDate(day).SetCancelled(true).Exec(ctx)
	})
	h.hears(l, "CREATED exc_1 act_1")
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return care.Delete(ctx, tx, nodeid.ActivityException, nodeid.New(nodeid.ActivityException, 1), care.Deletion{})
	})
	h.hears(l, "DELETED exc_1 act_1")
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.ActivityParticipation.Create().SetActivityID(music).SetResidentID(h.resident).SetOccurrenceDate(day).
			SetStatus(activityparticipation.StatusInvited).Exec(ctx)
	})
	h.hears(l, "CREATED par_1 res_1 act_1")
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.Activity.Create().SetTitle("Walk").SetCategory(activity.CategoryOutdoor).SetStartsAtLocal(scalar.LocalDateTime{Date: day}).SetDurationMinutes(60).Exec(ctx)
	})
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return care.Delete(ctx, tx, nodeid.Activity, nodeid.New(nodeid.Activity, 2), care.Deletion{})
	})
	h.hears(l, "CREATED act_2 act_2", "DELETED act_2 act_2")

	// What leaves no trace is not told.
	h.change(func(ctx context.Context, tx *ent.Client) error {
		made, err := tx.Activity.Create().SetTitle("Nothing").SetCategory(activity.CategoryOther).SetStartsAtLocal(scalar.LocalDateTime{Date: day}).SetDurationMinutes(60).Save(ctx)
		if err != nil {
			return err
		}
		return tx.Activity.DeleteOne(made).Exec(ctx)
	})
	failed := errors.New("undone")
	err := h.write(h.ctx, func(ctx context.Context, tx *ent.Client) error {
		return errors.Join(h.newCheck(tx, 1).Exec(ctx), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	// Other kinds of rows are not for those who listen.
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.Resident.UpdateOneID(h.resident).SetGivenName("Eva").Exec(ctx)
	})
	h.silent(l)
	h.check(5)
	h.hears(l, "CREATED wel_2 res_1")
}

// Whoever was away is told all it missed, in order, also after a restart.
func TestGoingOn(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{Backlog: 8})
	start := h.last()
	var want []string
	for i := range 40 {
		h.check(3)
		want = append(want, fmt.Sprintf("CREATED wel_%d res_1", i+1))
		if i == 20 {
			h.reopen()
		}
	}
	h.hears(h.follow(&start), want...)
	h.reopen()
	h.hears(h.follow(&start), want...)

	// From any event, exactly what came after it.
	l := h.follow(&start)
	for i := range 40 {
		e, err := h.next(l)
		if err != nil {
			t.Fatal(err)
		}
		h.hears(h.follow(&e.ID), want[i+1:]...)
	}
	// One that follows on hears what happens meanwhile, and after.
	l = h.follow(&start)
	for range 20 {
		if _, err := h.next(l); err != nil {
			t.Fatal(err)
		}
	}
	h.check(1)
	h.hears(l, append(slices.Clone(want[20:]), "CREATED wel_41 res_1")...)
	h.check(2)
	h.hears(l, "CREATED wel_42 res_1")
}

// An event of another history is not gone on from: a backup was restored, and other
// things happened under the same numbers.
func TestErrAnotherHistory(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{})
	backups := t.TempDir()
	copied, err := h.store.Backup(h.ctx, backups)
	if err != nil {
		t.Fatal(err)
	}
	before := h.last()
	h.check(1)
	h.check(2)
	seen := h.last()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(h.ctx, filepath.Join(backups, copied.File), h.path); err != nil {
		t.Fatal(err)
	}
	h.open()
	_, err = h.hub.Follow(h.ctx, &seen) // not there yet
	if p := h.fails(err, problem.Conflict); p.Field != "after" {
		t.Errorf("the field is %s", p.Field)
	}
	for range 3 {
		h.check(5)
	}
	_, err = h.hub.Follow(h.ctx, &seen) // there again, but another
	h.wants(err, problem.Conflict)
	h.hears(h.follow(&before), "CREATED wel_1 res_1", "CREATED wel_2 res_1", "CREATED wel_3 res_1")
}

// A listener that is too slow is told so, and the others hear everything.
func TestErrTooSlow(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{Backlog: 8})
	slow, quick := h.follow(nil), h.follow(nil)
	first := h.check(1)
	heard, err := h.next(slow)
	if err != nil || heard.Entity != first {
		t.Fatalf("heard %v, %v", heard, err)
	}
	h.hears(quick, "CREATED wel_1 res_1")
	var missed []string
	for i := range 8 {
		h.check(2)
		missed = append(missed, fmt.Sprintf("CREATED wel_%d res_1", i+2))
		h.hears(quick, missed[i])
	}
	within := h.follow(&heard.ID)
	if e, err := h.next(slow); err != nil || e.Entity.String() != "wel_2" {
		t.Fatalf("at the limit: heard %v, %v", e, err)
	}
	h.check(3)
	h.check(3)
	_, err = h.next(slow)
	p := h.fails(err, problem.LimitExceeded)
	if p.Details["limit"] != 8 || p.Details["actual"] != 9 {
		t.Errorf("the details are %v", p.Details)
	}
	missed = append(missed, "CREATED wel_10 res_1", "CREATED wel_11 res_1")
	h.hears(quick, missed[8:]...)
	h.hears(within, missed...) // it is catching up, which takes as long as it takes
}

// What was not noted row by row is told as a break, never passed over.
func TestErrBreak(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{Batch: 3})
	start, l := h.last(), h.follow(nil)
	many := func(n int) {
		h.change(func(ctx context.Context, tx *ent.Client) error {
			for range n {
				if err := h.newCheck(tx, 3).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	many(3)
	h.hears(l, "CREATED wel_1 res_1", "CREATED wel_2 res_1", "CREATED wel_3 res_1")
	many(4)
	breaks := func(l *live.Listener) {
		t.Helper()
		_, err := h.next(l)
		p := h.fails(err, problem.Conflict)
		if p.Field != "after" || p.Details["lastEventID"] != h.last().String() {
			t.Errorf("the problem is %+v, want one with %s", p, h.last())
		}
	}
	breaks(l)
	told := h.follow(&start)
	for range 3 {
		if _, err := h.next(told); err != nil {
			t.Fatal(err)
		}
	}
	breaks(told)
	after := h.last()

	// A writer that the hub does not watch, as an import is.
	unwatched := func(work func(context.Context, *ent.Client) error) {
		t.Helper()
		if err := care.Guard(h.store.Write)(h.ctx, work); err != nil {
			t.Fatal(err)
		}
	}
	past := func(ctx context.Context, tx *ent.Client) error { return h.newCheck(tx, 3).Exec(ctx) }
	unwatched(past)
	h.reopen()
	breaks(h.follow(&after))
	l = h.follow(nil)
	unwatched(past) // beside one who listens
	gap := h.last()
	h.check(1)
	_, err := h.next(l)
	if p := h.fails(err, problem.Conflict); p.Details["lastEventID"] != gap.String() {
		t.Errorf("the problem is %+v, want one with %s", p, gap)
	}
	h.hears(l, "CREATED wel_10 res_1")

	// Rows that are changed by a condition have no names.
	l = h.follow(nil)
	h.change(func(ctx context.Context, tx *ent.Client) error {
		_, err := tx.ActivityException.Delete().Exec(ctx)
		return err
	})
	breaks(l)
	// No other kind of row leaves a line.
	still := h.last()
	unwatched(func(ctx context.Context, tx *ent.Client) error {
		return tx.Resident.UpdateOneID(h.resident).SetGivenName("Eva").Exec(ctx)
	})
	if h.last() != still {
		t.Error("a resident's name is told of")
	}
}

// Events are told only when they are safe, and before the write returns.
func TestToldInTime(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{})
	l := h.follow(nil)
	h.change(func(ctx context.Context, tx *ent.Client) error {
		if err := h.newCheck(tx, 3).Exec(ctx); err != nil {
			return err
		}
		h.silent(l)
		return nil
	})
	h.hears(l, "CREATED wel_1 res_1")
}

func TestJournalIsForEveryFollowedKind(t *testing.T) {
	t.Parallel()
	for _, kind := range nodeid.Kinds() {
		want := slices.Contains([]nodeid.Kind{
			nodeid.Wellness, nodeid.Prescription, nodeid.Activity, nodeid.ActivityException, nodeid.ActivityParticipation,
		}, kind)
		if got := store.Journalled(kind); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// Events come in batches, and what ends them after what came before.
func TestBatches(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{Backlog: 8, Batch: 1})
	l, start := h.follow(nil), h.last()
	for range 5 {
		h.check(3)
	}
	h.change(func(ctx context.Context, tx *ent.Client) error {
		return errors.Join(h.newCheck(tx, 3).Exec(ctx), h.newCheck(tx, 3).Exec(ctx))
	})
	h.check(3)
	for _, l := range []*live.Listener{l, h.follow(&start)} {
		var got []int
		for range 4 {
			batch, err := l.Next(h.ctx, 3)
			if err != nil {
				h.wants(err, problem.Conflict)
			}
			got = append(got, len(batch))
		}
		if want := []int{3, 2, 0, 1}; !slices.Equal(got, want) {
			t.Errorf("batches of %v, want %v", got, want)
		}
		h.silent(l)
	}
}

// A home opened for reading only can be followed; nothing happens in it.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	h := newHome(t, live.Options{})
	h.check(1)
	last := h.last()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(h.ctx, store.Options{Database: h.path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	hub, err := live.Open(h.ctx, st, live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := hub.Follow(h.ctx, &last)
	if err != nil {
		t.Fatal(err)
	}
	h.silent(l)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	h.open()
}

func TestEventIDs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1042-5f3a09c1", "1-00000000", "9223372036854775807-ffffffff"} {
		if id, err := live.ParseID(text); err != nil || id.String() != text {
			t.Errorf("%s is %s, %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "1", "-", "1-", "-5f3a09c1", "0-5f3a09c1", "-1-5f3a09c1", "1-5F3A09C1", "01-5f3a09c1", "1-5f3a09c", "1-5f3a09c10",
		"+1-5f3a09c1", "1-+f3a09c1", " 1-5f3a09c1", "9223372036854775808-00000000", "1-5f3a09c1-1", "wel_1",
	} {
		if id, err := live.ParseID(text); err == nil {
			t.Errorf("%q is %s", text, id)
		}
	}
	var id live.ID
	if err := id.UnmarshalGQL(1042); err == nil {
		t.Error("a number is an id")
	}
}
