package app

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// giveUp bounds how long what was sent on the connections of a listener may stay
// without a receipt: some fifteen minutes, if it is up to the kernel.
func giveUp(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(peerReceipt.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
