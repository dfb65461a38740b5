package nodeid_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"carehome/internal/nodeid"
)

func TestIDsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := nodeid.New(rapid.SampledFrom(nodeid.Kinds()).Draw(t, "kind"), rapid.Uint32Min(1).Draw(t, "number"))
		again, err := nodeid.Parse(id.String())
		if err != nil || again != id {
			t.Fatalf("%v reads back as %v, %v", id, again, err)
		}
	})
}

func TestKindsAreDistinct(t *testing.T) {
	prefixes := map[string]bool{}
	for _, k := range nodeid.Kinds() {
		if prefixes[k.Prefix()] {
			t.Errorf("prefix %q stands twice", k.Prefix())
		}
		prefixes[k.Prefix()] = true
		if got := nodeid.ID(k.Start() + 1).Kind(); got != k {
			t.Errorf("the first row of %v is of kind %v", k, got)
		}
	}
	// The numbers are stored: a change of any would give rows to another kind.
	if got := fmt.Sprint(int32(nodeid.Resident), int32(nodeid.Wellness), int32(nodeid.SubstanceLimit)); got != "3 12 22" {
		t.Errorf("kinds were renumbered: %s", got)
	}
}

func TestParseRefusesWhatIsNoID(t *testing.T) {
	for _, text := range []string{"", "17", "res", "res_", "res_0", "res_017", "res_+1", "res_-1", "res_4294967296", "foo_1", "RES_1", "res_1 ", strings.Repeat("x", 10_000)} {
		id, err := nodeid.Parse(text)
		if err == nil {
			t.Errorf("%.20q was read as %v", text, id)
		} else if len(err.Error()) > 120 {
			t.Errorf("the error for %.20q repeats too much of it", text)
		}
	}
}

func TestUnmarshalTakesItsOwnType(t *testing.T) {
	want := nodeid.New(nodeid.Resident, 17)
	for _, v := range []any{"res_17", want, &want} {
		var id nodeid.ID
		if err := id.UnmarshalGQL(v); err != nil || id != want {
			t.Errorf("%T gives %v, %v", v, id, err)
		}
	}
	if err := new(nodeid.ID).UnmarshalGQL(17); err == nil {
		t.Error("a number was taken as an id")
	}
	var id nodeid.ID
	if err := id.UnmarshalGQL("nonsense"); err != nil || id != nodeid.Nothing || id.Kind().Valid() {
		t.Errorf("nonsense is %d, %v", id, err)
	}
}
