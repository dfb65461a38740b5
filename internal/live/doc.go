// Package live tells those who follow the records what happens, as it happens:
// every change of a wellness check, a prescription, an activity, an exception or
// a participation, once, in the order of the commits, and only when it survives a
// power cut.
//
// The changes are lines of the store's journal, written in the transaction that
// makes them; a Hub keeps the latest in memory for all who listen. Whoever was
// away says the last event it has seen and is told all since, or that this cannot
// be told any more; never less in silence.
//
// It knows neither GraphQL nor HTTP, and nothing of who may see what: it names
// rows, and whoever passes an event on reads the row as the listener.
package live
