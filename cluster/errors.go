package cluster

import (
	"errors"
	"fmt"
)

// The kinds of errors that callers tell apart with errors.Is. They survive the
// way from one node to another.
var (
	// ErrNoLeader: no node led until the caller's deadline. Nothing was changed.
	ErrNoLeader = errors.New("the cluster has no leader")
	// ErrNoQuorum: so many voters are gone that there will be no leader before one of
	// them is back. It comes with ErrNoLeader or ErrUnknownOutcome.
	ErrNoQuorum = errors.New("the cluster has no quorum")
	// ErrUnknownOutcome: the command may or may not have been committed, and may
	// still be. Sending the same command with the same request id is safe.
	ErrUnknownOutcome = errors.New("the outcome is unknown")
	// ErrClosed: the node has stopped or is stopping.
	ErrClosed = errors.New("the node is stopped")
	// ErrNodeNotFound: no node of the cluster has that name or id.
	ErrNodeNotFound = errors.New("node not found")
	// ErrNameTaken: another node of the cluster already has that name.
	ErrNameTaken = errors.New("node name is taken")
	// ErrLastVoter: the change would leave a cluster without voters.
	ErrLastVoter = errors.New("the last voter cannot be removed")
	// ErrWouldLoseQuorum: the voters that are alive would be no majority any more.
	ErrWouldLoseQuorum = errors.New("the change would cost the quorum")
	// ErrNoSuccessor: no other amphora is there and able to take over.
	ErrNoSuccessor = errors.New("no other amphora can take over")
	// ErrBootstrapped: this node, or one that it sees, belongs to a cluster already.
	ErrBootstrapped = errors.New("the cluster exists already")
	// ErrWrongCluster: the other side belongs to a cluster with another name.
	ErrWrongCluster = errors.New("wrong cluster")
	// ErrForcedApart: two nodes have data that must not be put together, since the
	// cluster was forced without one of them.
	ErrForcedApart = errors.New("the cluster was forced apart")
	// ErrHasQuorum: a majority is there, so that nothing needs to be forced.
	ErrHasQuorum = errors.New("the quorum is there")
	// ErrRestart is what Run returns when it has stopped because something is to be
	// done to the data directory: call Settle, then Open and Run again.
	ErrRestart = errors.New("the node must be started again")
	// ErrInvalid: a request of another node makes no sense.
	ErrInvalid = errors.New("invalid request")
)

// NotLeaderError says that a call needs the leader and that this node is not it.
// LeaderID and LeaderAddr are empty when the node knows no leader. It is an
// ErrNoLeader then.
type NotLeaderError struct {
	LeaderID   string
	LeaderAddr string
}

func (e *NotLeaderError) Error() string {
	if e.LeaderID == "" {
		return "this node is not the leader and knows none"
	}
	return fmt.Sprintf("this node is not the leader, %s at %s is", e.LeaderID, e.LeaderAddr)
}

// Is makes a NotLeaderError without a leader an ErrNoLeader.
func (e *NotLeaderError) Is(target error) bool {
	return target == ErrNoLeader && e.LeaderID == ""
}
