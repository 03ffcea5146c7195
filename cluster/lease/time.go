package lease

import "time"

// Instant is a reading of CLOCK_BOOTTIME of one node, in nanoseconds. That clock is
// never set and goes on while a machine sleeps. Instants of two nodes have nothing
// to do with each other: only durations travel, and echoes of a node's own instants.
type Instant int64

// Never is before every instant: the zero value.
const Never Instant = 0

// Add returns the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Rate error: no two clocks differ by more than 1 % in speed. NTP slews by at most
// 0.05 % (adjtimex(2)), so this holds twenty times over.

// held is the part of a lease that its holder may use, by its own clock.
func held(d time.Duration) time.Duration { return d - d/100 }

// promised is how long a voter keeps its promise, by its own clock.
func promised(d time.Duration) time.Duration { return d + d/50 }

// awaited is how long a claimant waits, by its own clock, for something that a
// voter said lasts d.
func awaited(d time.Duration) time.Duration { return d + d*3/100 }
