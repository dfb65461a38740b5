package fhir

import "strings"

// index finds the resources of a bundle by what references say.
type index struct {
	byURL        map[string]*entry
	byID         map[string]*entry // "Patient/17"
	byIdentifier map[string]*entry // patients, "system|value"
}

func newIndex(b *Bundle) *index {
	x := &index{map[string]*entry{}, map[string]*entry{}, map[string]*entry{}}
	for _, e := range b.entries {
		if e.resource == nil {
			continue
		}
		keep(x.byURL, e.fullURL, e)
		keep(x.byID, e.typ+"/"+e.id, e)
		if p, ok := e.resource.(*patient); ok {
			for _, i := range p.Identifier {
				keep(x.byIdentifier, i.System+"|"+i.Value, e)
			}
		}
	}
	return x
}

// keep notes the first entry of a key.
func keep(m map[string]*entry, key string, e *entry) {
	if _, has := m[key]; !has && key != "" {
		m[key] = e
	}
}

// find is the entry of type typ that ref means, if it is in the bundle. A
// reference is a fullUrl, "Type/id" with or without a server and a version, a
// search by identifier, or an identifier alone.
func (x *index) find(ref reference, typ string) *entry {
	text := strings.TrimSpace(ref.Reference)
	found := x.byURL[text]
	if found == nil {
		if id := idOfReference(text, typ); id != "" {
			found = x.byID[typ+"/"+id]
		}
	}
	if search, ok := strings.CutPrefix(text, typ+"?identifier="); found == nil && ok {
		found = x.byIdentifier[search]
	}
	if found == nil && ref.Identifier.Value != "" {
		found = x.byIdentifier[ref.Identifier.System+"|"+ref.Identifier.Value]
	}
	if found == nil || found.typ != typ {
		return nil
	}
	return found
}

// idOfReference is the id in a literal reference to a resource of type typ, or
// empty where it has none or means another type.
func idOfReference(text, typ string) string {
	for _, prefix := range []string{"urn:uuid:", "urn:oid:"} {
		if id, ok := strings.CutPrefix(text, prefix); ok {
			return id
		}
	}
	text, _, _ = strings.Cut(text, "/_history/")
	path := strings.Split(text, "/")
	if len(path) < 2 || path[len(path)-2] != typ || strings.Contains(text, "?") {
		return ""
	}
	return path[len(path)-1]
}
