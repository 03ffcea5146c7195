package lbpb

import (
	"maps"
	"net/netip"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/amphora-lb/amphora/lb"
)

func parsedList[W, T any](f *faults, field string, list []W, parse func(W) (T, error)) []T {
	out, err := parseAll(list, parse)
	if err != nil {
		f.add(field, err)
	}
	return out
}

// checked returns v if nothing is wrong with it.
func checked[T any](f *faults, v *T) (*T, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return v, nil
}

// formatLimit and parseLimit are for numbers that may be absent.
func formatLimit(n *int) *int64 {
	if n == nil {
		return nil
	}
	return formatInt(*n)
}

func parseLimit(f *faults, field string, w *int64) *int {
	if w == nil {
		return nil
	}
	n, err := parseInt(*w)
	if err != nil {
		f.add(field, err)
		return nil
	}
	return &n
}

func formatAdditionalVIP(v lb.AdditionalVIP) *AdditionalVIP {
	return &AdditionalVIP{SubnetId: string(v.SubnetID), IpAddress: formatAddr(v.Address), PortId: string(v.PortID)}
}

func parseAdditionalVIP(x *AdditionalVIP) (lb.AdditionalVIP, error) {
	a, err := parseOptionalAddr(x.GetIpAddress())
	return lb.AdditionalVIP{SubnetID: lb.SubnetID(x.GetSubnetId()), Address: a, PortID: lb.PortID(x.GetPortId())}, err
}

func formatFixedIP(v lb.FixedIP) *FixedIP {
	return &FixedIP{SubnetId: string(v.SubnetID), IpAddress: formatAddr(v.Address)}
}

func parseFixedIP(x *FixedIP) (lb.FixedIP, error) {
	a, err := parseOptionalAddr(x.GetIpAddress())
	return lb.FixedIP{SubnetID: lb.SubnetID(x.GetSubnetId()), Address: a}, err
}

func parseOptionalAddr(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	return parseAddr(s)
}

func formatSecurityGroupRule(r lb.SecurityGroupRule) *SecurityGroupRule {
	return &SecurityGroupRule{
		Id:             r.ID,
		Direction:      r.Direction,
		Ethertype:      r.EtherType,
		Protocol:       r.Protocol,
		PortRangeMin:   int64(r.PortMin),
		PortRangeMax:   int64(r.PortMax),
		RemoteIpPrefix: formatPrefix(r.RemotePrefix),
		RemoteGroupId:  string(r.RemoteGroupID),
		Description:    r.Description,
	}
}

func parseSecurityGroupRule(x *SecurityGroupRule) (lb.SecurityGroupRule, error) {
	f := &faults{kind: lb.KindSecurityGroup}
	r := lb.SecurityGroupRule{
		ID:            x.GetId(),
		Direction:     x.GetDirection(),
		EtherType:     x.GetEthertype(),
		Protocol:      x.GetProtocol(),
		PortMin:       parsed(f, "port_range_min", x.GetPortRangeMin(), parseInt),
		PortMax:       parsed(f, "port_range_max", x.GetPortRangeMax(), parseInt),
		RemotePrefix:  parsed(f, "remote_ip_prefix", x.GetRemoteIpPrefix(), parsePrefix),
		RemoteGroupID: lb.SecurityGroupID(x.GetRemoteGroupId()),
		Description:   x.GetDescription(),
	}
	return r, f.err()
}

func formatContainedSecret(s lb.ContainedSecret) *ContainedSecret {
	return &ContainedSecret{Name: s.Name, SecretId: string(s.SecretID)}
}

func parseContainedSecret(x *ContainedSecret) (lb.ContainedSecret, error) {
	return lb.ContainedSecret{Name: x.GetName(), SecretID: lb.SecretID(x.GetSecretId())}, nil
}

// formatInsertHeaders sorts what was given: a map has another encoding each time.
func formatInsertHeaders(h lb.InsertHeaders) *InsertHeaders {
	x := &InsertHeaders{
		XForwardedFor:   h.XForwardedFor,
		XForwardedPort:  h.XForwardedPort,
		XForwardedProto: h.XForwardedProto,
	}
	for _, name := range slices.Sorted(maps.Keys(h.Given)) {
		x.Given = append(x.Given, &Header{Name: name, Value: h.Given[name]})
	}
	return x
}

func parseInsertHeaders(x *InsertHeaders) lb.InsertHeaders {
	h := lb.InsertHeaders{
		XForwardedFor:   x.GetXForwardedFor(),
		XForwardedPort:  x.GetXForwardedPort(),
		XForwardedProto: x.GetXForwardedProto(),
	}
	for _, each := range x.GetGiven() {
		if h.Given == nil {
			h.Given = make(map[string]string)
		}
		h.Given[each.GetName()] = each.GetValue()
	}
	return h
}

func formatPersistence(p *lb.Persistence) *Persistence {
	if p == nil {
		return nil
	}
	return &Persistence{
		Type:                   string(p.Type),
		CookieName:             p.CookieName,
		PersistenceTimeout:     durationpb.New(p.Timeout),
		PersistenceGranularity: formatAddr(p.Granularity),
	}
}

func parsePersistence(f *faults, x *Persistence) *lb.Persistence {
	if x == nil {
		return nil
	}
	return &lb.Persistence{
		Type:        lb.PersistenceType(x.GetType()),
		CookieName:  x.GetCookieName(),
		Timeout:     parsed(f, "persistence_timeout", x.GetPersistenceTimeout(), parseDuration),
		Granularity: parsed(f, "persistence_granularity", x.GetPersistenceGranularity(), parseAddr),
	}
}

// parseTLSParams is for listeners and pools.
func parseTLSParams(x interface {
	GetTlsCiphers() string
	GetTlsVersions() []string
	GetAlpnProtocols() []string
},
) lb.TLSParams {
	return lb.TLSParams{
		Ciphers:  x.GetTlsCiphers(),
		Versions: slices.Clone(x.GetTlsVersions()),
		ALPN:     slices.Clone(x.GetAlpnProtocols()),
	}
}

// formatTexts and parseTexts are for lists of ids.
func formatTexts[T ~string](list []T) []string {
	return formatAll(list, func(v T) string { return string(v) })
}

func parseTexts[T ~string](list []string) []T {
	return formatAll(list, func(s string) T { return T(s) })
}
