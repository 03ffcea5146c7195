package sim

import (
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// storm lets faults happen for a while, then stops them, waits until the cluster has
// healed, and begins again.
func (w *World) storm() {
	w.calm = false
	n := 1 + w.rng.IntN(12)
	var total time.Duration
	for range n {
		d := w.between(0, 3*w.timing.Lease)
		if w.chance(0.3) {
			d = w.between(0, 20*time.Millisecond)
		}
		total += d
		w.after(total, w.fault)
	}
	w.after(total+w.between(0, 3*w.timing.Lease), w.heal)
}

// heal ends every fault.
func (w *World) heal() {
	w.note("", "all heals")
	w.net.heal()
	w.net.loss, w.net.dup, w.stall = 0, 0, 0
	for _, h := range w.hosts {
		h.slow = 0
		if h.unfit != "" {
			h.fit("")
		}
		if !h.powered {
			h.boot()
		} else if !h.alive {
			w.after(w.between(0, 100*time.Millisecond), h.start)
		}
	}
	// Processes that are frozen or stalled come back within the time of patience.
	w.calm = true
	if w.kind == Pair {
		w.settle(w.pairStorm)
	} else {
		w.settle(w.storm)
	}
}

// fault makes one thing go wrong.
func (w *World) fault() {
	if w.calm {
		return
	}
	h := pick(w, w.hosts)
	if o := w.holder(); o != nil && w.chance(0.5) {
		h = o
	}
	pause := w.between(0, 3*w.timing.Lease)
	switch w.rng.IntN(16) {
	case 0, 1:
		h.crash(w.between(time.Millisecond, 2*w.timing.Lease))
	case 2, 3:
		h.freeze(pause)
		if w.chance(0.5) {
			h.supervise()
		}
	case 4:
		h.cut(pause * 2)
	case 5, 6:
		w.isolate(h, pause)
	case 7, 8:
		w.oneWay(h, pause)
	case 9:
		w.net.loss, w.net.dup = pick(w, []float64{0, 0.1, 0.3, 0.6}), pick(w, []float64{0, 0.1, 0.5})
	case 10, 11:
		w.transfer()
	case 12:
		h.fit("sick")
		w.after(pause, func() { h.fit("") })
	case 13:
		h.force()
	case 14:
		h.slow = pick(w, []time.Duration{0, time.Millisecond, 20 * time.Millisecond, w.timing.Lease / 2})
		w.stall = pick(w, []float64{0, 0.003, 0.03})
	case 15:
		if w.chance(0.5) {
			w.suspect(h, pick(w, w.hosts))
		} else if h.alive && h.amphora {
			h.input(func() { h.raft.campaign(h) }) // raft has moods, too
		}
	}
}

// crash kills the process and starts it again later.
func (h *host) crash(down time.Duration) {
	if !h.alive {
		return
	}
	w := h.w
	h.kill()
	w.check.dead(h)
	h.supervise()
	for _, o := range w.hosts {
		if o != h && o.alive && w.connected(h, o) && w.chance(0.5) {
			w.after(w.between(0, 5*time.Millisecond), func() { w.suspect(h, o) })
		}
	}
	w.after(down, h.start)
}

// suspect makes one host believe that the process of another is gone.
func (w *World) suspect(h, by *host) {
	w.Counts.Suspected++
	by.event(lease.Suspected{Node: h.id})
}

// cut takes the power from the host: its gate is gone, its clock begins anew.
func (h *host) cut(down time.Duration) {
	if !h.powered {
		return
	}
	w := h.w
	w.note(string(h.id), "loses power")
	w.Counts.PowerCuts++
	h.kill()
	w.check.dead(h)
	h.shut()
	h.powered, h.gate = false, gate{}
	w.after(down, h.boot)
}

func (h *host) boot() {
	if h.powered {
		return
	}
	h.powered = true
	h.clock.began, h.clock.offset = h.w.now, 1+h.w.rng.Int64N(int64(time.Minute))
	h.start()
}

// isolate cuts a host off, or some hosts from the others.
func (w *World) isolate(h *host, d time.Duration) {
	w.Counts.Cuts++
	side := make([]bool, len(w.hosts))
	side[h.n] = true
	if w.chance(0.3) {
		side[w.rng.IntN(len(side))] = true
	}
	w.note(string(h.id), "is cut off for %v", d)
	w.cutLinks(d, func(i, j int) bool { return side[i] != side[j] })
}

// oneWay makes a host deaf, or mute, or cuts one direction between two.
func (w *World) oneWay(h *host, d time.Duration) {
	w.Counts.Cuts++
	o := pick(w, w.hosts)
	switch w.rng.IntN(3) {
	case 0:
		w.note(string(h.id), "is deaf for %v", d)
		w.cutLinks(d, func(_, j int) bool { return j == h.n })
	case 1:
		w.note(string(h.id), "is mute for %v", d)
		w.cutLinks(d, func(i, _ int) bool { return i == h.n })
	case 2:
		w.note(string(h.id), "does not reach %s for %v", o.id, d)
		w.cutLinks(d, func(i, j int) bool { return i == h.n && j == o.n })
	}
}

func (w *World) cutLinks(d time.Duration, which func(i, j int) bool) {
	set := func(down bool) {
		for i := range w.hosts {
			for j := range w.hosts {
				if which(i, j) {
					w.net.down[i][j] = down
				}
			}
		}
	}
	set(true)
	w.after(d, func() { set(false) })
}

// transfer asks raft's leader to give leadership to somebody.
func (w *World) transfer() {
	w.Counts.Transfers++
	for _, h := range w.hosts {
		if h.alive && h.raft.role == leader {
			w.note(string(h.id), "is asked to transfer")
			h.input(func() { h.raft.transfer(h, "") })
		}
	}
}

// fit changes the fitness of a host.
func (h *host) fit(why string) {
	if h.unfit == why {
		return
	}
	h.w.Counts.Unfit++
	h.unfit = why
	h.event(lease.Fitness{Why: why})
}

// force shuts the gate from outside.
func (h *host) force() {
	if !h.isOpen() {
		return
	}
	term := h.gate.term
	h.w.note(string(h.id), "gate forced in term %d", term)
	h.w.Counts.Fences++
	h.raise(term + 1)
	h.event(lease.GateForced{Term: term, Why: "forced"})
}
