package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// window is the laws' own account of a page: the rows between the cursors, cut
// from the front or from the back.
// See relay.dev/graphql/connections.htm, "Pagination algorithm".
func window(all []string, after, before string, first, last int) (page []string, previous, next bool) {
	from, to := 0, len(all)
	if after != "" {
		from = slices.Index(all, after) + 1
	}
	if before != "" {
		to = slices.Index(all, before)
	}
	if from < to {
		page = all[from:to]
	}
	previous, next = from > 0, to < len(all)
	if len(page) == 0 {
		// What lies before an empty page is what comes before both cursors.
		previous, next = from > 0 && min(from, to) > 0, to < len(all)
	}
	if first >= 0 && len(page) > first {
		page, next = page[:first], true
	}
	if last >= 0 && len(page) > last {
		page, previous = page[len(page)-last:], true
	}
	return page, previous, next
}

func TestRelayLaws(t *testing.T) {
	url := shared.get(t)
	unique := fmt.Sprint(time.Now().UnixNano())
	var resident string
	// Families repeat, so that the order needs its second key and the id.
	for i, family := range []string{"Beta", "Alfa", "Beta", "Gamma", "Alfa", "Beta", "Delta"} {
		data := read(t, url, `mutation($f: String!, $d: Date!) { createResident(input: {givenName: "N", familyName: $f, birthDate: $d, sex: OTHER}) { resident { id } } }`,
			map[string]any{"f": family + " " + unique, "d": fmt.Sprintf("194%d-01-01", i%3)})
		resident = at(t, data, "createResident", "resident", "id").(string)
	}
	for i := range 6 {
		read(t, url, `mutation($r: ID!, $at: Time!) { createWellness(input: {residentID: $r, takenAt: $at, energy: 5}) { wellness { id } } }`,
			map[string]any{"r": resident, "at": fmt.Sprintf("2026-01-0%dT08:00:00Z", i/2+1)})
	}
	connections := []struct {
		name, orderBy, root string
		path                []any
	}{
		{"root", "[{field: FAMILY_NAME}, {field: BIRTH_DATE, direction: DESC}]", `residents(where: {searchText: "` + unique + `"}, orderBy: %s%s) %s`, []any{"residents"}},
		{"default order", "[]", `residents(where: {searchText: "` + unique + `"}, orderBy: %s%s) %s`, []any{"residents"}},
		{"nested", "[{field: TAKEN_AT, direction: DESC}]", `resident(id: "` + resident + `") { wellness(orderBy: %s%s) %s }`, []any{"resident", "wellness"}},
	}
	for _, c := range connections {
		t.Run(c.name, func(t *testing.T) {
			query := func(arguments, selection string) any {
				t.Helper()
				return at(t, read(t, url, "{ "+fmt.Sprintf(c.root, c.orderBy, arguments, selection)+" }", nil), c.path...)
			}
			var all []string
			cursors := map[string]string{}
			for _, edge := range at(t, query("", "{ edges { cursor node { id } } }"), "edges").([]any) {
				id := at(t, edge, "node", "id").(string)
				all, cursors[id] = append(all, id), at(t, edge, "cursor").(string)
			}
			if len(all) < 6 {
				t.Fatalf("read %d rows only", len(all))
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 120 {
				after, before, first, last, arguments := "", "", -1, -1, ""
				if random.IntN(2) == 0 {
					after = all[random.IntN(len(all))]
					arguments += fmt.Sprintf(", after: %q", cursors[after])
				}
				if random.IntN(2) == 0 {
					before = all[random.IntN(len(all))]
					arguments += fmt.Sprintf(", before: %q", cursors[before])
				}
				switch random.IntN(3) {
				case 0:
					first = random.IntN(len(all) + 2)
					arguments += fmt.Sprintf(", first: %d", first)
				case 1:
					last = random.IntN(len(all) + 2)
					arguments += fmt.Sprintf(", last: %d", last)
				}
				if (after != "" && before != "") && slices.Index(all, before) <= slices.Index(all, after) {
					continue // the cursors cross: the laws leave the flags open
				}
				want, previous, next := window(all, after, before, first, last)
				got := query(arguments, "{ totalCount edges { cursor node { id } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }")
				var page []string
				for _, edge := range at(t, got, "edges").([]any) {
					id := at(t, edge, "node", "id").(string)
					page = append(page, id)
					if at(t, edge, "cursor") != cursors[id] {
						t.Errorf("%s: the cursor of %s depends on the page", arguments, id)
					}
				}
				if !slices.Equal(page, want) {
					t.Fatalf("%s: got %v, want %v", arguments, page, want)
				}
				if n := at(t, got, "totalCount"); n != float64(len(all)) {
					t.Errorf("%s: totalCount is %v", arguments, n)
				}
				info := at(t, got, "pageInfo").(map[string]any)
				if len(want) == 0 {
					if info["startCursor"] != nil || info["endCursor"] != nil {
						t.Errorf("%s: an empty page has cursors: %v", arguments, info)
					}
				} else if info["startCursor"] != cursors[want[0]] || info["endCursor"] != cursors[want[len(want)-1]] {
					t.Errorf("%s: pageInfo has other cursors than the edges", arguments)
				}
				if len(want) > 0 && (info["hasPreviousPage"] != previous || info["hasNextPage"] != next) {
					t.Errorf("%s: previous %v and next %v, want %v and %v", arguments, info["hasPreviousPage"], info["hasNextPage"], previous, next)
				}
				alone := at(t, query(arguments, "{ pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }"), "pageInfo")
				if fmt.Sprint(alone) != fmt.Sprint(info) {
					t.Errorf("%s: pageInfo without edges is %v, with them %v", arguments, alone, info)
				}
			}
		})
	}
}

func TestSameConnectionUnderAliases(t *testing.T) {
	url := shared.get(t)
	data := read(t, url, `mutation { createResident(input: {givenName: "N", familyName: "F", birthDate: "1940-01-01", sex: OTHER}) { resident { id } } }`, nil)
	resident := at(t, data, "createResident", "resident", "id").(string)
	for i := range 4 {
		read(t, url, `mutation($r: ID!, $at: Time!, $e: Int!) { createWellness(input: {residentID: $r, takenAt: $at, energy: $e}) { wellness { id } } }`,
			map[string]any{"r": resident, "at": fmt.Sprintf("2026-01-0%dT08:00:00Z", i+1), "e": i + 1})
	}
	data = read(t, url, `query($id: ID!, $no: Boolean!) {
		node(id: $id) { ... on Resident {
			newest: wellness(first: 1, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { node { energy } } }
			...oldest
			low: wellness(where: {energyLTE: 2}) { totalCount }
			none: wellness(first: 0) { totalCount edges { node { id } } }
			left: wellness @include(if: $no) { totalCount }
		} }
	}
	fragment oldest on Resident { oldest: wellness(last: 1, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { node { energy resident { id } } } } }`,
		map[string]any{"id": resident, "no": false})
	want := map[string]any{
		"newest": map[string]any{"edges": []any{map[string]any{"node": map[string]any{"energy": 4}}}},
		"oldest": map[string]any{"edges": []any{map[string]any{"node": map[string]any{"energy": 1, "resident": map[string]any{"id": resident}}}}},
		"low":    map[string]any{"totalCount": 2},
		"none":   map[string]any{"totalCount": 4, "edges": []any{}},
	}
	if off := differs("node", want, at(t, data, "node")); off != "" {
		t.Error(off)
	}
	if _, there := at(t, data, "node").(map[string]any)["left"]; there {
		t.Error("an excluded field was answered")
	}
}
