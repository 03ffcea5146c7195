package http2

import "time"

// cost is the account of what a peer makes us do in vain: frames that carry nothing, streams that it resets or makes us reset (rapid
// reset, CVE-2023-44487; MadeYouReset, CVE-2025-8671), pings and settings. Requests that are answered and bodies that move pay for it, and so
// does time. A peer that spends everything is told to calm down.
type cost struct {
	spent int
	at    time.Duration
}

// What things cost, and what pays for them.
const (
	costLimit    = 1000
	costDecay    = 100 // a second
	costReset    = 2
	costRefused  = 2
	costPing     = 1
	costSettings = 5
	costEmpty    = 2 // frame without content
	costFrame    = 1 // PRIORITY, unknown types, WINDOW_UPDATE, CONTINUATION
	// A request that is answered does not pay for several that are not.
	earnStream = costReset
	earnData   = 2
	// worthy is how many bytes of a body, or of a window, a frame must have to be of use.
	worthy = 512
)

var errCost = connError(EnhanceYourCalm, "too many frames that lead to nothing")

func (c *cost) spend(n int) error {
	if c.spent += n; c.spent > costLimit {
		return errCost
	}
	return nil
}

func (c *cost) earn(n int) { c.spent = max(0, c.spent-n) }

func (c *cost) tired() bool { return c.spent > costLimit*3/4 }

// pass lets time pay.
func (c *cost) pass(at time.Duration) {
	if c.spent == 0 {
		c.at = at
		return
	}
	if n := int((at - c.at) * costDecay / time.Second); n > 0 {
		c.earn(n)
		c.at = at
	}
}
