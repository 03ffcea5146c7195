package balance

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

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

	// The table of the algorithm is made for the first pick: pools without
	// traffic change as often as others.
	prepared sync.Once
	used     atomic.Bool // there has been a pick
	rotation rotation
	maglev   maglevTable // for SOURCE_IP
}

// candidate is a member that can be picked.
type candidate struct {
	Member
	index int // in Config.Members
}

// New builds a Balancer. If Previous was in use, the table that some pools need
// is made here: it takes microseconds for few members or equal weights and some
// milliseconds for the largest rotations and for SOURCE_IP (see DESIGN.md), so
// New does not belong on the path of a request. Otherwise the first pick makes
// the table. An algorithm that is not known is served as ROUND_ROBIN.
func New(cfg Config) *Balancer {
	b := &Balancer{algorithm: cfg.Algorithm, members: make([]candidate, 0, len(cfg.Members))}
	for i, m := range cfg.Members {
		if m.Weight > 0 {
			b.members = append(b.members, candidate{Member: m, index: i})
		}
	}
	switch b.algorithm {
	case lb.SourceIP:
		// The order in the pool may differ between nodes, that of ids does not.
		slices.SortFunc(b.members, byID)
	case lb.LeastConnections:
		b.rotation.n = uint64(len(b.members)) // ties take turns, whatever the weights
	default:
		b.rotation.n = cycle(scaled(b.members))
	}
	if cfg.Previous != nil {
		b.rotation.resume(&cfg.Previous.rotation)
		if cfg.Previous.used.Load() {
			b.prepared.Do(b.prepare)
		}
	}
	return b
}

// prepare makes the table of the algorithm.
func (b *Balancer) prepare() {
	switch {
	case len(b.members) <= 1 || b.algorithm == lb.LeastConnections:
	case b.algorithm == lb.SourceIP:
		b.maglev = newMaglevTable(b.members)
	default:
		b.rotation.slots = smooth(scaled(b.members))
	}
}

// Pick chooses a member that c has not tried, counts c as running on it until
// [Choice.Release], and returns the member's index in Config.Members. If c still
// runs on an earlier pick, that one is released first. key is the client's
// address; only SOURCE_IP uses it. ok is false, and c runs on nothing, when no
// member of a weight above 0 is left untried: the caller gives up, or calls
// [Choice.Forget] and may get one of the same members again. Pick allocates
// nothing and does not block, except that the first picks may wait for a table,
// see [New].
func (b *Balancer) Pick(c *Choice, key netip.Addr) (index int, ok bool) {
	c.Release()
	if c.picks > 0 && !b.anyUntried(c) || len(b.members) == 0 {
		return 0, false
	}
	if !b.used.Load() {
		b.prepared.Do(b.prepare)
		b.used.Store(true)
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
