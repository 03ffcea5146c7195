package keystone

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many logins may fail at once, and how often afterwards. A user is limited less
// strictly than an address, so that a stranger does not easily lock somebody out.
var (
	addressLimit = bucket{rate.Every(3 * time.Second), 20}
	userLimit    = bucket{rate.Every(time.Second), 60}
)

// maxFailures bounds how many addresses and users are remembered.
const maxFailures = 10000

type bucket struct {
	every rate.Limit
	burst int
}

// failures remembers who failed to log in lately.
type failures struct {
	mu   sync.Mutex
	seen map[string]*rate.Limiter // guarded by mu
}

func newFailures() *failures { return &failures{seen: map[string]*rate.Limiter{}} }

// attempt is a login of a user, known or not, from an address.
type attempt struct{ address, user string }

// maxName bounds what is kept of a name that a stranger gives, in bytes.
const maxName = 256

// newAttempt takes an IPv6 network for one address: a host has all of it.
func newAttempt(remote, user string) attempt {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Unmap().Is6() {
		p, _ := a.WithZone("").Prefix(64)
		host = p.String()
	}
	return attempt{"address " + host, "user " + strings.ToLower(user[:min(len(user), maxName)])}
}

// wait says how long the attempt has to wait for its turn; 0 is now.
func (f *failures) wait(a attempt, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waitLocked(a, now)
}

func (f *failures) waitLocked(a attempt, now time.Time) time.Duration {
	var longest time.Duration
	for _, key := range []string{a.address, a.user} {
		l := f.seen[key]
		if l == nil {
			continue
		}
		if missing := 1 - l.TokensAt(now); missing > 0 {
			longest = max(longest, time.Duration(missing/float64(l.Limit())*float64(time.Second)))
		}
	}
	return longest
}

// settle ends an attempt, and counts it if it failed. It says how long to wait if others
// have failed meanwhile: then the client must not learn how this one went, or guesses made
// at once would all be answered.
func (f *failures) settle(a attempt, failed bool, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if wait := f.waitLocked(a, now); wait > 0 {
		return wait
	}
	if failed {
		f.failedLocked(a, now)
	}
	return 0
}

func (f *failures) failedLocked(a attempt, now time.Time) {
	for key, b := range map[string]bucket{a.address: addressLimit, a.user: userLimit} {
		l := f.seen[key]
		if l == nil {
			f.makeRoom(now)
			l = rate.NewLimiter(b.every, b.burst)
			f.seen[key] = l
		}
		l.AllowN(now, 1)
	}
}

// makeRoom forgets whose failures are long ago, and others until half of the room is free:
// a flood of names must not make it look through all of them each time.
func (f *failures) makeRoom(now time.Time) {
	if len(f.seen) < maxFailures {
		return
	}
	for key, l := range f.seen {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(f.seen, key)
		}
	}
	for key := range f.seen {
		if len(f.seen) <= maxFailures/2 {
			return
		}
		delete(f.seen, key)
	}
}
