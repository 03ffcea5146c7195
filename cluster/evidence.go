package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"golang.org/x/sys/unix"
)

const (
	evidenceTries = 4                     // a dying process closes its port a little before or after its connections
	evidencePause = 3 * time.Millisecond  // between two tries
	evidenceLimit = 50 * time.Millisecond // of one try
)

// missing looks whether the process of a node is gone, because something hints at
// it: a connection broke, a datagram was refused, gossip gave the node up. Only one
// thing counts as evidence: that its host, which is there, refuses a connection to
// its port. It starts the lease's own confirmation early and decides nothing. Only
// the holder's process is of interest. missing does not block.
func (n *Node) missing(id string) {
	n.tasks.start("evidence "+id, func(ctx context.Context) {
		if n.agent.view().Holder != lease.ID(id) || id == n.id {
			return
		}
		for range evidenceTries {
			if n.refuses(ctx, id) {
				n.agent.suspected(lease.ID(id))
				return
			}
			select {
			case <-time.After(evidencePause):
			case <-ctx.Done():
				return
			}
		}
	})
}

// refuses tells whether the host of a node refuses a connection to the node's port.
func (n *Node) refuses(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, evidenceLimit)
	defer cancel()
	conn, err := n.mux.dial(ctx, kindGRPC, id, n.addrOf(id))
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}
