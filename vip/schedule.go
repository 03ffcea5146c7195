package vip

import "time"

// jitter spreads the repetitions, so that those of many addresses and of many
// load balancers on one segment do not fall together.
const jitter = 0.1

// schedule says when an address is announced: a burst, since frames get lost
// while switch ports and caches still move, then for ever, since caches fill with
// the wrong thing later too (an aged forwarding table, a restored guest).
type schedule struct {
	burst  []time.Duration // ascending
	repeat time.Duration
}

// next returns the time of the announcement that follows one at elapsed; both
// count from the claim. spread in [-1, 1] places a repetition within the jitter.
// Announcements that fell due meanwhile are skipped, not made up for.
func (s schedule) next(elapsed time.Duration, spread float64) time.Duration {
	for _, at := range s.burst {
		if at > elapsed {
			return at
		}
	}
	return elapsed + time.Duration(float64(s.repeat)*(1+jitter*spread))
}
