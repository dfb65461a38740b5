package viewer_test

import (
	"context"
	"testing"

	"carehome/internal/viewer"
)

func TestNobodyIsAskingUnlessNamed(t *testing.T) {
	ctx := context.Background()
	if v, ok := viewer.From(ctx); ok {
		t.Fatalf("an empty context is asked by %v", v)
	}
	nurse := viewer.Viewer{Name: "Ana", Role: viewer.Nurse}
	if v, ok := viewer.From(viewer.With(ctx, nurse)); !ok || v != nurse || v.IsSystem() {
		t.Errorf("got %v, %v", v, ok)
	}
	if !viewer.System().IsSystem() || viewer.System().ID != 0 {
		t.Error("the system must be marked and have no row")
	}
}

func TestPageLimits(t *testing.T) {
	if a, b := (viewer.Viewer{Role: viewer.Nurse}).PageLimit(), (viewer.Viewer{Role: viewer.Reporting}).PageLimit(); a != 200 || b != 1000 {
		t.Errorf("got %d and %d", a, b)
	}
}
