package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// standLimit bounds one attempt to make raft campaign.
const standLimit = time.Second

// stand makes raft on this node stand for election, unless a newer term has begun
// until then. It does not block.
func (n *Node) stand(why string) {
	term := n.raft.CurrentTerm()
	n.tasks.start("campaign", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, standLimit)
		defer cancel()
		if err := n.campaignNow(ctx, term); err != nil && ctx.Err() == nil {
			n.logger.Warn("cannot campaign", logkey.Reason, why, logkey.Err, err)
			return
		}
		n.logger.Info("campaigning", logkey.Reason, why)
	})
}

// campaignNow campaigns, whatever raft is doing at the moment. A leader does so too:
// it needs a new term when it has given up what it held in the one it leads. since is
// raft's term when that was decided: an election since then may have a winner, this
// node perhaps, whose term must not be ended by a decision about an older one.
func (n *Node) campaignNow(ctx context.Context, since uint64) error {
	if !n.isVoter() {
		return errors.New("this node has no vote")
	}
	if term := n.raft.CurrentTerm(); term != since {
		return fmt.Errorf("term %d has begun since term %d was missed", term, since)
	}
	if n.raft.State() == raft.Candidate {
		term := n.raft.CurrentTerm()
		if n.transport.electing(term) {
			return nil // an election is under way; if it fails, raft tries again
		}
		if err := n.transport.stepBack(ctx, term); err != nil {
			return err
		}
	}
	return n.transport.campaign(ctx)
}

// giveLeadership transfers raft's leadership away from an amphora that leads and
// cannot hold. It does not block. A witness does so by itself; see yield.
func (n *Node) giveLeadership(to lease.ID, why string) {
	if !n.eligible() {
		return
	}
	n.tasks.start("give leadership", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.StopTimeout)
		defer cancel()
		if n.raft.State() != raft.Leader {
			return
		}
		err := n.switchOver(ctx, string(to))
		if err != nil && ctx.Err() == nil && n.seen.first("give leadership") {
			n.logger.Warn("this node leads, cannot hold the virtual IPs, and nobody can lead instead", logkey.Reason, why, logkey.Err, err)
		}
	})
}
