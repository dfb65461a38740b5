// Package store keeps the home's records: it opens the database file, lets many
// read and one write, and says that a write is done only when a power cut can no
// longer take it away.
//
// Every change goes through Store.Write: a part of its own in a transaction on the
// one writer connection, queued in Go, committed together with the others that
// queue, and then made durable with one sync (group durability). Reads go through Store.Client on
// connections that cannot write, within Store.Snapshot where several must agree.
// The package also migrates the schema, keeps the write-ahead log short, keeps a
// digest of each row, and copies, verifies and restores the file.
//
// It must not know residents or medicines, GraphQL or HTTP: it hands out ent
// clients and carries its own errors, which others put into words. No other
// package opens the database file.
package store
