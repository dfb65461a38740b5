package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/ent/resident"
	"carehome/internal/care"
	"carehome/internal/scalar"
)

type zoneKey struct{}

// withZone reads the home's time zone at most once an operation, when the first
// field asks for it.
func withZone(client *ent.Client) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		var once sync.Once
		var zone *time.Location
		var err error
		return next(context.WithValue(ctx, zoneKey{}, func(ctx context.Context) (*time.Location, error) {
			once.Do(func() { zone, err = care.Zone(ctx, client) })
			return zone, err
		}))
	}
}

func zoneOf(ctx context.Context) (*time.Location, error) {
	return ctx.Value(zoneKey{}).(func(context.Context) (*time.Location, error))(ctx)
}

// today is the given day, or the home's today.
func today(ctx context.Context, on *scalar.Date) (scalar.Date, error) {
	if on != nil {
		return *on, nil
	}
	zone, err := zoneOf(ctx)
	if err != nil {
		return scalar.Date{}, err
	}
	return scalar.Today(ctx, zone), nil
}

// age is a resident's age on a day; nil before birth and where the birth date is
// not known to the day.
func age(ctx context.Context, who *ent.Resident, on *scalar.Date) (*int, error) {
	if who.BirthDatePrecision != resident.BirthDatePrecisionDay {
		return nil, nil
	}
	day, err := today(ctx, on)
	years, known := care.Age(who.BirthDate, day)
	if err != nil || !known {
		return nil, err
	}
	return &years, nil
}

// instant is when the home's clocks show a local time.
func instant(ctx context.Context, local scalar.LocalDateTime) (*scalar.Time, error) {
	zone, err := zoneOf(ctx)
	if err != nil {
		return nil, err
	}
	at := scalar.At(local.In(zone))
	return &at, nil
}
