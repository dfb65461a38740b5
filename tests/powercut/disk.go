package powercut

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// sector is the unit in which a disk writes: never half of it.
const sector = 512

// Loss is what happens to the writes that were not synced.
type Loss int

// The ways to lose writes.
const (
	// LoseAll keeps exactly what was synced.
	LoseAll Loss = iota
	// LoseNone keeps everything, as when only the program dies.
	LoseNone
	// LoseSome keeps each write or not, by chance.
	LoseSome
	// LoseSectors keeps each sector of each write or not, by chance.
	LoseSectors
)

// Losses are all of them.
func Losses() []Loss { return []Loss{LoseAll, LoseNone, LoseSome, LoseSectors} }

// String names the loss.
func (l Loss) String() string {
	return [...]string{"all lost", "none lost", "some writes lost", "some sectors lost"}[l]
}

// Image is what a power cut left: the content of each file by its name.
type Image map[string][]byte

// Disk is one folder of files. The zero value is not usable; see New.
type Disk struct {
	mu    sync.Mutex
	live  map[string]*file // as programs see it
	kept  map[string]*file // as it would be after a cut
	moves []move           // what leads from kept to live
	last  uint64           // number of the latest file
	syncs int

	syncTime time.Duration
	failSync func(name string) bool
	left     int    // changes until moment is called; 0 for never
	moment   func() // see At
}

// New makes an empty disk whose every sync takes syncTime: that gives the writers
// time to write on while one waits.
func New(syncTime time.Duration) *Disk {
	return &Disk{live: map[string]*file{}, kept: map[string]*file{}, syncTime: syncTime}
}

// file is a file, whatever its names are.
type file struct {
	number  uint64
	mode    uint32
	live    []byte
	kept    []byte
	changes []change // what leads from kept to live
	folded  uint64   // how many changes have become part of kept
}

// change is a write, or a new length where data is nil.
type change struct {
	at   int64
	data []byte
}

// move is one change of names: whole or not at all. A nil file is a removed name.
type move map[string]*file

func (c change) apply(content []byte) []byte {
	if c.data == nil {
		return resized(content, int(c.at))
	}
	end := int(c.at) + len(c.data)
	if end > len(content) {
		content = resized(content, end)
	}
	copy(content[c.at:], c.data)
	return content
}

func resized(content []byte, length int) []byte {
	if length <= len(content) {
		return content[:length]
	}
	grown := slices.Grow(content, length-len(content))[:length]
	clear(grown[len(content):]) // may hold what was cut off before
	return grown
}

// sectors are the parts of a write that reach the disk each by itself.
func (c change) sectors() []change {
	if c.data == nil {
		return []change{c}
	}
	var parts []change
	for at, data := c.at, c.data; len(data) > 0; {
		n := min(len(data), sector-int(at%sector))
		parts = append(parts, change{at, data[:n]})
		at, data = at+int64(n), data[n:]
	}
	return parts
}

// image is what the file could hold after a cut.
func (f *file) image(loss Loss, random *rand.Rand) []byte {
	if loss == LoseNone {
		return append([]byte{}, f.live...)
	}
	content := append([]byte{}, f.kept...)
	if loss == LoseAll {
		return content
	}
	odds := [...]float64{0.1, 0.5, 0.9}[random.IntN(3)]
	for _, c := range f.changes {
		parts := []change{c}
		if loss == LoseSectors {
			parts = c.sectors()
		}
		for _, part := range parts {
			if random.Float64() < odds {
				content = part.apply(content)
			}
		}
	}
	return content
}

// At calls moment in the midst of the n-th change or sync from now, before it
// happens; the writer waits meanwhile. It replaces the moment asked for before.
func (d *Disk) At(n int, moment func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.moment = n, moment
}

// FailSyncs has every sync of the files that fail names return EIO, with nothing
// kept. A nil function ends that.
func (d *Disk) FailSyncs(fail func(name string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failSync = fail
}

// Syncs is how many syncs of files have succeeded.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

// Cut makes an image of what a power cut now could leave. The disk goes on.
func (d *Disk) Cut(loss Loss, random *rand.Rand) Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := maps.Clone(d.kept)
	made := 0
	switch loss {
	case LoseAll:
	case LoseNone:
		made = len(d.moves)
	case LoseSome, LoseSectors:
		made = random.IntN(len(d.moves) + 1)
	}
	for _, m := range d.moves[:made] {
		m.apply(names)
	}
	image := make(Image, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) { // one order for one seed
		image[name] = names[name].image(loss, random)
	}
	return image
}

func (m move) apply(names map[string]*file) {
	for name, f := range m {
		if f == nil {
			delete(names, name)
		} else {
			names[name] = f
		}
	}
}

// tick counts down to the moment and calls it. It is called without mu.
func (d *Disk) tick() {
	d.mu.Lock()
	var now func()
	if d.left > 0 {
		if d.left--; d.left == 0 {
			now, d.moment = d.moment, nil
		}
	}
	d.mu.Unlock()
	if now != nil {
		now()
	}
}

func (d *Disk) rename(m move) {
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	m.apply(d.live)
	d.moves = append(d.moves, m)
}

// create makes a file, or returns the one that has the name.
func (d *Disk) create(name string, mode uint32) (f *file, made bool) {
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, there := d.live[name]; there {
		return f, false
	}
	d.last++
	f = &file{number: d.last, mode: mode}
	m := move{name: f}
	m.apply(d.live)
	d.moves = append(d.moves, m)
	return f, true
}

func (d *Disk) find(name string) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[name]
}

func (d *Disk) names() map[string]*file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.live)
}

func (d *Disk) change(f *file, c change) {
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	f.live = c.apply(f.live)
	f.changes = append(f.changes, c)
}

func (d *Disk) write(f *file, at int64, data []byte) {
	if len(data) > 0 {
		d.change(f, change{at, slices.Clone(data)})
	}
}

func (d *Disk) truncate(f *file, length int64) { d.change(f, change{at: length}) }

func (d *Disk) read(f *file, at int64, into []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at >= int64(len(f.live)) {
		return nil
	}
	return into[:copy(into, f.live[at:])]
}

func (d *Disk) length(f *file) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(f.live))
}

func (d *Disk) chmod(f *file, mode uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.mode = mode
}

func (d *Disk) permissions(f *file) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f.mode
}

// sync keeps what the file held when the sync began: what is written meanwhile
// has no part in it.
func (d *Disk) sync(f *file) syscall.Errno {
	d.mu.Lock()
	target := f.folded + uint64(len(f.changes))
	fail := d.failSync
	var names []string
	for name, named := range d.live {
		if named == f {
			names = append(names, name)
		}
	}
	d.mu.Unlock()
	d.tick()
	time.Sleep(d.syncTime) // the disk at work
	if fail != nil && slices.ContainsFunc(names, fail) {
		return syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	n := 0
	for ; f.folded < target; f.folded++ {
		f.kept = f.changes[n].apply(f.kept)
		n++
	}
	f.changes = slices.Delete(f.changes, 0, n)
	return 0
}

// syncNames keeps the names as they are.
func (d *Disk) syncNames() {
	d.tick()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept, d.moves = maps.Clone(d.live), nil
}
