package node

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
)

// drainFrom sends packets of connections that the node has which held before on to
// it, if it handed over in order. It returns at once; until ctx ends it sees to it that
// nothing is sent to a node that is dead: this node then resets what belonged to it.
func (n *Node) drainFrom(ctx context.Context) {
	if n.gate == nil {
		return
	}
	status, err := n.cluster.Lease(ctx, "")
	if err != nil || status.Last.Cause != lease.CausePlanned {
		return
	}
	id := status.Last.FromID
	mac := n.partners.of(id)
	if mac == nil {
		return
	}
	if n.forward(mac, drainTime+resets) {
		go n.endWith(ctx, id, mac)
	}
}

// forward sends packets on for so long from now, and reports whether it can.
func (n *Node) forward(mac net.HardwareAddr, limit time.Duration) bool {
	err := n.gate.DrainFrom(mac, drainDeadline(limit))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		n.cfg.Logger.Warn("connections of the node that held before are reset", logkey.Err, err)
	}
	return err == nil
}

// endWith ends forwarding when the node that it is for has died, or has had its time to
// stop.
func (n *Node) endWith(ctx context.Context, id string, mac net.HardwareAddr) {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	signal := n.cluster.Changes(ctx)
	for {
		if limit, ends := forwardLimit(n.cluster.Nodes(), id); ends {
			if !n.draining.planned.Load() { // else the gate has another task by now
				n.forward(mac, limit)
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-signal:
		}
	}
}

// forwardLimit is how long packets are still sent on to a node as gossip shows it; ends
// is false as long as it is there. One that leaves may need the time in which it stops.
func forwardLimit(nodes []cluster.Info, id string) (limit time.Duration, ends bool) {
	for _, info := range nodes {
		if info.ID != id {
			continue
		}
		switch info.State {
		case cluster.StateDead:
			return 0, true
		case cluster.StateLeft:
			return stopDrain + resets, true
		default:
			return 0, false
		}
	}
	return 0, true // no part of the cluster any more
}
