package health

import (
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

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
	Host          string // "" with 1.1: Addr
}

// TargetOf returns how m, a member of p, is checked. ok is false when it is not:
// the pool has no monitor, or one of pool, monitor and member is
// administratively down.
func TargetOf(p *lb.Pool, m *lb.Member) (t Target, ok bool) { return Target{}, false }
