package cluster

import (
	"context"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// tendWill seals the will anew when those that it is for have moved or changed.
func (n *Node) tendWill(ctx context.Context) {
	changes := n.changes.subscribe(ctx)
	var last []netip.AddrPort
	for {
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
		var now []netip.AddrPort
		for _, id := range n.otherVoters() {
			at, _ := n.gossipAt(id)
			now = append(now, at)
		}
		if !slices.Equal(now, last) {
			last = now
			n.agent.reseal()
		}
	}
}

func (n *Node) otherVoters() []lease.ID {
	var ids []lease.ID
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter && string(s.ID) != n.id {
			ids = append(ids, lease.ID(s.ID))
		}
	}
	return ids
}

// publishWill makes known what to say to each voter if this process dies.
func (n *Node) publishWill(term uint64) {
	if n.cfg.Publish == nil {
		return
	}
	will := Will{Term: term}
	if term == 0 {
		n.cfg.Publish(will)
		return
	}
	for _, id := range n.otherVoters() {
		at, ok := n.gossipAt(id)
		if !ok {
			continue
		}
		released := lease.Message{Kind: lease.Released, From: lease.ID(n.id), Boot: n.boot, Term: term}
		data, err := n.carrier.sealed(id, released, 0)
		if err != nil {
			n.logger.Error("cannot seal the will", logkey.Peer, n.label(string(id)), logkey.Err, err)
			continue
		}
		will.Packets = append(will.Packets, Packet{To: at, Data: data})
	}
	n.cfg.Publish(will)
}
