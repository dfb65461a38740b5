package tests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"carehome/tests/powercut"
)

const (
	// cutsEnv is how many times the power is cut; 20 in a plain run.
	cutsEnv = "CAREHOME_TEST_POWERCUT_CUTS"
	// cutsPerServer is how many of them one server lives through.
	cutsPerServer = 100
	// cutsAtStart of these come while it starts.
	cutsAtStart = 5
	// startChanges is about how many changes to the disk a start makes.
	startChanges = 600
	// syncTime is how long the disk takes to sync.
	syncTime = 2 * time.Millisecond
)

// cut is one image of the disk and what clients had been told before it was made.
type cut struct {
	number int
	loss   powercut.Loss
	image  powercut.Image
	known  told
	ledger *ledger
}

// tally sums up many cuts.
type tally struct {
	cuts, bad, told, lost, half int
	changes, syncs              int // of the whole run
	faults                      []error
}

func (t *tally) String() string {
	return fmt.Sprintf("%d cuts during %d changes and %d syncs; of %d changes that clients had been told of by then, %d in %d cuts were lost, %d half applied",
		t.cuts, t.changes, t.syncs, t.told, t.lost, t.bad, t.half)
}

// TestPowerCut cuts the power under the server while clients write through it.
// Nothing that a client was told may be missing afterwards.
func TestPowerCut(t *testing.T) {
	for _, durability := range []string{"group", "full"} {
		t.Run(durability, func(t *testing.T) {
			n := scale(t, cutsEnv, 20)
			if durability == "full" {
				n = (n + 9) / 10 // SQLite's own promise, which others test too
			}
			sum := cutPower(t, durability, n)
			t.Log(sum)
			if sum.bad+sum.half > 0 || len(sum.faults) > 0 {
				t.Errorf("%s: %v", sum, errors.Join(sum.faults...))
			}
			if sum.told < sum.cuts {
				t.Error("hardly anything was written, so nothing was tested")
			}
		})
	}
}

// TestPowerCutIsNoticed shows that the test above can fail: without syncs, the
// same cuts lose what clients were told.
func TestPowerCutIsNoticed(t *testing.T) {
	n := max(scale(t, cutsEnv, 20)/5, 40) // few enough, and too many to miss by chance
	sum := cutPower(t, "relaxed", n)
	t.Log(sum)
	if share := sum.bad * 100 / sum.cuts; share < 30 {
		t.Errorf("relaxed was caught losing in %d%% of %d cuts only", share, sum.cuts)
	}
	if sum.half > 0 || len(sum.faults) > 0 {
		t.Errorf("relaxed may lose whole changes, nothing else: %s: %v", sum, errors.Join(sum.faults...))
	}
}

// cutPower cuts n times, with a new server for each cutsPerServer.
func cutPower(t *testing.T, durability string, n int) *tally {
	t.Helper()
	binary := ownServer(t)
	sum := &tally{}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for first := 0; first < n; first += cutsPerServer {
		number := min(cutsPerServer, n-first)
		t.Run(fmt.Sprintf("from cut %d", first+1), func(t *testing.T) {
			cutOneServer(t, binary, durability, number, sum, rand.New(rand.NewPCG(seed, uint64(first))))
		})
	}
	if sum.cuts != n {
		t.Fatalf("%d of %d cuts were made", sum.cuts, n)
	}
	return sum
}

func cutOneServer(t *testing.T, binary, durability string, number int, sum *tally, random *rand.Rand) {
	disk := powercut.New(syncTime)
	folder := mount(t, disk)
	var now struct {
		sync.Mutex
		ledger *ledger
	}
	now.ledger = newLedger()

	// What was told is asked for before the image is made, so that it may lack
	// what was told in between but never know too much.
	cuts := make(chan cut)
	made := 0
	take := func() {
		now.Lock()
		l := now.ledger
		now.Unlock()
		c := cut{number: made, loss: powercut.Losses()[random.IntN(len(powercut.Losses()))], known: l.moment(), ledger: l}
		made++
		c.image = disk.Cut(c.loss, random)
		cuts <- c
	}
	images := t.TempDir()
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		for c := range cuts {
			sum.check(filepath.Join(images, fmt.Sprint("cut", c.number)), c)
		}
	}()

	begun := make(chan struct{})
	atStart := min(cutsAtStart, number/10)
	var arm func(left int)
	arm = func(left int) {
		if left == 0 {
			close(begun)
			return
		}
		disk.At(1+random.IntN(2*startChanges/cutsAtStart), func() { take(); arm(left - 1) })
	}
	arm(atStart)
	server, err := start(binary, filepath.Join(folder, "home.db"), "--allow-network-filesystem", "--durability", durability)
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t, server.url, 16)
	now.Lock()
	now.ledger = h.ledger
	now.Unlock()

	// Half of the cuts come right after an answer, half in the midst of a write or
	// a sync.
	answers := make(chan struct{})
	h.acked = func() {
		select {
		case answers <- struct{}{}:
		default: // nobody waits for one
		}
	}
	crowd := h.crowd(12, 2)
	await := func(event <-chan struct{}) bool {
		select {
		case <-event:
			return true
		case <-crowd.ended: // something failed
			return false
		}
	}
	// From then on there is something to lose.
	going := await(begun) && await(answers)
	for going && made < number {
		if random.IntN(2) == 0 {
			for range 1 + random.IntN(30) {
				going = going && await(answers)
			}
			take()
			continue
		}
		done := make(chan struct{})
		disk.At(1+random.IntN(120), func() { take(); close(done) })
		going = await(done)
	}
	disk.At(0, nil)
	if err := errors.Join(crowd.stop(), server.stop()); err != nil {
		t.Errorf("%v\n%s", err, server.log)
	}
	close(cuts)
	<-checked
	sum.changes += h.ledger.moment().count()
	sum.syncs += disk.Syncs()
	if _, err := os.Stat(filepath.Join(folder, "home.db-wal")); err == nil {
		t.Error("the server left its log behind")
	}
}

// check opens what a cut left.
func (t *tally) check(folder string, c cut) {
	database, err := save(folder, c.image)
	var found outcome
	if err == nil {
		found, err = reopen(database, c.known, c.ledger)
	}
	t.cuts++
	t.told += c.known.count()
	t.half += len(found.half)
	t.lost += len(found.lost)
	if len(found.lost) > 0 {
		t.bad++
	}
	if len(found.made)+len(found.gaps) > 0 {
		err = errors.Join(err, found.err())
	}
	if err == nil {
		err = os.RemoveAll(folder)
	}
	if err != nil {
		t.faults = append(t.faults, fmt.Errorf("cut %d (%s): %w", c.number, c.loss, err))
	}
}
