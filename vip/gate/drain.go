package gate

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// role is what a node is in a planned switchover, as in gate.c.
type role uint64

const (
	oldHolder role = 1
	newHolder role = 2
)

// maxDrain is longer than anybody drains: what is longer is a mistake of the caller.
const maxDrain = 10 * time.Minute

// DrainTo makes this node the old holder in a planned switchover, from when its gate is
// shut until the instant `until`: the TCP connections that its kernel has go on, and
// everything else of TCP is sent on to the new holder at partner. ARP and neighbour
// discovery stay shut. The addresses must stay on the interface meanwhile. To be called
// before Shut; Extend ends it, and so does an `until` of 0. An error wraps
// errors.ErrUnsupported with nftables: the connections are lost then.
func (g *Gate) DrainTo(partner net.HardwareAddr, until int64) error {
	return g.drain(KindDrainTo, oldHolder, partner, until)
}

// DrainFrom makes this node the new holder in a planned switchover, while its gate is
// open, until the instant `until`: TCP packets of connections that its kernel does not
// have are sent on to the old holder at partner. To be called before the addresses are
// announced. An `until` of 0 ends it. Errors are those of DrainTo.
func (g *Gate) DrainFrom(partner net.HardwareAddr, until int64) error {
	return g.drain(KindDrainFrom, newHolder, partner, until)
}

func (g *Gate) drain(kind Kind, r role, partner net.HardwareAddr, until int64) error {
	return g.set("drain connections", func() error {
		m := g.enf.memory()
		switch {
		case m.drain == nil:
			return fmt.Errorf("nftables: %w", errors.ErrUnsupported)
		case until != 0 && len(partner) != 6:
			return fmt.Errorf("hardware address %q of the partner is not one of Ethernet", partner)
		case until-now() > int64(maxDrain):
			return fmt.Errorf("until %d: nobody drains for more than %v", until, maxDrain)
		}
		l := m.current()
		m.record(kind, leaseRecord{term: l.term, sent: l.sent, until: until})
		m.startDrain(r, partner, until)
		return nil
	})
}

// startDrain stores the end last, and none while the rest changes.
func (m *memory) startDrain(r role, partner net.HardwareAddr, until int64) {
	atomic.StoreUint64(&m.drain.Until, 0)
	atomic.StoreUint64(&m.drain.Since, uint64(now()))
	atomic.StoreUint64(&m.drain.Role, uint64(r))
	copy(m.drain.Partner.Byte[:], partner)
	atomic.StoreUint64(&m.drain.Until, uint64(until))
}

// endDrain ends draining in that role.
func (m *memory) endDrain(r role) {
	if m.drain != nil && atomic.LoadUint64(&m.drain.Role) == uint64(r) && atomic.LoadUint64(&m.drain.Until) != 0 {
		atomic.StoreUint64(&m.drain.Until, 0)
	}
}

// draining describes who drains until when, for people.
func (m *memory) draining() string {
	if m.drain == nil || now() >= int64(atomic.LoadUint64(&m.drain.Until)) {
		return ""
	}
	partner := net.HardwareAddr(m.drain.Partner.Byte[:]).String()
	if role(atomic.LoadUint64(&m.drain.Role)) == oldHolder {
		return "to " + partner
	}
	return "from " + partner
}
