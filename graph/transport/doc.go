// Package transport carries operations over HTTP to the letter of "GraphQL over
// HTTP": methods, media types, status codes, and every way in which a request can
// be malformed. It reads and writes; what a request means, who may send it and what
// it may cost is the executor's, of which it knows only gqlgen's interface.
package transport
