package auth

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// memory keeps what was read, for as long as it is fresh. It holds a bounded
// number of entries, those asked for last.
type memory[K comparable, V any] struct {
	entries *lru.Cache[K, entry[V]]
	clock   func() time.Time
	// age rises whenever something has changed: what was read at a lower one may
	// be of before.
	age atomic.Uint64
}

type entry[V any] struct {
	value V
	read  time.Time
	age   uint64
}

func newMemory[K comparable, V any](size int, clock func() time.Time) *memory[K, V] {
	entries, err := lru.New[K, entry[V]](size)
	if err != nil {
		panic(err) // a size below one, which is a constant of ours
	}
	return &memory[K, V]{entries: entries, clock: clock}
}

// get is the value of a key, read by load where it is not known or not fresh. An
// error is not kept; that a credential is no good drops what was known, but not that
// it could not be read.
func (m *memory[K, V]) get(ctx context.Context, key K, load func(context.Context) (V, error)) (V, error) {
	// Before the read: a change meanwhile makes it old at once.
	age, now := m.age.Load(), m.clock()
	if e, ok := m.entries.Get(key); ok && e.age == age && now.Sub(e.read) < Fresh {
		return e.value, nil
	}
	value, err := load(ctx)
	switch {
	case errors.Is(err, errBad):
		m.entries.Remove(key)
		return value, err
	case err != nil:
		return value, err
	}
	m.entries.Add(key, entry[V]{value, now, age})
	return value, nil
}

// peek is the value of a key as it was last read, however long ago.
func (m *memory[K, V]) peek(key K) (value V, ok bool) {
	e, ok := m.entries.Peek(key)
	return e.value, ok
}

// keep remembers a value that stays true.
func (m *memory[K, V]) keep(key K, value V) {
	m.entries.Add(key, entry[V]{value: value})
}

// drop forgets one key.
func (m *memory[K, V]) drop(key K) { m.entries.Remove(key) }

// forget makes everything be read anew.
func (m *memory[K, V]) forget() { m.age.Add(1) }
