package health

import (
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// minTime stands for a delay or timeout below it. The API allows 0, with which a
// checker would never rest, or never wait.
const minTime = time.Second

// Probes reports whether this version checks members in that way.
func Probes(t lb.MonitorType) bool { return t == lb.MonitorHTTP || t == lb.MonitorTCP }

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

	// For HTTP only.
	Method        string
	Path          string
	ExpectedCodes string // as in [lb.HealthMonitor]
	Version       string // "1.0" or "1.1"
	Host          string // sent with 1.1; "": Addr
}

// TargetOf returns how m, a member of p, is checked. ok is false when it is not:
// the pool has no monitor, or one of a type that this version does not probe, or one of
// pool, monitor and member is administratively down.
func TargetOf(p *lb.Pool, m *lb.Member) (t Target, ok bool) {
	h := p.Monitor
	if h == nil || !Probes(h.Type) || !p.AdminStateUp || !h.AdminStateUp || !m.AdminStateUp {
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
	if h.Type == lb.MonitorHTTP {
		t.Method, t.Path, t.ExpectedCodes = h.HTTPMethod, h.URLPath, h.ExpectedCodes
		t.Version, t.Host = "1.0", ""
		if h.HTTPVersion == "1.1" {
			t.Version, t.Host = "1.1", h.DomainName
		}
	}
	return t, true
}
