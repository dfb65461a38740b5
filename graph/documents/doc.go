// Package documents keeps the documents that clients ask by: those that were parsed
// and found valid, the texts that clients have left under their hashes (automatic
// persisted queries), and the list of those that may be asked at all (trusted
// documents). It bounds what it keeps, and knows nothing of what a document means.
package documents
