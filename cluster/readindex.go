package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/hashicorp/raft"
)

// ReadIndex returns the log index that a reader on this node must see applied to
// its state machine in order to see every command that was committed before the
// call: a linearizable read without a write. It is the index of a command, so that
// a state machine that counts only commands reaches it. It waits like Propose.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	var index uint64
	err := n.onLeader(ctx, leaderCall{
		name: "read index",
		local: func(ctx context.Context) (err error) {
			index, err = n.readIndex(ctx)
			return err
		},
		remote: func(ctx context.Context, leader peerpb.PeerClient) error {
			answer, err := leader.ReadIndex(ctx, &peerpb.ReadIndexRequest{})
			index = answer.GetIndex()
			return err
		},
	})
	return index, err
}

// readIndex is section 6.4 of Ongaro's thesis: a leader that has committed an
// entry of its own term takes its commit index and has a quorum confirm that it
// still leads.
func (n *Node) readIndex(ctx context.Context) (uint64, error) {
	if n.raft.State() != raft.Leader {
		return 0, n.notLeader()
	}
	term := n.raft.CurrentTerm()
	if n.barrierTerm.Load() != term {
		if err := n.barrier(ctx); err != nil {
			return 0, err
		}
	}
	commit := n.raft.CommitIndex()
	if err := n.calls.await(ctx, func() error { return n.raft.VerifyLeader().Error() }); err != nil {
		return 0, n.raftError(err)
	}
	if n.raft.CurrentTerm() != term {
		// Lost and won again in between, perhaps because this process was stopped:
		// another leader may have committed more before the call.
		return 0, n.notLeader()
	}
	index, err := n.lastCommand(commit)
	if err != nil {
		return 0, fmt.Errorf("find last command up to %d: %w", commit, err)
	}
	return index, nil
}

// lastCommand finds the newest command up to index. Barriers and configurations
// between are few; where a snapshot has swallowed the command, what the state
// machine has durably applied is at least as new.
func (n *Node) lastCommand(index uint64) (uint64, error) {
	var entry raft.Log
	for ; index > 0; index-- {
		err := n.store.GetLog(index, &entry)
		if errors.Is(err, raft.ErrLogNotFound) {
			break
		}
		if err != nil {
			return 0, err
		}
		if entry.Type == raft.LogCommand {
			return index, nil
		}
	}
	if index == 0 || n.cfg.FSMIndex == nil {
		return 0, nil
	}
	return n.cfg.FSMIndex(), nil
}

// barrier returns when everything committed before has been applied on this node,
// which must lead.
func (n *Node) barrier(ctx context.Context) error {
	term := n.raft.CurrentTerm()
	err := n.calls.await(ctx, func() error { return n.raft.Barrier(enqueueLimit).Error() })
	if err != nil {
		return n.raftError(err)
	}
	// Passed as leader between two looks at one and the same term: it is ours.
	if n.raft.CurrentTerm() == term {
		n.barrierTerm.Store(term)
	}
	return nil
}
