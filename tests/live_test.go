package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// eventsEnv is how many events a client must not miss while the server is stopped
// and killed under it; 400 in a plain run.
const eventsEnv = "CAREHOME_TEST_EVENTS"

// follower is a client of graphql-transport-ws.
type follower struct {
	conn *websocket.Conn
	left string // the operation that was completed, of which a message may be on its way
}

// dialSocket connects and is let in.
func dialSocket(url string) (*follower, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	//nolint:bodyclose // it has none: the connection is taken over
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	f := &follower{conn: conn}
	if err := f.say(map[string]any{"type": "connection_init"}); err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	if m, err := f.hear(); err != nil || m.Type != "connection_ack" {
		return nil, errors.Join(fmt.Errorf("heard %v: %w", m, err), conn.CloseNow())
	}
	return f, nil
}

func openSocket(t *testing.T, url string) *follower {
	t.Helper()
	f, err := dialSocket(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.conn.CloseNow() }) // it may be closed already
	return f
}

func (f *follower) say(m map[string]any) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f.conn.Write(ctx, websocket.MessageText, text)
}

func (f *follower) subscribe(id, query string, variables map[string]any) error {
	return f.say(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": variables}})
}

type heard struct {
	ID, Type string
	Payload  json.RawMessage
}

func (f *follower) hear() (m heard, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, text, err := f.conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

// next is the data of the next message, which must be the operation's.
func (f *follower) next(t *testing.T, id string) any {
	t.Helper()
	m, err := f.hear()
	for err == nil && m.ID == f.left && m.Type == "next" {
		m, err = f.hear() // it was on its way
	}
	if err != nil {
		t.Fatalf("waiting for %s: %v", id, err)
	}
	var answer struct{ Data, Errors any }
	if err := json.Unmarshal(m.Payload, &answer); err != nil || m.ID != id || m.Type != "next" || answer.Errors != nil {
		t.Fatalf("heard %s %s %s, want what is next of %s", m.Type, m.ID, m.Payload, id)
	}
	return answer.Data
}

// refused is the first code of the next message, which must end the operation.
func (f *follower) refused(t *testing.T, id string) (code, field string) {
	t.Helper()
	m, err := f.hear()
	var list []struct {
		Extensions struct{ Code, Field string }
	}
	if err == nil {
		err = json.Unmarshal(m.Payload, &list)
	}
	if err != nil || m.ID != id || m.Type != "error" || len(list) == 0 {
		t.Fatalf("heard %s %s %s, %v; want the end of %s", m.Type, m.ID, m.Payload, err, id)
	}
	return list[0].Extensions.Code, list[0].Extensions.Field
}

// family are two residents of a home, and what they take.
type family struct {
	url        string
	ana, eva   string
	medication string
}

func newFamily(t *testing.T, url string) family {
	t.Helper()
	data := read(t, url, fmt.Sprintf(`mutation {
		ana: createResident(input: {givenName: "Ana", familyName: "López", birthDate: "1940-01-01", sex: FEMALE, status: ACTIVE}) { resident { id } }
		eva: createResident(input: {givenName: "Eva", familyName: "Ruiz", birthDate: "1940-01-01", sex: FEMALE, status: ACTIVE}) { resident { id } }
		createMedication(input: {name: "Paracetamol %d", form: TABLET, unit: TABLET}) { medication { id } }
	}`, time.Now().UnixNano()), nil)
	return family{
		url: url, ana: at(t, data, "ana", "resident", "id").(string), eva: at(t, data, "eva", "resident", "id").(string),
		medication: at(t, data, "createMedication", "medication", "id").(string),
	}
}

func (f family) last(t *testing.T) string {
	t.Helper()
	return at(t, read(t, f.url, `{ lastEventID }`, nil), "lastEventID").(string)
}

func (f family) check(t *testing.T, resident string) string {
	t.Helper()
	data := read(t, f.url, `mutation($r: ID!) { createWellness(input: {residentID: $r, takenAt: "2026-01-02T08:00:00Z", mood: 3}) { wellness { id } } }`,
		map[string]any{"r": resident})
	return at(t, data, "createWellness", "wellness", "id").(string)
}

func (f family) change(t *testing.T, mutation string) any {
	t.Helper()
	return read(t, f.url, "mutation { "+mutation+" }", nil)
}

const followWellness = `subscription($r: [ID!], $a: EventID) { wellnessRecorded(residentIDs: $r, after: $a) {
	eventID change wellness { id version mood status resident { id givenName } } } }`

func TestFollowWellness(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s, last := openSocket(t, f.url), f.last(t)
	if err := s.subscribe("1", followWellness, map[string]any{"r": []string{f.ana}, "a": last}); err != nil {
		t.Fatal(err)
	}
	f.check(t, f.eva) // not told
	id := f.check(t, f.ana)
	wants := func(change, status string, version int) (event string) {
		t.Helper()
		data := at(t, s.next(t, "1"), "wellnessRecorded")
		want := map[string]any{"eventID": "$any", "change": change, "wellness": map[string]any{
			"id": id, "version": version, "mood": 3, "status": status, "resident": map[string]any{"id": f.ana, "givenName": "Ana"},
		}}
		if off := differs("event", want, data); off != "" {
			t.Fatal(off)
		}
		return at(t, data, "eventID").(string)
	}
	created := wants("CREATED", "FINAL", 1)
	f.change(t, `updateWellness(id: "`+id+`", input: {notes: "slept well"}) { wellness { id } }`)
	wants("UPDATED", "CORRECTED", 2)
	f.change(t, `deleteWellness(id: "`+id+`") { deletedID }`)
	wants("VOIDED", "ENTERED_IN_ERROR", 3)

	// Going on from an event tells exactly what came after it; rows are as they are.
	if err := s.subscribe("2", followWellness, map[string]any{"r": []string{f.ana, f.eva}, "a": created}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"UPDATED", "VOIDED"} {
		data := at(t, s.next(t, "2"), "wellnessRecorded")
		if at(t, data, "change") != want || at(t, data, "wellness", "version") != 3.0 {
			t.Errorf("told %v, want %s", data, want)
		}
	}
	if err := s.say(map[string]any{"id": "1", "type": "complete"}); err != nil {
		t.Fatal(err)
	}
	f.check(t, f.eva)
	if who := at(t, s.next(t, "2"), "wellnessRecorded", "wellness", "resident", "id"); who != f.eva {
		t.Errorf("told of %v", who)
	}
}

func TestFollowPrescriptions(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s := openSocket(t, f.url)
	err := s.subscribe("p", `subscription($a: EventID, $r: [ID!]) { told: prescriptionChanged(after: $a, residentIDs: $r) {
		change prescription { id status medication { name } } } }`, map[string]any{"a": f.last(t), "r": []string{f.ana}})
	if err != nil {
		t.Fatal(err)
	}
	order := `createPrescription(input: {residentID: "%s", medicationID: "` + f.medication + `", status: ACTIVE, doseAmount: "1", doseUnit: TABLET,
		route: ORAL, scheduleKind: TIMES_OF_DAY, timesOfDay: ["08:00"], startsAt: "2026-01-01T00:00:00Z", prescriberName: "Dr. Ruiz"}) { prescription { id } }`
	f.change(t, fmt.Sprintf(order, f.eva))
	made := f.change(t, fmt.Sprintf(order, f.ana))
	id := at(t, made, "createPrescription", "prescription", "id").(string)
	told := func(change string) {
		t.Helper()
		data := at(t, s.next(t, "p"), "told")
		want := map[string]any{"change": change, "prescription": map[string]any{"id": id, "medication": map[string]any{"name": "$any"}}}
		if off := differs("told", want, data); off != "" {
			t.Fatal(off)
		}
	}
	told("CREATED")
	f.change(t, `updatePrescription(id: "`+id+`", input: {instructions: "with water"}) { prescription { id } }`)
	told("UPDATED")
	f.change(t, `deletePrescription(id: "`+id+`") { deletedID }`)
	told("VOIDED")
}

func TestFollowActivities(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s, last := openSocket(t, f.url), f.last(t)
	const query = `subscription($a: EventID, $r: [ID!]) { activityChanged(after: $a, residentIDs: $r) {
		change changedID activityID activity { title exceptions { id } } exception { cancelled } participation { status resident { id } } } }`
	if err := s.subscribe("all", query, map[string]any{"a": last}); err != nil {
		t.Fatal(err)
	}
	title := fmt.Sprint("Music ", time.Now().UnixNano())
	made := f.change(t, `createActivity(input: {title: "`+title+`", category: MUSIC, startsAtLocal: "2026-01-05T10:30", durationMinutes: 60, recurrence: {frequency: DAILY}}) { activity { id } }`)
	activity := at(t, made, "createActivity", "activity", "id").(string)
	// Others may change activities at the same time. What was passed may be told late.
	var passed any
	told := func(id string, want map[string]any) {
		t.Helper()
		for {
			data := at(t, s.next(t, id), "activityChanged")
			if at(t, data, "activityID") != activity || passed != nil && at(t, data, "changedID") == passed {
				continue
			}
			if off := differs("told", want, data); off != "" {
				t.Fatal(off)
			}
			return
		}
	}
	told("all", map[string]any{"change": "CREATED", "changedID": activity, "activity": map[string]any{"title": title}, "exception": nil, "participation": nil})
	made = f.change(t, `createActivityException(input: {activityID: "`+activity+`", originalDate: "2026-01-12", cancelled: true}) { exception { id } }`)
	exception := at(t, made, "createActivityException", "exception", "id").(string)
	told("all", map[string]any{"change": "CREATED", "changedID": exception, "exception": map[string]any{"cancelled": true},
		"activity": map[string]any{"title": title, "exceptions": []any{map[string]any{"id": exception}}}})
	made = f.change(t, `createActivityParticipation(input: {activityID: "`+activity+`", residentID: "`+f.ana+`", occurrenceDate: "2026-01-05"}) { participation { id } }`)
	participation := at(t, made, "createActivityParticipation", "participation", "id").(string)
	told("all", map[string]any{"change": "CREATED", "changedID": participation, "exception": nil,
		"participation": map[string]any{"status": "INVITED", "resident": map[string]any{"id": f.ana}}, "activity": map[string]any{"title": title}})

	// For a resident it is only what she takes part in.
	since := f.last(t)
	for _, resident := range []string{f.ana, f.eva} {
		if err := s.subscribe(resident, query, map[string]any{"a": since, "r": []string{resident}}); err != nil {
			t.Fatal(err)
		}
	}
	if s.left = "all"; s.say(map[string]any{"id": "all", "type": "complete"}) != nil {
		t.Fatal("the server has gone")
	}
	f.change(t, `deleteActivityException(id: "`+exception+`") { deletedID }`)
	told(f.ana, map[string]any{"change": "DELETED", "changedID": exception, "exception": nil, "activity": map[string]any{"title": title}})
	// Who takes part by the time that it is read is told of it too.
	passed = exception
	f.change(t, `createActivityParticipation(input: {activityID: "`+activity+`", residentID: "`+f.eva+`", occurrenceDate: "2026-01-06"}) { participation { id } }`)
	told(f.eva, map[string]any{"change": "CREATED", "participation": map[string]any{"resident": map[string]any{"id": f.eva}}})

	made = f.change(t, `createActivity(input: {title: "Walk", category: OUTDOOR, startsAtLocal: "2026-01-05T10:30", durationMinutes: 60}) { activity { id } }`)
	activity = at(t, made, "createActivity", "activity", "id").(string)
	f.change(t, `deleteActivity(id: "`+activity+`") { deletedID }`)
	if err := s.subscribe("late", query, map[string]any{"a": since}); err != nil {
		t.Fatal(err)
	}
	told("late", map[string]any{"change": "DELETED", "changedID": activity, "activity": nil, "exception": nil, "participation": nil})
}

func TestErrFollow(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s := openSocket(t, f.url)
	last := f.last(t)
	number, _, _ := strings.Cut(last, "-")
	many := make([]string, 201)
	for i := range many {
		many[i] = f.ana
	}
	for name, c := range map[string]struct {
		variables   map[string]any
		code, field string
	}{
		"no event":          {map[string]any{"a": "yesterday"}, "INVALID", "after"},
		"another's event":   {map[string]any{"a": number + "-00000000"}, "CONFLICT", "after"},
		"a later event":     {map[string]any{"a": "999999999-00000000"}, "CONFLICT", "after"},
		"another kind":      {map[string]any{"r": []string{f.ana, f.medication}}, "INVALID", "residentIDs.1"},
		"no id":             {map[string]any{"r": []string{"Ana"}}, "INVALID", "residentIDs.0"},
		"too many":          {map[string]any{"r": many}, "LIMIT_EXCEEDED", "residentIDs"},
		"a number as event": {map[string]any{"a": 1}, "INVALID", "after"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.subscribe("1", followWellness, c.variables); err != nil {
				t.Fatal(err)
			}
			if code, field := s.refused(t, "1"); code != c.code || field != c.field {
				t.Errorf("refused with %s at %s, want %s at %s", code, field, c.code, c.field)
			}
		})
	}
	// A resident that nobody knows is no reason to say so.
	if err := s.subscribe("2", followWellness, map[string]any{"r": []string{"res_4294967295", f.ana}, "a": last}); err != nil {
		t.Fatal(err)
	}
	f.check(t, f.ana)
	s.next(t, "2")
}

// A socket carries queries and mutations too.
func TestAskOverSocket(t *testing.T) {
	f := newFamily(t, shared.get(t))
	s := openSocket(t, f.url)
	if err := s.subscribe("q", `query($id: ID!) { resident(id: $id) { givenName } }`, map[string]any{"id": f.ana}); err != nil {
		t.Fatal(err)
	}
	if got := at(t, s.next(t, "q"), "resident", "givenName"); got != "Ana" {
		t.Errorf("got %v", got)
	}
	if m, err := s.hear(); err != nil || m.Type != "complete" || m.ID != "q" {
		t.Errorf("heard %v, %v", m, err)
	}
	if err := s.subscribe("m", `mutation($id: ID!) { updateResident(id: $id, input: {givenName: "Anna"}) { resident { givenName } } }`, map[string]any{"id": f.ana}); err != nil {
		t.Fatal(err)
	}
	if got := at(t, s.next(t, "m"), "updateResident", "resident", "givenName"); got != "Anna" {
		t.Errorf("got %v", got)
	}
	if m, err := s.hear(); err != nil || m.Type != "complete" || m.ID != "m" {
		t.Errorf("heard %v, %v", m, err)
	}
	if err := s.subscribe("bad", `{ nothing }`, nil); err != nil {
		t.Fatal(err)
	}
	if code, _ := s.refused(t, "bad"); code != "INVALID" {
		t.Errorf("refused with %s", code)
	}
	// What went wrong with one field is told where it is, after it was run.
	if err := s.subscribe("none", `{ resident(id: "res_4294967295") { givenName } }`, nil); err != nil {
		t.Fatal(err)
	}
	if m, err := s.hear(); err != nil || m.Type != "next" || !strings.Contains(string(m.Payload), "NOT_FOUND") {
		t.Errorf("heard %v, %v", m, err)
	}
}

// TestNothingMissed: a client that says the last event it has heard is told every
// change once and in order, however often it or the server goes away.
func TestNothingMissed(t *testing.T) {
	ownServer(t)
	want := scale(t, eventsEnv, 400)
	database := filepath.Join(t.TempDir(), "home.db")
	p := launch(t, database)
	var url atomic.Value
	url.Store(p.url)
	f := newFamily(t, p.url)
	start := f.last(t)

	// Writers go on until there is enough; what they were not told is found later.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	recorded := make(chan struct{})
	var crowd sync.WaitGroup
	for range 4 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				if tryCheck(url.Load().(string), f.ana) != nil {
					pause(ctx)
					continue
				}
				select {
				case recorded <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	listeners := make([]*rememberer, 5)
	for i := range listeners {
		listeners[i] = &rememberer{last: start, leaveAfter: []int{0, 7, 50, 0, 9}[i], dial: dialEvents}
		if i < 3 {
			listeners[i].dial = dialFollower
		}
		crowd.Go(func() { listeners[i].listen(ctx, &url) })
	}
	more := func(n int) {
		t.Helper()
		limit := time.After(patience)
		for range n {
			select {
			case <-recorded:
			case <-limit:
				t.Fatal("nothing is recorded any more")
			}
		}
	}
	for round := range 3 {
		more(want / 4)
		signal := syscall.SIGTERM
		if round == 1 {
			signal = syscall.SIGKILL
		}
		if err := p.command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, p); err != nil && signal == syscall.SIGTERM {
			t.Fatalf("stopping: %v\n%s", err, p.log)
		}
		p = launch(t, database)
		url.Store(p.url)
	}
	more(want / 4)

	// What there is, in the order of the journal.
	stop()
	crowdDone := make(chan struct{})
	go func() { crowd.Wait(); close(crowdDone) }()
	select {
	case <-crowdDone:
	case <-time.After(patience):
		t.Fatal("the listeners do not end")
	}
	f.url = p.url
	s := openSocket(t, p.url)
	var all []string
	for after := ""; ; {
		data := read(t, p.url, `query($a: Cursor) { wellness(first: 200, after: $a, orderBy: [{field: ID}]) { edges { node { id } } pageInfo { endCursor hasNextPage } } }`,
			map[string]any{"a": nullable(after)})
		for _, edge := range at(t, data, "wellness", "edges").([]any) {
			all = append(all, at(t, edge, "node", "id").(string))
		}
		if at(t, data, "wellness", "pageInfo", "hasNextPage") != true {
			break
		}
		after = at(t, data, "wellness", "pageInfo", "endCursor").(string)
	}
	for i, l := range listeners {
		if l.failed != nil {
			t.Fatal(l.failed)
		}
		// The rest, for who has stopped listening before the end.
		if err := s.subscribe(fmt.Sprint(i), followWellness, map[string]any{"a": l.last}); err != nil {
			t.Fatal(err)
		}
		for len(l.told) < len(all) {
			l.told = append(l.told, at(t, s.next(t, fmt.Sprint(i)), "wellnessRecorded", "wellness", "id").(string))
		}
		if !slices.Equal(l.told, all) {
			t.Errorf("listener %d was told of %d checks, there are %d: %s", i, len(l.told), len(all), firstOff(l.told, all))
		}
		if err := s.say(map[string]any{"id": fmt.Sprint(i), "type": "complete"}); err != nil {
			t.Fatal(err)
		}
	}
	connections := 0
	for _, l := range listeners {
		connections += l.connections
	}
	t.Logf("%d checks, 3 restarts, %d connections", len(all), connections)
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// firstOff is the first place where two lists differ.
func firstOff(got, want []string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("at %d want %s after %v", i, want[i], got[max(0, i-3):min(len(got), i+2)])
		}
	}
	return fmt.Sprintf("%v are too many", got[len(want):])
}

// tryCheck records a check; an error means that it may be recorded or not.
func tryCheck(url, resident string) error {
	got, err := trySend(url, fmt.Sprintf(`mutation { createWellness(input: {residentID: %q, takenAt: "2026-01-02T08:00:00Z", mood: 3}) { wellness { id } } }`, resident))
	if err == nil && len(got.Errors) > 0 {
		err = errors.New(got.Errors[0].Message)
	}
	return err
}

// rememberer listens again and again, from where it was.
type rememberer struct {
	dial        func(url, after string) (line, error)
	leaveAfter  int // events after which it leaves by itself; 0 for never
	last        string
	told        []string
	connections int
	failed      error
}

// line is one connection that a rememberer hears events by.
type line struct {
	hear  func() (heard, error)
	leave func()
}

func dialFollower(url, after string) (line, error) {
	f, err := dialSocket(url)
	if err != nil {
		return line{}, err
	}
	// An error means that the server is away, as the end of what is heard does.
	_ = f.subscribe("1", followWellness, map[string]any{"a": after})
	return line{f.hear, func() { _ = f.conn.CloseNow() }}, nil // it may be closed already
}

func dialEvents(url, after string) (line, error) {
	s, err := openStream(url, followWellness, nil, after)
	if err != nil {
		return line{}, err
	}
	return line{s.hear, s.stop}, nil
}

func (r *rememberer) listen(ctx context.Context, url *atomic.Value) {
	for ctx.Err() == nil {
		l, err := r.dial(url.Load().(string), r.last)
		if err != nil {
			pause(ctx)
			continue // the server is away
		}
		r.connections++
		over := context.AfterFunc(ctx, l.leave)
		r.failed = r.hear(l)
		over()
		l.leave()
		if r.failed != nil {
			return
		}
	}
}

// pause leaves the machine to a server that is starting.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
}

// hear listens until the connection ends, or it leaves.
func (r *rememberer) hear(l line) error {
	for n := 1; ; n++ {
		m, gone := l.hear()
		if gone != nil {
			m.Type = "gone" // the server is away
		}
		if m.Type == "gone" || m.Type == "error" && strings.Contains(string(m.Payload), `"LIMIT_EXCEEDED"`) {
			break
		}
		var payload struct {
			Data struct {
				WellnessRecorded struct {
					EventID  string
					Wellness struct{ ID string }
				}
			}
		}
		if err := json.Unmarshal(m.Payload, &payload); err != nil || m.Type != "next" {
			return fmt.Errorf("heard %s %s", m.Type, m.Payload)
		}
		r.last = payload.Data.WellnessRecorded.EventID
		r.told = append(r.told, payload.Data.WellnessRecorded.Wellness.ID)
		if n == r.leaveAfter {
			break
		}
	}
	return nil
}
