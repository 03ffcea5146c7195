package cluster

import (
	"context"
	"net/netip"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// Gate passes the traffic of the virtual IPs until an absolute time of this node's
// CLOCK_BOOTTIME, and not a moment longer, whatever becomes of the process. Its
// methods are called under the lease's lock, one at a time: they must be quick,
// and must not call the node.
type Gate interface {
	// Extend opens the gate, or keeps it open, until the given time. It is in force
	// when Extend returns. sent is when the round of questions began that allows it.
	Extend(term uint64, sent, until lease.Instant) error
	// Shut shuts the gate, for term and every older one. Nothing passes any more
	// when it returns nil; with an error the gate shuts when its time is over.
	Shut(term uint64) error
}

// Drainer is a Gate that lets connections outlive a planned move. Drain is called as
// the methods of Gate are, right before Shut, with the id of the node that takes over.
type Drainer interface {
	Drain(to string)
}

// Prober asks the network in a cluster of two voters, where silence of the peer may
// mean that it is gone, or that this node is cut off.
type Prober interface {
	// Probe sends one probe to the gateway and to each tie-breaker. network tells
	// that one of them answered before ctx ended; Probe returns as soon as that is
	// known. With occupancy it also asks, three times 20 ms apart and without
	// answering for them itself, whether somebody else answers for a virtual IP, and
	// whether the peer's host answers for its own address; that takes its time.
	// Several calls may run at once.
	Probe(ctx context.Context, occupancy bool) (network, occupied, peer bool)
}

// Will is what the supervisor of this process sends when the process has died and
// its gate is shut: each peer takes it as the word of this node that it holds
// nothing any more in Term or before. The zero Will means that nothing is held.
type Will struct {
	Term    uint64
	Packets []Packet
}

// Packet is one UDP datagram, sealed: Data is the whole payload.
type Packet struct {
	To   netip.AddrPort
	Data []byte
}
