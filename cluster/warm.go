package cluster

import (
	"context"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// warmInterval is how often a node that may have to stand for election uses its raft
// connections to the voters. A follower has no other use for them, and an election
// that must first connect, shake hands and speak TLS takes twice as long.
const warmInterval = 2 * time.Second

// keepWarm keeps a connection to every voter that is alive in raft's pool, until ctx
// ends. It also finds the broken ones: a vote would be lost on each.
func (n *Node) keepWarm(ctx context.Context) {
	if n.cfg.Role != Amphora {
		return
	}
	tick := time.NewTicker(warmInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if n.raft.State() == raft.Leader {
			continue // it speaks to all of them anyway
		}
		for _, s := range n.servers() {
			p, ok := n.registry.get(string(s.ID))
			if s.Suffrage != raft.Voter || string(s.ID) == n.id || !ok || p.state != StateAlive {
				continue
			}
			n.tasks.start("warm "+string(s.ID), func(context.Context) {
				if err := n.transport.warm(s.ID, s.Address); err != nil {
					n.logger.Debug("raft connection is not warm", logkey.Peer, n.label(string(s.ID)), logkey.Err, err)
				}
			})
		}
	}
}

// warm makes a call that comes to nothing: of a protocol that raft refuses before it
// looks at anything else. It blocks for at most the time of a call.
func (t *transport) warm(id raft.ServerID, addr raft.ServerAddress) error {
	var resp raft.AppendEntriesResponse
	err := t.NetworkTransport.AppendEntries(id, meant(id, addr), &raft.AppendEntriesRequest{}, &resp)
	if err != nil && strings.Contains(err.Error(), raft.ErrUnsupportedProtocol.Error()) {
		return nil // as text: it came over the network
	}
	return err
}
