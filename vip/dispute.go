package vip

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// disputedError says that an address is on this host from somebody else.
type disputedError struct {
	a     address
	where string
}

// Error says whose it is and what to do.
func (e *disputedError) Error() string {
	return fmt.Sprintf("address %s is on interface %s already and is not ours: remove it there, or choose another VIP", e.a.prefix, e.where)
}

// dispute leaves the address of somebody else alone. Ours, if it is there too,
// keeps serving: to take it away would make an outage of an oversight. If ours
// has gone, nothing is announced any more.
func (o *owner) dispute(addr netip.Addr, a address, oursToo bool) error {
	if !oursToo {
		o.announce.stop(addr)
		o.state[addr].since = time.Time{}
	}
	where := o.cfg.Interface
	if a.index != o.index {
		where = interfaceName(a.index)
	}
	return &disputedError{a, where}
}

// rivalTime is how long a VIP counts as disputed after a stranger claimed it.
const rivalTime = time.Minute

// rivalError says that an address that we hold is claimed by a stranger on the
// link. It keeps serving: the lease says that it is ours, and nobody on the link
// may have the power to end that by a frame.
type rivalError struct {
	addr netip.Addr
	mac  [6]byte
	last time.Time // when it was heard
}

// Error says who claims it and what to do.
func (e *rivalError) Error() string {
	return fmt.Sprintf("address %s is claimed by %v on the link too: find that host and take the address from it", e.addr, net.HardwareAddr(e.mac[:]))
}

// old reports whether it need not be told any more.
func (e *rivalError) old(now time.Time) bool { return e == nil || now.Sub(e.last) > rivalTime }

// hear takes note of what somebody on the link says: that a neighbour knows of a
// claim, or that a VIP of ours is his.
func (o *owner) hear(now time.Time, c claim) (changed bool) {
	if c.reply && o.announce.answer(now, c) {
		changed = true
	}
	s := o.state[c.addr]
	if s == nil || s.since.IsZero() || c.mac == o.announce.link.mac {
		return changed
	}
	known := !s.rival.old(now) && s.rival.mac == c.mac
	s.rival = &rivalError{addr: c.addr, mac: c.mac, last: now}
	if known {
		return changed
	}
	if o.alarms.AllowN(now, 1) {
		o.cfg.Logger.Error("address claimed by another host", logkey.VIP, c.addr, logkey.Peer, net.HardwareAddr(c.mac[:]).String())
	}
	s.err = s.rival
	return true
}

// addrList is a list of addresses in a log record: the first few of them.
type addrList []netip.Addr

// LogValue is for package slog.
func (l addrList) LogValue() slog.Value {
	const few = 8
	var names []string
	for _, addr := range l[:min(few, len(l))] {
		names = append(names, addr.String())
	}
	if len(l) > few {
		names = append(names, fmt.Sprintf("and %d more", len(l)-few))
	}
	return slog.StringValue(strings.Join(names, " "))
}
