package auth

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// addressTries failures of one address are answered as such; from then on it
	// waits. A whole house may share an address.
	addressTries = 100
	// prefixTries failures with the beginning of one key.
	prefixTries = 10

	firstWait = time.Second
	mostWait  = 5 * time.Minute
	// quiet is after how long without a failure all is forgiven.
	quiet = 15 * time.Minute
	// watched is how many addresses or prefixes are counted at once, those that
	// failed last.
	watched = 10_000
)

// throttle makes who fails again and again wait, twice as long each time. Guessing
// a key is hopeless anyway: this keeps the noise and the work of it small.
type throttle struct {
	free  int
	clock func() time.Time

	mu    sync.Mutex
	tries *lru.Cache[string, tries]
}

// tries are the failures of one address or prefix.
type tries struct {
	failed int
	last   time.Time
	until  time.Time
}

func newThrottle(free int, clock func() time.Time) *throttle {
	cache, err := lru.New[string, tries](watched)
	if err != nil {
		panic(err) // a size below one, which is a constant of ours
	}
	return &throttle{free: free, clock: clock, tries: cache}
}

// wait is how long who still has to wait; 0 if not at all.
func (t *throttle) wait(who string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	if known, ok := t.tries.Peek(who); ok && now.Before(known.until) {
		return known.until.Sub(now)
	}
	return 0
}

// fail counts a failure.
func (t *throttle) fail(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	known, _ := t.tries.Peek(who)
	if now.Sub(known.last) > quiet {
		known = tries{}
	}
	known.failed++
	known.last = now
	if over := known.failed - t.free; over >= 0 {
		wait := mostWait
		if doubled := firstWait << min(over, 16); doubled < mostWait {
			wait = doubled
		}
		known.until = now.Add(wait)
	}
	t.tries.Add(who, known)
}

// clear forgives, for instance after a success.
func (t *throttle) clear(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries.Remove(who)
}
