package leak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
)

// patience is how long a listener waits for an event that must come.
const patience = time.Minute

// change is one that subscriptions tell of.
type change struct {
	event, typ, id string
	// gone is set where the row is no more.
	gone bool
}

// subscriptions have the types of the rows that each tells of, and the field of
// its payload that names the row.
var subscriptions = map[string]struct{ types, row string }{
	"wellnessRecorded":    {"Wellness", "wellness.id"},
	"prescriptionChanged": {"Prescription", "prescription.id"},
	"activityChanged":     {"Activity ActivityException ActivityParticipation", "changedID"},
}

// makeChanges changes every row that subscriptions tell of, and notes the events.
func (w *world) makeChanges() {
	if w.told != nil {
		return
	}
	o, admin := w.oracle, w.askers[0]
	last := func() string {
		id, _ := read(w.ask(admin, "{ lastEventID }", nil)).Data["lastEventID"].(string)
		return id
	}
	act := func(query string, variables map[string]any) answer {
		got := read(w.ask(admin, query, variables))
		if len(got.Errors) > 0 {
			panic(fmt.Sprint(query, got.Errors))
		}
		return got
	}
	w.told = []change{{event: last()}}
	for _, typ := range []string{"Wellness", "Prescription", "Activity", "ActivityException", "ActivityParticipation"} {
		// The first row again at last: most viewers see it.
		for _, r := range append(slices.Clone(o.rows[typ]), first(o.rows[typ])) {
			if r.text(void[typ]) == "ENTERED_IN_ERROR" {
				continue
			}
			act("mutation($id: ID!, $input: Update"+typ+"Input!) { update"+typ+"(id: $id, input: $input) { __typename } }",
				map[string]any{"id": name(r), "input": harmless[typ]})
			w.told = append(w.told, change{event: last(), typ: typ, id: name(r)})
		}
	}
	made := act(`mutation { createActivity(input: {title: "T", category: MUSIC, startsAtLocal: "2026-01-01T08:00", durationMinutes: 30}) { activity { id } } }`, nil)
	id := dig(made.Data, "createActivity", "activity", "id").(string)
	w.told = append(w.told, change{event: last(), typ: "Activity", id: id, gone: true})
	act("mutation($id: ID!) { deleteActivity(id: $id) { deletedID } }", map[string]any{"id": id})
	w.told = append(w.told, change{event: last(), typ: "Activity", id: id, gone: true})
	// What everybody who hears of activities hears at last.
	exception := first(o.rows["ActivityException"])
	act("mutation($id: ID!, $input: UpdateActivityExceptionInput!) { updateActivityException(id: $id, input: $input) { __typename } }",
		map[string]any{"id": name(exception), "input": harmless["ActivityException"]})
	w.told = append(w.told, change{event: last(), typ: "ActivityException", id: name(exception)})
}

// subscriptionCells follow every subscription from before many changes, and see
// what is told of them, with all that hangs on the rows.
func subscriptionCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	for _, f := range o.schema.Subscription.Fields {
		about, known := subscriptions[f.Name]
		if !known {
			panic("the matrix does not know the subscription " + f.Name + ": say what it tells of in subscriptions")
		}
		cells = append(cells, cell{f.Name, func() []string {
			w.makeChanges()
			var want []string
			for _, c := range w.told[1:] {
				if slices.Contains(strings.Fields(about.types), c.typ) && w.hears(a, c) {
					want = append(want, c.id)
				}
			}
			query := o.subscription(f)
			payloads, raw, err := w.listen(a, f, query, want)
			leaks := o.spilled(a, query, raw)
			if err != nil {
				leaks = append(leaks, err.Error())
			}
			if got := heardOf(payloads, f.Name, about.row); !reflect.DeepEqual(got, want) {
				leaks = append(leaks, fmt.Sprintf("%s tells of %v, should of %v", f.Name, got, want))
			}
			return leaks
		}})
	}
	return append(cells, strangerCells(w, a)...)
}

// strangerCells follow what happens to residents that the viewer does not see: of
// these nothing is told, not even by what else happens that the viewer does see.
func strangerCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	var hidden []string
	for _, r := range o.rows["Resident"] {
		if !o.sees(a, "Resident", r) {
			hidden = append(hidden, name(r))
		}
	}
	if len(hidden) == 0 {
		return nil
	}
	for _, f := range o.schema.Subscription.Fields {
		about := subscriptions[f.Name]
		cells = append(cells, cell{f.Name, func() []string {
			w.makeChanges()
			query := o.subscription(f)
			of := strings.Replace(query, "after: $after", "after: $after, residentIDs: [\""+strings.Join(hidden, "\", \"")+"\"]", 1)
			payloads, raw, err := w.listenTo(a, f, of, query)
			leaks := o.spilled(a, of, raw)
			if err != nil {
				leaks = append(leaks, err.Error())
			}
			if len(payloads) > 0 {
				leaks = append(leaks, fmt.Sprintf("%s of residents who are not seen tells of %v", f.Name, heardOf(payloads, f.Name, about.row)))
			}
			return leaks
		}})
	}
	return cells
}

// hears reports whether a viewer is told of a change. Of a row that is gone nobody
// knows who saw it: only those are told who see all of its type.
func (w *world) hears(a asker, c change) bool {
	if c.gone {
		// It was made and deleted: there is nothing to be told of its making.
		return c == w.told[len(w.told)-2] && w.oracle.readsType(a, c.typ) && a.Role != "FAMILY"
	}
	for _, r := range w.oracle.rows[c.typ] {
		if name(r) == c.id {
			return w.oracle.sees(a, c.typ, r)
		}
	}
	return false
}

// subscription is the operation with all that hangs on the rows it tells of.
func (o *oracle) subscription(f *ast.FieldDefinition) string {
	selection := ""
	for _, p := range o.schema.Types[f.Type.Name()].Fields {
		selection += " " + p.Name
		if typ := p.Type.Name(); o.isNode(typ) {
			selection += " {" + o.leaves(typ)
			for _, e := range o.edges(typ) {
				if !e.many {
					selection += " " + e.name + " {" + o.leaves(e.far) + "}"
				}
			}
			selection += "}"
		}
	}
	return "subscription($after: EventID) { " + f.Name + "(after: $after) {" + selection + " } }"
}

// heardOf are the rows that payloads tell of.
func heardOf(payloads []map[string]any, field, row string) (ids []string) {
	for _, p := range payloads {
		value := p[field]
		for step := range strings.SplitSeq(row, ".") {
			value = dig(value, step)
		}
		id, _ := value.(string)
		ids = append(ids, id)
	}
	return ids
}

// listen follows a subscription from before the changes until it has told as much
// as it should.
func (w *world) listen(a asker, f *ast.FieldDefinition, query string, want []string) (payloads []map[string]any, raw []byte, err error) {
	if len(want) == 0 {
		return w.listenTo(a, f, query, query)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.follow(ctx, a, query, len(want))
}

// listenTo follows a subscription that should tell nothing, as long as it takes the
// administrator to hear everything by all, twice.
func (w *world) listenTo(a asker, f *ast.FieldDefinition, query, all string) (payloads []map[string]any, raw []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	admin, expected := w.askers[0], 0
	for _, c := range w.told[1:] {
		if slices.Contains(strings.Fields(subscriptions[f.Name].types), c.typ) && w.hears(admin, c) {
			expected++
		}
	}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		for range 2 {
			if _, _, err := w.follow(ctx, admin, all, expected); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	payloads, raw, err = w.follow(ctx, a, query, 1)
	if len(payloads) == 0 {
		err = nil // it was cut off, as it should be
	}
	return payloads, raw, errors.Join(err, <-done)
}

// follow hears n events.
func (w *world) follow(ctx context.Context, a asker, query string, n int) (payloads []map[string]any, raw []byte, err error) {
	//nolint:bodyclose // it has none: the connection is taken over
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http")+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{askerHeader: {a.name}},
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = conn.CloseNow() }() // nobody listens any more
	conn.SetReadLimit(-1)
	say := func(m map[string]any) error {
		text, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return conn.Write(ctx, websocket.MessageText, text)
	}
	if err := say(map[string]any{"type": "connection_init"}); err != nil {
		return nil, nil, err
	}
	subscribe := map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": query, "variables": map[string]any{"after": w.told[0].event}}}
	for len(payloads) < n {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return payloads, raw, err
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return payloads, raw, err
		}
		switch m.Type {
		case "connection_ack":
			if err := say(subscribe); err != nil {
				return payloads, raw, err
			}
		case "next":
			raw = append(raw, m.Payload...)
			got := read(m.Payload)
			if len(got.Errors) > 0 {
				return payloads, raw, fmt.Errorf("an event has errors: %s", m.Payload)
			}
			payloads = append(payloads, got.Data)
		case "ping":
			if err := say(map[string]any{"type": "pong"}); err != nil {
				return payloads, raw, err
			}
		default:
			return payloads, raw, fmt.Errorf("heard %s", text)
		}
	}
	return payloads, raw, nil
}
