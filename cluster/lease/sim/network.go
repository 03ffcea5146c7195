package sim

import (
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// network connects the hosts, every direction by itself.
type network struct {
	down       [][]bool // down[i][j]: nothing goes from i to j
	up         []link   // of each host, to the segment that all are on
	islands    bool     // ARP does not pass where nothing else does
	loss, dup  float64
	minD, maxD time.Duration
	late       time.Duration // some come so late
}

// link is how a host is connected to everything.
type link struct{ out, in bool }

// path tells whether anything goes from one host to another.
func (n *network) path(from, to *host) bool {
	return !n.down[from.n][to.n] && n.up[from.n].out && n.up[to.n].in
}

// segment tells whether ARP goes from one host to another.
func (n *network) segment(from, to *host) bool {
	if n.islands {
		return n.path(from, to)
	}
	return n.up[from.n].out && n.up[to.n].in
}

func (n *network) heal() {
	for i := range n.up {
		n.up[i] = link{out: true, in: true}
	}
	for i := range n.down {
		clear(n.down[i])
	}
}

// datagram carries a message of the lease from one host to another, or loses it.
func (w *World) datagram(from, to *host, m lease.Message) {
	if !w.net.path(from, to) || w.chance(w.net.loss) {
		return
	}
	d := w.between(w.net.minD, w.net.maxD)
	if w.net.late > 0 && w.chance(0.02) {
		d = w.between(d, w.net.late)
	}
	w.after(d, func() { to.datagram(m) })
	if w.chance(w.net.dup) {
		d := w.between(w.net.minD, 10*w.net.maxD)
		if w.chance(0.3) {
			d = w.between(d, w.net.late)
		}
		w.after(d, func() { to.datagram(m) })
	}
}

// connected tells whether a connection can exist: it needs both directions.
func (w *World) connected(a, b *host) bool {
	return a.powered && b.powered && w.net.path(a, b) && w.net.path(b, a)
}

// call carries something over a connection: late, but whole, or not at all.
func (w *World) call(from, to *host, do func()) {
	if !w.connected(from, to) {
		return
	}
	g := to.generation
	w.after(w.between(w.net.minD, w.net.maxD), func() {
		if to.alive && to.generation == g && w.connected(from, to) {
			to.input(do)
		}
	})
}
