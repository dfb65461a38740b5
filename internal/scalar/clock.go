package scalar

import (
	"context"
	"time"
)

type clockKey struct{}

// WithClock makes every rule and stamp below ctx read its time from now.
func WithClock(ctx context.Context, now func() time.Time) context.Context {
	return context.WithValue(ctx, clockKey{}, now)
}

// Now is the instant by the clock of ctx, or the machine's where none was set.
func Now(ctx context.Context) Time {
	if now, ok := ctx.Value(clockKey{}).(func() time.Time); ok {
		return At(now())
	}
	return At(time.Now())
}
