package cluster

import (
	"testing"

	"github.com/hashicorp/raft"
)

// The call that keeps a connection warm arrives, and nothing comes of it; where
// nobody answers it fails.
func TestWarmConnections(t *testing.T) {
	t.Parallel()
	amphorae, witness, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	next := first.other(amphorae)
	term, leader := next.Term(), next.view.Load().id
	for _, to := range []*testNode{witness, first.testNode} {
		s, ok := next.server(to.ID())
		if !ok {
			t.Fatalf("no server %s", to.ID())
		}
		for range 3 { // also on the connection that is there
			if err := next.transport.warm(s.ID, s.Address); err != nil {
				t.Errorf("warm the connection to %s: %v", to.cfg.Name, err)
			}
		}
	}
	for _, n := range []*testNode{first.testNode, next.testNode, witness} {
		if n.Term() != term || n.view.Load().id != leader {
			t.Errorf("%s is in term %d with leader %q, before %d and %q", n.cfg.Name, n.Term(), n.view.Load().id, term, leader)
		}
	}
	if err := next.transport.warm(raft.ServerID("nobody"), "127.0.0.1:1"); err == nil {
		t.Error("a node that is not there was reached")
	}
}
