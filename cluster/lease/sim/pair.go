package sim

import (
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// probes switches the probing of the network on or off, as the process was told.
func (h *host) probes(p lease.Probe) {
	h.probe = p
	h.probing++
	if p.On && (h.w.kind == Pair || h.w.kind == Split) { // elsewhere nobody probes
		h.probeOnce(h.probing)
	}
}

// probeOnce sends one probe: to the gateway, which hangs on the segment that all
// hosts are on, and to the virtual IP and the peer. What does not answer within the
// time to the next probe has not answered.
func (h *host) probeOnce(n int) {
	w := h.w
	if !h.alive || h.probing != n || !h.probe.On {
		return
	}
	sent := h.clock.read(w.now)
	e := lease.Probed{Sent: sent}
	here := func() bool { return w.net.up[h.n].out && w.net.up[h.n].in }
	gone := here() // the request left, and the answer will arrive if the link is still there
	rtt := w.between(2*w.net.minD, 2*w.net.maxD)
	wait := rtt
	if h.probe.Occupancy {
		wait = 60 * time.Millisecond // three questions
		o := w.hosts[1-h.n]
		if o.powered && w.net.segment(h, o) {
			w.after(rtt/2, func() {
				e.Peer = w.net.segment(o, h)
				e.Occupied = e.Peer && o.isOpen()
			})
		}
	}
	g := h.generation
	w.after(rtt, func() { e.Network = gone && here() })
	w.after(max(wait, rtt)+1, func() {
		if h.alive && h.generation == g && h.probing == n {
			w.Counts.Probes++
			if e.Network {
				r := w.check.of[h.id]
				r.proof = max(r.proof, sent)
			}
			h.event(e)
		}
	})
	w.after(w.timing.Probe, func() {
		if h.generation == g {
			h.probeOnce(n)
		}
	})
}

// pairStorm takes links and power from two hosts on one segment: whoever reaches the
// gateway in both directions reaches everybody who does.
func (w *World) pairStorm() {
	w.calm = false
	if w.chance(0.3) {
		w.pairCrash()
		return
	}
	var total time.Duration
	for range 1 + w.rng.IntN(6) {
		total += w.between(0, 3*w.timing.Takeover)
		w.after(total, w.pairFault)
	}
	w.after(total+w.between(0, 4*w.timing.Takeover), w.heal)
}

func (w *World) pairFault() {
	if w.calm {
		return
	}
	h := pick(w, w.hosts)
	pause := w.between(0, 4*w.timing.Takeover)
	switch w.rng.IntN(12) {
	case 0, 1, 2:
		w.unplug(h, link{}, pause)
	case 3:
		w.unplug(h, link{out: true}, pause)
	case 4:
		w.unplug(h, link{in: true}, pause)
	case 5:
		h.crash(w.between(time.Millisecond, pause+1+time.Millisecond))
	case 6:
		h.cut(pause)
	case 7:
		h.freeze(pause)
		if w.chance(0.5) {
			h.supervise()
		}
	case 8:
		w.transfer()
	case 9:
		// A packet filter: ARP passes, nothing else does.
		w.note("", "nothing but ARP passes for %v", pause)
		w.cutLinks(pause, func(_, _ int) bool { return true })
	case 10:
		w.net.loss = pick(w, []float64{0, 0.02, 0.1})
	case 11:
		h.fit("sick")
		w.after(pause, func() { h.fit("") })
	}
}

// pairCrash takes the power from the holder and checks how long that is felt.
func (w *World) pairCrash() {
	h, t := w.holder(), w.timing
	began := w.now
	w.net.loss = 0
	h.cut(w.patience()/2 + time.Second)
	w.after(w.patience()/2, func() {
		bound := (max(t.Takeover, t.Fence*102/100+t.Settle+3*t.Renew+60*time.Millisecond)+3*t.Probe+t.Renew)*102/100 + 4*w.net.maxD + 20*time.Millisecond
		if took := time.Duration(w.check.openedAt - began); took <= 0 || took > bound {
			w.violate("a failover took %v, more than %v", took, bound)
		}
		changes := w.check.changes
		w.after(w.patience()/2, func() {
			if w.check.changes != changes {
				w.violate("the gate moved because the dead peer came back")
			}
			w.heal()
		})
	})
}

// unplug takes a host, or one of its directions, from the segment.
func (w *World) unplug(h *host, l link, d time.Duration) {
	w.Counts.Cuts++
	w.note(string(h.id), "has a link %+v for %v", l, d)
	w.net.up[h.n] = l
	w.after(d, func() { w.net.up[h.n] = link{out: true, in: true} })
}

// split cuts the two from each other, and neither from the gateway. No rule of a
// pair can tell this from a dead peer.
func (w *World) split() {
	w.net.islands = true
	w.cutLinks(time.Hour, func(_, _ int) bool { return true })
}
