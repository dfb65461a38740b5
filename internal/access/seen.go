package access

import (
	"context"
	"slices"
	"sync"

	"carehome/internal/nodeid"
)

// Seen collects of whom the clinical data were read for an operation.
type Seen struct {
	mu sync.Mutex
	// known are all that were ever seen, residents and facts; the others are those
	// that were not taken yet.
	known            map[nodeid.ID]struct{}
	residents, facts []nodeid.ID
}

type seenKey struct{}

// WithSeen returns a context in which s is told of what is read.
func WithSeen(ctx context.Context, s *Seen) context.Context {
	return context.WithValue(ctx, seenKey{}, s)
}

// SeenOf is who is to be told of what is read in ctx; nil for nobody, as where the
// program reads for its own rules.
func SeenOf(ctx context.Context) *Seen {
	s, _ := ctx.Value(seenKey{}).(*Seen)
	if s == nil {
		return nil
	}
	if rules, _ := ctx.Value(liftedKey{}).(Rule); rules == EveryRule {
		return nil
	}
	return s
}

// Resident notes that something clinical of a resident was read.
func (s *Seen) Resident(id nodeid.ID) { s.add(&s.residents, id) }

// Fact notes that something was read that is of a fact of care, such as an earlier
// version of it.
func (s *Seen) Fact(id nodeid.ID) { s.add(&s.facts, id) }

func (s *Seen) add(to *[]nodeid.ID, id nodeid.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(*to); id == 0 || n > 0 && (*to)[n-1] == id { // rows of one follow each other
		return
	}
	if _, known := s.known[id]; known {
		return
	}
	if s.known == nil {
		s.known = map[nodeid.ID]struct{}{}
	}
	s.known[id] = struct{}{}
	*to = append(*to, id)
}

// Take returns those who were seen since it was last called, in order: residents,
// and facts of care.
func (s *Seen) Take() (residents, facts []nodeid.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	residents, facts = s.residents, s.facts
	s.residents, s.facts = nil, nil
	slices.Sort(residents)
	return residents, facts
}
