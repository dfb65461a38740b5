package schema

import (
	"encoding/json"
	"testing"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/schema"
)

// entgql reads our annotations as its own: each must say the same as the one it
// stands for.
func TestExposureIsWhatEntgqlReads(t *testing.T) {
	all := exposure{RelayConnection: true, MultiOrder: true, QueryField: &queryField{}, MutationInputs: []inputShape{{IsCreate: true}, {}}}
	for _, pair := range []struct{ ours, theirs schema.Annotation }{
		{orderKey("NAME"), entgql.OrderField("NAME")},
		{graphType("Date"), entgql.Type("Date")},
		{connection, entgql.RelayConnection()},
		{rootField("wellness"), entgql.QueryField("wellness")},
		{leftOut(everywhere), entgql.Skip(entgql.SkipAll)},
		{leftOut(fromCreate | fromUpdate), entgql.Skip(entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput)},
		{leftOut(fromWhere | fromOrder), entgql.Skip(entgql.SkipWhereInput, entgql.SkipOrderField)},
		{orderKey("A").Merge(readOnly).(exposure).Merge(graphType("T")), entgql.OrderField("A").
			Merge(entgql.Skip(entgql.SkipMutationCreateInput | entgql.SkipMutationUpdateInput)).(entgql.Annotation).Merge(entgql.Type("T"))},
		{all, entgql.RelayConnection().Merge(entgql.MultiOrder()).(entgql.Annotation).Merge(entgql.QueryField()).(entgql.Annotation).
			Merge(entgql.Mutations(entgql.MutationCreate(), entgql.MutationUpdate()))},
	} {
		ours, err := json.Marshal(pair.ours)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := json.Marshal(pair.theirs)
		if err != nil {
			t.Fatal(err)
		}
		if string(ours) != string(theirs) || pair.ours.Name() != pair.theirs.Name() {
			t.Errorf("ours is %s %s, theirs %s %s", pair.ours.Name(), ours, pair.theirs.Name(), theirs)
		}
	}
}
