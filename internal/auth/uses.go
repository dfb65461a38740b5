package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"carehome/ent"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
)

// noteEvery is how exactly a key's last use is kept: a write for each request
// would cost more than the request.
const noteEvery = time.Minute

// uses writes when keys were used, beside the requests.
type uses struct {
	write Write
	clock func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	noted   *lru.Cache[nodeid.ID, time.Time] // the last that is or will be written
	waiting map[nodeid.ID]time.Time
	closed  bool
	kick    chan struct{}
	ended   chan struct{}
}

func newUses(write Write, clock func() time.Time, log *slog.Logger) *uses {
	noted, err := lru.New[nodeid.ID, time.Time](knownKeys)
	if err != nil {
		panic(err) // a size below one, which is a constant of ours
	}
	u := &uses{
		write: write, clock: clock, log: log, noted: noted, waiting: map[nodeid.ID]time.Time{},
		kick: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go u.run()
	return u
}

// note takes down that a key was used now; before is the last use on record.
func (u *uses) note(key nodeid.ID, before time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.clock()
	if noted, ok := u.noted.Get(key); ok && noted.After(before) {
		before = noted
	}
	if u.closed || now.Sub(before) < noteEvery {
		return
	}
	u.noted.Add(key, now)
	u.waiting[key] = now
	select {
	case u.kick <- struct{}{}:
	default: // it will see this one as well
	}
}

// close writes what waits, and ends.
func (u *uses) close() {
	u.mu.Lock()
	already := u.closed
	u.closed = true
	u.mu.Unlock()
	if !already {
		close(u.kick)
	}
	<-u.ended
}

func (u *uses) run() {
	defer close(u.ended)
	for range u.kick {
		u.flush()
	}
	u.flush()
}

func (u *uses) flush() {
	u.mu.Lock()
	waiting := u.waiting
	u.waiting = map[nodeid.ID]time.Time{}
	u.mu.Unlock()
	if len(waiting) == 0 {
		return
	}
	ctx := asSystem(context.Background())
	err := u.write(ctx, func(ctx context.Context, tx *ent.Client) error {
		for key, at := range waiting {
			if err := tx.APIKey.UpdateOneID(key).SetLastUsedAt(scalar.At(at)).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		// The next use in a minute tries again; nobody waits for this one.
		u.log.WarnContext(ctx, "the last use of keys could not be noted", "keys", len(waiting), "error", err)
	}
}
