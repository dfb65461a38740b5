package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// provider makes the tracer, and ends it.
type provider struct {
	trace.TracerProvider
	shutdown func(context.Context) error
}

// newProvider returns one that does nothing where no traces are to be sent, also
// beside an error.
func newProvider(ctx context.Context, o Options, env environment) (provider, error) {
	quiet := provider{noop.NewTracerProvider(), func(context.Context) error { return nil }}
	to, err := env.destination()
	if to == nil || err != nil {
		return quiet, err
	}
	// What the environment says comes last and wins.
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return quiet, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	exporter := otlptrace.NewUnstarted(newCollector(*to, o))
	// The library has one place for its errors in the whole process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		o.Log.Warn("traces were lost", "error", err)
	}))
	made := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider{made, made.Shutdown}, nil
}
