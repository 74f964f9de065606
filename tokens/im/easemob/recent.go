package easemob

import "sync"

// generation is how many entries a recent has at least, and half of how many it
// has at most: a hundred thousand people in some megabytes.
const generation = 50_000

// recent remembers something of the people whom this process saw last. When the
// younger generation is full, the older one is forgotten.
type recent[V any] struct {
	mu           sync.Mutex
	young, older map[string]V
}

func newRecent[V any]() *recent[V] { return &recent[V]{young: make(map[string]V)} }

func (r *recent[V]) get(id string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[id]; ok {
		return v, true
	}
	v, ok := r.older[id]
	if ok {
		r.put(id, v)
	}
	return v, ok
}

func (r *recent[V]) set(id string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(id, v)
}

func (r *recent[V]) put(id string, v V) {
	if len(r.young) >= generation {
		r.older, r.young = r.young, make(map[string]V)
	}
	r.young[id] = v
}

func (r *recent[V]) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, id)
	delete(r.older, id)
}
