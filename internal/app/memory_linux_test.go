package app

import (
	"slices"
	"strings"
	"testing"
)

func TestUnchanged(t *testing.T) {
	const smaps = `00400000-00500000 r--p 00000000 fe:00 1234                               /carehome
Size:               1024 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
00500000-00900000 r-xp 00100000 fe:00 1234                               /carehome
Anonymous:             0 kB
00900000-00a00000 r--p 00500000 fe:00 1234                               /carehome
Rss:                1024 kB
Anonymous:             4 kB
00a00000-00b00000 rw-p 00600000 fe:00 1234                               /carehome
Anonymous:             0 kB
00b00000-00c00000 r-xp 00000000 fe:00 1235                               /lib/libc.so.6
Anonymous:             0 kB
7ffe0000-7fff0000 r-xp 00000000 00:00 0
Anonymous:             0 kB
`
	got, err := unchanged(strings.NewReader(smaps), "/carehome")
	if err != nil {
		t.Fatal(err)
	}
	if want := []area{{0x400000, 0x500000}, {0x500000, 0x900000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if _, err := unchanged(strings.NewReader("zz-00 r-xp 00000000 fe:00 1234 /carehome\n"), "/carehome"); err == nil {
		t.Error("an address that cannot be read is taken")
	}
}
