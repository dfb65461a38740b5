package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/requestid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

func whole() audit.Event {
	before, after := scalar.Digest{1}, scalar.Digest{31: 2}
	return audit.Event{
		At: "2026-03-29T08:30:00.000Z", Action: audit.Correct, Actor: nodeid.New(nodeid.StaffUser, 2), Role: "NURSE",
		Key: nodeid.New(nodeid.APIKey, 3), Entity: nodeid.New(nodeid.Wellness, 4),
		Residents: nodeid.Residents{nodeid.New(nodeid.Resident, 5), nodeid.New(nodeid.Resident, 6)}, Version: 7,
		Before: &before, After: &after, Reason: "typed \"in\"\nwrongly, Peña <3", Request: "r-1", Operation: "updateWellness",
	}
}

// The form of the line is for ever: every hash is made of it.
func TestLine(t *testing.T) {
	e := whole()
	head := audit.Empty().Append(&e)
	const line = `{"id":"aud_1","at":"2026-03-29T08:30:00.000Z","action":"CORRECT","actor":"stf_2","role":"NURSE","key":"key_3","entity":"wel_4",` +
		`"residents":["res_5","res_6"],"version":7,"before":"0100000000000000000000000000000000000000000000000000000000000000",` +
		`"after":"0000000000000000000000000000000000000000000000000000000000000002","reason":"typed \"in\"\nwrongly, Peña <3",` +
		`"request":"r-1","operation":"updateWellness","previous":"0000000000000000000000000000000000000000000000000000000000000000"}`
	if got := string(e.Line()); got != line {
		t.Errorf("got  %s\nwant %s", got, line)
	}
	sum := sha256.Sum256([]byte(line))
	if e.Hash != sum || head.Hash != sum || head.ID != nodeid.New(nodeid.AuditEvent, 1) {
		t.Errorf("the hash is %v, the head %v", e.Hash, head)
	}
	if got, want := string(e.Export()), strings.TrimSuffix(line, "}")+`,"hash":"`+hex.EncodeToString(sum[:])+`"}`; got != want {
		t.Errorf("exported as %s", got)
	}
	bare := audit.Event{At: "x", Action: audit.Read}
	audit.Empty().Append(&bare)
	if got := string(bare.Line()); !json.Valid(bare.Export()) || got != `{"id":"aud_1","at":"x","action":"READ","previous":"0000000000000000000000000000000000000000000000000000000000000000"}` {
		t.Errorf("got %s", got)
	}
}

func TestBy(t *testing.T) {
	ctx := requestid.With(t.Context(), "r-1")
	requestid.NameOperation(ctx, "today")
	if e := audit.By(viewer.With(ctx, viewer.System())); e.Actor != 0 || e.Role != "" || e.Request != "r-1" || e.Operation != "today" {
		t.Errorf("the system is %+v", e)
	}
	nurse := viewer.Viewer{ID: nodeid.New(nodeid.StaffUser, 2), Role: viewer.Nurse, Key: nodeid.New(nodeid.APIKey, 3)}
	if e := audit.By(audit.WithOperation(viewer.With(ctx, nurse), "seed")); e.Actor != nurse.ID || e.Role != "NURSE" || e.Key != nurse.Key || e.Operation != "seed" {
		t.Errorf("a nurse is %+v", e)
	}
	if err := audit.Add(context.Background(), audit.Event{}); err == nil {
		t.Error("an event is kept nowhere")
	}
}

// A chain of which one link is changed, by whatever means, is named there.
func TestWalk(t *testing.T) {
	var sound []audit.Event
	head := audit.Empty()
	for range 5 {
		e := whole()
		head = head.Append(&e)
		sound = append(sound, e)
	}
	walk := func(events []audit.Event) *audit.Walk {
		w := audit.NewWalk()
		for i := range events {
			w.See(&events[i], false)
		}
		w.End(head.ID)
		return w
	}
	if w := walk(sound); len(w.Problems) > 0 || w.Head() != head || w.Events != 5 {
		t.Fatalf("a sound chain: %q", w.Problems)
	}
	third := nodeid.New(nodeid.AuditEvent, 3)
	for name, meddle := range map[string]func([]audit.Event) []audit.Event{
		"ErrChanged":  func(e []audit.Event) []audit.Event { e[2].Role = "ADMIN"; return e },
		"ErrRemoved":  func(e []audit.Event) []audit.Event { return slices.Delete(e, 2, 3) },
		"ErrEndGone":  func(e []audit.Event) []audit.Event { return e[:2] },
		"ErrDoubled":  func(e []audit.Event) []audit.Event { return slices.Insert(e, 3, e[2]) },
		"ErrSwapped":  func(e []audit.Event) []audit.Event { e[2], e[3] = e[3], e[2]; return e },
		"ErrReplaced": func(e []audit.Event) []audit.Event { e[2].Role = "ADMIN"; e[2].Hash = e[2].Sum(); return e },
	} {
		t.Run(name, func(t *testing.T) {
			w := walk(meddle(slices.Clone(sound)))
			want := third
			if name == "ErrReplaced" {
				want++ // the event is whole; the next follows from another one
			}
			if w.First != want || len(w.Problems) == 0 {
				t.Errorf("the first at fault is %v: %q", w.First, w.Problems)
			}
		})
	}
}

// FHIR R4, AuditEvent: which elements there must be, of what form, and the values
// of required bindings.
func TestFHIR(t *testing.T) {
	id := regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)
	instant := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
	coded := func(t *testing.T, what string, value any) {
		t.Helper()
		coding, _ := value.(map[string]any)
		system, _ := coding["system"].(string)
		if code, _ := coding["code"].(string); code == "" || code != strings.TrimSpace(code) || system == "" {
			t.Errorf("%s is %v", what, value)
		}
	}
	known := map[string][]string{
		"":                {"resourceType", "id", "type", "subtype", "action", "recorded", "outcome", "outcomeDesc", "purposeOfEvent", "agent", "source", "entity"},
		".agent":          {"type", "role", "who", "altId", "name", "requestor", "network"},
		".agent.network":  {"address", "type"},
		".source":         {"observer", "type"},
		".entity":         {"what", "type", "role", "name", "detail"},
		".entity.detail":  {"type", "valueString", "valueBase64Binary"},
		".purposeOfEvent": {"coding", "text"},
	}
	only := func(t *testing.T, where string, object map[string]any) {
		t.Helper()
		for key, value := range object {
			if list, isList := value.([]any); !slices.Contains(known[where], key) || value == nil || value == "" || isList && len(list) == 0 {
				t.Errorf("%s has %s = %v", where, key, value)
			}
		}
	}
	list := func(value any) []map[string]any {
		var all []map[string]any
		items, _ := value.([]any)
		for _, item := range items {
			object, _ := item.(map[string]any)
			all = append(all, object)
		}
		return all
	}
	actions := map[audit.Action]string{
		audit.Create: "C", audit.Update: "U", audit.Delete: "D", audit.Correct: "U", audit.Void: "U", audit.Baseline: "C", audit.Migrate: "U",
		audit.BreakGlass: "E", audit.Read: "R", audit.Login: "E", audit.Refused: "E",
	}
	for action, want := range actions {
		for _, e := range []audit.Event{whole(), {At: "2026-03-29T08:30:00.000Z"}} {
			t.Run(string(action), func(t *testing.T) {
				e.Action = action
				audit.Empty().Append(&e)
				text, err := json.Marshal(e.FHIR())
				var r map[string]any
				if err == nil {
					err = json.Unmarshal(text, &r)
				}
				if err != nil {
					t.Fatal(err)
				}
				only(t, "", r)
				if name, _ := r["id"].(string); r["resourceType"] != "AuditEvent" || !id.MatchString(name) {
					t.Errorf("it is %v %v", r["resourceType"], r["id"])
				}
				coded(t, "type", r["type"])
				for _, subtype := range list(r["subtype"]) {
					coded(t, "subtype", subtype)
				}
				recorded, _ := r["recorded"].(string)
				outcome, _ := r["outcome"].(string)
				if r["action"] != want || !instant.MatchString(recorded) || !slices.Contains([]string{"0", "4", "8", "12"}, outcome) {
					t.Errorf("action %v, recorded %q, outcome %q", r["action"], recorded, outcome)
				}
				agents := list(r["agent"])
				if len(agents) != 1 {
					t.Fatalf("%d agents", len(agents))
				}
				only(t, ".agent", agents[0])
				if _, ok := agents[0]["requestor"].(bool); !ok {
					t.Error("no requestor")
				}
				source, _ := r["source"].(map[string]any)
				only(t, ".source", source)
				if source["observer"] == nil {
					t.Error("no observer")
				}
				patients := 0
				for _, thing := range list(r["entity"]) {
					only(t, ".entity", thing)
					coded(t, "entity.type", thing["type"])
					coded(t, "entity.role", thing["role"])
					if role, _ := thing["role"].(map[string]any); role["code"] == "1" {
						patients++
					}
					for _, detail := range list(thing["detail"]) {
						only(t, ".entity.detail", detail)
						if _, hasText := detail["valueString"]; detail["type"] == nil || hasText == (detail["valueBase64Binary"] != nil) {
							t.Errorf("a detail is %v", detail)
						}
					}
				}
				if patients != len(e.Residents) {
					t.Errorf("%d patients of %d", patients, len(e.Residents))
				}
				for _, purpose := range list(r["purposeOfEvent"]) {
					only(t, ".purposeOfEvent", purpose)
				}
				if e.Reason != "" && !strings.Contains(string(text), "wrongly") {
					t.Error("the reason is left out")
				}
			})
		}
	}
}
