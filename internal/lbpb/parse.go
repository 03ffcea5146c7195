package lbpb

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/lb"
)

// faults collects what is wrong with one resource or spec.
type faults struct {
	kind lb.Kind
	id   string
	errs []error
}

// add notes that a field is wrong. What decoded the field may have said already which
// part of it is.
func (f *faults) add(field string, err error) {
	var own *lb.Error
	if errors.As(err, &own) {
		f.errs = append(f.errs, flatten(err)...)
		return
	}
	f.errs = append(f.errs, &lb.Error{
		Kind: lb.ErrInvalid, Resource: f.kind, ID: f.id, Field: field, Msg: err.Error(),
	})
}

// err returns nil, the one error, or all of them joined.
func (f *faults) err() error {
	if len(f.errs) == 1 {
		return f.errs[0]
	}
	return errors.Join(f.errs...)
}

// parsed returns what parse makes of a field of a resource. The zero value of
// the field stands for the zero value of the result.
func parsed[W comparable, T any](f *faults, field string, w W, parse func(W) (T, error)) T {
	var none T
	var empty W
	if w == empty {
		return none
	}
	v, err := parse(w)
	if err != nil {
		f.add(field, err)
		return none
	}
	return v
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fmt.Errorf("%q is not an IP address; use one such as 192.0.2.1 or 2001:db8::1", s)
	}
	return a, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is not a prefix; use one such as 192.0.2.0/24 or 2001:db8::/64", s)
	}
	return p, nil
}

func parseRange(r *Range) (lb.Range, error) {
	first, err := parseAddr(r.GetStart())
	if err != nil {
		return lb.Range{}, fmt.Errorf("start: %w", err)
	}
	last, err := parseAddr(r.GetEnd())
	if err != nil {
		return lb.Range{}, fmt.Errorf("end: %w", err)
	}
	return lb.Range{First: first, Last: last}, nil
}

// parseAll keeps the difference between no list and an empty one.
func parseAll[W, T any](list []W, parse func(W) (T, error)) ([]T, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]T, 0, len(list))
	for _, w := range list {
		v, err := parse(w)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func parsePort(p uint32) (uint16, error) {
	if p > math.MaxUint16 {
		return 0, fmt.Errorf("%d is not a port; use 1 to %d", p, math.MaxUint16)
	}
	return uint16(p), nil
}

func parseInt(n int64) (int, error) {
	if int64(int(n)) != n {
		return 0, fmt.Errorf("%d is too large", n)
	}
	return int(n), nil
}

func parseDuration(d *durationpb.Duration) (time.Duration, error) {
	if err := d.CheckValid(); err != nil {
		return 0, fmt.Errorf("not a duration: %w", err)
	}
	return d.AsDuration(), nil // a duration past 292 years becomes the longest one
}

func parseTime(t *timestamppb.Timestamp) (time.Time, error) {
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fmt.Errorf("not a time: %w", err)
	}
	return t.AsTime(), nil
}

func formatAddr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func formatPrefix(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func formatRange(r lb.Range) *Range {
	return &Range{Start: formatAddr(r.First), End: formatAddr(r.Last)}
}

func formatTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func formatAll[T, W any](list []T, format func(T) W) []W {
	if list == nil {
		return nil
	}
	out := make([]W, 0, len(list))
	for _, v := range list {
		out = append(out, format(v))
	}
	return out
}
