package cluster

import (
	"sync"
	"time"
)

const (
	throttleEvery = 30 * time.Second
	throttleSize  = 1000
)

// throttle keeps a condition that lasts from being logged at every attempt: a
// node that is down is tried ten times a second, for days if need be.
type throttle struct {
	mu   sync.Mutex
	last map[string]time.Time // guarded by mu
}

// first is true for a key that was not seen for a while.
func (t *throttle) first(key string) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if at, ok := t.last[key]; ok && now.Sub(at) < throttleEvery {
		return false
	}
	if t.last == nil || len(t.last) >= throttleSize {
		t.last = map[string]time.Time{}
	}
	t.last[key] = now
	return true
}
