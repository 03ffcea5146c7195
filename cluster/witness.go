package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

const handOverRetry = 100 * time.Millisecond

// yield is what a witness does with leadership: it gives it to an amphora, and goes
// on trying while it leads. It wins it only when its log is ahead of the survivor's,
// when no amphora is there, or when it was asked to. The transfer brings the target's
// log up to date first. It runs until ctx ends.
func (n *Node) yield(ctx context.Context) {
	var stuck throttle
	for {
		over, err := n.leadership.await(ctx)
		if err != nil {
			return
		}
		err = n.handOver(ctx)
		if err != nil && ctx.Err() == nil && stuck.first("") {
			n.logger.Warn("this witness leads and cannot hand over yet", logkey.Term, n.raft.CurrentTerm(), logkey.Err, err)
		}
		select {
		case <-over:
		case <-time.After(handOverRetry):
		case <-ctx.Done():
		}
	}
}

// handOver transfers leadership to an amphora that is alive. The target is always
// named: left to itself, raft may choose the witness.
func (n *Node) handOver(ctx context.Context) error {
	var errs []error
	for _, target := range n.successors(false) {
		err := n.transferTo(ctx, target)
		if err == nil || ctx.Err() != nil || retryable(err) {
			return err
		}
		errs = append(errs, err)
	}
	if errs == nil {
		return errors.New("hand over leadership: no other amphora with a vote is alive")
	}
	return errors.Join(errs...)
}

// successors are the amphorae that may lead instead of this node: first the one that
// holds the virtual IPs, which then need not move, then those that can hold them,
// then, unless only fit ones are asked for, the others.
func (n *Node) successors(fit bool) []raft.Server {
	holder := string(n.agent.view().Holder)
	var ranks [3][]raft.Server
	for _, s := range n.servers() {
		p, ok := n.registry.get(string(s.ID))
		if !ok || s.Suffrage != raft.Voter || string(s.ID) == n.id || p.Role != Amphora || p.state != StateAlive {
			continue
		}
		switch {
		case !p.fit():
			ranks[2] = append(ranks[2], s)
		case p.id == holder:
			ranks[0] = append(ranks[0], s)
		default:
			ranks[1] = append(ranks[1], s)
		}
	}
	if fit {
		ranks[2] = nil
	}
	return slices.Concat(ranks[:]...)
}

func (n *Node) transferTo(ctx context.Context, target raft.Server) error {
	err := n.calls.await(ctx, func() error {
		return n.raft.LeadershipTransferToServer(target.ID, target.Address).Error()
	})
	if err != nil {
		return fmt.Errorf("transfer leadership to %s: %w", n.label(string(target.ID)), n.raftError(err))
	}
	n.logger.Info("leadership handed over", logkey.Peer, n.label(string(target.ID)))
	return nil
}
