package tests

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asKey asks in the name of a key.
func asKey(t *testing.T, url, key, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return send(t, url, body, http.Header{"Authorization": {"Bearer " + key}})
}

// TestRelative follows a relative's key from its making to the end of the consent,
// through the whole server.
func TestRelative(t *testing.T) {
	if os.Getenv(address) != "" {
		t.Skip("SKIPPED: it needs a server of its own, whose key it knows")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "admin.key")
	server, err := start(binary, filepath.Join(folder, "home.db"), "--admin-key-file", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	}()
	url := server.url
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	admin := func(query string, variables map[string]any) any {
		t.Helper()
		got := asKey(t, url, strings.TrimSpace(string(text)), query, variables)
		if len(got.Errors) > 0 {
			t.Fatalf("the administrator is told %s", got.raw)
		}
		return got.Data
	}
	before := admin(`mutation {
		ana: createResident(input: {givenName: "Ana", familyName: "López", birthDate: "1940-01-01", sex: FEMALE}) { resident { id } }
		eva: createResident(input: {givenName: "Eva", familyName: "Ruiz", birthDate: "1940-01-01", sex: FEMALE}) { resident { id } }
		createStaffUser(input: {displayName: "Kin", email: "kin@example.org", role: FAMILY}) { staffUser { id } }
	}`, nil)
	who := at(t, before, "createStaffUser", "staffUser", "id").(string)
	ana, eva := at(t, before, "ana", "resident", "id").(string), at(t, before, "eva", "resident", "id").(string)
	made := admin(`mutation($who: ID!, $ana: ID!, $eva: ID!) {
		createApiKey(input: {name: "Phone", staffUserID: $who}) { secret }
		createResidentContact(input: {residentID: $ana, name: "Kin", relationship: CHILD, email: "kin@example.org", portalUserID: $who, isFamilyPortal: true}) { contact { id } }
		updateResident(id: $ana, input: {consentFamilyAccess: true}) { resident { id } }
		mine: createWellness(input: {residentID: $ana, takenAt: "2026-01-01T08:00:00Z", energy: 7, notes: "for staff"}) { wellness { id } }
		other: createWellness(input: {residentID: $eva, takenAt: "2026-01-01T08:00:00Z", energy: 7}) { wellness { id } }
	}`, map[string]any{"who": who, "ana": ana, "eva": eva})
	key := at(t, made, "createApiKey", "secret").(string)
	mine, other := at(t, made, "mine", "wellness", "id").(string), at(t, made, "other", "wellness", "id").(string)

	const everything = `{ residents { totalCount edges { node { id } } } wellness { totalCount edges { node { id notes } } } prescriptions { totalCount } }`
	got := asKey(t, url, key, everything, nil)
	if n := at(t, got.Data, "residents", "totalCount"); n != 1.0 || at(t, got.Data, "residents", "edges", 0, "node", "id") != ana {
		t.Errorf("a relative sees %s", got.raw)
	}
	if at(t, got.Data, "wellness", "totalCount") != 1.0 || at(t, got.Data, "wellness", "edges", 0, "node", "id") != mine || strings.Contains(string(got.raw), "for staff") {
		t.Errorf("a relative sees %s", got.raw)
	}
	if at(t, got.Data, "prescriptions", "totalCount") != 0.0 {
		t.Errorf("a relative sees %s", got.raw)
	}
	for _, hidden := range []string{eva, other} {
		got := asKey(t, url, key, `query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": hidden})
		if len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "NOT_FOUND" {
			t.Errorf("a relative asks for %s and is told %s", hidden, got.raw)
		}
	}
	// The same words whether the row is there or not.
	for _, id := range []string{mine, other, "wel_4000000000"} {
		got := asKey(t, url, key, `mutation($id: ID!) { deleteWellness(id: $id) { deletedID } }`, map[string]any{"id": id})
		if len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "FORBIDDEN" || got.Errors[0].Message != "your role does not include this" {
			t.Errorf("a relative deletes %s and is told %s", id, got.raw)
		}
	}
	admin(`mutation($ana: ID!) { updateResident(id: $ana, input: {consentFamilyAccess: false}) { resident { id } } }`, map[string]any{"ana": ana})
	got = asKey(t, url, key, everything, nil)
	if at(t, got.Data, "residents", "totalCount") != 0.0 || at(t, got.Data, "wellness", "totalCount") != 0.0 {
		t.Errorf("without consent a relative sees %s", got.raw)
	}
}
