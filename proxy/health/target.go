package health

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// minTime stands for a delay or timeout below it. The API allows 0, with which a
// checker would never rest, or never wait.
const minTime = time.Second

// Gap names why members are not checked in that way, in words for an operator; ""
// if they are. It depends on the process too: PING needs a privilege.
func Gap(t lb.MonitorType) string {
	switch t {
	case lb.MonitorHTTP, lb.MonitorHTTPS, lb.MonitorTCP, lb.MonitorTLSHello, lb.MonitorUDPConnect:
		return ""
	case lb.MonitorPing:
		return pingGap()
	default:
		return fmt.Sprintf("health monitor type %s is not served by this version", t)
	}
}

// Target is one member and how it is checked. Two equal Targets are the same
// check.
type Target struct {
	Pool    lb.PoolID
	Member  lb.MemberID
	Monitor lb.HealthMonitorID
	Addr    netip.AddrPort // what is probed
	Type    lb.MonitorType
	Delay   time.Duration // from the start of one check to that of the next
	Timeout time.Duration // of one check, connecting included
	Rise    int           // successes in a row that make an unhealthy member healthy
	Fall    int           // failures in a row that make a healthy member unhealthy

	// TLS: connect as the engine does to the members of a pool with TLS, see
	// [Config.TLS].
	TLS bool
	// Announce is how the check says that it is one of the engine's own: by
	// [lb.ProtocolPROXY], [lb.ProtocolPROXYV2], or not at all ("").
	Announce lb.Protocol

	// For HTTP and HTTPS only.
	Method        string
	Path          string
	ExpectedCodes string // as in [lb.HealthMonitor]
	Version       string // "1.0" or "1.1"
	Host          string // sent with 1.1, and as SNI; "": Addr
}

// TargetOf returns how m, a member of p, is checked. ok is false when it is not:
// the pool has no monitor, or one with a [Gap], or one of
// pool, monitor and member is administratively down.
func TargetOf(p *lb.Pool, m *lb.Member) (t Target, ok bool) {
	h := p.Monitor
	if h == nil || Gap(h.Type) != "" || !p.AdminStateUp || !h.AdminStateUp || !m.AdminStateUp {
		return Target{}, false
	}
	t = Target{
		Pool:    p.ID,
		Member:  m.ID,
		Monitor: h.ID,
		Addr:    netip.AddrPortFrom(m.Address, m.ProtocolPort),
		Type:    h.Type,
		Delay:   max(h.Delay, minTime),
		Timeout: max(h.Timeout, minTime),
		Rise:    h.MaxRetries,
		Fall:    h.MaxRetriesDown,
	}
	if m.MonitorAddress.IsValid() {
		t.Addr = netip.AddrPortFrom(m.MonitorAddress, t.Addr.Port())
	}
	if m.MonitorPort != 0 {
		t.Addr = netip.AddrPortFrom(t.Addr.Addr(), m.MonitorPort)
	}
	// Like HAProxy's: a check of another address or port knows nothing of how the
	// member itself is spoken to.
	if !m.MonitorAddress.IsValid() && m.MonitorPort == 0 {
		t.TLS = p.TLS.Enabled
		if p.Protocol == lb.ProtocolPROXY || p.Protocol == lb.ProtocolPROXYV2 {
			t.Announce = p.Protocol
		}
	}
	if h.Type == lb.MonitorHTTP || h.Type == lb.MonitorHTTPS {
		t.Method, t.Path, t.ExpectedCodes = h.HTTPMethod, h.URLPath, h.ExpectedCodes
		t.Version, t.Host = "1.0", ""
		if h.HTTPVersion == "1.1" {
			t.Version, t.Host = "1.1", h.DomainName
		}
	}
	return t, true
}
