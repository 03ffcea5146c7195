package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/cluster/peerpb"
)

// LeaseStatus is what one node knows of the lease. All times are durations up to the
// moment of the answer: clocks of nodes are not compared. A duration of something
// that never was is negative.
type LeaseStatus struct {
	NodeID      string
	State       string        // observing, standby, suspecting, campaigning, waiting, holding, solo or fenced
	Term        uint64        // that is held, waited for, or of the holder that is heard
	HolderID    string        // empty: none is known
	Open        bool          // the holder's gate is open, as far as the node knows
	Solo        bool          // it holds on evidence of the network, without a quorum
	Held        time.Duration // since this node claimed; negative: it does not hold
	Left        time.Duration // of its lease; negative: it does not hold
	Heard       time.Duration // since the last progress of another holder
	Unfit       string        // why the node would not claim; empty: it would
	Maintenance bool
	Profile     Profile
	Voters      []VoterStatus
	Last        Takeover // how the node came to hold, the last time it did
	Degraded    []string // what makes the next failover slow or impossible, for people
	Late        Lateness
	Counters    map[string]uint64 // by name, since the process started
}

// VoterStatus is another voter as a holder sees it.
type VoterStatus struct {
	ID, Name string
	Answered time.Duration // since its last answer; negative: it never answered this node
}

// Takeover is a node's report on how it came to hold. Term 0: it never did.
type Takeover struct {
	Term   uint64
	Cause  string // one of lease.Cause*
	FromID string // who held before, if anybody is known to have
	Why    string // what the old holder said of its release
	Ago    time.Duration
	Took   time.Duration // from the last sign of the old holder to the open gate
	Stages []Stage       // in order
}

// Stage is a part of a takeover: what was reached, and how long after the last sign
// of the old holder. The names are noticed, agreed, elected, acked, free and opened.
// Those that did not happen are left out, and so are those before that sign, as the
// election of a planned move: the old holder still served.
type Stage struct {
	Name string
	At   time.Duration
}

// Lateness tells how late this node's timers fire, over the last ten minutes.
type Lateness struct {
	P999, Max time.Duration
}

// Lease returns what a node of the cluster, given by id, knows of the lease; this
// node if the id is empty. It asks another node over the network until ctx ends.
func (n *Node) Lease(ctx context.Context, nodeID string) (LeaseStatus, error) {
	if err := n.awaitReady(ctx); err != nil {
		return LeaseStatus{}, fmt.Errorf("lease of node %s: %w", nodeID, err)
	}
	if nodeID == "" || nodeID == n.id {
		return n.leaseStatus(), nil
	}
	conn, err := n.Dial(ctx, nodeID)
	if err != nil {
		return LeaseStatus{}, fmt.Errorf("lease of node %s: %w", nodeID, err)
	}
	answer, err := peerpb.NewPeerClient(conn).Lease(ctx, &peerpb.LeaseRequest{})
	if err != nil {
		return LeaseStatus{}, fmt.Errorf("lease of node %s: %w", nodeID, fromStatus(err))
	}
	return leaseStatusOf(answer), nil
}

var stateNames = map[lease.State]string{
	lease.Observing: "observing", lease.Standby: "standby", lease.Suspecting: "suspecting", lease.Campaigning: "campaigning",
	lease.Waiting: "waiting", lease.Holding: "holding", lease.Solo: "solo", lease.Fenced: "fenced",
}

func (n *Node) leaseStatus() LeaseStatus {
	now := bootTime()
	a := n.agent
	a.mu.Lock()
	view, counts := a.machine.View(), a.counts
	heard := make(map[lease.ID]lease.Instant, len(a.heard))
	for id, at := range a.heard {
		heard[id] = at
	}
	a.mu.Unlock()

	s := LeaseStatus{
		NodeID: n.id, State: stateNames[view.State], Term: view.Term, HolderID: string(view.Holder), Open: view.Open, Solo: view.Solo,
		Held: since(now, view.Since), Left: -1, Heard: since(now, view.Heard),
		Unfit: view.Unfit, Maintenance: n.maintenance.Load(), Profile: n.cfg.Profile,
		Last: takeover(now, view.Last), Late: a.late.read(),
		Counters: n.leaseCounters(counts),
	}
	if view.Until != lease.Never {
		s.Left = max(view.Until.Sub(now), 0)
	}
	for _, id := range n.otherVoters() {
		s.Voters = append(s.Voters, VoterStatus{ID: string(id), Name: n.label(string(id)), Answered: since(now, heard[id])})
	}
	s.Degraded = n.degraded(view, s.Late)
	return s
}

// since is negative for what never was.
func since(now, then lease.Instant) time.Duration {
	if then == lease.Never {
		return -1
	}
	return max(now.Sub(then), 0)
}

// takeover turns a report into durations since the last sign of the old holder, or
// since whatever came first if there was none.
func takeover(now lease.Instant, r lease.Report) Takeover {
	if r.Term == 0 {
		return Takeover{}
	}
	t := Takeover{Term: r.Term, Cause: r.Cause, FromID: string(r.From), Why: r.Why, Ago: since(now, r.Opened)}
	start := r.LastHeard
	for _, s := range []struct {
		name string
		at   lease.Instant
	}{
		{"noticed", r.Noticed}, {"agreed", r.Agreed}, {"elected", r.Elected}, {"acked", r.Acked}, {"free", r.Free}, {"opened", r.Opened},
	} {
		if s.at == lease.Never || s.at < start {
			continue
		}
		if start == lease.Never {
			start = s.at
		}
		t.Stages = append(t.Stages, Stage{Name: s.name, At: s.at.Sub(start)})
	}
	slices.SortStableFunc(t.Stages, func(a, b Stage) int { return cmp.Compare(a.At, b.At) })
	t.Took = r.Opened.Sub(start)
	return t
}

// degraded says what makes the next failover slow or impossible.
func (n *Node) degraded(view lease.View, late Lateness) []string {
	var reasons []string
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	voters, alive, able := n.voters(), 0, 0
	for _, s := range n.servers() {
		p, known := n.registry.get(string(s.ID))
		switch {
		case string(s.ID) == n.id || (known && p.state == StateAlive):
			alive++
		case known:
			say("voter %s is %s", p.Name, p.state)
		default:
			say("voter %s was not met since this node started", s.ID)
		}
		if p.Role == Amphora && p.fit() {
			able++
		}
		if p.state == StateAlive && p.Profile != "" && p.Profile != n.cfg.Profile {
			say("%s has profile %s and %s has %s: a voter refuses leases longer than its own; set the same profile on every node",
				p.Name, p.Profile, n.cfg.Name, n.cfg.Profile)
		}
	}
	for _, id := range view.Silent {
		if p, _ := n.registry.get(string(id)); p.state == StateAlive {
			say("voter %s does not answer the holder", p.Name)
		}
	}
	switch quorum := voters/2 + 1; {
	case voters == 0:
	case voters == 1:
		say("one voter: nobody takes over when it fails")
	case voters == 2:
		say("two voters and no witness: the loss of one stops all changes")
	case alive <= quorum:
		say("%d of %d voters are left: the loss of another one stops failover and changes", alive, voters)
	}
	if voters > 1 && able < 2 {
		say("fewer than two amphorae are able to hold the virtual IPs")
	}
	timing := n.cfg.profile().lease
	if late.P999 > timing.Renew || late.Max > timing.Lease/2 {
		say("timers of %s fire up to %v late (one in a thousand by %v or more): profile %s is unwise there",
			n.cfg.Name, late.Max.Round(time.Millisecond), late.P999.Round(time.Millisecond), n.cfg.Profile)
	}
	return reasons
}

// leaseCounters are for metrics. The names are those of the metrics, without prefix.
func (n *Node) leaseCounters(a agentCounts) map[string]uint64 {
	c := &n.carrier.counts
	return map[string]uint64{
		"claims": a.claims, "losses": a.losses, "campaigns": a.campaigns, "extensions": a.extensions,
		"releases": a.releases, "suspicions": a.suspicions,
		"sent": c.sent.Load(), "unsent": c.unsent.Load(), "received": c.received.Load(),
		"undecodable": c.undecodable.Load(), "misdirected": c.misdirected.Load(),
		"unknown_sender": c.unknown.Load(), "replayed": c.replayed.Load(),
	}
}
