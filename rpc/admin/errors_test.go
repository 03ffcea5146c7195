package admin

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

func TestErrorsTravel(t *testing.T) {
	full := func(kind error) *lb.Error {
		return &lb.Error{Kind: kind, Resource: lb.KindMember, ID: "m1", Field: "weight", Msg: "300 is out of range, use 0 to 256"}
	}
	for _, tt := range []struct {
		name string
		err  error
		code codes.Code
		want []*lb.Error // nil: the same
	}{
		{name: "not found", err: full(lb.ErrNotFound), code: codes.NotFound},
		{name: "invalid", err: full(lb.ErrInvalid), code: codes.InvalidArgument},
		{name: "conflict", err: full(lb.ErrConflict), code: codes.AlreadyExists},
		{name: "in use", err: full(lb.ErrInUse), code: codes.FailedPrecondition},
		{name: "immutable", err: full(lb.ErrImmutable), code: codes.FailedPrecondition},
		{name: "unavailable", err: full(lb.ErrUnavailable), code: codes.Unavailable},
		{
			name: "joined", err: errors.Join(full(lb.ErrInvalid), errors.Join(full(lb.ErrConflict), full(lb.ErrNotFound))), code: codes.NotFound,
			want: []*lb.Error{full(lb.ErrInvalid), full(lb.ErrConflict), full(lb.ErrNotFound)},
		},
		{name: "wrapped", err: fmt.Errorf("propose: %w", full(lb.ErrInUse)), code: codes.FailedPrecondition, want: []*lb.Error{full(lb.ErrInUse)}},
		{
			name: "bare kind", err: fmt.Errorf("no leader: %w", lb.ErrUnavailable), code: codes.Unavailable,
			want: []*lb.Error{{Kind: lb.ErrUnavailable, Msg: "no leader: unavailable"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, hidden := toStatus(tt.err)
			if hidden || st.Code() != tt.code || st.Message() != tt.err.Error() {
				t.Errorf("status %v, hidden %v; want %v", st, hidden, tt.code)
			}
			want := tt.want
			if want == nil {
				want = domainErrors(tt.err)
			}
			sameKind := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) })
			if diff := cmp.Diff(values(want), values(domainErrors(fromStatus(st.Err()))), sameKind); diff != "" {
				t.Errorf("rebuilt (-want +got):\n%s", diff)
			}
		})
	}
}

func values(errs []*lb.Error) (all []lb.Error) {
	for _, e := range errs {
		all = append(all, *e)
	}
	return all
}

func TestOtherErrors(t *testing.T) {
	for _, tt := range []struct {
		err    error
		code   codes.Code
		hidden bool
	}{
		{errors.New("open /var/lib/amphora: secret"), codes.Internal, true},
		{fmt.Errorf("wait: %w", context.DeadlineExceeded), codes.DeadlineExceeded, false},
		{context.Canceled, codes.Canceled, false},
		{status.Error(codes.PermissionDenied, "no"), codes.PermissionDenied, false},
	} {
		if st, hidden := toStatus(tt.err); st.Code() != tt.code || hidden != tt.hidden {
			t.Errorf("%v: %v, hidden %v; want %v, %v", tt.err, st, hidden, tt.code, tt.hidden)
		}
	}
	for code, want := range map[codes.Code]error{
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Canceled:         context.Canceled,
		codes.Unavailable:      lb.ErrUnavailable,
	} {
		if err := fromStatus(status.Error(code, "x")); !errors.Is(err, want) {
			t.Errorf("%v: %v, want %v", code, err, want)
		}
	}
}

// A client must not take an error of a newer node for success or something else.
func TestUnknownKindIsInvalid(t *testing.T) {
	if e := fromFault(&adminpb.Fault{Kind: 99, Message: "x"}); !errors.Is(e, lb.ErrInvalid) {
		t.Errorf("got %v", e.Kind)
	}
}

func TestEveryKindIsInTheTable(t *testing.T) {
	for n := range adminpb.Fault_Kind_name {
		found := n == 0
		for _, k := range kinds {
			found = found || k.pb == adminpb.Fault_Kind(n)
		}
		if !found {
			t.Errorf("%v has no row", adminpb.Fault_Kind(n))
		}
	}
}
