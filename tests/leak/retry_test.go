package leak

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// fresh are the fields of new rows whose plainest values the rules refuse, or which
// have no text, by type; n is another number each time.
var fresh = map[string]func(n int) map[string]any{
	"Facility": func(int) map[string]any { return map[string]any{"timeZone": "Europe/Madrid"} },
	"StaffUser": func(n int) map[string]any {
		return map[string]any{"email": fmt.Sprintf("made%d@example.org", n), "role": "CARER"}
	},
	"Wellness": func(int) map[string]any { return map[string]any{"energy": 5, "notes": madeUp} },
	"ActivityException": func(n int) map[string]any {
		return map[string]any{"originalDate": dayAhead(n), "newLocation": madeUp}
	},
	"ActivityParticipation": func(n int) map[string]any { return map[string]any{"occurrenceDate": dayAhead(n), "note": madeUp} },
	"Medication": func(n int) map[string]any {
		return map[string]any{"name": fmt.Sprint("made ", n), "description": madeUp}
	},
	"ResidentContact":      func(int) map[string]any { return map[string]any{"phone": "+34 600 123 456"} },
	"Allergy":              func(n int) map[string]any { return map[string]any{"substance": fmt.Sprint("made-", n)} },
	"MedicationIngredient": func(n int) map[string]any { return map[string]any{"substance": fmt.Sprint("made-", n)} },
}

func dayAhead(n int) string {
	return scalar.DateIn(time.Now().AddDate(0, 0, n), time.UTC).String()
}

// retried is a mutation as it is sent: what it says without its key.
type retried struct {
	act
	variables map[string]any
}

// with is what is sent under a key.
func (r retried) with(key string) map[string]any {
	v := maps.Clone(r.variables)
	in, _ := v["input"].(map[string]any)
	in = maps.Clone(in)
	if in == nil {
		in = map[string]any{}
	}
	in["idempotencyKey"] = key
	v["input"] = in
	return v
}

// other is the same of something else.
func (r retried) other() retried {
	v := r.with("")
	in := v["input"].(map[string]any)
	delete(in, "idempotencyKey")
	switch r.verb {
	case "create":
		for field, value := range in {
			if text, ok := value.(string); ok && (text == madeUp || strings.HasPrefix(text, "made-")) {
				in[field] = "another-text"
			}
		}
	case "breakGlass":
		in["minutes"] = 7
	default:
		in["expectedVersion"] = 1_000_000
	}
	return retried{r.act, v}
}

// feasible is a mutation that the administrator can do now.
func (w *world) feasible(m act) retried { return w.feasibleFor(w.askers[0], m) }

// feasibleFor is one that somebody can do who may.
func (w *world) feasibleFor(a asker, m act) retried {
	o := w.oracle
	w.made++
	switch m.verb {
	case "breakGlass":
		return retried{m, map[string]any{"input": map[string]any{"reason": "somebody fell", "minutes": 5}}}
	case "create":
		in := o.input(m.field.Arguments.ForName("input").Type.Name(), func(far string) string { return name(first(o.rows[far])) })
		if more := fresh[m.typ]; more != nil {
			maps.Copy(in, more(w.made))
		}
		if a.Role == viewer.Sysadmin { // whose own kind is all that it makes accounts and keys of
			switch m.typ {
			case "StaffUser":
				in["role"] = a.Role
			case "ApiKey":
				in["staffUserID"] = a.ID
			}
		}
		return retried{m, map[string]any{"input": in}}
	case "update":
		change := harmless[m.typ]
		if m.typ == "StaffUser" {
			change = map[string]any{"active": true}
		}
		return retried{m, map[string]any{"id": name(first(o.rows[m.typ])), "input": change}}
	}
	// To delete or revoke there must be one that nothing depends on.
	for _, create := range o.acts() {
		if create.verb == "create" && create.typ == m.typ {
			return retried{m, map[string]any{"id": w.do(w.askers[0], w.feasible(create), "for "+w.key())}}
		}
	}
	panic("nothing makes a " + m.typ)
}

// calm ends the emergencies that cells began: others are to see what they usually do.
func (w *world) calm() {
	for _, a := range w.askers {
		if _, err := w.raw.ExecContext(w.t.Context(), "UPDATE staff_users SET emergency_until = ? WHERE id = ? AND emergency_until IS NOT ?",
			w.oracle.byID[int64(a.ID)]["emergency_until"], int64(a.ID), w.oracle.byID[int64(a.ID)]["emergency_until"]); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) key() string {
	w.made++
	return fmt.Sprint("key ", w.made)
}

// do does a mutation under a key, and returns the id of the row that it made.
func (w *world) do(a asker, r retried, key string) (id string) {
	o := w.oracle
	query := o.document(r.act)
	for _, f := range o.schema.Types[r.field.Type.Name()].Fields {
		if o.isNode(f.Type.Name()) {
			query = strings.Replace(query, "{ __typename }", "{ made: "+f.Name+" { id } }", 1)
		}
	}
	raw := w.ask(a, query, r.with(key))
	got := read(raw)
	if len(got.Errors) > 0 {
		panic(fmt.Sprintf("%s by %s: %s", r.field.Name, a.name, raw))
	}
	id, _ = dig(got.Data, r.field.Name, "made", "id").(string)
	return id
}

// retryCells sends again, under the same key, what somebody else has done before,
// and what the viewer has done itself while it still had the right. Both must look
// as if nobody had ever used the key.
func retryCells(w *world, a asker) (cells []cell) {
	o := w.oracle
	ask := func(r retried, key string) ([]byte, []string) { return w.got(a, o.document(r.act), r.with(key)) }
	for _, m := range o.everyAct() {
		doer, allowed := w.askers[0], w.may(a, m)
		if m.verb == "breakGlass" {
			doer = w.askers[3]
		}
		another := doer
		if another.ID == a.ID { // somebody else, of the same role
			another = asker{"another", viewer.Viewer{ID: w.askers[1].ID, Role: doer.Role}}
		}
		cells = append(cells, cell{m.field.Name, func() []string {
			defer w.calm()
			r, key := w.feasible(m), w.key()
			w.do(another, r, key)
			before := o.state(w.t, w.raw)
			again, leaks := ask(r, key)
			// One that is revoked already may be revoked again.
			if m.verb != "revoke" && read(again).code() == "" && o.state(w.t, w.raw) == before {
				leaks = append(leaks, fmt.Sprintf("another's key of %s is answered with what it came to: %s", m.field.Name, again))
			}
			once, _ := ask(r, w.key())
			return append(leaks, same("another's key and a new one of "+m.field.Name, again, once)...)
		}})
		if allowed {
			continue
		}
		cells = append(cells, cell{m.field.Name, func() []string {
			defer w.calm()
			r, key := w.feasible(m), w.key()
			w.do(asker{a.name + " before", viewer.Viewer{ID: a.ID, Role: doer.Role}}, r, key)
			before := o.state(w.t, w.raw)
			again, leaks := ask(r, key)
			never, _ := ask(r, w.key())
			leaks = append(leaks, same("a key from when it was allowed and a new one of "+m.field.Name, again, never)...)
			if read(never).code() != "FORBIDDEN" {
				leaks = append(leaks, fmt.Sprintf("%s should be FORBIDDEN: %s", m.field.Name, never))
			}
			// Another request under the key must not tell that it is in use.
			changed := r.other()
			again, more := ask(changed, key)
			never, _ = ask(changed, w.key())
			leaks = append(append(leaks, more...), same("a used key and a new one of "+m.field.Name, again, never)...)
			if o.state(w.t, w.raw) != before {
				leaks = append(leaks, m.field.Name+" was done")
			}
			return leaks
		}})
	}
	return cells
}
