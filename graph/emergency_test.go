package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/ent"
	"carehome/ent/activity"
	"carehome/ent/activityparticipation"
	"carehome/internal/care"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// held takes what is sent one piece after the other, as it is let, like the connection
// of a slow tablet.
type held struct {
	header http.Header
	// arrived holds each piece from when it is sent, pieces until it is taken.
	arrived, pieces chan string
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(int) {}

func (h *held) Flush() {}

func (h *held) Write(b []byte) (int, error) {
	h.arrived <- string(b)
	h.pieces <- string(b)
	return len(b), nil
}

// event is the next of these pieces that is an event.
func event(t *testing.T, pieces <-chan string) string {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case piece := <-pieces:
			if strings.HasPrefix(piece, "event:") {
				return piece
			}
		case <-limit:
			t.Fatal("nothing is told")
		}
	}
}

// follow subscribes in somebody's name until the test ends. What is told waits to be
// taken.
func (w *ward) follow(role viewer.Role, query string) *held {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		w.t.Fatal(err)
	}
	h := &held{header: http.Header{}, arrived: make(chan string, 100), pieces: make(chan string)}
	ctx, cancel := context.WithCancel(context.Background())
	who := viewer.Viewer{ID: w.people[role], Name: "N", Role: role}
	request := httptest.NewRequestWithContext(scalar.WithClock(viewer.With(ctx, who), w.clock), http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	var serving sync.WaitGroup
	serving.Go(func() { w.api.ServeHTTP(h, request) })
	w.t.Cleanup(func() {
		cancel()
		ended := make(chan struct{})
		go func() {
			serving.Wait()
			close(ended)
		}()
		for {
			select {
			case <-h.pieces: // the rest
			case <-ended:
				return
			}
		}
	})
	return h
}

// programme makes an activity, in which the first resident takes part.
func (w *ward) programme() (occasion, participation nodeid.ID) {
	w.t.Helper()
	w.change(func(ctx context.Context, tx *ent.Client) error {
		row, err := tx.Activity.Create().SetTitle("Singing").SetCategory(activity.CategoryMusic).SetStartsAtLocal(scalar.LocalDateTime{Date: scalar.DateOf(2026, 3, 1), Time: 7 * 60}).
			SetDurationMinutes(60).Save(ctx)
		if err != nil {
			return err
		}
		takes, err := tx.ActivityParticipation.Create().SetActivity(row).SetResidentID(w.first).SetOccurrenceDate(scalar.DateOf(2026, 3, 1)).
			SetStatus(activityparticipation.StatusAttended).Save(ctx)
		if err == nil {
			occasion, participation = row.ID, takes.ID
		}
		return err
	})
	return occasion, participation
}

func (w *ward) change(work func(ctx context.Context, tx *ent.Client) error) {
	w.t.Helper()
	ctx := scalar.WithClock(viewer.With(context.Background(), viewer.System()), w.clock)
	if err := care.Guard(w.write)(ctx, work); err != nil {
		w.t.Fatal(err)
	}
}

// TestEmergencyEndsInStreams: an open subscription tells what the role hides while the
// emergency lasts, and nothing of it afterwards: neither of what happens then nor of
// what had been read before and not been taken.
func TestEmergencyEndsInStreams(t *testing.T) {
	w := newWard(t)
	_, participation := w.programme()
	happen := func() {
		t.Helper()
		w.change(func(ctx context.Context, tx *ent.Client) error {
			row, err := tx.ActivityParticipation.Get(ctx, participation)
			if err != nil {
				return err
			}
			minutes := 1
			if row.Minutes != nil {
				minutes = *row.Minutes + 1
			}
			return tx.ActivityParticipation.UpdateOne(row).SetMinutes(minutes).Exec(ctx)
		})
	}
	const told = `{ eventID participation { minutes resident { givenName notes
		wellness { edges { node { mood } } } more: wellness(first: 1) { edges { node { energy mood } } } prescriptions { edges { node { prescriberName } } } } } }`
	open := []string{`"minutes":`, `"givenName":"Ana"`}
	hidden := []string{`"notes":"told in confidence"`, `"mood":4`, `"prescriberName":"Dr"`}
	w.change(func(ctx context.Context, tx *ent.Client) error {
		return tx.Resident.UpdateOneID(w.first).SetNotes("told in confidence").Exec(ctx)
	})
	wants := func(when, event string, all bool) {
		t.Helper()
		for _, text := range open {
			if !strings.Contains(event, text) {
				t.Errorf("%s: no %s in %s", when, text, event)
			}
		}
		for _, text := range hidden {
			if strings.Contains(event, text) != all {
				t.Errorf("%s: %s is told: %t, in %s", when, text, !all, event)
			}
		}
	}
	breaks := func(minutes int) {
		t.Helper()
		answer := w.ask(viewer.ActivityCoordinator, fmt.Sprintf(`mutation { breakGlass(input: {reason: "found unconscious", minutes: %d}) { staffUser { id } } }`, minutes))
		if strings.Contains(answer, `"errors"`) {
			t.Fatal(answer)
		}
	}

	follow := func(after string) *held {
		t.Helper()
		return w.follow(viewer.ActivityCoordinator, `subscription { activityChanged(after: "`+after+`") `+told+` }`)
	}
	var last struct {
		Data struct{ LastEventID string }
	}
	if err := json.Unmarshal([]byte(w.ask(viewer.ActivityCoordinator, `{ lastEventID }`)), &last); err != nil {
		t.Fatal(err)
	}
	s := follow(last.Data.LastEventID)
	happen()
	wants("before", event(t, s.pieces), false)
	breaks(60)
	s = follow(last.Data.LastEventID)
	w.takeTold()
	wants("from the beginning", event(t, s.pieces), true)
	w.pass(time.Hour - time.Second)
	happen()
	wants("at its end", event(t, s.pieces), true)
	for _, e := range w.takeTold() {
		if e.Reason != "emergency" {
			t.Errorf("told of %+v", e)
		}
	}
	w.pass(time.Second) // while it waits for the next
	happen()
	now := event(t, s.pieces)
	wants("afterwards", now, false)

	// One who does not keep up: all three are there at once.
	_, now, _ = strings.Cut(now, "\nid: ")
	since, _, _ := strings.Cut(now, "\n")
	breaks(60)
	happen()
	happen()
	happen()
	s = follow(since)
	<-s.pieces // the stream begins
	event(t, s.arrived)
	w.pass(time.Hour)
	wants("what was sent before", event(t, s.pieces), true)
	wants("what was read before", event(t, s.pieces), false)
	wants("what was read before", event(t, s.pieces), false)
	happen()
	wants("what happened afterwards", event(t, s.pieces), false)
}
