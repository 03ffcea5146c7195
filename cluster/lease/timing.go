package lease

import (
	"errors"
	"fmt"
	"time"
)

// Timing holds the durations of the protocol. All nodes of a cluster must have the
// same; a voter promises no more than its own Lease.
type Timing struct {
	Renew        time.Duration // between two rounds of a holder
	Lease        time.Duration // what each round asks for
	Detect       time.Duration // silence of the holder after which a standby asks the others
	Confirm      time.Duration // between two questions of a standby
	ConfirmTries int           // then it waits anew
	Settle       time.Duration // for frames that had passed the gate when it shut

	// With two voters and no witness.
	Fence    time.Duration // how long evidence of the network keeps the gate open
	Takeover time.Duration // silence of the holder after which the other may claim
	Probe    time.Duration // between two probes of the network
	Boot     time.Duration // that a node without a peer waits for it before it claims
}

// LANFast is for idle hosts on one switch: a dead host is replaced in 0.2 s.
func LANFast() Timing {
	const ms = time.Millisecond
	return Timing{
		Renew: 20 * ms, Lease: 140 * ms, Detect: 145 * ms, Confirm: 10 * ms, ConfirmTries: 4, Settle: 2 * ms,
		Fence: 140 * ms, Takeover: 230 * ms, Probe: 20 * ms, Boot: 10 * time.Second,
	}
}

// Default is for busy hosts and virtual machines: a dead host is replaced in 0.5 s.
func Default() Timing {
	const ms = time.Millisecond
	return Timing{
		Renew: 50 * ms, Lease: 450 * ms, Detect: 460 * ms, Confirm: 25 * ms, ConfirmTries: 4, Settle: 5 * ms,
		Fence: 450 * ms, Takeover: 600 * ms, Probe: 50 * ms, Boot: 10 * time.Second,
	}
}

// WAN is for nodes at several sites: a dead host is replaced in 5.5 s.
func WAN() Timing {
	const ms = time.Millisecond
	return Timing{
		Renew: 500 * ms, Lease: 5000 * ms, Detect: 5200 * ms, Confirm: 500 * ms, ConfirmTries: 3, Settle: 5 * ms,
		Fence: 5000 * ms, Takeover: 6500 * ms, Probe: 500 * ms, Boot: 10 * time.Second,
	}
}

// occupancyTime is what three probes for a virtual IP take, 20 ms apart.
const occupancyTime = 60 * time.Millisecond

// Validate reports every duration that would make the protocol useless. None can
// make it unsafe, as long as Settle covers the host's transmit queue.
func (t Timing) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(t.Renew > 0 && t.Confirm > 0 && t.ConfirmTries > 0 && t.Settle >= 0 && t.Probe > 0 && t.Boot > 0, "timing %+v: every value must be above 0", t)
	need(t.Lease >= 5*t.Renew, "timing: lease %v must be at least 5 renewals of %v", t.Lease, t.Renew)
	need(t.Detect >= promised(t.Lease), "timing: detect %v must be at least %v, the promise of a lease of %v", t.Detect, promised(t.Lease), t.Lease)
	need(t.Takeover >= promised(t.Fence)+t.Settle+occupancyTime, "timing: takeover %v must be at least %v", t.Takeover, promised(t.Fence)+t.Settle+occupancyTime)
	return errors.Join(errs...)
}
