package gate

import (
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// State is what the gate is at an instant.
type State struct {
	Backend  Backend      `json:"backend"`
	Verdict  Verdict      `json:"verdict"`
	Attached bool         `json:"attached"`
	Now      int64        `json:"now"`
	Term     uint64       `json:"term"`
	Sent     int64        `json:"sent"`
	Until    int64        `json:"until"`
	MinTerm  uint64       `json:"min_term"`
	Killed   int64        `json:"killed"`
	Draining string       `json:"draining,omitempty"` // "to" or "from" and the partner's hardware address
	VIPs     []netip.Addr `json:"vips"`
	Peers    []string     `json:"peers"`
}

// Counters count frames of virtual IPs in one direction.
type Counters struct {
	Passed         uint64 `json:"passed"`
	DroppedExpired uint64 `json:"dropped_expired"`
	DroppedFloor   uint64 `json:"dropped_floor"`
	DroppedClaimed uint64 `json:"dropped_claimed"`
	Drained        uint64 `json:"drained"`   // passed by the old holder while it drains
	Forwarded      uint64 `json:"forwarded"` // sent on to the partner while it drains
	Parked         uint64 `json:"parked"`    // kept for the partner until it is open
}

// Stats are the counters since the gate was made.
type Stats struct {
	Ingress   Counters `json:"ingress"`
	Egress    Counters `json:"egress"`
	Claims    uint64   `json:"claims"`    // by peers; they are passed
	Strangers uint64   `json:"strangers"` // claims by anybody else
}

// Report is all there is to say of a gate.
type Report struct {
	Interface string   `json:"interface"`
	State     State    `json:"state"`
	Stats     Stats    `json:"stats"`
	Journal   []Record `json:"journal"`
	Torn      int      `json:"torn"` // records of the journal that could not be read
}

// State reads what the gate is now.
func (g *Gate) State() (State, error) {
	var s State
	err := g.set("read state", func() error {
		s.of(g.enf.memory())
		s.Attached = !g.detached
		return g.enf.state(&s)
	})
	return s, err
}

// Stats reads the counters.
func (g *Gate) Stats() (s Stats, err error) {
	err = g.set("read counters", func() (err error) {
		s, err = g.enf.stats()
		return err
	})
	return s, err
}

func (s *State) of(m *memory) {
	l := m.current()
	s.Verdict, s.Now = m.verdict(), now()
	s.Term, s.Sent, s.Until = l.term, l.sent, l.until
	s.MinTerm, s.Killed, s.Draining = m.minTerm(), m.killedAt(), m.draining()
}

func readStats(m *ebpf.Map) (Stats, error) {
	var n [2 * counts]uint64
	for i := range n {
		var perCPU []uint64
		if err := m.Lookup(uint32(i), &perCPU); err != nil {
			return Stats{}, fmt.Errorf("read counter: %w", err)
		}
		for _, v := range perCPU {
			n[i] += v
		}
	}
	of := func(c []uint64) Counters {
		return Counters{
			Passed: c[countPassed], DroppedExpired: c[countShut], DroppedFloor: c[countFloor],
			DroppedClaimed: c[countKilled], Drained: c[countDrained], Forwarded: c[countForwarded],
			Parked: c[countParked],
		}
	}
	return Stats{
		Ingress: of(n[:counts]), Egress: of(n[counts:]),
		Claims: n[countClaim], Strangers: n[countStranger],
	}, nil
}
