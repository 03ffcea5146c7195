package fsm

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/lb"
)

// errorKinds says how each kind of error travels. One that is not listed
// arrives without a kind.
var errorKinds = map[error]fsmpb.ErrorKind{
	lb.ErrNotFound:     fsmpb.ErrorKind_ERROR_KIND_NOT_FOUND,
	lb.ErrInvalid:      fsmpb.ErrorKind_ERROR_KIND_INVALID,
	lb.ErrConflict:     fsmpb.ErrorKind_ERROR_KIND_CONFLICT,
	lb.ErrInUse:        fsmpb.ErrorKind_ERROR_KIND_IN_USE,
	lb.ErrImmutable:    fsmpb.ErrorKind_ERROR_KIND_IMMUTABLE,
	lb.ErrUnavailable:  fsmpb.ErrorKind_ERROR_KIND_UNAVAILABLE,
	lb.ErrQuota:        fsmpb.ErrorKind_ERROR_KIND_QUOTA,
	lb.ErrPrecondition: fsmpb.ErrorKind_ERROR_KIND_PRECONDITION,
	lb.ErrUnsupported:  fsmpb.ErrorKind_ERROR_KIND_UNSUPPORTED,
}

// encodeResult returns the response of a command that was carried out.
func encodeResult(r lb.Result, revision uint64) ([]byte, error) {
	return marshal.Marshal(&fsmpb.Response{Outcome: &fsmpb.Response_Result{Result: &fsmpb.Result{
		Kind: string(r.Kind), Id: r.ID, Revision: revision,
	}}})
}

// encodeRefusal returns the response of a command that breaks a rule.
func encodeRefusal(err error) ([]byte, error) {
	refusal := &fsmpb.Refusal{}
	for _, e := range flatten(err) {
		refusal.Errors = append(refusal.Errors, encodeError(e))
	}
	return marshal.Marshal(&fsmpb.Response{Outcome: &fsmpb.Response_Refusal{Refusal: refusal}})
}

// flatten returns the errors that err joins, or err alone.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // only what errors.Join returned
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// encodeError cuts off what is not UTF-8, which the encoding does not allow and
// a message that quotes a client's bytes may hold.
func encodeError(err error) *fsmpb.Error {
	text := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	var e *lb.Error
	if !errors.As(err, &e) {
		return &fsmpb.Error{Message: text(err.Error())}
	}
	return &fsmpb.Error{
		Kind:     errorKinds[e.Kind],
		Resource: text(string(e.Resource)),
		Id:       text(e.ID),
		Field:    text(e.Field),
		Message:  text(e.Msg),
	}
}

// DecodeResponse returns what a command came to: the resource that it was about
// and the index at which it was applied, or the error that refused it, which is
// an [*lb.Error] or several joined, as [lb.Apply] returned it. An error without
// a kind means that data is no response.
func DecodeResponse(data []byte) (result lb.Result, revision uint64, err error) {
	r := &fsmpb.Response{}
	if err := proto.Unmarshal(data, r); err != nil {
		return lb.Result{}, 0, fmt.Errorf("decode response: %w", err)
	}
	switch o := r.GetOutcome().(type) {
	case *fsmpb.Response_Result:
		result = lb.Result{Kind: lb.Kind(o.Result.GetKind()), ID: o.Result.GetId()}
		return result, o.Result.GetRevision(), nil
	case *fsmpb.Response_Refusal:
		return lb.Result{}, 0, decodeRefusal(o.Refusal)
	}
	return lb.Result{}, 0, errors.New("decode response: it has no outcome")
}

func decodeRefusal(r *fsmpb.Refusal) error {
	var all []error
	for _, e := range r.GetErrors() {
		all = append(all, decodeError(e))
	}
	switch len(all) {
	case 0:
		return errors.New("decode response: a refusal without an error")
	case 1:
		return all[0]
	}
	return errors.Join(all...)
}

func decodeError(e *fsmpb.Error) error {
	for kind, number := range errorKinds {
		if number == e.GetKind() {
			return &lb.Error{
				Kind:     kind,
				Resource: lb.Kind(e.GetResource()),
				ID:       e.GetId(),
				Field:    e.GetField(),
				Msg:      e.GetMessage(),
			}
		}
	}
	return errors.New(e.GetMessage())
}
