package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/hashicorp/raft"
)

// tap is told what passes through raft's transport and means something for the
// lease. It must not block: raft waits.
type tap interface {
	// voteAsked comes before raft sees the request, voteAnswered after it has decided
	// and before the candidate knows. What voteAnswered returns goes with the vote.
	voteAsked(term uint64)
	voteAnswered(term uint64, granted bool) []lease.Promise
	// voteGranted comes before raft counts the vote.
	voteGranted(by lease.ID, term uint64, promises []lease.Promise)
	// elected comes with the first call that raft makes as leader of a term: proof,
	// with the number, as raft's own notice of leadership is not.
	elected(term uint64)
	// stood comes before the first question for a vote in a term of this node's own.
	stood(term uint64)
	termSeen(term uint64)
}

// highest keeps the largest number it was given.
type highest struct{ atomic.Uint64 }

// raise tells whether v is larger than all before.
func (h *highest) raise(v uint64) bool {
	for {
		old := h.Load()
		if v <= old {
			return false
		}
		if h.CompareAndSwap(old, v) {
			return true
		}
	}
}

// saw passes on a term that raft adopts, once.
func (t *transport) saw(term uint64) {
	if t.seen.raise(term) {
		t.tap.termSeen(term)
	}
}

// stands passes on, once, that raft asks for votes in a term.
func (t *transport) stands(term uint64) {
	if t.stood.raise(term) {
		t.seen.raise(term)
		t.tap.stood(term)
	}
}

// leads passes on, once, that raft acts as leader of a term.
func (t *transport) leads(term uint64) {
	if t.elected.raise(term) {
		t.tap.elected(term)
	}
}

// inspect looks at a call for raft, and returns what to give to raft instead.
func (t *transport) inspect(call raft.RPC) raft.RPC {
	switch req := call.Command.(type) {
	case *raft.AppendEntriesRequest:
		t.saw(req.Term)
	case *raft.InstallSnapshotRequest:
		t.saw(req.Term)
	case *raft.RequestPreVoteRequest:
		t.muzzle.asked(lease.Position{Index: req.LastLogIndex, Term: req.LastLogTerm})
	case *raft.RequestVoteRequest:
		t.muzzle.asked(lease.Position{Index: req.LastLogIndex, Term: req.LastLogTerm})
		return t.inspectVote(call, req)
	}
	return call
}

// inspectVote puts the lease around a vote: what this node has promised to others
// goes with it, in a field that raft's protocol 3 does not use.
func (t *transport) inspectVote(call raft.RPC, req *raft.RequestVoteRequest) raft.RPC {
	t.tap.voteAsked(req.Term)
	reply, answer := call.RespChan, make(chan raft.RPCResponse, 1)
	call.RespChan = answer
	t.votes.Go(func() {
		select {
		case a := <-answer:
			vote, ok := a.Response.(*raft.RequestVoteResponse)
			granted := ok && a.Error == nil && vote.Granted
			promises := t.tap.voteAnswered(req.Term, granted)
			if granted {
				// Without them, which cannot be, the candidate expects the worst.
				vote.Peers, _ = encodePromises(promises)
			}
			reply <- a // buffered by raft's own transport
		case <-t.stop:
		}
	})
	return call
}

// counted takes note of another node's vote for this one.
func (t *transport) counted(id raft.ServerID, term uint64, resp *raft.RequestVoteResponse) {
	t.saw(resp.Term)
	if !resp.Granted {
		return
	}
	promises, ok := decodePromises(resp.Peers)
	if !ok {
		promises = []lease.Promise{{For: t.unknown}}
	}
	t.tap.voteGranted(lease.ID(id), term, promises)
}

// inject gives raft a call of this node's own, and returns raft's answer.
func (t *transport) inject(ctx context.Context, command any) error {
	answer := make(chan raft.RPCResponse, 1)
	select {
	case t.calls <- raft.RPC{Command: command, RespChan: answer}:
	case <-t.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case a := <-answer:
		return a.Error
	case <-t.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func header() raft.RPCHeader { return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax} }

// campaign makes this node's raft stand for election now, without waiting for its
// timer and without asking first whether the others would vote for it: they do, even
// if they know a leader. Only a voter may do that, when a quorum has agreed.
func (t *transport) campaign(ctx context.Context) error {
	return t.inject(ctx, &raft.TimeoutNowRequest{RPCHeader: header()})
}

// stepBack makes a candidate a follower: in the midst of its own questions it would
// not hear that it is to campaign. It is a heartbeat of nobody, in raft's own term
// and with nothing in it.
func (t *transport) stepBack(ctx context.Context, term uint64) error {
	return t.inject(ctx, &raft.AppendEntriesRequest{RPCHeader: header(), Term: term})
}

// electing tells whether raft asks for votes in this term. A candidate that asks whether
// it would get them has failed: it goes no further as long as others hear a leader.
func (t *transport) electing(term uint64) bool { return term != 0 && t.asking.Load() == term }

// probe returns when raft's main loop has taken a call: one of a protocol that it
// refuses, so that nothing comes of it.
func (t *transport) probe(ctx context.Context) error {
	err := t.inject(ctx, &raft.TimeoutNowRequest{})
	if errors.Is(err, raft.ErrUnsupportedProtocol) {
		return nil
	}
	if err == nil {
		return errors.New("raft took a call of protocol 0")
	}
	return fmt.Errorf("probe raft's main loop: %w", err)
}
