package graph

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"carehome/graph/documents"
	"carehome/graph/limits"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// engine is what all transports run operations by: it admits a request, which is
// where everything is checked that can be before it runs, and then runs it.
type engine struct {
	schema  *ast.Schema
	exec    *executor.Executor
	present graphql.ErrorPresenterFunc
	watch   Watch

	limits limits.Limits
	counts *limits.Schema
	rates  *limits.Rates
	turns  *limits.Turns
	// introspection lets viewers ask for the schema; quiet are the rules whose errors
	// suggest nothing of it, for those who may not.
	introspection bool
	quiet         *rules.Rules
	// admitted are the documents that were before, by text; left are the texts that
	// clients have left, by hash.
	admitted *documents.Cache[*document]
	left     *documents.Cache[string]
	// trusted are the only documents that are answered; nil for all.
	trusted *documents.Manifest
}

// document is one that was found to be valid.
type document struct {
	parsed *ast.QueryDocument
	plans  *limits.Plans
}

// How many bytes of memory may be taken by the documents that are kept parsed, of
// which each takes about documentWeight bytes for each of its own, and by the texts
// that clients have left under their hashes.
const (
	documentCache  = 64 << 20
	documentWeight = 40
	textCache      = 8 << 20
)

// Errors of one answer; more would only be a way to make a small request answer
// with a large one.
const (
	maxErrors      = 100
	maxValidations = 10
)

func newEngine(schema graphql.ExecutableSchema, present graphql.ErrorPresenterFunc, d Deps) *engine {
	exec := executor.New(schema)
	exec.SetErrorPresenter(present)
	exec.SetRecoverFunc(recovered)
	now := d.Now
	if now == nil {
		now = time.Now
	}
	return &engine{
		schema: schema.Schema(), exec: exec, present: present, watch: d.Watch,
		limits: d.Limits, counts: limits.NewSchema(schema.Schema()),
		rates:         limits.NewRates(d.Limits.Rate, max(d.Limits.Cost, d.Limits.ReportingCost), now),
		turns:         limits.NewTurns(),
		introspection: !d.NoIntrospection, quiet: quietRules(), trusted: d.Trusted,
		admitted: documents.NewCache[*document](documentCache),
		left:     documents.NewCache[string](textCache),
	}
}

// quietRules are the rules of validation without their suggestions, which tell names of
// the schema to whoever tries.
func quietRules() *rules.Rules {
	quiet := rules.NewDefaultRules()
	quiet.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	quiet.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	quiet.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	quiet.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	quiet.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return quiet
}

// CreateOperationContext admits a request: it is read, checked, and ready to run, or
// refused with errors for DispatchError. The operation is never nil.
func (e *engine) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	who, known := viewer.From(ctx)
	a := &admission{engine: e, asker: asker(ctx), limit: e.limits.CostOf(who), pageLimit: who.PageLimit(), open: known && e.introspection}
	a.meter = limits.NewMeter(e.counts, a.limit, e.limits.AnswerBytes)
	op := &graphql.OperationContext{
		OperationName:          params.OperationName,
		Extensions:             params.Extensions,
		Headers:                params.Headers,
		RecoverFunc:            recovered,
		ResolverMiddleware:     a.resolve,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
		Stats:                  graphql.Stats{Read: params.ReadTime, OperationStart: time.Now()},
	}
	op.Stats.SetExtension(admissionKey, a)
	return op, a.admit(params, op)
}

// admissionKey is where an operation carries its admission.
const admissionKey = "admission"

// admission is one request on its way.
type admission struct {
	*engine
	// asker is whose account pays.
	asker string
	// limit is that of its cost, pageLimit that of the rows of a page.
	limit, pageLimit int
	// open tells that the asker may see the schema.
	open bool
	// dry tells that only the cost was asked for.
	dry  bool
	cost int
	// taken is what the account has paid for the operation.
	taken int
	meter *limits.Meter
}

// resolve resolves one field, unless the operation was given up before.
func (a *admission) resolve(ctx context.Context, next graphql.Resolver) (any, error) {
	if p := a.meter.Exceeded(); p != nil {
		return nil, p
	}
	if err := ctx.Err(); err != nil {
		if !inPayload(ctx) {
			return nil, err
		}
		ctx = context.WithoutCancel(ctx) // what was changed is shown
	}
	value, err := split(ctx, next)
	if field := graphql.GetFieldContext(ctx).Field; err == nil && field.Field != nil {
		a.meter.Count(field.Alias, field.Definition, value)
	}
	return value, err
}

// What a request costs for being read: each, and each that is not known, by its bytes.
const (
	readCost    = 1
	newCost     = 10
	bytesPerOne = 50
)

func (a *admission) admit(params *graphql.RawParams, op *graphql.OperationContext) gqlerror.List {
	if wait := a.rates.Take(a.asker, readCost); wait != nil {
		return refusal(wait)
	}
	var refused gqlerror.List
	if a.dry, refused = dryRun(params.Extensions); refused != nil {
		return refused
	}
	hash, refused := a.text(params, op)
	if refused != nil {
		return refused
	}
	plans, refused := a.document(op)
	if refused != nil {
		return refused
	}
	if hash != "" && a.trusted == nil {
		a.left.Put(hash, op.RawQuery, len(op.RawQuery))
	}
	op.Operation = op.Doc.Operations.ForName(op.OperationName)
	if op.Operation == nil {
		if op.OperationName == "" {
			return refusal(problem.Invalidf("operationName", "must be given, since the query has several operations"))
		}
		return refusal(problem.Invalidf("operationName", "the query has no operation of this name"))
	}
	if refused := a.variables(op, params.Variables); refused != nil {
		return refused
	}
	return a.pay(op, plans)
}

// pay checks what the operation may cost and takes it from the asker's account.
func (a *admission) pay(op *graphql.OperationContext, plans *limits.Plans) gqlerror.List {
	a.cost = plans.Of(op.Operation).Cost(op.Variables, a.pageLimit+1)
	if p := limits.CheckCost(a.limit, a.cost); p != nil && !a.dry {
		return refusal(p)
	}
	if a.dry {
		return nil
	}
	if wait := a.rates.Take(a.asker, a.cost); wait != nil {
		return refusal(wait)
	}
	a.taken = a.cost
	return nil
}

// dryRun reads the extension that asks for the cost alone.
func dryRun(extensions map[string]any) (bool, gqlerror.List) {
	value, given := extensions["dryRun"]
	dry, isBool := value.(bool)
	if given && value != nil && !isBool {
		return false, refusal(problem.Invalidf("extensions.dryRun", "must be true or false"))
	}
	return dry, nil
}

// text finds the text of a request, which may be one of the trusted documents, or was
// left here before, or is to be left under the hash that is returned.
func (a *admission) text(params *graphql.RawParams, op *graphql.OperationContext) (hash string, refused gqlerror.List) {
	op.RawQuery = params.Query
	id, refused := persisted(params.Extensions)
	if refused != nil {
		return "", refused
	}
	if a.trusted != nil {
		known := a.trusted.Has(params.Query)
		if params.Query == "" {
			op.RawQuery, known = a.trusted.Text(id)
		}
		if !known {
			return "", refusal(problem.Forbiddenf("only documents that are known here are answered, and this is none of them"))
		}
		return "", nil
	}
	if id == "" {
		return "", nil
	}
	if params.Query == "" {
		text, known := a.left.Get(id)
		if !known {
			// Clients look for this very message, and then send the text.
			return "", refusal(problem.NotFoundf("", "PersistedQueryNotFound"))
		}
		op.RawQuery = text
		return "", nil
	}
	if documents.Hash(params.Query) != id {
		return "", refusal(problem.Invalidf("extensions.persistedQuery.sha256Hash", "must be the SHA-256 of the query"))
	}
	return id, nil
}

// persisted reads the hash, or the id, that a request names its document by.
func persisted(extensions map[string]any) (id string, refused gqlerror.List) {
	value, given := extensions["persistedQuery"]
	if !given || value == nil {
		return "", nil
	}
	said, isObject := value.(map[string]any)
	id, isText := said["sha256Hash"].(string)
	if !isObject || !isText || id == "" {
		return "", refusal(problem.Invalidf("extensions.persistedQuery", "must have a version and a sha256Hash"))
	}
	if version, ok := said["version"].(interface{ String() string }); !ok || version.String() != "1" {
		return "", refusal(problem.Invalidf("extensions.persistedQuery.version", "must be 1"))
	}
	return id, nil
}

// document parses, counts and validates the text of a request, unless it was before.
func (a *admission) document(op *graphql.OperationContext) (*limits.Plans, gqlerror.List) {
	known, found := a.admitted.Get(op.RawQuery)
	if !found {
		if wait := a.rates.Take(a.asker, newCost+len(op.RawQuery)/bytesPerOne); wait != nil {
			return nil, refusal(wait)
		}
		rules := a.quiet
		if a.open {
			rules = nil
		}
		var refused gqlerror.List
		if known, refused = readDocument(a.schema, a.counts, a.limits, op.RawQuery, rules); refused != nil {
			return nil, refused
		}
		a.admitted.Put(op.RawQuery, known, documentWeight*len(op.RawQuery)+known.plans.Weight())
	}
	if known.plans.Introspects && !a.open {
		return nil, refusal(problem.Forbiddenf("the schema is not shown here"))
	}
	op.Doc = known.parsed
	return known.plans, nil
}

// readDocument makes a document of a text. Its limits come before all that costs more
// than they do.
func readDocument(schema *ast.Schema, counts *limits.Schema, l limits.Limits, text string, by *rules.Rules) (*document, gqlerror.List) {
	if err := limits.CheckText(text, l); err != nil {
		return nil, libraryRefusal(err, "")
	}
	parsed, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, libraryRefusal(err, errcode.ParseFailed)
	}
	if len(parsed.Operations) == 0 {
		return nil, refusal(problem.Invalidf("query", "has no operation"))
	}
	plans, err := counts.Plan(parsed, l)
	if err != nil {
		return nil, libraryRefusal(err, "")
	}
	if list := validator.ValidateWithRules(schema, parsed, by); len(list) > 0 {
		for _, err := range list {
			errcode.Set(err, errcode.ValidationFailed)
		}
		return nil, list[:min(len(list), maxValidations)]
	}
	return &document{parsed, plans}, nil
}

// variables reads the variables and every scalar of every argument, so that all
// values that cannot be read are told at once.
func (a *admission) variables(op *graphql.OperationContext, given map[string]any) gqlerror.List {
	var err error
	if op.Variables, err = validator.VariableValues(a.schema, op.Operation, given); err != nil {
		return libraryRefusal(err, errcode.ValidationFailed)
	}
	var refused gqlerror.List
	for _, wrong := range wrongValues(a.schema, op, a.limits) {
		refused = append(refused, refusal(wrong)...)
	}
	return refused
}

// DispatchOperation runs an admitted operation.
func (e *engine) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	a := admitted(graphql.WithOperationContext(ctx, op))
	switch {
	case a.dry:
		return graphql.OneShot(&graphql.Response{Data: []byte("null"), Extensions: a.told(false)}), graphql.WithOperationContext(ctx, op)
	case op.Operation.Operation == ast.Subscription:
		return a.follow(ctx, op)
	}
	ctx, done := context.WithTimeout(ctx, e.limits.Time)
	answers, ctx := e.exec.DispatchOperation(ctx, op)
	answered := false
	return func(ctx context.Context) *graphql.Response {
		if answered {
			return nil
		}
		answered = true
		defer done()
		answer := answers(ctx)
		e.rates.Return(a.asker, a.taken-a.meter.Cost())
		return a.finish(ctx, op, answer)
	}, ctx
}

// follow runs a subscription. Each event is counted for itself, and what it did not
// cost is given back (see afford).
func (a *admission) follow(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	events, ctx := a.exec.DispatchOperation(ctx, op)
	return func(ctx context.Context) *graphql.Response {
		a.meter.Reset()
		event := events(ctx)
		if event == nil || event.Data == nil {
			return event
		}
		const itself = 1 // the event, which no resolver makes
		a.rates.Settle(a.asker, a.cost, a.meter.Cost()+itself)
		if gone := a.meter.Exceeded(); gone != nil {
			// The stream goes on: it may be the only one that is too large.
			return &graphql.Response{Data: []byte("null"), Errors: gqlerror.List{a.present(ctx, gone)}}
		}
		return event
	}, ctx
}

// admitted is the admission of the operation that ctx runs.
func admitted(ctx context.Context) *admission {
	a, ok := graphql.GetOperationContext(ctx).Stats.GetExtension(admissionKey).(*admission)
	if !ok {
		panic("an operation that was not admitted")
	}
	return a
}

// afford takes what the next events may cost from the asker's account, and returns
// how many these are: as many as it can pay for, of at most most, and one at least.
// What happens to the residents is not kept from who has too little left; but what
// happens next waits until nothing is owed. back gives back what so many of them did
// not cost, since there was nothing to tell.
//
// However much it can pay for: they are read at once, and lie there until the asker
// takes them, so together they may cost no more than a dear query.
func (a *admission) afford(ctx context.Context, most int) (n int, back func(int), err error) {
	most = min(most, max(1, limits.Dear/max(1, a.cost)))
	for {
		n, wait := a.rates.Afford(a.asker, a.cost, most)
		if wait == 0 {
			return n, func(n int) { a.rates.Return(a.asker, n*a.cost) }, nil
		}
		// Something may be given back before.
		timer := time.NewTimer(min(wait, creditLook))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0, nil, ctx.Err()
		}
	}
}

// creditLook is how often a subscription that waits looks at the account.
const creditLook = time.Second / 4

// inTurn lets a query that may cost much wait until few others of its kind run.
func (e *engine) inTurn(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Query {
		return next(ctx)
	}
	a := admitted(ctx)
	done, err := e.turns.Take(ctx, a.asker, a.cost)
	if err != nil {
		return &graphql.Response{Errors: append(graphql.GetErrors(ctx), e.present(ctx, err))}
	}
	defer done()
	return next(ctx)
}

// finish is the answer to an operation that ran, or why there is none.
func (a *admission) finish(ctx context.Context, op *graphql.OperationContext, answer *graphql.Response) *graphql.Response {
	isQuery := op.Operation.Operation == ast.Query
	gone := a.meter.Exceeded()
	if gone == nil && answer != nil {
		gone = limits.CheckAnswer(a.limits.AnswerBytes, len(answer.Data))
	}
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case gone != nil && isQuery:
		answer = &graphql.Response{Errors: gqlerror.List{a.present(ctx, gone)}}
	case gone != nil:
		// What was changed stays changed.
		answer = &graphql.Response{Data: []byte("null"), Errors: gqlerror.List{a.present(ctx, &keptError{gone})}}
	case answer == nil, late && isQuery && len(answer.Errors) > 0:
		err := ctx.Err()
		if err == nil {
			err = context.Canceled
		}
		answer = &graphql.Response{Errors: gqlerror.List{a.present(ctx, err)}}
	}
	answer.Errors = answer.Errors[:min(len(answer.Errors), maxErrors)]
	if answer.Extensions == nil {
		answer.Extensions = map[string]any{}
	}
	for key, value := range a.told(true) {
		answer.Extensions[key] = value
	}
	return answer
}

// told are the extensions of an answer: what the operation may have cost and did.
func (a *admission) told(ran bool) map[string]any {
	cost := map[string]any{"estimated": a.cost, "limit": a.limit}
	if ran {
		cost["actual"] = a.meter.Cost()
	}
	return map[string]any{"cost": cost}
}

// DispatchError is the answer to a request that was refused before it ran, or that
// ends with errors of its own.
func (e *engine) DispatchError(ctx context.Context, list gqlerror.List) *graphql.Response {
	var shown gqlerror.List
	for _, err := range list[:min(len(list), maxErrors)] {
		shown = append(shown, e.present(ctx, err))
	}
	e.watch.refused(ctx, shown)
	return &graphql.Response{Errors: shown}
}

// refusal is an error of a request, for DispatchError.
func refusal(p *problem.Problem) gqlerror.List {
	return gqlerror.List{{Err: p, Message: p.Message}}
}

// libraryRefusal is an error that the parser, the validator or a limit found.
func libraryRefusal(err error, code string) gqlerror.List {
	var known *problem.Problem
	if errors.As(err, &known) {
		return refusal(known)
	}
	var found *gqlerror.Error
	if !errors.As(err, &found) {
		found = gqlerror.Wrap(err)
	}
	errcode.Set(found, code)
	return gqlerror.List{found}
}

// CheckDocuments says which of a manifest's documents would be refused, and why, by
// their ids.
func CheckDocuments(m *documents.Manifest, l limits.Limits) map[string]string {
	schema := Schema()
	counts := limits.NewSchema(schema)
	wrong := map[string]string{}
	for id, text := range m.Texts() {
		if _, refused := readDocument(schema, counts, l, text, nil); refused != nil {
			wrong[id] = refused[0].Message
		}
	}
	return wrong
}

type addressKey struct{}

// fromAddress lets the engine know where a request comes from.
func fromAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, r.RemoteAddr)))
	})
}

// asker names the account that pays for what is asked: the viewer's, or that of the
// address where nobody says who they are. A machine may have as many addresses of IPv6
// as it likes within its network: those share one.
func asker(ctx context.Context) string {
	if who, known := viewer.From(ctx); known {
		return who.ID.String()
	}
	address, _ := ctx.Value(addressKey{}).(string)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "nobody"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "nobody"
	}
	const network = 64
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if prefix, err := ip.Prefix(network); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
