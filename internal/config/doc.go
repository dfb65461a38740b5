// Package config is the command line: every setting once, with its flag, its
// environment variable, its default and its explanation in one place.
//
// It reads and judges what was asked for, and finds everything that is wrong in
// one go. It knows nothing of what a setting does: no database, no HTTP server.
package config
