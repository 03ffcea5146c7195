package admin

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// kinds is the one table between the domain's kinds of error and the API's. Of
// several faults, the one that stands first decides the code.
var kinds = [...]struct {
	kind error
	code codes.Code
	pb   adminpb.Fault_Kind
}{
	{lb.ErrUnavailable, codes.Unavailable, adminpb.Fault_KIND_UNAVAILABLE},
	{lb.ErrNotFound, codes.NotFound, adminpb.Fault_KIND_NOT_FOUND},
	{lb.ErrInvalid, codes.InvalidArgument, adminpb.Fault_KIND_INVALID},
	{lb.ErrConflict, codes.AlreadyExists, adminpb.Fault_KIND_CONFLICT},
	{lb.ErrInUse, codes.FailedPrecondition, adminpb.Fault_KIND_IN_USE},
	{lb.ErrImmutable, codes.FailedPrecondition, adminpb.Fault_KIND_IMMUTABLE},
	{lb.ErrPrecondition, codes.Aborted, adminpb.Fault_KIND_PRECONDITION},
	{lb.ErrQuota, codes.ResourceExhausted, adminpb.Fault_KIND_QUOTA},
	{lb.ErrUnsupported, codes.Unimplemented, adminpb.Fault_KIND_UNSUPPORTED},
}

// toStatus turns err into a status with a Fault for each domain error in it.
// hidden tells that the status does not say what err says.
func toStatus(err error) (st *status.Status, hidden bool) {
	faults := domainErrors(err)
	for _, k := range kinds {
		if !errors.Is(err, k.kind) {
			continue
		}
		if len(faults) == 0 {
			faults = []*lb.Error{{Kind: k.kind, Msg: err.Error()}}
		}
		st := status.New(k.code, err.Error())
		details := make([]protoadapt.MessageV1, len(faults))
		for i, f := range faults {
			details[i] = protoadapt.MessageV1Of(toFault(f))
		}
		if detailed, err := st.WithDetails(details...); err == nil {
			st = detailed
		}
		return st, false
	}
	if st, ok := status.FromError(err); ok {
		return st, false
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, "the node did not finish in time"), false
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "canceled"), false
	}
	return status.New(codes.Internal, "the node failed to answer; its log says why"), true
}

// domainErrors collects every *lb.Error in the tree of err.
func domainErrors(err error) []*lb.Error {
	if e, ok := err.(*lb.Error); ok { //nolint:errorlint // this walks the tree itself
		return []*lb.Error{e}
	}
	var all []*lb.Error
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			all = append(all, domainErrors(each)...)
		}
	case interface{ Unwrap() error }:
		all = domainErrors(e.Unwrap())
	}
	return all
}

// fromStatus undoes toStatus. A status without faults comes from gRPC itself:
// it becomes the context's error, or [lb.ErrUnavailable] when the node cannot be
// reached, or stays as it is.
func fromStatus(err error) error {
	st := status.Convert(err)
	var errs []error
	for _, detail := range st.Details() {
		if f, ok := detail.(*adminpb.Fault); ok {
			errs = append(errs, fromFault(f))
		}
	}
	switch {
	case len(errs) == 1:
		return errs[0]
	case len(errs) > 1:
		return errors.Join(errs...)
	}
	switch st.Code() {
	case codes.DeadlineExceeded:
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case codes.Canceled:
		return context.Canceled
	case codes.Unavailable:
		return &lb.Error{Kind: lb.ErrUnavailable, Msg: "the node does not answer: " + st.Message()}
	}
	return err
}

func toFault(e *lb.Error) *adminpb.Fault {
	f := &adminpb.Fault{Resource: string(e.Resource), Id: e.ID, Field: e.Field, Message: e.Msg}
	for _, k := range kinds {
		if errors.Is(e, k.kind) {
			f.Kind = k.pb
		}
	}
	return f
}

// fromFault rebuilds a domain error. A kind that this version does not know is
// an invalid request to it.
func fromFault(f *adminpb.Fault) *lb.Error {
	e := &lb.Error{Kind: lb.ErrInvalid, Resource: lb.Kind(f.Resource), ID: f.Id, Field: f.Field, Msg: f.Message}
	for _, k := range kinds {
		if f.Kind == k.pb {
			e.Kind = k.kind
		}
	}
	return e
}

func notFound(kind lb.Kind, ref string) error {
	return &lb.Error{Kind: lb.ErrNotFound, Resource: kind, ID: ref, Msg: "does not exist"}
}

func invalid(kind lb.Kind, field, msg string) error {
	return &lb.Error{Kind: lb.ErrInvalid, Resource: kind, Field: field, Msg: msg}
}
