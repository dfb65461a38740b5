package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropProgramPages lets go of the pages of the program's own file, which the
// kernel reads again when they are needed, mostly out of its cache.
func dropProgramPages() (err error) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, maps.Close()) }()
	areas, err := unchanged(maps, program)
	if err != nil {
		return err
	}
	for _, a := range areas {
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, a.from, a.to-a.from, unix.MADV_DONTNEED); failed != 0 {
			return failed
		}
	}
	return nil
}

// area is a part of the address space.
type area struct{ from, to uintptr }

// unchanged finds the areas that hold a file just as it is: they cannot be
// written, and never were. The second is a condition of its own: the loader writes
// addresses into areas that it makes read-only afterwards, and a debugger writes
// into code. What was written is anonymous memory, and dropped it would be lost.
func unchanged(smaps io.Reader, file string) (areas []area, err error) {
	var last *area
	for lines := bufio.NewScanner(smaps); ; {
		if !lines.Scan() {
			return areas, lines.Err()
		}
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0:
		case !strings.HasSuffix(fields[0], ":"):
			// Such as: 00400000-01a2b000 r-xp 00000000 fe:00 1234   /carehome
			last = nil
			if len(fields) != 6 || fields[5] != file || fields[1] != "r-xp" && fields[1] != "r--p" {
				continue
			}
			last = &area{}
			if _, err := fmt.Sscanf(fields[0], "%x-%x", &last.from, &last.to); err != nil {
				return nil, fmt.Errorf("reading %q: %w", fields[0], err)
			}
		case last != nil && fields[0] == "Anonymous:" && len(fields) == 3 && fields[1] == "0":
			areas = append(areas, *last)
		}
	}
}
