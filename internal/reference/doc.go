// Package reference is the API's documentation, made of the schema's own
// descriptions and the example operations: as Markdown for the repository, which
// the generator writes into docs/api, and as pages for a browser, which the server
// renders at /docs when somebody asks.
//
// It knows the language of schemas and nothing of what this one is about, but for
// the few words on the first page.
package reference
