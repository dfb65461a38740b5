package documents

import (
	"strconv"
	"sync"
	"testing"
)

func TestCache(t *testing.T) {
	c := NewCache[int](3 * (overhead + 11))
	for i, key := range []string{"a", "b", "c"} {
		c.Put(key, i, 10)
	}
	if _, found := c.Get("a"); !found {
		t.Error("a is gone before the cache is full")
	}
	c.Put("d", 3, 10)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, found := c.Get(key); found != want {
			t.Errorf("%s: found %v", key, found)
		}
	}
	c.Put("a", 9, 11)
	if value, _ := c.Get("a"); value != 9 {
		t.Errorf("a is %d", value)
	}
	c.Put("heavy", 1, 3*(overhead+11))
	if _, found := c.Get("heavy"); found {
		t.Error("what is too heavy was kept")
	}
	if c.weight > c.limit || len(c.entries) != c.recent.Len() || c.recent.Len() != 2 {
		t.Errorf("weight %d of %d, %d and %d entries", c.weight, c.limit, len(c.entries), c.recent.Len())
	}
}

func TestCacheTogether(t *testing.T) {
	c := NewCache[int](50 * overhead)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 500 {
				key := strconv.Itoa((i*7 + worker) % 100)
				if value, found := c.Get(key); found && strconv.Itoa(value) != key {
					t.Errorf("%s is %d", key, value)
				}
				n, _ := strconv.Atoi(key)
				c.Put(key, n, i%40)
			}
		})
	}
	all.Wait()
	if c.weight > c.limit {
		t.Errorf("weight %d of %d", c.weight, c.limit)
	}
}
