package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/ent"
	"carehome/internal/access"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/viewer"
)

// reads puts on record of whom something clinical was read: one event for each
// operation, or for each answer of a subscription that tells of somebody new.
type reads struct {
	client  *ent.Client
	tell    func(context.Context, audit.Event) error
	present graphql.ErrorPresenterFunc
}

func (r reads) operations(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(access.WithSeen(ctx, &access.Seen{}))
}

func (r reads) responses(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	answer := next(ctx)
	if err := r.recordAll(ctx); err != nil {
		// Nothing is shown that could not be put on record.
		return &graphql.Response{Errors: append(graphql.GetErrors(ctx), r.present(ctx, err))}
	}
	return answer
}

// recordAll puts on record what an operation, or an answer of a subscription, has read.
// A mutation has read nothing but what it answers with, so something was changed then.
func (r reads) recordAll(ctx context.Context) error {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Mutation {
		return r.record(ctx, access.SeenOf(ctx))
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := r.record(ctx, access.SeenOf(ctx)); err != nil {
		return &keptError{err}
	}
	return nil
}

func (r reads) record(ctx context.Context, seen *access.Seen) error {
	residents, facts := seen.Take()
	if len(facts) > 0 {
		more, err := care.ResidentsOf(ctx, r.client, facts)
		if err != nil {
			return err
		}
		residents = append(residents, more...)
		slices.Sort(residents)
		residents = slices.Compact(residents)
	}
	if len(residents) == 0 {
		return nil
	}
	e := audit.By(ctx)
	e.Action, e.Residents = audit.Read, residents
	who, _ := viewer.From(ctx)
	if !who.BreakGlass && graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		// It may have begun while there was nothing to tell.
		now, err := care.AsNow(ctx, r.client)
		if err != nil {
			return err
		}
		who, _ = viewer.From(now)
	}
	if who.BreakGlass {
		e.Reason = "emergency"
	}
	return r.tell(ctx, e)
}

// emergencies let a viewer read more while there is one. It ends by itself, for
// subscriptions too: each answer looks anew.
type emergencies struct {
	client  *ent.Client
	present graphql.ErrorPresenterFunc
}

func (e emergencies) operations(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	ctx, err := care.AsNow(ctx, e.client)
	if err != nil {
		return graphql.OneShot(&graphql.Response{Errors: append(graphql.GetErrors(ctx), e.present(ctx, err))})
	}
	return next(ctx)
}

func (e emergencies) responses(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	ctx, err := care.AsNow(ctx, e.client)
	if err != nil {
		return &graphql.Response{Errors: append(graphql.GetErrors(ctx), e.present(ctx, err))}
	}
	return next(ctx)
}
