package lease

// copies decides how often each round is sent, by how many of the answers get lost.
type copies struct {
	more int     // copies beyond the first
	loss float64 // moving average, of voters that are there at all
}

const (
	lossWeight = 1.0 / 32
	lossy      = 0.02  // send one more
	clean      = 0.002 // send one less
)

// n is how often to send.
func (c *copies) n() int { return 1 + c.more }

// measure looks at the round before the newest: its answers had the time of two.
func (c *copies) measure(h *holder, m *Machine) {
	if h.seq < 2 {
		return
	}
	r := &h.rounds[(h.seq-1)%uint64(len(h.rounds))]
	there, lost := 0, 0
	for i, p := range h.peers {
		if m.voters[i] == m.cfg.Self || p.sent == Never || m.now.Sub(p.sent) > m.cfg.Timing.Lease {
			continue // a dead voter is no lossy network
		}
		there++
		if r.answers>>i&1 == 0 {
			lost++
		}
	}
	if there == 0 {
		return
	}
	c.loss += (float64(lost)/float64(there) - c.loss) * lossWeight
	switch {
	case c.loss > lossy && c.more < 2:
		c.more++
		c.loss = (lossy + clean) / 2 // measure anew
	case c.loss < clean && c.more > 0:
		c.more--
		c.loss = (lossy + clean) / 2
	}
}
