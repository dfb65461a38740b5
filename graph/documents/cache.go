package documents

import (
	"container/list"
	"sync"
)

// Cache keeps values by text, up to a weight in bytes; what was asked for longest
// ago goes first. It is safe for concurrent use.
type Cache[V any] struct {
	limit int

	mu      sync.Mutex
	weight  int
	entries map[string]*list.Element
	recent  *list.List // of *entry[V], the latest first
}

type entry[V any] struct {
	key    string
	value  V
	weight int
}

// overhead is what an entry takes besides its key and value, about.
const overhead = 200

// NewCache makes a cache of at most limit bytes.
func NewCache[V any](limit int) *Cache[V] {
	return &Cache[V]{limit: limit, entries: map[string]*list.Element{}, recent: list.New()}
}

// Get is the value that was put under a key.
func (c *Cache[V]) Get(key string) (value V, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.entries[key]
	if !found {
		return value, false
	}
	c.recent.MoveToFront(element)
	return element.Value.(*entry[V]).value, true
}

// Put keeps a value of a weight in bytes, if it is not too heavy for the cache.
func (c *Cache[V]) Put(key string, value V, weight int) {
	weight += len(key) + overhead
	if weight > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, found := c.entries[key]; found {
		c.remove(element)
	}
	c.entries[key] = c.recent.PushFront(&entry[V]{key, value, weight})
	c.weight += weight
	for c.weight > c.limit {
		c.remove(c.recent.Back())
	}
}

func (c *Cache[V]) remove(element *list.Element) {
	gone := c.recent.Remove(element).(*entry[V])
	delete(c.entries, gone.key)
	c.weight -= gone.weight
}
