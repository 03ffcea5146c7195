package balance

import (
	"net/netip"

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
	// would favour the first members when Balancers are replaced often.
	Previous *Balancer
}

// Balancer picks among a fixed set of members. It is safe for concurrent use.
type Balancer struct{}

// New builds a Balancer. It takes time proportional to the members, or to the
// length of the rotation if weights differ; see DESIGN.md for measurements.
// An algorithm that is not known is served as ROUND_ROBIN.
func New(cfg Config) *Balancer { return &Balancer{} }

// Pick chooses a member that c has not tried, counts c as running on it until
// [Choice.Release], and returns the member's index in Config.Members. If c still
// runs on an earlier pick, that one is released first. key is the client's
// address, used by SOURCE_IP only. ok is false, and c runs on nothing, when no
// member of a weight above 0 is left untried: the caller gives up or calls
// [Choice.Forget]. Pick never blocks.
func (b *Balancer) Pick(c *Choice, key netip.Addr) (index int, ok bool) { return 0, false }
