package schema

import "entgo.io/ent/schema"

// exposure says how the graph shows a type, a field or an edge. It is what
// entgql's own annotations say, in the form that entgql reads them: those stand
// in a package that brings the generators along, a ninth of the server's size.
type exposure struct {
	OrderField      string       `json:"OrderField,omitempty"`
	MultiOrder      bool         `json:"MultiOrder,omitempty"`
	Type            string       `json:"Type,omitempty"`
	Skip            parts        `json:"Skip,omitempty"`
	RelayConnection bool         `json:"RelayConnection,omitempty"`
	QueryField      *queryField  `json:"QueryField,omitempty"`
	MutationInputs  []inputShape `json:"MutationInputs,omitempty"`
}

type queryField struct {
	Name string `json:"Name,omitempty"`
}

type inputShape struct {
	IsCreate bool `json:"IsCreate,omitempty"`
}

// parts are the places of the graph from which something can be left out.
type parts int

// The places, by entgql's bits.
const (
	fromType parts = 1 << iota
	fromEnum
	fromOrder
	fromWhere
	fromCreate
	fromUpdate
	everywhere = fromType | fromEnum | fromOrder | fromWhere | fromCreate | fromUpdate
)

// orderKey lets lists be ordered by the column, under a name.
func orderKey(name string) exposure { return exposure{OrderField: name} }

// graphType is the graph's type of a column, where it is not that of its Go type.
func graphType(name string) exposure { return exposure{Type: name} }

// leftOut keeps something out of parts of the graph.
func leftOut(of parts) exposure { return exposure{Skip: of} }

// connection makes an edge a Relay connection.
var connection = exposure{RelayConnection: true}

// rootField names the connection of a type under Query; its plural by default.
func rootField(name string) exposure { return exposure{QueryField: &queryField{Name: name}} }

// Name is the key under which entgql looks for its annotations.
func (exposure) Name() string { return "EntGQL" }

// Merge lets a mixin, a helper and a schema each say their part.
func (e exposure) Merge(other schema.Annotation) schema.Annotation {
	o, ok := other.(exposure)
	if !ok {
		return e
	}
	if o.OrderField != "" {
		e.OrderField = o.OrderField
	}
	if o.Type != "" {
		e.Type = o.Type
	}
	if o.QueryField != nil {
		e.QueryField = o.QueryField
	}
	e.MultiOrder = e.MultiOrder || o.MultiOrder
	e.RelayConnection = e.RelayConnection || o.RelayConnection
	e.Skip |= o.Skip
	e.MutationInputs = append(e.MutationInputs, o.MutationInputs...)
	return e
}
