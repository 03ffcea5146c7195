package gate

import (
	"net"
	"net/netip"
)

// Event says that somebody else than the worker shut the gate.
type Event struct {
	At   int64
	Kind Kind             // KindRaise or KindKill
	Term uint64           // of the lease that it ended; KindRaise: the floor
	VIP  netip.Addr       // KindKill: the address claimed
	MAC  net.HardwareAddr // KindKill: who claims it
}

// Verdict is whether the gate is open, and why not.
type Verdict string

// The verdicts.
const (
	IsOpen     Verdict = "open"
	Expired    Verdict = "expired" // no lease, or one that has ended
	BelowFloor Verdict = "floor"   // the supervisor ended the lease's term
	Claimed    Verdict = "claimed" // a peer claimed an address after the round was sent
)
