// Package auth finds out who is asking: it turns an API key or a token of the
// home's identity provider into a viewer, and tells later whether that viewer is
// still the one it was.
//
// It knows ent and nothing of GraphQL; what a viewer may do is decided elsewhere.
// Whatever is wrong with a credential is answered alike, so that nobody learns
// from the answer which keys there are. Secrets are compared by their hashes, in
// constant time, and never logged.
package auth
