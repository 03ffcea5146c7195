package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// Leave takes this node out of the cluster for good: leadership to another node,
// then out of the configuration. The node goes on running and gossiping, without a
// part in anything else; it may Join again. The last voter cannot leave.
func (n *Node) Leave(ctx context.Context) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	err := n.Remove(ctx, n.id)
	if err != nil && !errors.Is(err, ErrNodeNotFound) {
		return fmt.Errorf("leave: %w", err)
	}
	// raft does not tell a removed node that it is: its own configuration goes on
	// naming it a voter.
	if err := n.store.Set(keyLeft, []byte{1}); err != nil {
		return fmt.Errorf("leave: remember it: %w", err)
	}
	n.left.Store(true)
	n.reconfigured()
	return nil // no goodbye by gossip: memberlist could not take it back
}

// keyLeft marks in the stable store a node that has left its cluster.
var keyLeft = []byte("amphora.left")

func (n *Node) hasLeft() bool {
	value, err := n.store.Get(keyLeft)
	return err == nil && len(value) > 0
}

// Remove takes a node, given by name or id, out of the cluster for good. It waits
// like Propose. It refuses to remove the last voter, or one of those that the
// quorum of the rest depends on.
func (n *Node) Remove(ctx context.Context, node string) error {
	return n.onLeader(ctx, leaderCall{
		name:  "remove " + node,
		gone:  ErrNodeNotFound,
		local: func(ctx context.Context) error { return n.remove(ctx, node) },
		remote: func(ctx context.Context, leader peerpb.PeerClient) error {
			_, err := leader.Remove(ctx, &peerpb.RemoveRequest{Node: node})
			return err
		},
	})
}

// remove removes a node. This node must lead, and cannot remove itself: it hands
// over, and the next leader does it.
func (n *Node) remove(ctx context.Context, node string) error {
	if n.raft.State() != raft.Leader {
		return n.notLeader()
	}
	target, err := n.find(node)
	if err != nil {
		return err
	}
	if err := n.checkRemoval(target); err != nil {
		return err
	}
	if string(target.ID) == n.id {
		if err := n.handOver(ctx); err != nil {
			return err
		}
		return n.notLeader()
	}
	_, err = n.configure(ctx, func(limit time.Duration) raft.IndexFuture {
		return n.raft.RemoveServer(target.ID, 0, limit)
	})
	if err != nil {
		return err
	}
	n.logger.Info("node removed", logkey.Peer, n.label(string(target.ID)))
	n.warnTwoVoters()
	return nil
}

// checkRemoval refuses what could not be committed, or would leave a cluster that
// cannot commit anything any more.
func (n *Node) checkRemoval(target raft.Server) error {
	if target.Suffrage != raft.Voter {
		return nil
	}
	left, alive := 0, 0
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter || s.ID == target.ID {
			continue
		}
		left++
		if p, _ := n.registry.get(string(s.ID)); p.state == StateAlive {
			alive++
		}
	}
	switch {
	case left == 0:
		return ErrLastVoter
	case alive <= left/2:
		return fmt.Errorf("%d voters would be left and %d of them alive; remove the dead ones first: %w", left, alive, ErrWouldLoseQuorum)
	}
	return nil
}

// Transfer hands leadership to a voter given by name or id, or with an empty name to
// an amphora that is able to hold the virtual IPs. It returns when the leader has
// stepped down in its favour, and at once if it leads already. What the leader holds
// follows: it goes on serving until the new one is ready, and if the transfer fails
// it goes on holding.
func (n *Node) Transfer(ctx context.Context, node string) error {
	return n.onLeader(ctx, leaderCall{
		name:  "transfer leadership",
		moves: node == "",
		local: func(ctx context.Context) error { return n.transfer(ctx, node) },
		remote: func(ctx context.Context, leader peerpb.PeerClient) error {
			_, err := leader.Transfer(ctx, &peerpb.TransferRequest{Node: node})
			return err
		},
	})
}

func (n *Node) transfer(ctx context.Context, node string) error {
	if n.raft.State() != raft.Leader {
		return n.notLeader()
	}
	if node == "" {
		return n.switchOver(ctx, "")
	}
	target, err := n.find(node)
	switch {
	case err != nil:
		return err
	case string(target.ID) == n.id:
		return nil
	case target.Suffrage != raft.Voter:
		return fmt.Errorf("node %s has no vote: %w", node, ErrInvalid)
	}
	switch p, _ := n.registry.get(string(target.ID)); {
	case p.state == StateDead || p.state == StateLeft:
		return fmt.Errorf("node %s is %s: %w", node, p.state, ErrInvalid)
	case p.Maintenance:
		return fmt.Errorf("node %s is in maintenance: %w", node, ErrInvalid)
	case p.Unfit:
		return fmt.Errorf("node %s cannot hold the virtual IPs now: %w", node, ErrInvalid)
	}
	return n.transferTo(ctx, target)
}
