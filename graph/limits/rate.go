package limits

import (
	"math"
	"sync"
	"time"

	"carehome/graph/documents"
	"carehome/internal/problem"
)

// Rates bound what each asker may ask for in the long run. Each has an account, which
// fills up steadily; what an operation may cost is taken from it before it runs, and
// what it did not cost is given back. It is safe for concurrent use.
type Rates struct {
	perSecond, burst float64
	now              func() time.Time

	mu       sync.Mutex
	accounts *documents.Cache[*account]
}

// account is what an asker may still ask for.
type account struct {
	left float64
	at   time.Time
}

// burstSeconds is for how long an asker may save up.
const burstSeconds = 10

// accountBytes is how many bytes of memory all accounts together may take. Who has not
// asked for the longest time is forgotten first.
const accountBytes = 4 << 20

// NewRates gives each asker perSecond, 0 for as much as it likes. An account holds at
// least what the dearest operation may cost.
func NewRates(perSecond, dearest int, now func() time.Time) *Rates {
	return &Rates{
		perSecond: float64(perSecond), burst: float64(max(burstSeconds*perSecond, 2*dearest)), now: now,
		accounts: documents.NewCache[*account](accountBytes),
	}
}

// Take takes a cost from an asker's account, or says after which time it could.
func (r *Rates) Take(who string, cost int) *problem.Problem {
	if r.perSecond == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(who)
	if a.left >= float64(cost) {
		a.left -= float64(cost)
		return nil
	}
	wait := int(math.Ceil((float64(cost) - a.left) / r.perSecond))
	p := problem.Limit("", int(r.perSecond), cost, "too much was asked for in a short time; ask again in %d s", max(wait, 1))
	return named("rate", p.With("retryAfter", max(wait, 1)))
}

// Return gives back what was taken too much.
func (r *Rates) Return(who string, cost int) {
	if r.perSecond == 0 || cost <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(who)
	a.left = min(a.left+float64(cost), r.burst)
}

// Afford takes from an asker's account what as many things of a cost come to as it
// can pay for, of at most most, and returns their number. While it owes nothing that
// is one at least, even on credit. Else it is none, and after which time it owes
// nothing any more; nothing else is taken from it until then.
func (r *Rates) Afford(who string, cost, most int) (n int, wait time.Duration) {
	if r.perSecond == 0 {
		return most, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(who)
	if a.left < 0 {
		return 0, max(time.Duration(-a.left/r.perSecond*float64(time.Second)), time.Millisecond)
	}
	n = int(min(float64(most), max(1, a.left/float64(max(cost, 1)))))
	a.left -= float64(n * cost)
	return n, 0
}

// Settle makes up for the difference between what was taken and what it came to.
func (r *Rates) Settle(who string, taken, actual int) {
	if r.perSecond == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(who)
	a.left = min(a.left+float64(taken-actual), r.burst)
}

// account brings an asker's account up to date.
func (r *Rates) account(who string) *account {
	now := r.now()
	a, known := r.accounts.Get(who)
	if !known {
		a = &account{left: r.burst, at: now}
		r.accounts.Put(who, a, 0)
	}
	if passed := now.Sub(a.at).Seconds(); passed > 0 {
		a.left = min(a.left+passed*r.perSecond, r.burst)
		a.at = now
	}
	return a
}
