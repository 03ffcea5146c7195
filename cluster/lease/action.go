package lease

// Action is something that the caller must do, in the order in which the actions of
// one input are returned. It is one of the types below.
type Action interface{ action() }

// Send sends a message; it may get lost. Copies is how often, at least once.
type Send struct {
	To      ID
	Message Message
	Copies  int
}

// Extend opens the gate, or keeps it open, until an absolute time of this node's
// clock. Sent is when the round began that allows it. The caller must have done it
// before it does anything else.
type Extend struct {
	Term        uint64
	Sent, Until Instant
}

// Drain comes before the Shut of a planned move: To is ready to hold, and may take
// over the connections that are open.
type Drain struct{ To ID }

// Shut shuts the gate now, before any action that follows.
type Shut struct{ Term uint64 }

// Claim begins a period of holding: put the addresses there and announce them. The
// gate is open.
type Claim struct{ Term uint64 }

// Lose ends it: take the addresses away. The gate is shut.
type Lose struct {
	Term uint64
	Why  string
}

// Campaign makes raft on this node stand for election at once.
type Campaign struct{ Why string }

// GiveLeadership transfers raft's leadership to a node; an empty To means to any
// amphora but this.
type GiveLeadership struct {
	To  ID
	Why string
}

// Probe switches the probing of the network on and off (a cluster of two voters).
// Occupancy asks for probes of the virtual IPs and of the peer's address too.
type Probe struct {
	On        bool
	Occupancy bool
}

func (Send) action()           {}
func (Extend) action()         {}
func (Drain) action()          {}
func (Shut) action()           {}
func (Claim) action()          {}
func (Lose) action()           {}
func (Campaign) action()       {}
func (GiveLeadership) action() {}
func (Probe) action()          {}
