package limits

import (
	"time"

	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// Limits are how much may be asked for at once.
type Limits struct {
	// BodyBytes is the most that the body of a request, or a message, may have.
	BodyBytes int
	// Tokens are those of a document, comments among them.
	Tokens int
	// Depth is how deep fields may lie in one another; IntrospectionDepth is that
	// below __schema and __type, where the usual tools nest deeply.
	Depth, IntrospectionDepth int
	// Aliases are those written in a document.
	Aliases int
	// RootFields are the entries that an operation's data may have.
	RootFields int
	// Directives are those written in a document.
	Directives int
	// Repeats is how many fields may be merged into one entry of the answer.
	Repeats int
	// Fields are those of an operation after its fragments are put in.
	Fields int
	// Conditions are those in the filters of an operation.
	Conditions int
	// Hops is how many edges one filter may follow in a row.
	Hops int
	// Items are those of one list among the arguments.
	Items int
	// Cost is how many objects an answer may hold; ReportingCost is that for the
	// reporting role.
	Cost, ReportingCost int
	// AnswerBytes is the most that an answer may have.
	AnswerBytes int
	// SocketOperations may run over one socket at a time.
	SocketOperations int
	// Time is how long a query or a mutation may run.
	Time time.Duration
	// Rate is the cost that a viewer may ask for in a second, in the long run; 0 for
	// any.
	Rate int
}

// Default are the limits unless they are set otherwise.
func Default() Limits {
	return Limits{
		BodyBytes: 1 << 20, Tokens: 2_000, Depth: 12, IntrospectionDepth: 20, Aliases: 30, RootFields: 20,
		Directives: 50, Repeats: 100, Fields: 10_000, Conditions: 200, Hops: 4, Items: 1_000,
		Cost: 50_000, ReportingCost: 500_000, AnswerBytes: 20_000_000, SocketOperations: 20,
		Time: 10 * time.Second, Rate: 1_000_000,
	}
}

// CostOf is the limit of cost for a viewer.
func (l Limits) CostOf(who viewer.Viewer) int {
	if who.Role == viewer.Reporting {
		return max(l.Cost, l.ReportingCost)
	}
	return l.Cost
}

// named is the problem with the name of the limit among its details.
func named(name string, p *problem.Problem) *problem.Problem { return p.With("name", name) }
