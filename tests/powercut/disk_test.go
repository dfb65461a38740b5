package powercut

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// content is what an image says of one file; nil if it is not there.
func content(d *Disk, loss Loss, name string) []byte { return d.Cut(loss, source())[name] }

func TestOnlyWhatWasSyncedIsKept(t *testing.T) {
	d := New(0)
	f, _ := d.create("a", 0o600)
	d.write(f, 0, []byte("one"))
	if d.Cut(LoseAll, source())["a"] != nil {
		t.Error("a name was kept without a sync of the folder")
	}
	d.syncNames()
	if got := content(d, LoseAll, "a"); got == nil || len(got) != 0 {
		t.Errorf("the content was kept without a sync: %q", got)
	}
	if errno := d.sync(f); errno != 0 {
		t.Fatal(errno)
	}
	d.write(f, 1, []byte("XX"))
	d.write(f, 4, []byte("Y"))
	for loss, want := range map[Loss]string{LoseAll: "one", LoseNone: "oXX\x00Y"} {
		if got := content(d, loss, "a"); string(got) != want {
			t.Errorf("%v: %q, want %q", loss, got, want)
		}
	}
	d.truncate(f, 2)
	d.truncate(f, 4)
	if got := content(d, LoseNone, "a"); string(got) != "oX\x00\x00" {
		t.Errorf("after a cut and a stretch: %q", got)
	}
	if got := content(d, LoseAll, "a"); string(got) != "one" {
		t.Errorf("the kept content changed: %q", got)
	}
}

func TestNamesAreKeptByTheFolder(t *testing.T) {
	d := New(0)
	f, _ := d.create("a", 0o600)
	d.syncNames()
	d.rename(move{"a": nil, "b": f})
	g, _ := d.create("c", 0o600)
	if errno := d.sync(g); errno != 0 {
		t.Fatal(errno)
	}
	if image := d.Cut(LoseAll, source()); image["a"] == nil || image["b"] != nil || image["c"] != nil {
		t.Errorf("all lost: %v", image)
	}
	if image := d.Cut(LoseNone, source()); image["a"] != nil || image["b"] == nil || image["c"] == nil {
		t.Errorf("none lost: %v", image)
	}
	random := source()
	seen := map[string]bool{}
	for range 100 {
		image := d.Cut(LoseSome, random)
		state := ""
		for _, name := range []string{"a", "b", "c"} {
			if image[name] != nil {
				state += name
			}
		}
		seen[state] = true
	}
	if len(seen) != 3 || !seen["a"] || !seen["b"] || !seen["bc"] {
		t.Errorf("a cut leaves %v, want a, b or bc", seen)
	}
}

// What is written while a sync runs has no part in it.
func TestASyncCoversWhatWasThereAtItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(time.Second)
		f, _ := d.create("a", 0o600)
		d.syncNames()
		d.write(f, 0, []byte("before"))
		done := make(chan syscall.Errno)
		go func() { done <- d.sync(f) }()
		time.Sleep(time.Second / 2)
		d.write(f, 0, []byte("during"))
		if got := content(d, LoseAll, "a"); len(got) != 0 {
			t.Errorf("kept before the sync ended: %q", got)
		}
		if errno := <-done; errno != 0 {
			t.Fatal(errno)
		}
		if got := content(d, LoseAll, "a"); string(got) != "before" {
			t.Errorf("kept %q", got)
		}
		if got := content(d, LoseNone, "a"); string(got) != "during" {
			t.Errorf("live %q", got)
		}
	})
}

func TestSectorsAreWholeAndLostOneByOne(t *testing.T) {
	d := New(0)
	f, _ := d.create("a", 0o600)
	d.syncNames()
	const sectors = 40
	d.write(f, 0, bytes.Repeat([]byte{'-'}, sectors*sector))
	if errno := d.sync(f); errno != 0 {
		t.Fatal(errno)
	}
	d.write(f, sector/2, bytes.Repeat([]byte{'+'}, (sectors-1)*sector))
	random := source()
	torn := false
	for range 50 {
		got := d.Cut(LoseSectors, random)["a"]
		// The parts of the write within one sector stay together.
		var kept []byte
		for i := range sectors {
			part := slices.Compact(slices.Clone(got[i*sector : (i+1)*sector]))
			switch text := string(part); {
			case text == "-", text == "+":
				kept = append(kept, text[0])
			case i == 0 && text == "-+", i == sectors-1 && text == "+-":
			default:
				t.Fatalf("sector %d is %q", i, text)
			}
		}
		torn = torn || bytes.Contains(kept, []byte("+-+"))
	}
	if !torn {
		t.Error("no write was torn")
	}
}

func TestAFailedSyncKeepsNothing(t *testing.T) {
	d := New(0)
	f, _ := d.create("a", 0o600)
	d.syncNames()
	d.write(f, 0, []byte("x"))
	d.FailSyncs(func(name string) bool { return name == "a" })
	if errno := d.sync(f); errno != syscall.EIO {
		t.Errorf("the sync returned %v", errno)
	}
	if got := content(d, LoseAll, "a"); len(got) != 0 {
		t.Errorf("kept %q", got)
	}
	d.FailSyncs(nil)
	if errno := d.sync(f); errno != 0 || string(content(d, LoseAll, "a")) != "x" {
		t.Errorf("the sync after it: %v", errno)
	}
}

func TestTheMomentComesBeforeTheChange(t *testing.T) {
	d := New(0)
	f, _ := d.create("a", 0o600)
	d.syncNames()
	var image Image
	d.At(3, func() { image = d.Cut(LoseNone, source()) })
	for _, letter := range []string{"1", "2", "3", "4"} {
		d.write(f, d.length(f), []byte(letter))
	}
	if string(image["a"]) != "12" {
		t.Errorf("the moment saw %q", image["a"])
	}
}
