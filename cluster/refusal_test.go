package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestErrorsSurviveTheWire(t *testing.T) {
	for _, r := range refusals {
		err := fmt.Errorf("remove node x: %w", r.kind)
		got := fromStatus(toStatus(err))
		if !errors.Is(got, r.kind) || got.Error() != err.Error() {
			t.Errorf("%v arrives as %v", err, got)
		}
	}
	for _, leader := range []NotLeaderError{{}, {LeaderID: "id", LeaderAddr: "addr"}} {
		var got *NotLeaderError
		err := fromStatus(toStatus(fmt.Errorf("propose: %w", &leader)))
		if !errors.As(err, &got) || *got != leader {
			t.Errorf("%+v arrives as %v", leader, err)
		}
		if errors.Is(err, ErrNoLeader) != (leader.LeaderID == "") {
			t.Errorf("%v: is ErrNoLeader: %v", err, errors.Is(err, ErrNoLeader))
		}
	}
	if err := fromStatus(toStatus(errors.New("disk full"))); err == nil || err.Error() != "disk full" || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("an error without a kind arrives as %v", err)
	}
	if toStatus(nil) != nil || fromStatus(nil) != nil {
		t.Error("no error became one")
	}
}

func TestBrokenCallsLeaveDoubt(t *testing.T) {
	for _, err := range []error{
		status.Error(codes.Unavailable, "connection reset"),
		status.Error(codes.Canceled, "context canceled"),
		context.DeadlineExceeded,
		errors.New("EOF"),
	} {
		if got := fromStatus(err); !errors.Is(got, ErrUnknownOutcome) {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}
