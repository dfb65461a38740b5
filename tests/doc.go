// Package tests is the black box: what carehome promises, tried over HTTP and
// through the built binary.
//
// Without CAREHOME_TEST_URL it builds the binary and starts a server of its own on a
// new file; with it, it tests the server at that address and needs nothing else.
package tests
