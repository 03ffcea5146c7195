package sim

import "github.com/amphora-lb/amphora/cluster/lease"

// gate is the filter in the kernel of a host. It outlives the process.
type gate struct {
	term  uint64
	until lease.Instant
	floor uint64 // terms below it do not open it
	end   at     // when it shuts by itself
}

// extend stores a new end, if the floor lets it.
func (h *host) extend(term uint64, until lease.Instant) bool {
	g := &h.gate
	if term < g.floor {
		return false
	}
	g.term, g.until = term, until
	g.end = h.clock.when(until)
	h.w.check.opened(h)
	return true
}

func (h *host) shut() {
	if h.gate.end > h.w.now {
		h.gate.end = h.w.now
		h.w.check.closed(h)
	}
	h.gate.until = lease.Never
}

// raise shuts the gate for all terms below floor, as the supervisor does.
func (h *host) raise(floor uint64) {
	h.gate.floor = max(h.gate.floor, floor)
	if h.gate.term < h.gate.floor {
		h.shut()
	}
}

func (h *host) isOpen() bool { return h.gate.end > h.w.now }
