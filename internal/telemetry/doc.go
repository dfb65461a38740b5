// Package telemetry is what the program tells of itself to those who run it:
// figures for Prometheus, and traces for an OpenTelemetry collector where the
// standard environment variables name one.
//
// Nothing of a document or of a record may pass through it: operations are known
// by their name and kind, errors by their code, requests by their route and
// status. It imports nothing of ours; app hands its methods to the graph and the
// store as function values.
package telemetry
