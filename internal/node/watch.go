package node

import (
	"context"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/event"
)

// watchCluster tells people who joined, failed, left and leads.
func (n *Node) watchCluster(ctx context.Context) error {
	known := map[string]cluster.Info{}
	leader := ""
	for signal := n.cluster.Changes(ctx); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-signal:
		}
		now := map[string]cluster.Info{}
		nodes := n.cluster.Nodes()
		n.tellPeers(nodes)
		for _, info := range nodes {
			now[info.ID] = info
			if kind, ok := movement(known[info.ID].State, info.State); ok {
				n.events.Append(event.Event{Kind: kind, Resource: "node", ID: info.ID, Name: info.Name, Message: info.Addr})
			}
			if info.Leader && info.ID != leader {
				leader = info.ID
				n.events.Append(event.Event{Kind: event.LeaderChanged, Resource: "node", ID: info.ID, Name: info.Name})
			}
		}
		for id, info := range known {
			if _, there := now[id]; !there {
				n.events.Append(event.Event{Kind: event.NodeLeft, Resource: "node", ID: id, Name: info.Name, Message: "no part of the cluster any more"})
			}
		}
		known = now
	}
}

// movement names what a change of state means to people, if anything.
func movement(from, to cluster.State) (event.Kind, bool) {
	if from == to {
		return "", false
	}
	switch to {
	case cluster.StateAlive:
		return event.NodeJoined, true
	case cluster.StateDead:
		return event.NodeFailed, true
	case cluster.StateLeft:
		return event.NodeLeft, true
	}
	return "", false
}
