package cluster

import (
	"slices"
	"testing"
	"time"
)

// Followers learn of a change that no other follows, though raft alone would tell them
// after an hour.
func TestLoneChangeSpreads(t *testing.T) {
	nodes := trio(t)
	for _, n := range nodes {
		n.halt()
	}
	slow := make([]*testNode, len(nodes))
	for i, n := range nodes {
		n.cfg.CommitTimeout = time.Hour
		slow[i] = start(t, n.cfg)
	}
	leader := awaitLeader(t, slow...)
	leader.mustPropose("alone")
	for _, n := range others(slow, leader) {
		eventually(t, "a follower has the change", func() bool { return slices.Contains(n.fsm.all(), "alone") })
	}
}
