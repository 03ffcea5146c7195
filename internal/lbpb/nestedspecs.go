package lbpb

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/amphora-lb/amphora/lb"
)

// parseSpecs decodes specs that lie within another or within an operation. Every fault
// of every one of them is reported.
func parseSpecs[M, S any](list []M, decode func(M) (S, error)) ([]S, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]S, 0, len(list))
	var errs []error
	for _, m := range list {
		s, err := decode(m)
		if err != nil {
			errs = append(errs, err)
		}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

// nested is parseSpecs for a field of a spec.
func nested[M, S any](f *fields, list []M, decode func(M) (S, error)) []S {
	out, err := parseSpecs(list, decode)
	f.errs = append(f.errs, flatten(err)...)
	return out
}

// flatten returns the errors that err joins, or err alone.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
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

func formatMonitorSpec(s *lb.HealthMonitorSpec) *HealthMonitorSpec {
	if s == nil {
		return nil
	}
	return FromHealthMonitorSpec(*s)
}

func parseMonitorSpec(f *fields, x *HealthMonitorSpec) *lb.HealthMonitorSpec {
	if x == nil {
		return nil
	}
	s, err := x.ToLB()
	f.errs = append(f.errs, flatten(err)...)
	return &s
}

func formatPersistenceSpec(s lb.PersistenceSpec) *PersistenceSpec {
	var n nulls
	x := &PersistenceSpec{
		Type:                   from(&n, "type", s.Type, formatText),
		CookieName:             from(&n, "cookie_name", s.CookieName, formatText),
		PersistenceTimeout:     from(&n, "persistence_timeout", s.Timeout, durationpb.New),
		PersistenceGranularity: from(&n, "persistence_granularity", s.Granularity, formatAddrField),
	}
	x.NullFields = n
	return x
}

func parsePersistenceSpec(x *PersistenceSpec) (lb.PersistenceSpec, error) {
	f := newFields(lb.KindPool, x.NullFields)
	s := lb.PersistenceSpec{
		Type:        to(f, "type", x.Type, parseText[lb.PersistenceType]),
		CookieName:  to(f, "cookie_name", x.CookieName, parseText[string]),
		Timeout:     to(f, "persistence_timeout", x.PersistenceTimeout, parseDuration),
		Granularity: to(f, "persistence_granularity", x.PersistenceGranularity, parseAddrField),
	}
	return s, f.done()
}

func formatAdditionalVIPSpec(s lb.AdditionalVIPSpec) *AdditionalVIPSpec {
	var n nulls
	x := &AdditionalVIPSpec{
		SubnetId:  from(&n, "subnet_id", s.SubnetID, formatText),
		IpAddress: from(&n, "ip_address", s.Address, formatAddrField),
		PortId:    from(&n, "port_id", s.PortID, formatText),
	}
	x.NullFields = n
	return x
}

func parseAdditionalVIPSpec(x *AdditionalVIPSpec) (lb.AdditionalVIPSpec, error) {
	f := newFields(lb.KindLoadBalancer, x.NullFields)
	s := lb.AdditionalVIPSpec{
		SubnetID: to(f, "subnet_id", x.SubnetId, parseText[lb.SubnetID]),
		Address:  to(f, "ip_address", x.IpAddress, parseAddrField),
		PortID:   to(f, "port_id", x.PortId, parseText[lb.PortID]),
	}
	return s, f.done()
}

func formatFixedIPSpec(s lb.FixedIPSpec) *FixedIPSpec {
	var n nulls
	x := &FixedIPSpec{
		SubnetId:  from(&n, "subnet_id", s.SubnetID, formatText),
		IpAddress: from(&n, "ip_address", s.Address, formatAddrField),
	}
	x.NullFields = n
	return x
}

func parseFixedIPSpec(x *FixedIPSpec) (lb.FixedIPSpec, error) {
	f := newFields(lb.KindPort, x.NullFields)
	s := lb.FixedIPSpec{
		SubnetID: to(f, "subnet_id", x.SubnetId, parseText[lb.SubnetID]),
		Address:  to(f, "ip_address", x.IpAddress, parseAddrField),
	}
	return s, f.done()
}

func formatAdditionalVIPSpecs(list []lb.AdditionalVIPSpec) *AdditionalVIPSpecs {
	return &AdditionalVIPSpecs{Values: formatAll(list, formatAdditionalVIPSpec)}
}

func parseAdditionalVIPSpecs(w *AdditionalVIPSpecs) ([]lb.AdditionalVIPSpec, error) {
	return parseSpecs(w.Values, parseAdditionalVIPSpec)
}

func formatFixedIPSpecs(list []lb.FixedIPSpec) *FixedIPSpecs {
	return &FixedIPSpecs{Values: formatAll(list, formatFixedIPSpec)}
}

func parseFixedIPSpecs(w *FixedIPSpecs) ([]lb.FixedIPSpec, error) {
	return parseSpecs(w.Values, parseFixedIPSpec)
}

func formatSecurityGroupRules(list []lb.SecurityGroupRule) *SecurityGroupRules {
	return &SecurityGroupRules{Values: formatAll(list, formatSecurityGroupRule)}
}

func parseSecurityGroupRules(w *SecurityGroupRules) ([]lb.SecurityGroupRule, error) {
	return parseSpecs(w.Values, parseSecurityGroupRule)
}

func formatContainedSecrets(list []lb.ContainedSecret) *ContainedSecrets {
	return &ContainedSecrets{Values: formatAll(list, formatContainedSecret)}
}

func parseContainedSecrets(w *ContainedSecrets) ([]lb.ContainedSecret, error) {
	return parseSpecs(w.Values, parseContainedSecret)
}

func formatIDs[T ~string](list []T) *Strings { return &Strings{Values: formatTexts(list)} }

func parseIDs[T ~string](w *Strings) ([]T, error) { return parseTexts[T](w.Values), nil }

func formatBytes(b []byte) *Bytes { return &Bytes{Value: slices.Clone(b)} }

func parseBytes(w *Bytes) ([]byte, error) { return slices.Clone(w.Value), nil }
