package care

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"carehome/ent"
	"carehome/internal/access"
	"carehome/internal/audit"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/viewer"
)

// keepRevision is a hook that stores a clinical fact as it was before a change,
// in the same transaction; who and when are stamped on the revision itself.
func keepRevision[C, E any](get func(C, context.Context, nodeid.ID) (E, error), rows C) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			row, ok := m.(interface {
				ID() (nodeid.ID, bool)
				Client() *ent.Client
			})
			if !ok || !m.Op().Is(ent.OpUpdateOne) {
				return next.Mutate(ctx, m)
			}
			id, _ := row.ID()
			before, err := get(rows, access.Lift(ctx, access.EveryRule), id)
			if err != nil {
				return nil, err
			}
			content, version, err := snapshot(before)
			if err != nil {
				return nil, fmt.Errorf("keeping the version before: %w", err)
			}
			after, err := next.Mutate(ctx, m)
			if err != nil {
				return nil, err
			}
			audit.Mark(ctx, id, meaning(m))
			audit.Because(ctx, viewer.Reason(ctx))
			revision := row.Client().Revision.Create().SetEntityID(id).SetEntityVersion(version).SetContent(content)
			if reason := viewer.Reason(ctx); reason != "" {
				revision.SetReason(reason)
			}
			if err := revision.Exec(access.Lift(ctx, access.EveryRule)); err != nil {
				return nil, fmt.Errorf("keeping the version before: %w", err)
			}
			return after, nil
		})
	}
}

// meaning is what the change of a clinical fact is for the record.
func meaning(m ent.Mutation) audit.Action {
	for _, field := range m.Fields() {
		value, _ := m.Field(field)
		switch text, _ := value.(fmt.Stringer); {
		case text == nil:
		case text.String() == "ENTERED_IN_ERROR":
			return audit.Void
		case text.String() == "CORRECTED":
			return audit.Correct
		}
	}
	return audit.Update
}

// snapshot is a row as a JSON object under the graph's field names, and its version.
func snapshot(row any) (json.RawMessage, int, error) {
	plain, err := json.Marshal(row)
	if err != nil {
		return nil, 0, err
	}
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(plain, &columns); err != nil {
		return nil, 0, err
	}
	var version int
	if err := json.Unmarshal(columns["version"], &version); err != nil {
		return nil, 0, err
	}
	delete(columns, "edges")
	fields := make(map[string]json.RawMessage, len(columns))
	for column, value := range columns {
		fields[FieldName(column)] = value
	}
	content, err := json.Marshal(fields)
	return content, version, err
}

// FieldName is the graph's name of a column: birth_date is birthDate, and the
// id of an edge is medicationID.
func FieldName(column string) string {
	parts := strings.Split(column, "_")
	for i, part := range parts[1:] {
		if part == "id" {
			parts[i+1] = "ID"
		} else if part != "" {
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// reasonLimit is how long the reason of a change may be, in characters.
const reasonLimit = 500

// withReason carries why a row is changed, having checked its length.
func withReason(ctx context.Context, reason *string) (context.Context, error) {
	if reason == nil {
		return ctx, nil
	}
	if n := len([]rune(*reason)); n > reasonLimit {
		return ctx, problem.Invalidf("input.reason", "must have at most %d characters, has %d", reasonLimit, n)
	}
	audit.Because(ctx, *reason)
	return viewer.WithReason(ctx, *reason), nil
}
