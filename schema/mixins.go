package schema

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"

	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
)

// record is what every table has: the identity of its kind, who made and
// changed a row and when, and the version that changes are checked against.
type record struct {
	mixin.Schema
	kind nodeid.Kind
	// unchanging leaves the type without mutations of its own.
	unchanging bool
	// trace names a column that notes how the row is used: to write it alone is
	// no change of the row, and raises no version.
	trace string
}

func (r record) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").GoType(nodeid.ID(0)).Immutable().
			Annotations(orderKey("ID")).
			Annotations(isOpen).Comment(fmt.Sprintf("Opaque identity, such as %q.", nodeid.New(r.kind, 17))),
		instant(field.Time("created_at")).Immutable().
			Annotations(readOnly, orderKey("CREATED_AT")).
			Annotations(isOpen).Comment("When the row was made, by the server's clock."),
		instant(field.Time("updated_at")).
			Annotations(readOnly, orderKey("UPDATED_AT")).
			Annotations(isOpen).Comment("When the row was last changed, by the server's clock."),
		field.Int64("created_by_id").GoType(nodeid.ID(0)).Optional().Nillable().Immutable().Annotations(hidden).
			Annotations(isOpen).Comment("Who made the row; null for the system."),
		field.Int64("updated_by_id").GoType(nodeid.ID(0)).Optional().Nillable().Annotations(hidden).
			Annotations(isOpen).Comment("Who last changed the row; null for the system."),
		field.Int("version").Annotations(leftOut(
			fromCreate | fromUpdate | fromWhere | fromOrder)).
			Annotations(isOpen).Comment("Raised by one with each change; give it as expectedVersion to be told of a change in between."),
	}
}

func (r record) Edges() []ent.Edge {
	unlisted := leftOut(fromCreate | fromUpdate | fromWhere)
	restrict := entsql.OnDelete(entsql.Restrict)
	const created, updated = "Who made the row; null for the system.", "Who last changed the row; null for the system."
	if r.kind == nodeid.StaffUser {
		// A unique edge of a type to itself would be one to one: each person could
		// have made one other. Its far side, which nobody needs, makes it many.
		return []ent.Edge{
			edge.To("made", StaffUser.Type).Annotations(hidden, restrict).
				From("created_by").Unique().Field("created_by_id").Immutable().Annotations(unlisted).Comment(created),
			edge.To("changed", StaffUser.Type).Annotations(hidden, restrict).
				From("updated_by").Unique().Field("updated_by_id").Annotations(unlisted).Comment(updated),
		}
	}
	return []ent.Edge{
		edge.To("created_by", StaffUser.Type).Unique().Field("created_by_id").Immutable().
			Annotations(unlisted, restrict).Comment(created),
		edge.To("updated_by", StaffUser.Type).Unique().Field("updated_by_id").
			Annotations(unlisted, restrict).Comment(updated),
	}
}

func (record) Indexes() []ent.Index {
	return []ent.Index{index.Fields("created_at"), index.Fields("updated_at")}
}

func (r record) Annotations() []schema.Annotation {
	annotations := []schema.Annotation{
		exposure{RelayConnection: true, MultiOrder: true, QueryField: &queryField{}},
		entsql.IncrementStart(int(r.kind.Start())),
		entsql.WithComments(false),
	}
	if !r.unchanging {
		annotations = append(annotations, exposure{MutationInputs: []inputShape{{IsCreate: true}, {}}})
	}
	return annotations
}

// Policy gives nothing to nobody, and to each role what the table says.
func (r record) Policy() ent.Policy { return policy{r.kind} }

// Hooks stamp each change. They run before the rules are checked.
func (r record) Hooks() []ent.Hook { return []ent.Hook{r.stamp} }

func (r record) stamp(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		if m.Op().Is(ent.OpDelete|ent.OpDeleteOne) || r.trace != "" && slices.Equal(m.Fields(), []string{r.trace}) {
			return next.Mutate(ctx, m)
		}
		now := scalar.Now(ctx)
		set := map[string]ent.Value{"updated_at": now}
		if who, ok := viewer.From(ctx); ok && who.ID != 0 {
			set["updated_by_id"] = who.ID
		}
		if m.Op().Is(ent.OpCreate) {
			set["created_at"], set["version"] = now, 1
			if who, ok := set["updated_by_id"]; ok {
				set["created_by_id"] = who
			}
		} else if err := m.AddField("version", 1); err != nil {
			return nil, fmt.Errorf("raising the version: %w", err)
		}
		for column, value := range set {
			if err := m.SetField(column, value); err != nil {
				return nil, fmt.Errorf("stamping %s: %w", column, err)
			}
		}
		if set["updated_by_id"] == nil && !m.Op().Is(ent.OpCreate) {
			if err := m.ClearField("updated_by_id"); err != nil {
				return nil, fmt.Errorf("stamping updated_by_id: %w", err)
			}
		}
		return next.Mutate(ctx, m)
	})
}

// clinical marks the facts of a resident's care: never removed, every change
// kept, voided by ENTERED_IN_ERROR in the named column.
type clinical struct {
	mixin.Schema
	void string
}

func (c clinical) Annotations() []schema.Annotation {
	return []schema.Annotation{Carehome{Revised: true, Void: c.void}}
}

func (clinical) Hooks() []ent.Hook { return []ent.Hook{keep} }

// keep refuses what would remove a clinical row or change many at once, past
// their revisions.
func keep(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		if m.Op().Is(ent.OpDelete | ent.OpDeleteOne | ent.OpUpdate) {
			return nil, fmt.Errorf("%s rows are changed one by one and never removed", m.Type())
		}
		return next.Mutate(ctx, m)
	})
}

// imported is the mark of a row that came from another system.
type imported struct{ mixin.Schema }

func (imported) Fields() []ent.Field {
	return []ent.Field{
		field.String("source_id").Optional().Nillable().Immutable().Unique().Validate(line(200)).
			Annotations(readOnly).
			Annotations(isAdmin).Comment("Identity in the system that the row was imported from, such as \"Observation/17\"; null for what was recorded here."),
	}
}

// searchable is a folded column for searching by words. Its text is made of
// the named columns.
type searchable struct {
	mixin.Schema
	columns []string
	// class is that of the columns.
	class Carehome
}

func (s searchable) Fields() []ent.Field {
	return []ent.Field{
		field.String("search_text").Annotations(hidden, s.class).
			Comment("The searched columns without accents and case."),
	}
}

func (searchable) Annotations() []schema.Annotation {
	return []schema.Annotation{Carehome{SearchText: true}}
}

func (s searchable) Hooks() []ent.Hook {
	return []ent.Hook{derive("search_text", s.columns, func(texts []string) any {
		all := ""
		for _, t := range texts {
			all += " " + t
		}
		return scalar.Fold(all)
	})}
}

// derive is a hook that sets a column from the texts of others, taking from the
// row before the change those that the change leaves alone.
func derive(column string, from []string, value func([]string) any) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if m.Op().Is(ent.OpDelete | ent.OpDeleteOne) {
				return next.Mutate(ctx, m)
			}
			texts := make([]string, len(from))
			touched := m.Op().Is(ent.OpCreate)
			for i, name := range from {
				v, set := m.Field(name)
				touched = touched || set || m.FieldCleared(name)
				if !set && !m.FieldCleared(name) && m.Op().Is(ent.OpUpdateOne) {
					before, err := m.OldField(ctx, name)
					if err != nil {
						return nil, fmt.Errorf("reading %s: %w", name, err)
					}
					v, set = before, true
				}
				if s, ok := as[string](v, set); ok {
					texts[i] = s
				} else {
					texts[i] = choiceOf(v, set)
				}
			}
			if touched {
				if m.Op().Is(ent.OpUpdate) {
					return nil, fmt.Errorf("%s rows are renamed one by one", m.Type())
				}
				if err := m.SetField(column, value(texts)); err != nil {
					return nil, fmt.Errorf("deriving %s: %w", column, err)
				}
			}
			return next.Mutate(ctx, m)
		})
	}
}
