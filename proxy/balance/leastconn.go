package balance

// leastConnections picks the candidate with the fewest running for its weight,
// counting the one to be placed, and counts it. Candidates of the same rank take
// turns. There must be one that c has not tried.
//
// It looks at every candidate: exact, and for pools as large as they come
// cheaper than one connection. Two picks at the same time do not both take the
// same free place, because the count that led to the decision is raised by
// compare-and-swap; the loser looks again. A pool that changes faster than one
// can look at it gets the best of the last look.
func (b *Balancer) leastConnections(c *Choice) int {
	const looks = 4
	start := b.rotation.at(b.rotation.pos.Add(1))
	for look := 1; ; look++ {
		best, bestActive := -1, int64(0)
		for n := range b.members {
			i := start + n
			if i >= len(b.members) {
				i -= len(b.members)
			}
			m := &b.members[i]
			active := m.Load.active.Load()
			if best >= 0 && (active+1)*int64(b.members[best].Weight) >= (bestActive+1)*int64(m.Weight) {
				continue
			}
			if c.picks == 0 || !c.has(m.Load) {
				best, bestActive = i, active
			}
		}
		active := &b.members[best].Load.active
		if active.CompareAndSwap(bestActive, bestActive+1) {
			return best
		}
		if look == looks {
			active.Add(1)
			return best
		}
	}
}
