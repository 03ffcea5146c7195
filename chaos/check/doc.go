// Package check holds the judges of the chaos suite: pure functions from what was
// recorded to what was wrong with it. None of them knows what was done to the
// cluster, and each is fed a bad history in its test: a judge that cannot
// condemn is worth nothing.
//
// It must never read a clock, a file or a socket. All instants are readings of
// CLOCK_BOOTTIME of the one kernel that every node of a lab runs on, so that they
// compare exactly.
package check

import (
	"fmt"
	"time"
)

// Instant is a reading of CLOCK_BOOTTIME in nanoseconds.
type Instant int64

// Add returns the instant d later.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// String is the instant in seconds, as the kernel's log shows it.
func (t Instant) String() string { return fmt.Sprintf("%.6f", float64(t)/1e9) }

// Violation is one thing that must not happen, and what shows that it did.
type Violation struct {
	Invariant string  // "I1"
	At        Instant // 0: not at one instant
	What      string
}

// String names the invariant, the instant and what happened.
func (v Violation) String() string {
	if v.At == 0 {
		return v.Invariant + ": " + v.What
	}
	return fmt.Sprintf("%s at %v: %s", v.Invariant, v.At, v.What)
}

func violation(invariant string, at Instant, format string, args ...any) Violation {
	return Violation{Invariant: invariant, At: at, What: fmt.Sprintf(format, args...)}
}
