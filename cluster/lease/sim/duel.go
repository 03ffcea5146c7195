package sim

import (
	"time"
)

// duel arranges, again and again, what the proof of the lease is about: a holder
// whose lease runs, and others that win newer terms while they cannot reach it. Each
// phase has links of its own, so that every pair of quorums occurs: who promised,
// who votes, who hears of it afterwards.
func (w *World) duel() {
	h := w.holder()
	w.stall = pick(w, []float64{0, 0, 0, 0.003})
	if h == nil || len(w.hosts) < 2 {
		w.reunite()
		return
	}
	w.calm = false
	lease := w.timing.Lease
	// First: the holder renews through some of the voters only.
	w.shuffle(0.3)
	first := w.between(lease/2, lease*3/2)
	// Then its lease runs out, or it believes that it renews.
	var silent time.Duration
	w.after(first, func() {
		switch w.rng.IntN(5) {
		case 0:
			h.freeze(w.between(0, 2*lease))
		case 1:
			w.isolate(h, lease)
		case 2:
			h.crash(w.between(0, 20*time.Millisecond))
		}
		w.shuffle(0.4)
	})
	// Others stand, at any time of the lease, with other links from then on.
	for range 1 + w.rng.IntN(3) {
		silent += w.between(0, lease/2)
		w.after(first+silent, func() {
			c := pick(w, w.hosts)
			if c.alive && c.amphora && (c != h || w.chance(0.3)) {
				c.input(func() { c.raft.campaign(c) })
			}
		})
		w.after(first+silent+w.between(0, 30*time.Millisecond), func() { w.shuffle(0.4) })
		if w.chance(0.3) {
			w.after(first+silent-w.between(0, 30*time.Millisecond), func() {
				pick(w, w.hosts).crash(w.between(0, 20*time.Millisecond))
			})
		}
	}
	w.after(first+silent+w.between(0, lease*3/2), w.reunite)
}

// shuffle cuts each link with some chance, in both directions or in one.
func (w *World) shuffle(p float64) {
	w.net.heal()
	for i := range w.hosts {
		for j := range i {
			if w.chance(p) {
				w.net.down[i][j], w.net.down[j][i] = true, true
			}
			if w.chance(p / 4) {
				w.net.down[i][j] = true
			}
		}
	}
}

// reunite heals the network until there is a holder again.
func (w *World) reunite() {
	w.net.heal()
	w.calm = true
	w.after(w.timing.Lease+w.between(0, w.timing.Lease), func() {
		if w.holder() != nil {
			w.duel()
			return
		}
		w.after(w.timing.Detect, w.reunite)
	})
}
