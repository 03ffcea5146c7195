package cluster

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// callNode is a node that believes to lead and can make calls to itself alone.
func callNode() *Node {
	n := &Node{id: "self", ready: make(chan struct{}), stopping: context.Background()}
	close(n.ready)
	n.view.Store(newLeaderView("self"))
	return n
}

// What ended in doubt may have been done. A transfer that was done must not be
// asked of the next leader, or it would come back.
func TestTransferInDoubtIsNotMadeTwice(t *testing.T) {
	n := callNode()
	tries := 0
	err := n.onLeader(within(t, patience), leaderCall{name: "transfer", moves: true, local: func(context.Context) error {
		if tries++; tries < 3 {
			return ErrUnknownOutcome // and nobody else leads yet
		}
		old := n.view.Swap(newLeaderView("other"))
		old.end()
		return ErrUnknownOutcome
	}})
	if err != nil || tries != 3 {
		t.Errorf("after %d tries: %v", tries, err)
	}
}

func TestRemovalInDoubtSucceedsWhenTheNodeIsGone(t *testing.T) {
	for _, doubt := range []bool{false, true} {
		tries := 0
		err := callNode().onLeader(within(t, patience), leaderCall{name: "remove", gone: ErrNodeNotFound, local: func(context.Context) error {
			if tries++; doubt && tries == 1 {
				return ErrUnknownOutcome
			}
			return ErrNodeNotFound
		}})
		if doubt != (err == nil) || (err != nil && !errors.Is(err, ErrNodeNotFound)) {
			t.Errorf("in doubt %v: %v", doubt, err)
		}
	}
}

// A log store that fails may have written the entry.
func TestFailedWriteLeavesDoubt(t *testing.T) {
	n := &Node{}
	for raftSays, want := range map[error]error{
		errors.New("input/output error"): ErrUnknownOutcome,
		raft.ErrLeadershipLost:           ErrUnknownOutcome,
	} {
		if err := n.applyError(raftSays); !errors.Is(err, want) || !errors.Is(err, raftSays) {
			t.Errorf("%v becomes %v", raftSays, err)
		}
	}
}

func TestCommandThatIsTooLongIsRefused(t *testing.T) {
	n := callNode()
	if _, _, err := n.Propose(within(t, patience), make([]byte, maxCommand+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
}

// What one raft call carries must arrive within its time limit.
func TestCallsCarryABoundedNumberOfBytes(t *testing.T) {
	var entries []*raft.Log
	for _, size := range []int{3, 5, 2, 7} {
		entries = append(entries, &raft.Log{Data: make([]byte, size-1), Extensions: make([]byte, 1)})
	}
	var got []int
	for _, limit := range []int{0, 3, 7, 8, 10, 16, 17, 99} {
		got = append(got, len(upTo(limit, entries)))
	}
	if diff := cmp.Diff([]int{1, 1, 1, 2, 3, 3, 4, 4}, got); diff != "" {
		t.Error(diff)
	}
	if upTo(0, nil) != nil {
		t.Error("a heartbeat has got entries")
	}
}
