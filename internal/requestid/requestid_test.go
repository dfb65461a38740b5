package requestid

import (
	"context"
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	for id, want := range map[string]bool{
		New():                    true,
		"a":                      true,
		"Trace-01.b_C":           true,
		strings.Repeat("x", 64):  true,
		strings.Repeat("x", 65):  false,
		"":                       false,
		"two words":              false,
		"line\nfeed":             false,
		"quote\"":                false,
		"señal":                  false,
		"<script>":               false,
		"a,b":                    false,
		"../../etc/passwd\x00":   false,
		"00-4bf92f3577b34da6-01": true,
	} {
		if Valid(id) != want {
			t.Errorf("Valid(%q) is %v", id, !want)
		}
	}
}

func TestNewDiffers(t *testing.T) {
	if a, b := New(), New(); a == b {
		t.Errorf("two requests have the ID %s", a)
	}
}

func TestContext(t *testing.T) {
	ctx := context.Background()
	NameOperation(ctx, "nobody asks")
	if From(ctx) != "" || Operation(ctx) != "" {
		t.Error("there is a request where none was made")
	}
	ctx = With(ctx, "r1")
	if From(ctx) != "r1" || Operation(ctx) != "" {
		t.Errorf("got %q and %q", From(ctx), Operation(ctx))
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	NameOperation(inner, "Residents"+strings.Repeat("x", 100))
	if got := Operation(ctx); len(got) != 80 || !strings.HasPrefix(got, "Residents") {
		t.Errorf("the operation is %q", got)
	}
}
