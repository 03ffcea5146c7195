package nemesis

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/relay"
)

// harm is what a fault may do to clients.
type harm uint8

// The harms.
const (
	none   harm = iota // nothing: the others have a quorum and the holder is well
	hands              // the VIP moves, and clients notice nothing
	moves              // the VIP may move, and is back within the profile's bound
	slows              // as moves; afterwards requests may be lost until it is healed
	breaks             // the VIP is away until it is healed, and the cluster has restarted
)

// family is a kind of fault.
type family struct {
	name        string
	targets     []role
	between     bool                 // it is between the target and another node
	least, most time.Duration        // how long it lasts
	harm        map[role]harm        // by target; of a fault between two nodes by target, unless pair says more
	pair        func(a, b role) harm // may be nil
	make        func(v victims) chaos.Fault
}

// victims is what a fault is made of.
type victims struct {
	cluster *chaos.Cluster
	a, b    string // nodes
	random  *rand.Rand
}

func (v victims) host(node string) *chaos.Host { return v.cluster.Host(node) }

const second = time.Second

var (
	everyone  = []role{holder, standby, witness}
	amphorae  = []role{holder, standby}
	onHolder  = map[role]harm{holder: moves}
	slowly    = map[role]harm{holder: slows}
	reachable = func(role, role) harm { return none } // one cable less: the third node hears both
)

// processes is the families of kill and stop, for each half of a node.
func processes() (all []family) {
	for _, half := range []chaos.Half{chaos.Worker, chaos.Supervisor, chaos.Whole} {
		all = append(all,
			family{
				name: "kill -9 " + string(half), targets: everyone, least: second, most: 3 * second, harm: onHolder,
				make: func(v victims) chaos.Fault { return v.cluster.KillNode(v.a, half) },
			},
			family{
				name: "SIGSTOP " + string(half), targets: everyone, least: second / 2, most: 4 * second, harm: onHolder,
				make: func(v victims) chaos.Fault { return v.cluster.StopNode(v.a, half) },
			})
	}
	return all
}

// families is every kind of fault there is.
var families = append(processes(), []family{
	{
		name: "freeze", targets: everyone, least: second / 5, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.Freeze(v.host(v.a)) },
	},
	{
		name: "cut cable", targets: everyone, least: second, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.CutCable(v.host(v.a)) },
	},
	{
		name: "link down", targets: amphorae, least: second, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.LinkDown(v.host(v.a)) },
	},
	{
		name: "isolate", targets: everyone, least: second / 5, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.Isolate(v.host(v.a)) },
	},
	{
		name: "deafen", targets: everyone, least: second, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.Deafen(v.host(v.a)) },
	},
	{
		name: "mute", targets: everyone, least: second, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return chaos.Mute(v.host(v.a)) },
	},
	{
		name: "part", targets: everyone, between: true, least: second, most: 5 * second, pair: reachable,
		make: func(v victims) chaos.Fault { return chaos.Part(v.host(v.a), v.host(v.b)) },
	},
	{
		name: "drop one way", targets: everyone, between: true, least: second, most: 5 * second, pair: reachable,
		make: func(v victims) chaos.Fault { return chaos.Drop(v.host(v.a), v.host(v.b)) },
	},
	{
		name: "drop gossip", targets: everyone, between: true, least: second, most: 5 * second, pair: reachable,
		make: func(v victims) chaos.Fault { return chaos.DropGossip(v.host(v.a), v.host(v.b)) },
	},
	{
		name: "drop raft", targets: everyone, between: true, least: second, most: 5 * second, pair: reachable,
		make: func(v victims) chaos.Fault { return chaos.DropRaft(v.host(v.a), v.host(v.b)) },
	},
	{
		name: "lose frames", targets: everyone, least: 2 * second, most: 5 * second, harm: slowly,
		make: func(v victims) chaos.Fault { return chaos.Lose(v.host(v.a), 5+v.random.IntN(26)) },
	},
	{
		name: "bad cable", targets: everyone, least: 2 * second, most: 5 * second, harm: slowly,
		make: func(v victims) chaos.Fault { return chaos.BadCable(v.host(v.a), badCable(v.random)) },
	},
	{
		name: "full disk", targets: everyone, least: second, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return v.cluster.FillDisk(v.a) },
	},
	{
		name: "stalled disk", targets: everyone, least: second / 2, most: 4 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return v.cluster.StallDisk(v.a) },
	},
	{
		name: "failing disk", targets: everyone, least: second, most: 3 * second, harm: onHolder,
		make: func(v victims) chaos.Fault { return v.cluster.FailDisk(v.a) },
	},
	{
		name: "busy cores", least: 3 * second, most: 6 * second, harm: map[role]harm{nobody: moves},
		make: func(v victims) chaos.Fault { return chaos.BusyCPU(v.cluster.Lab(), cores()) },
	},
	{
		name: "switchover", least: second, most: 2 * second, harm: map[role]harm{nobody: hands},
		make: func(v victims) chaos.Fault { return v.cluster.Move() },
	},
	{
		name: "restart all", least: second / 5, most: 2 * second, harm: map[role]harm{nobody: breaks},
		make: func(v victims) chaos.Fault { return v.cluster.Restart() },
	},
	{
		name: "kill a majority", targets: everyone, between: true, least: second, most: 3 * second,
		pair: func(role, role) harm { return breaks },
		make: func(v victims) chaos.Fault { return v.cluster.Restart(v.a, v.b) },
	},
}...)

// harms is what the step may do to clients.
func (s step) harms() harm {
	if s.family.pair != nil {
		return s.family.pair(s.target, s.other)
	}
	return s.family.harm[s.target]
}

// bound is how long the VIP may be away once, because of the step.
func (s step) bound(p profile) time.Duration {
	switch s.harms() {
	case none, hands:
		return p.calm
	case moves:
		return p.moved
	case slows:
		return p.moved + second
	case breaks:
		return s.last + restarted
	}
	panic(fmt.Sprintf("nemesis: no bound for %v", s))
}

func badCable(random *rand.Rand) relay.Cable {
	const ms = time.Millisecond
	return relay.Cable{
		Delay: time.Duration(random.IntN(5)) * ms, Jitter: time.Duration(random.IntN(10)) * ms,
		Loss: 0.05 * random.Float64(), Duplicate: 0.2 * random.Float64(),
		Reorder: 0.2 * random.Float64(), Late: time.Duration(random.IntN(15)) * ms,
		Seed: random.Uint64(),
	}
}
