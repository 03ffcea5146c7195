package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusals is the one table between kinds of errors and what travels.
var refusals = []struct {
	kind   error
	reason peerpb.Reason
	code   codes.Code
}{
	{ErrNoLeader, peerpb.Reason_REASON_NO_LEADER, codes.Unavailable},
	{ErrUnknownOutcome, peerpb.Reason_REASON_UNKNOWN_OUTCOME, codes.Unavailable},
	{ErrNodeNotFound, peerpb.Reason_REASON_NODE_NOT_FOUND, codes.NotFound},
	{ErrNameTaken, peerpb.Reason_REASON_NAME_TAKEN, codes.AlreadyExists},
	{ErrLastVoter, peerpb.Reason_REASON_LAST_VOTER, codes.FailedPrecondition},
	{ErrWouldLoseQuorum, peerpb.Reason_REASON_WOULD_LOSE_QUORUM, codes.FailedPrecondition},
	{ErrNoSuccessor, peerpb.Reason_REASON_NO_SUCCESSOR, codes.FailedPrecondition},
	{ErrForcedApart, peerpb.Reason_REASON_FORCED_APART, codes.FailedPrecondition},
	{ErrInvalid, peerpb.Reason_REASON_INVALID, codes.InvalidArgument},
}

// toStatus turns an error of this package into what travels.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	detail := &peerpb.Refusal{}
	code := codes.Internal
	var notLeader *NotLeaderError
	if errors.As(err, &notLeader) {
		code = codes.FailedPrecondition
		detail.Reason = peerpb.Reason_REASON_NOT_LEADER
		detail.LeaderId, detail.LeaderAddr = notLeader.LeaderID, notLeader.LeaderAddr
	} else {
		for _, r := range refusals {
			if errors.Is(err, r.kind) {
				code, detail.Reason = r.code, r.reason
				break
			}
		}
	}
	st, detailErr := status.New(code, err.Error()).WithDetails(detail)
	if detailErr != nil {
		return status.Error(code, err.Error())
	}
	return st.Err()
}

// remoteError is an error of another node with the kind it had there.
type remoteError struct {
	kind error
	msg  string
}

func (e *remoteError) Error() string { return e.msg }
func (e *remoteError) Unwrap() error { return e.kind }

// fromStatus rebuilds the error. One without a detail did not come from a peer's
// own code: the connection broke, or the deadline passed, perhaps after the other
// side had begun.
func fromStatus(err error) error {
	if err == nil {
		return nil
	}
	st := status.Convert(err)
	for _, d := range st.Details() {
		detail, ok := d.(*peerpb.Refusal)
		if !ok {
			continue
		}
		if detail.Reason == peerpb.Reason_REASON_NOT_LEADER {
			return &NotLeaderError{LeaderID: detail.LeaderId, LeaderAddr: detail.LeaderAddr}
		}
		for _, r := range refusals {
			if detail.Reason == r.reason {
				return &remoteError{kind: r.kind, msg: st.Message()}
			}
		}
		return errors.New(st.Message())
	}
	if st.Code() == codes.DeadlineExceeded {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %s", ErrUnknownOutcome, st.Message())
}
