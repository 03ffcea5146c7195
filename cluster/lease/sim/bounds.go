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

// crash takes the power from the holder, checks how long that is felt, and boots it
// again.
func (w *World) crash() {
	h := w.holder()
	if h == nil {
		w.violate("nobody holds in a calm network")
		return
	}
	if h.amphoraOthers() == 0 || len(w.voters) < 3 {
		w.after(w.patience(), w.crash)
		return
	}
	began, t := w.now, w.timing
	h.cut(w.patience())
	w.after(w.patience()/2, func() {
		o := w.holder()
		// The slowest way: a standby that had just heard the holder, a question, a
		// vote with both of its flushes, the first round, Settle, all by slow clocks.
		bound := (t.Detect+t.Renew+t.Settle)*102/100 + 8*w.net.maxD + 20*time.Millisecond
		if len(w.voters) > 3 || w.amphorae() > 2 {
			bound += 3 * t.Detect // two standbys may get into each other's way
		}
		switch took := time.Duration(w.check.openedAt - began); {
		case o == nil || o == h:
			w.violate("nobody holds %v after a crash", w.patience()/2)
		case took > bound:
			w.violate("a failover took %v, more than %v", took, bound)
		}
	})
	w.after(2*w.patience(), w.crash)
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
