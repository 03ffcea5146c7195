package cluster

import (
	"sync"
	"time"
)

const (
	throttleEvery = 30 * time.Second
	throttleLimit = time.Hour
	throttleSize  = 1000
)

// throttle keeps a condition that lasts from being logged at every attempt: a
// node that is down is tried ten times a second, for days if need be.
type throttle struct {
	mu   sync.Mutex
	keys map[string]throttled // guarded by mu
}

type throttled struct {
	seen, logged time.Time
	pause        time.Duration // from logged to the next time
}

// first is true for a key that was not seen for a while, and for one that is seen
// all the time after half a minute, then at intervals that double up to an hour.
func (t *throttle) first(key string) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.keys[key]
	fresh := !ok || now.Sub(k.seen) >= throttleEvery
	k.seen = now
	switch {
	case fresh:
		k.logged, k.pause = now, throttleEvery
	case now.Sub(k.logged) >= k.pause:
		fresh = true
		k.logged, k.pause = now, min(2*k.pause, throttleLimit)
	}
	if t.keys == nil || (!ok && len(t.keys) >= throttleSize) {
		t.keys = map[string]throttled{}
	}
	t.keys[key] = k
	return fresh
}
