//go:build !linux

package app

// dropProgramPages has no way to do so here; these systems see to it themselves.
func dropProgramPages() error { return nil }
