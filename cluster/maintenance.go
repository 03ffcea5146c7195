package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/raft"
)

const maintenanceReason = "the node is in maintenance"

// SetMaintenance keeps this node from being the holder, until it is called with
// false, also across restarts. A node that holds hands over first, and if nobody can
// take over it returns ErrNoSuccessor and changes nothing. It returns when the change
// is durable.
func (n *Node) SetMaintenance(ctx context.Context, on bool) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("set maintenance: %w", err)
	}
	n.vacating.Lock()
	defer n.vacating.Unlock()
	if on {
		if held, _ := n.agent.holding(); held != nil {
			if err := n.leaveHolding(ctx); err != nil {
				return fmt.Errorf("set maintenance: %w", err)
			}
		}
	}
	if err := n.editIdentity(func(id *Identity) { id.Maintenance = on }); err != nil {
		return fmt.Errorf("set maintenance: %w", err)
	}
	n.maintain(on)
	n.gossip.update(func(m *meta) { m.Maintenance = on })
	n.changes.signal()
	return nil
}

// leaveHolding hands over if this node leads. A holder that does not lead only has to
// let go, if somebody can take over.
func (n *Node) leaveHolding(ctx context.Context) error {
	if n.raft.State() == raft.Leader {
		return n.switchOver(ctx, "")
	}
	if len(n.successors(true)) == 0 {
		return ErrNoSuccessor
	}
	return nil
}

func (n *Node) maintain(on bool) {
	why := ""
	if on {
		why = maintenanceReason
	}
	n.maintenance.Store(on)
	n.fitness.set(inMaintenance, why)
}
