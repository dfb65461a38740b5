// Package tests is the black box: what carehome promises, tried over HTTP and
// through the built binary.
//
// Without CAREHOME_TEST_URL it builds the binary and starts a server of its own on a
// new file; with it, it tests the server at that address and needs nothing else but,
// where that server asks for keys, one of an administrator: CAREHOME_TEST_KEY, or
// CAREHOME_TEST_KEY_FILE with the name of the file that holds it.
package tests
