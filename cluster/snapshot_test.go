package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/raft"
)

// wantNoGap checks that the log has every entry between its ends.
func wantNoGap(t *testing.T, s raft.LogStore) {
	t.Helper()
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	for i := first; i <= last && i > 0; i++ {
		if err := s.GetLog(i, &raft.Log{}); err != nil {
			t.Fatalf("entry %d of a log from %d to %d: %v", i, first, last, err)
		}
	}
}

// What the log held before a snapshot of the leader may have been overruled. Kept
// behind a gap, it would one day be sent to a node that has nothing.
func TestSnapshotOfTheLeaderReplacesTheLog(t *testing.T) {
	t.Parallel()
	// Another leader would have no snapshot, and the whole log to send.
	nodes := trio(t, calm, func(c *Config) { c.SnapshotThreshold, c.TrailingLogs = 4, 1 })
	leader := awaitLeader(t, nodes...)
	late := others(nodes, leader)[0]
	leader.mustPropose("before")
	eventually(t, "the follower has it", func() bool { return slices.Contains(late.fsm.all(), "before") })
	late.crash()
	// Not many: the longer it is away, the later the leader tries it again.
	for i := range 3 {
		leader.mustPropose(fmt.Sprint(i))
	}
	if err := leader.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	back := start(t, late.cfg)
	leader.mustPropose("after")
	eventually(t, "the follower has caught up", func() bool { return slices.Contains(back.fsm.all(), "after") })
	if back.fsm.restored == 0 {
		t.Fatal("it needed no snapshot; this tests nothing")
	}
	wantNoGap(t, back.store)
}

// The process ends between taking over a snapshot and emptying the log.
func TestLogBeforeTheSnapshotIsDroppedAtStart(t *testing.T) {
	t.Parallel()
	n := start(t, testConfig(t, "a"))
	if err := n.Bootstrap(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		n.mustPropose(fmt.Sprint(i))
	}
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	n.halt()
	dir := n.cfg.DataDir
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := s.LastIndex()
	if err := s.DeleteRange(4, last); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, snapshotDir, "1-2-3.tmp") // and while writing another one
	if err := os.MkdirAll(filepath.Join(half, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}

	again := start(t, n.cfg)
	again.mustPropose("on")
	wantNoGap(t, again.store)
	if got := again.fsm.all(); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "on"}) {
		t.Errorf("it has %q", got)
	}
	if exists(half) {
		t.Error("the unfinished snapshot is still there")
	}
}
