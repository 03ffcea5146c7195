package sim

import "time"

// plan moves leadership again and again, and checks how long nobody holds.
func (w *World) plan() {
	old := w.holder()
	if old == nil || old.raft.role != leader || old.amphoraOthers() == 0 {
		w.after(w.timing.Lease, w.plan)
		return
	}
	w.transfer()
	w.after(w.patience(), func() {
		h := w.holder()
		switch r := w.check.of[old.id]; {
		case h == nil || h == old:
			w.violate("a transfer from %s did not move the gate", old.id)
		case r.lostAt == 0 || w.check.openedAt.add(0) < r.lostAt:
			w.violate("a transfer from %s overlapped", old.id)
		case time.Duration(w.check.openedAt-r.lostAt) > 2*w.net.maxD:
			w.violate("a transfer left a gap of %v", time.Duration(w.check.openedAt-r.lostAt))
		}
		w.plan()
	})
}

func (h *host) amphoraOthers() int {
	n := 0
	for _, o := range h.w.hosts {
		if o != h && o.amphora {
			n++
		}
	}
	return n
}

// single makes one thing go wrong at a time, checks how long it is felt, and repairs
// it.
func (w *World) single() {
	h := w.holder()
	if h == nil {
		w.violate("nobody holds in a calm network")
		return
	}
	w.after(2*w.patience(), w.single)
	if h.amphoraOthers() == 0 || len(w.voters) < 3 {
		return
	}
	t := w.timing
	// The slowest way: a standby that had just heard the holder, a question, a vote
	// with both of its flushes, the first round, Settle, all by slow clocks.
	bound := t.Detect + t.Renew + t.Settle
	switch w.rng.IntN(3) {
	case 0:
		h.cut(w.patience())
	case 1:
		// It goes on renewing, and hears no answer: voters stop to promise after
		// half a lease without progress.
		w.note(string(h.id), "is deaf")
		w.cutLinks(w.patience(), func(_, j int) bool { return j == h.n })
		bound += t.Lease/2 + t.Renew
	case 2:
		w.aside(h)
		return
	}
	bound = bound*102/100 + 8*w.net.maxD + 20*time.Millisecond
	if len(w.voters) > 3 || w.amphorae() > 2 {
		bound += 3 * t.Detect // two standbys may get into each other's way
	}
	began := w.now
	w.after(w.patience()/2, func() {
		o := w.holder()
		switch took := time.Duration(w.check.openedAt - began); {
		case o == nil || o == h:
			w.violate("nobody holds %v after a fault of the holder", w.patience()/2)
		case took > bound:
			w.violate("a failover took %v, more than %v", took, bound)
		}
	})
}

// aside cuts the connection of the holder to one voter. The others hear it.
func (w *World) aside(h *host) {
	o := w.hosts[(h.n+1+w.rng.IntN(len(w.hosts)-1))%len(w.hosts)]
	changes := w.check.changes
	w.note(string(h.id), "and %s do not reach each other", o.id)
	w.Counts.Cuts++
	w.cutLinks(w.patience(), func(i, j int) bool { return (i == h.n && j == o.n) || (i == o.n && j == h.n) })
	w.after(2*w.patience()-1, func() {
		if w.check.changes != changes {
			w.violate("a failover because one voter does not hear the holder")
		}
	})
}

func (w *World) amphorae() int {
	n := 0
	for _, h := range w.hosts {
		if h.amphora {
			n++
		}
	}
	return n
}
