package balance

import "sync/atomic"

// Load counts what runs on one member. The zero value is ready. It is padded so
// that two members never share a cache line: picks for one do not slow the other.
type Load struct {
	_      [64]byte
	active atomic.Int64
	_      [56]byte
}

// Active is the number of [Choice] values that run on the member now.
func (l *Load) Active() int64 { return l.active.Load() }

// MaxTried is how many members a [Choice] remembers. Of more attempts it knows
// the last MaxTried only.
const MaxTried = 8

// Choice is what one request, or one TCP connection, has picked so far: the
// member that it runs on and those that it has tried. The zero value has picked
// nothing. It remembers members by their [Load], so it stays valid when the pool
// gets another Balancer between two picks. It belongs to one goroutine at a
// time, must not be copied after use (go vet checks that), and can be used again
// after [Choice.Reset].
type Choice struct {
	_     noCopy
	load  *Load // counted on this one; nil: on none
	picks int   // since the last Forget
	tried [MaxTried]*Load
}

// Release ends the count on the member of the last pick. Calling it again, or
// without a pick, does nothing, so it can be deferred as well as called early.
func (c *Choice) Release() {
	if c.load == nil {
		return
	}
	c.load.active.Add(-1)
	c.load = nil
}

// Take counts c on a member that was found in another way than by [Balancer.Pick]. If c still runs on an earlier pick, that one is released
// first. The member counts as tried.
func (c *Choice) Take(l *Load) {
	c.Release()
	l.active.Add(1)
	c.counted(l)
}

// Forget makes the members that were tried eligible again.
func (c *Choice) Forget() { c.picks = 0 }

// Reset is Release and Forget: c is as new.
func (c *Choice) Reset() {
	c.Release()
	c.Forget()
}

// has reports whether l was tried.
func (c *Choice) has(l *Load) bool {
	for _, t := range c.tried[:min(c.picks, MaxTried)] {
		if t == l {
			return true
		}
	}
	return false
}

// counted notes that c runs on l, whose count already includes it.
func (c *Choice) counted(l *Load) {
	c.load = l
	c.tried[c.picks%MaxTried] = l
	c.picks++
}

// noCopy makes go vet report copies of a struct that holds it.
type noCopy struct{}

// Lock is what go vet looks for.
func (*noCopy) Lock() {}

// Unlock is what go vet looks for.
func (*noCopy) Unlock() {}
