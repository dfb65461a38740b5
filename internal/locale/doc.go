// Package locale says messages to people in their language: English, in which
// the code writes them, or Spanish.
//
// The last text of a message is translated by a catalog of patterns, so that no
// other package knows of it. It is a leaf: it knows no entity and no GraphQL,
// and what it does not find it leaves in English.
package locale
