package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// Kind is what a world is for.
type Kind int

// The kinds of worlds.
const (
	Calm    Kind = iota // no fault: one claim, no failover
	Chaos               // every fault there is, then calm, and again
	Duel                // elections while a lease runs, every combination of quorums
	Edge                // the same with clocks at their limits and no margin for anything else
	Planned             // transfers in a calm network
	Single              // one fault at a time in a calm network
	Pair                // two voters and a gateway on one segment
	Split               // the same, where both reach the gateway and not each other: two gates open
	kinds
)

func (k Kind) String() string {
	return [...]string{"calm", "chaos", "duel", "edge", "planned", "single", "pair", "split"}[k]
}

// KindNamed returns the kind that String names.
func KindNamed(name string) (Kind, error) {
	for k := range kinds {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no worlds are called %q", name)
}

// KindOf spreads seeds over the kinds that must not go wrong.
func KindOf(seed uint64) Kind {
	return [...]Kind{Chaos, Duel, Edge, Calm, Pair, Chaos, Duel, Planned, Single, Pair}[seed%10]
}

func newWorld(seed uint64, kind Kind, steps int) *World {
	w := &World{seed: seed, kind: kind, limit: steps, rng: rand.New(rand.NewPCG(seed, uint64(kind)))}
	w.Counts.Worlds = 1
	w.timing = pick(w, []lease.Timing{lease.LANFast(), lease.Default()})
	voters := pick(w, []int{1, 2, 3, 3, 3, 3, 4, 5, 7})
	amphorae := min(voters, pick(w, []int{2, 2, 2, 3, 7}))
	w.net = network{minD: 50 * time.Microsecond, maxD: w.between(100*time.Microsecond, 3*time.Millisecond)}
	if kind == Duel || kind == Edge {
		voters = pick(w, []int{2, 3, 3, 3, 4, 5})
		amphorae = min(voters, pick(w, []int{2, 3}))
		w.net.dup, w.net.late = pick(w, []float64{0, 0.3}), 3*time.Second
	}
	if kind == Pair || kind == Split {
		voters, amphorae = 2, 2
		w.net.loss = pick(w, []float64{0, 0, 0.01})
	}
	if kind == Edge {
		w.timing = lease.WAN()
		w.timing.Settle = 0
		w.net.minD, w.net.maxD = 5*time.Microsecond, 20*time.Microsecond
	}
	for i := range voters {
		ppm := w.rng.Int64N(20_001) - 10_000
		if kind == Edge || w.chance(0.3) {
			ppm = pick(w, []int64{-10_000, 10_000})
		}
		h := &host{
			w: w, n: i, id: lease.ID(fmt.Sprintf("n%d", i+1)), amphora: i < amphorae, powered: true,
			supervisor: w.chance(0.5) && kind != Duel && kind != Edge, timing: w.timing,
			clock: clock{offset: 1 + w.rng.Int64N(int64(1000*time.Hour)), ppm: ppm},
		}
		if kind == Duel && h.amphora && w.chance(0.15) {
			h.timing.Lease *= 3 // somebody has changed it on one host only
			h.timing.Detect *= 3
		}
		w.hosts = append(w.hosts, h)
		w.voters = append(w.voters, h.id)
		w.net.down = append(w.net.down, make([]bool, voters))
		w.net.up = append(w.net.up, link{out: true, in: true})
	}
	w.check.begin(w)
	return w
}

// scenario lays out the faults of the run.
func (w *World) scenario() {
	for _, h := range w.hosts {
		w.after(w.between(0, 100*time.Millisecond), h.start)
	}
	w.calm = true
	switch w.kind {
	case Calm:
		w.net.loss = pick(w, []float64{0, 0.01, 0.05})
		w.settle(func() { w.quiet(w.check.changes) })
	case Chaos:
		w.settle(w.storm)
	case Duel, Edge:
		w.reunite()
	case Planned:
		w.settle(w.plan)
	case Single:
		w.settle(w.single)
	case Pair:
		w.settle(w.pairStorm)
	case Split:
		w.settle(w.split)
	}
}

// patience is how long a healthy cluster may take to find its holder: raft's own
// elections, a few of them split, and the longest promise.
func (w *World) patience() time.Duration {
	return 12*w.electionTimeout() + 3*w.timing.Lease + 10*w.timing.Detect
}

// settle waits until a healthy cluster has had time enough, and checks that it has a
// holder then.
func (w *World) settle(then func()) {
	w.after(w.patience(), func() { w.settled(then) })
}

func (w *World) settled(then func()) {
	fit := false
	for _, h := range w.hosts {
		if h.amphora && h.machine.View().State != lease.Fenced {
			fit = true
		}
	}
	h := w.holder()
	switch {
	case h == nil && fit:
		w.violate("nobody holds %v after the last fault", w.patience())
	case h != nil && (!h.claimed || !h.machine.View().Open):
		w.violate("the gate of %s is open, its machine is %v", h.id, h.machine.View().State)
	case h == nil: // all are held down: wait on
		w.settle(then)
		return
	}
	w.Counts.Settled++
	then()
}

// quiet checks that nothing changes without a fault.
func (w *World) quiet(changes int) {
	lost := w.Counts.Expiries
	w.after(time.Second, func() {
		if w.check.changes != changes || w.Counts.Expiries != lost || w.holder() == nil {
			w.violate("a failover without a fault")
		}
		w.quiet(changes)
	})
}
