package audit

import (
	"encoding/base64"
	"strings"

	"carehome/internal/nodeid"
)

// Resource is an event as an AuditEvent of FHIR R4.
type Resource struct {
	ResourceType   string    `json:"resourceType"`
	ID             string    `json:"id"`
	Type           Coding    `json:"type"`
	Subtype        []Coding  `json:"subtype,omitempty"`
	Action         string    `json:"action"`
	Recorded       string    `json:"recorded"`
	Outcome        string    `json:"outcome"`
	OutcomeDesc    string    `json:"outcomeDesc,omitempty"`
	PurposeOfEvent []Concept `json:"purposeOfEvent,omitempty"`
	Agent          []Agent   `json:"agent"`
	Source         Source    `json:"source"`
	Entity         []Thing   `json:"entity,omitempty"`
}

// Coding is a code of a system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// Concept is one or more codes of the same meaning, or a text.
type Concept struct {
	Coding []Coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// Reference points to a resource.
type Reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

// Identifier is the id that a resource has here.
type Identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value"`
}

// Agent is who took part.
type Agent struct {
	Type      *Concept   `json:"type,omitempty"`
	Role      []Concept  `json:"role,omitempty"`
	Who       *Reference `json:"who,omitempty"`
	AltID     string     `json:"altId,omitempty"`
	Name      string     `json:"name,omitempty"`
	Requestor bool       `json:"requestor"`
	Network   *Network   `json:"network,omitempty"`
}

// Network is from where somebody took part.
type Network struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

// Source is who tells of the event.
type Source struct {
	Observer Reference `json:"observer"`
	Type     []Coding  `json:"type,omitempty"`
}

// Thing is what was read or changed.
type Thing struct {
	What   *Reference `json:"what,omitempty"`
	Type   *Coding    `json:"type,omitempty"`
	Role   *Coding    `json:"role,omitempty"`
	Name   string     `json:"name,omitempty"`
	Detail []Detail   `json:"detail,omitempty"`
}

// Detail is more about a thing, as a text or as bytes.
type Detail struct {
	Type   string `json:"type"`
	String string `json:"valueString,omitempty"`
	Bytes  string `json:"valueBase64Binary,omitempty"`
}

// The systems of codes.
const (
	systemDICOM       = "http://dicom.nema.org/resources/ontology/DCM"
	systemEvent       = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	systemInteraction = "http://hl7.org/fhir/restful-interaction"
	systemEntity      = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemObjectRole  = "http://terminology.hl7.org/CodeSystem/object-role"
	systemSource      = "http://terminology.hl7.org/CodeSystem/security-source-type"
	systemReason      = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemParticipant = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemOurRole     = "urn:carehome:role"
	systemOurAction   = "urn:carehome:action"
	systemOurID       = "urn:carehome:id"
)

// FHIR is the event as a resource.
func (e *Event) FHIR() Resource {
	r := Resource{
		ResourceType: "AuditEvent", ID: fhirID(e.ID), Recorded: e.At, Outcome: "0",
		Type:    Coding{systemEvent, "rest", "RESTful Operation"},
		Subtype: []Coding{{System: systemOurAction, Code: string(e.Action)}},
		Agent:   []Agent{e.agent()},
		Source: Source{
			Observer: Reference{Display: "carehome"},
			Type:     []Coding{{systemSource, "4", "Application Server"}},
		},
	}
	interaction := func(action, code string) {
		r.Action = action
		r.Subtype = append([]Coding{{System: systemInteraction, Code: code}}, r.Subtype...)
	}
	switch e.Action {
	case Create, Baseline:
		interaction("C", "create")
	case Update, Correct, Void, Migrate:
		interaction("U", "update")
	case Delete:
		interaction("D", "delete")
	case Read:
		interaction("R", "read")
	case Login, Refused:
		r.Action, r.Type = "E", Coding{systemDICOM, "110114", "User Authentication"}
		r.Subtype = append([]Coding{{systemDICOM, "110122", "Login"}}, r.Subtype...)
		if e.Action == Refused {
			r.Outcome = "4"
		}
	case BreakGlass:
		r.Action, r.Type = "E", Coding{systemDICOM, "110113", "Security Alert"}
		r.Subtype = append([]Coding{{systemDICOM, "110127", "Emergency Override Started"}}, r.Subtype...)
		r.PurposeOfEvent = append(r.PurposeOfEvent, Concept{Coding: []Coding{{systemReason, "BTG", "break the glass"}}})
	default:
		r.Action = "E"
	}
	switch {
	case e.Reason == "":
	case e.Action == Login || e.Action == Refused: // it says how, rather than why
		r.OutcomeDesc = e.Reason
	default:
		r.PurposeOfEvent = append(r.PurposeOfEvent, Concept{Text: e.Reason})
	}
	r.Entity = e.things()
	return r
}

// fhirID is an id as FHIR allows it: no underscore.
func fhirID(id nodeid.ID) string { return strings.ReplaceAll(id.String(), "_", "-") }

func identified(id nodeid.ID, as string) *Reference {
	return &Reference{Type: as, Identifier: &Identifier{systemOurID, id.String()}}
}

func (e *Event) agent() Agent {
	a := Agent{Requestor: true}
	if address := e.address(); address != "" {
		const ip = "2"
		a.Network = &Network{address, ip}
	}
	if e.Key != 0 {
		a.AltID = e.Key.String()
	}
	switch {
	case e.Actor != 0:
	case e.Action == Refused: // whoever it was
		a.Name = "unknown"
		return a
	default:
		a.Name, a.Requestor = "carehome", false
		return a
	}
	a.Type = &Concept{Coding: []Coding{{systemParticipant, "IRCP", "information recipient"}}}
	if e.Action != Read {
		a.Type = &Concept{Coding: []Coding{{systemParticipant, "AUT", "author (originator)"}}}
	}
	a.Who = identified(e.Actor, "Practitioner")
	if e.Role == "FAMILY" {
		a.Who.Type = "RelatedPerson"
	}
	if e.Role != "" {
		a.Role = []Concept{{Coding: []Coding{{System: systemOurRole, Code: e.Role}}}}
	}
	return a
}

// things are whom the event is about, which row, and its place in the chain.
func (e *Event) things() []Thing {
	var all []Thing
	person, system := &Coding{systemEntity, "1", "Person"}, &Coding{systemEntity, "2", "System Object"}
	for _, id := range e.Residents {
		all = append(all, Thing{What: identified(id, "Patient"), Type: person, Role: &Coding{systemObjectRole, "1", "Patient"}})
	}
	if e.Entity != 0 {
		row := Thing{What: identified(e.Entity, ""), Type: system, Role: &Coding{systemObjectRole, "4", "Domain Resource"}, Name: e.Entity.Kind().String()}
		if e.Before != nil {
			row.Detail = append(row.Detail, Detail{Type: "before", Bytes: base64.StdEncoding.EncodeToString(e.Before[:])})
		}
		if e.After != nil {
			row.Detail = append(row.Detail, Detail{Type: "after", Bytes: base64.StdEncoding.EncodeToString(e.After[:])})
		}
		all = append(all, row)
	}
	chain := Thing{What: identified(e.ID, ""), Type: system, Role: &Coding{systemObjectRole, "13", "Security Resource"}, Detail: []Detail{
		{Type: "previous", Bytes: base64.StdEncoding.EncodeToString(e.Previous[:])},
		{Type: "hash", Bytes: base64.StdEncoding.EncodeToString(e.Hash[:])},
	}}
	if e.Request != "" {
		chain.Detail = append(chain.Detail, Detail{Type: "request", String: e.Request})
	}
	if e.Operation != "" {
		chain.Detail = append(chain.Detail, Detail{Type: "operation", String: e.Operation})
	}
	return append(all, chain)
}
