//go:build !linux

package store

import "os"

// checkFileSystem knows the file systems of Linux alone; elsewhere the operations
// guide says what to keep away from.
func checkFileSystem(string) error { return nil }

// syncFile makes the content of the file durable, on macOS through the drive's
// own cache.
func syncFile(f *os.File) error { return f.Sync() }

// writableDir assumes so: the first lock or write tells.
func writableDir(string) bool { return true }
