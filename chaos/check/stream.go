package check

import "time"

// Stream is one long download: when it began, when it got bytes, and how it
// ended.
type Stream struct {
	Began, Ended Instant
	Longest      time.Duration // longest time without a byte
	At           Instant       // when that time began
	Bytes        int
	Reset        bool // broken by the other side, or by the kernel
	GivenUp      bool // cut by the client: nothing had come for too long
	Damaged      bool // bytes that nobody sent
}

// Streams is I8: a stream goes on or is reset within bound. It never hangs, and
// what it brings is what was sent.
func Streams(all []Stream, bound time.Duration) (bad []Violation) {
	for _, s := range all {
		if s.GivenUp || s.Longest > bound {
			bad = append(bad, violation("I8", s.At, "a stream hung for %v after %d bytes: the bound is %v", s.Longest, s.Bytes, bound))
		}
		if s.Damaged {
			bad = append(bad, violation("I8", s.Ended, "a stream brought wrong bytes, %d in all", s.Bytes))
		}
	}
	return bad
}
