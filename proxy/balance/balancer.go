package balance

import (
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/lb"
)

// Member is one usable member of a pool.
type Member struct {
	ID     lb.MemberID
	Weight int // 0 - 256; a member of weight 0 is never picked
	// Load counts what runs on the member. It belongs to the caller, who keeps
	// one per member id for as long as the member exists, so that the count is
	// continuous over any number of Balancers. Not nil, not shared by members.
	Load *Load
}

// Config describes a [Balancer].
type Config struct {
	Algorithm lb.Algorithm
	Members   []Member // the usable ones, in any order; not modified, not kept
	// Previous is the Balancer that the new one replaces, nil if there is none.
	// The rotation goes on where Previous was instead of beginning anew, which
	// would favour the first members when Balancers are replaced often. Previous
	// is not kept.
	Previous *Balancer
}

// Balancer picks among a fixed set of members. It is safe for concurrent use.
type Balancer struct {
	algorithm lb.Algorithm
	members   []candidate // those of a weight above 0
	rotation  rotation
	maglev    maglev // for SOURCE_IP
}

// candidate is a member that can be picked.
type candidate struct {
	Member
	index int // in Config.Members
}

// New builds a Balancer. That takes microseconds for a pool of equal weights or
// few members and some milliseconds for the largest rotations and Maglev tables
// (see DESIGN.md), so it does not belong on the path of a request. An algorithm
// that is not known is served as ROUND_ROBIN.
func New(cfg Config) *Balancer {
	b := &Balancer{algorithm: cfg.Algorithm, members: make([]candidate, 0, len(cfg.Members))}
	for i, m := range cfg.Members {
		if m.Weight > 0 {
			b.members = append(b.members, candidate{Member: m, index: i})
		}
	}
	if b.algorithm == lb.SourceIP {
		// The order of the pool differs from node to node in time, never in ids.
		slices.SortFunc(b.members, byID)
		if cfg.Previous != nil && cfg.Previous.maglev.built.Load() {
			b.maglev.build(b.members) // the pool is in use: spare its next request the wait
		}
		return b
	}
	if b.algorithm != lb.LeastConnections { // its ties rotate evenly, whatever the weights
		b.rotation.slots = smooth(scaled(b.members))
	}
	b.rotation.n = uint64(max(len(b.members), len(b.rotation.slots)))
	if cfg.Previous != nil {
		b.rotation.resume(&cfg.Previous.rotation)
	}
	return b
}

// Pick chooses a member that c has not tried, counts c as running on it until
// [Choice.Release], and returns the member's index in Config.Members. If c still
// runs on an earlier pick, that one is released first. key is the client's
// address; only SOURCE_IP uses it. ok is false, and c runs on nothing, when no
// member of a weight above 0 is left untried: the caller gives up, or calls
// [Choice.Forget] and may get one of the same members again. Pick allocates
// nothing and does not block, except that the first picks of a SOURCE_IP pool
// wait for its table.
func (b *Balancer) Pick(c *Choice, key netip.Addr) (index int, ok bool) {
	c.Release()
	if c.picks > 0 && !b.anyUntried(c) || len(b.members) == 0 {
		return 0, false
	}
	var at int
	switch {
	case len(b.members) == 1:
	case b.algorithm == lb.LeastConnections:
		at = b.leastConnections(c)
		return b.chosen(c, at), true
	case b.algorithm == lb.SourceIP:
		at = b.maglev.pick(b.members, c, key)
	default:
		at = b.roundRobin(c)
	}
	b.members[at].Load.active.Add(1)
	return b.chosen(c, at), true
}

// chosen hands c the candidate whose count it is already part of.
func (b *Balancer) chosen(c *Choice, at int) (index int) {
	c.counted(b.members[at].Load)
	return b.members[at].index
}

// anyUntried reports whether there is a candidate that c has not tried.
func (b *Balancer) anyUntried(c *Choice) bool {
	// Of more than MaxTried candidates, this ends at MaxTried+1 at the latest.
	for i := range b.members {
		if !c.has(b.members[i].Load) {
			return true
		}
	}
	return false
}
