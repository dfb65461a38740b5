//go:build !linux

package powercut

import "errors"

// Mount needs Linux.
func Mount(string, *Disk) (unmount func() error, err error) {
	return nil, errors.New("mounting needs Linux")
}
