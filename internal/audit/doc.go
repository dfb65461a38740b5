// Package audit is the record of who did what: the events, how they are chained,
// how a request says what goes into them, and how they are told to other systems.
//
// Each event carries the hash of the one before, so that none can be changed,
// removed, inserted or moved without breaking the chain. The package knows the
// form of an event and no table: the store writes the events, in the transaction
// of what they tell of, and reads them back.
package audit
