package leak

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// nobodyCells ask for all that there is without saying who asks, once.
func nobodyCells(w *world, a asker) (cells []cell) {
	if a.name != w.askers[0].name {
		return nil
	}
	o := w.oracle
	someID := func(far string) string { return name(first(o.rows[far])) }
	add := func(of, accept, query string, variables map[string]any) {
		cells = append(cells, cell{of, func() []string {
			request := sent(map[string]any{"query": query, "variables": variables})
			raw := w.answer(context.Background(), accept, query, variables).Body.Bytes()
			if _, event, isStream := strings.Cut(string(raw), "data: "); isStream {
				event, _, _ = strings.Cut(event, "\n")
				raw = []byte(event)
			}
			leaks := o.spilled(asker{}, request, raw)
			got := read(raw)
			for field, value := range got.Data {
				if value != nil {
					leaks = append(leaks, fmt.Sprintf("nobody is told that %s is %v", field, value))
				}
			}
			if got.code() != "UNAUTHENTICATED" {
				leaks = append(leaks, fmt.Sprintf("nobody is not told to say who it is: %s", raw))
			}
			return leaks
		}})
	}
	for _, f := range o.schema.Query.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		arguments, selection := "", ""
		switch {
		case f.Arguments.ForName("ids") != nil:
			arguments = "(ids: [" + strconv.Quote(someID("Resident")) + "])"
		case f.Arguments.ForName("id") != nil && o.isNode(f.Type.Name()):
			arguments = "(id: " + strconv.Quote(someID(f.Type.Name())) + ")"
		case f.Arguments.ForName("id") != nil:
			arguments = "(id: " + strconv.Quote(someID("Resident")) + ")"
		}
		switch d := o.schema.Types[f.Type.Name()]; {
		case strings.HasSuffix(d.Name, "Connection"):
			selection = " { totalCount edges { cursor node { id } } }"
		case d.IsCompositeType():
			selection = " { __typename }"
		}
		add(f.Name, "application/json", "{ "+f.Name+arguments+selection+" }", nil)
	}
	for _, m := range o.everyAct() {
		add(m.field.Name, "application/json", o.document(m), o.variables(m, someID(m.typ), someID))
	}
	for _, f := range o.schema.Subscription.Fields {
		add(f.Name, "text/event-stream", o.subscription(f), nil)
	}
	return cells
}
