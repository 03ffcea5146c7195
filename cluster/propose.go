package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/hashicorp/raft"
)

const (
	// maxCommand keeps a command below what gRPC takes from another node, and small
	// enough to reach a follower within one raft call.
	maxCommand = 2 << 20
	// enqueueLimit bounds the wait for raft's main loop to take a command.
	enqueueLimit = 5 * time.Second
	retryFirst   = 5 * time.Millisecond
	retryLast    = 100 * time.Millisecond
)

// Propose commits command and returns the response of the state machine and the
// command's log index. On a follower it asks the leader. While there is no leader
// it waits, and what ended in doubt it sends again, until ctx ends; so ctx should
// have a deadline, and a command must carry a request id by which the state
// machine recognises one that it has already applied. It does not wait for a leader
// that cannot be: see ErrNoQuorum.
//
// When ctx ends the error is ErrNoLeader if nothing was ever sent, and
// ErrUnknownOutcome if the command may have been committed or still may be.
// A command of more than 2 MiB is ErrInvalid.
func (n *Node) Propose(ctx context.Context, command []byte) (response []byte, index uint64, err error) {
	if len(command) > maxCommand {
		return nil, 0, fmt.Errorf("propose: command has %d bytes, at most %d are allowed: %w", len(command), maxCommand, ErrInvalid)
	}
	err = n.onLeader(ctx, leaderCall{
		name: "propose",
		local: func(ctx context.Context) (err error) {
			response, index, err = n.apply(ctx, command)
			return err
		},
		remote: func(ctx context.Context, leader peerpb.PeerClient) error {
			answer, err := leader.Propose(ctx, &peerpb.ProposeRequest{Command: command})
			response, index = answer.GetResponse(), answer.GetIndex()
			return err
		},
	})
	return response, index, err
}

// leaderCall is something that only the leader can do.
type leaderCall struct {
	name   string
	local  func(ctx context.Context) error
	remote func(ctx context.Context, leader peerpb.PeerClient) error
	// What tells that an attempt in doubt has succeeded, so that it must not be made
	// again: that another node leads than the one asked, or an error of a later one.
	moves bool
	gone  error
}

// onLeader makes the call where the leader is, and again while it is safe and may
// help, until ctx ends. Every call is safe to repeat.
func (n *Node) onLeader(ctx context.Context, call leaderCall) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("%s: %w", call.name, err)
	}
	doubt := false
	asked := ""
	pause := retryFirst
	for {
		view := n.view.Load()
		if call.moves && asked != "" && view.id != "" && view.id != asked {
			return nil
		}
		err := n.try(ctx, view, call)
		switch {
		case err == nil, doubt && call.gone != nil && errors.Is(err, call.gone):
			return nil
		case errors.Is(err, ErrUnknownOutcome):
			doubt, asked = true, view.id
		case !retryable(err):
			return fmt.Errorf("%s: %w", call.name, err)
		}
		if view.id == "" {
			if lost := n.standstill(); lost != nil {
				return fmt.Errorf("%s: %w", call.name, ended(doubt, lost, err))
			}
		}
		select {
		case <-view.over.Done():
			pause = retryFirst
		case <-time.After(pause):
			pause = min(2*pause, retryLast)
		case <-ctx.Done():
		case <-n.stopping.Done():
			return fmt.Errorf("%s: %w", call.name, ended(doubt, ErrClosed, err))
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", call.name, ended(doubt, ctx.Err(), err))
		}
	}
}

// giveUpAfter is how long there must have been neither a leader nor a quorum before
// nobody waits for them any more. On a busy machine gossip takes the living for dead.
const giveUpAfter = 2 * time.Second

// lookForHope notes since when there can be no leader.
func (n *Node) lookForHope() {
	if n.view.Load().id != "" || n.quorumLost() == nil {
		n.hopeless.Store(nil)
	} else if now := time.Now(); n.hopeless.Load() == nil {
		n.hopeless.Store(&now)
	}
}

// standstill is ErrNoQuorum if there has been no hope for a leader for a while.
func (n *Node) standstill() error {
	if since := n.hopeless.Load(); since == nil || time.Since(*since) < giveUpAfter {
		return nil
	}
	return n.quorumLost()
}

// quorumLost is ErrNoQuorum if so many voters have died or left, as far as gossip
// knows, that the others are no majority. One that it has not met yet may come.
func (n *Node) quorumLost() error {
	voters := 0
	var gone []string
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if p, _ := n.registry.get(string(s.ID)); p.state == StateDead || p.state == StateLeft {
			gone = append(gone, p.Name)
		}
	}
	if voters == 0 || voters-len(gone) > voters/2 {
		return nil
	}
	return fmt.Errorf("%w: %s gone of %d voters", ErrNoQuorum, strings.Join(gone, ", "), voters)
}

// ended says what is known when the time is over: why it is over, and how the
// last attempt failed.
func ended(doubt bool, why, last error) error {
	kind := ErrNoLeader
	if doubt {
		kind = ErrUnknownOutcome
	}
	if errors.Is(last, kind) {
		return fmt.Errorf("%w (%w)", last, why)
	}
	return fmt.Errorf("%w (%w): last attempt: %w", kind, why, last)
}

// try makes one attempt at the leader that view shows. It gives up when view is
// over: an old leader that is cut off or frozen might never answer.
func (n *Node) try(ctx context.Context, view *leaderView, call leaderCall) error {
	switch view.id {
	case "":
		return ErrNoLeader
	case n.id:
		return call.local(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(view.over, cancel)()
	conn, err := n.conns.get(view.id)
	if err != nil {
		return err
	}
	if err := connected(ctx, conn); err != nil {
		return fmt.Errorf("leader %s: %w: %w", n.label(view.id), errUnreachable, err)
	}
	return fromStatus(call.remote(ctx, peerpb.NewPeerClient(conn)))
}

// errUnreachable: no connection, nothing sent.
var errUnreachable = errors.New("unreachable")

// retryable errors leave everything as it was, and may pass.
func retryable(err error) bool {
	var notLeader *NotLeaderError
	return errors.As(err, &notLeader) || errors.Is(err, ErrNoLeader) || errors.Is(err, errUnreachable)
}

// apply commits a command on this node, which must lead.
func (n *Node) apply(ctx context.Context, command []byte) ([]byte, uint64, error) {
	if n.raft.State() != raft.Leader {
		return nil, 0, n.notLeader()
	}
	if n.cfg.Check != nil {
		if err := n.cfg.Check(command); err != nil {
			return nil, 0, fmt.Errorf("check command: %w: %w", ErrInvalid, err)
		}
	}
	n.proposals.Add(1)
	var future raft.ApplyFuture
	err := n.calls.await(ctx, func() error {
		future = n.raft.Apply(command, enqueueLimit)
		return future.Error()
	})
	if err != nil {
		return nil, 0, n.applyError(err)
	}
	response, ok := future.Response().([]byte)
	if !ok {
		return nil, 0, fmt.Errorf("state machine answered with %T instead of bytes", future.Response())
	}
	n.spread()
	return response, future.Index(), nil
}

// spreadAfter is how long a change waits for a next one to carry its news.
const spreadAfter = 2 * time.Millisecond

// spread lets the followers learn at once what has been committed. Raft itself tells
// them with the next entry, or after up to twice CommitTimeout; when no next change
// comes, a barrier is that entry. Only the time is at stake, so errors do not matter.
func (n *Node) spread() {
	if len(n.raft.GetConfiguration().Configuration().Servers) < 2 {
		return
	}
	latest := n.proposals.Load()
	time.AfterFunc(spreadAfter, func() {
		if n.proposals.Load() == latest && n.raft.State() == raft.Leader {
			n.raft.Barrier(enqueueLimit)
		}
	})
}

// raftError translates raft's errors: those that say that nothing happened, and
// those after which the entry may yet be committed by the next leader.
func (n *Node) raftError(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader),
		errors.Is(err, raft.ErrLeadershipTransferInProgress), // also for a moment after one
		errors.Is(err, raft.ErrEnqueueTimeout),
		errors.Is(err, raft.ErrAbortedByRestore):
		return n.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}

// applyError is raftError for a command. What raft does not name came from the log
// store: the entry may be on disk all the same, and raft steps down.
func (n *Node) applyError(err error) error {
	err = n.raftError(err)
	if retryable(err) || errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// notLeader names the leader to go to instead, unless that is, still or again,
// this node.
func (n *Node) notLeader() error {
	addr, id := n.raft.LeaderWithID()
	if string(id) == n.id {
		return &NotLeaderError{}
	}
	return &NotLeaderError{LeaderID: string(id), LeaderAddr: string(addr)}
}
