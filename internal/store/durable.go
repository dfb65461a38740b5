package store

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// syncSamples is how many of the last syncs the 99th percentile looks at.
const syncSamples = 1024

// durable makes commits survive a power cut, many with one sync.
//
// SQLite commits with synchronous=NORMAL: the frames are in the file's cache, not
// on the disk. Each commit is a ticket; who waits for a ticket either finds a
// sync under way and waits for the next, or leads: it notes the last commit,
// syncs the log, and lets go all whom that covers. While the leader syncs, the
// writer goes on; so the slower the disk, the more commits share a sync.
//
// A ticket is issued before its COMMIT and marked committed after it. A reader
// may see a commit between the two, and must then wait for the issued ticket; a
// sync may only count what is committed.
type durable struct {
	log   *os.File // our own descriptor of the -wal; nil where SQLite syncs or nobody does
	sync  func(*os.File) error
	clock func() time.Time

	issued atomic.Uint64 // last ticket given out; only the writer adds
	shown  atomic.Uint64 // the last of those that answers may tell of
	done   atomic.Uint64 // all tickets up to here are durable

	mu        sync.Mutex
	changed   sync.Cond     // a sync or a commit ended
	committed uint64        // all tickets up to here are in the log
	syncing   chan struct{} // closed when the sync under way has ended; nil without one
	failed    error         // for good

	syncs   uint64
	last    time.Time
	samples []time.Duration // ring
}

func newDurable(log *os.File, sync func(*os.File) error, clock func() time.Time) *durable {
	d := &durable{log: log, sync: sync, clock: clock}
	d.changed.L = &d.mu
	return d
}

// issue gives out the ticket of the commit that is about to happen. Only the
// holder of the writer may call it, and settle after it. A silent commit is one
// that no answer need wait for.
func (d *durable) issue(silent bool) uint64 {
	ticket := d.issued.Add(1)
	if !silent {
		d.shown.Store(ticket)
	}
	return ticket
}

// settle marks the ticket's commit as made, or as failed: then there is nothing
// to sync, but those who wait for it must not wait for ever.
func (d *durable) settle(ticket uint64, committed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.committed = ticket
	if d.log == nil || (!committed && d.done.Load() == ticket-1) {
		d.done.Store(ticket)
	}
	d.changed.Broadcast()
}

// visible is the last ticket that somebody may have seen by now.
func (d *durable) visible() uint64 { return d.shown.Load() }

// wait returns when the ticket is durable, or with ErrSync when it may never be.
// It hears no context: whether the write holds is known only afterwards.
func (d *durable) wait(ticket uint64) error {
	if d.done.Load() >= ticket {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.done.Load() < ticket {
		switch {
		case d.failed != nil:
			return d.failed
		case d.syncing != nil || d.committed <= d.done.Load():
			d.changed.Wait()
		default:
			d.lead()
		}
	}
	return nil
}

// lead syncs once for everybody. It is called, and returns, with mu held.
func (d *durable) lead() {
	target := d.committed
	d.syncing = make(chan struct{})
	d.mu.Unlock()
	start := time.Now()
	err := d.sync(d.log)
	took := time.Since(start)
	d.mu.Lock()
	close(d.syncing)
	d.syncing = nil
	if err != nil {
		d.failed = fmt.Errorf("%w: %w", ErrSync, err)
	} else {
		d.done.Store(target)
		d.sample(took)
	}
	d.changed.Broadcast()
}

// flush syncs whether or not anybody waits: at the start, so that whatever the
// last process left in the log is durable before a reader is shown it.
func (d *durable) flush() error {
	if d.log == nil {
		return nil
	}
	if err := d.sync(d.log); err != nil {
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
	return nil
}

// fail lets everybody go who waits, with err.
func (d *durable) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil {
		d.failed = err
	}
	d.changed.Broadcast()
}

// underWay is closed at the end of the sync that is under way; nil without one.
func (d *durable) underWay() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncing
}

func (d *durable) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

func (d *durable) sample(took time.Duration) {
	if len(d.samples) < syncSamples {
		d.samples = append(d.samples, took)
	} else {
		d.samples[d.syncs%syncSamples] = took
	}
	d.syncs++
	d.last = d.clock()
}

// figures are the number of syncs, the time of the last, and the 99th percentile
// of how long the latest took.
func (d *durable) figures() (syncs uint64, last time.Time, p99 time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.samples) > 0 {
		sorted := slices.Sorted(slices.Values(d.samples))
		p99 = sorted[(len(sorted)*99)/100]
	}
	return d.syncs, d.last, p99
}
