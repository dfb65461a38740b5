// Package secret makes and reads the text of API keys: a prefix that may be
// shown, and 256 bits of chance that may not.
//
// It is a leaf: it knows no table, no HTTP and nobody.
package secret
