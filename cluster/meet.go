package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
)

// meetLimit bounds the question where a node's gossip is.
const meetLimit = time.Second

// Where tells another node where this one's gossip is.
func (s *peerServer) Where(context.Context, *peerpb.WhereRequest) (*peerpb.WhereResponse, error) {
	return &peerpb.WhereResponse{GossipAddr: s.n.GossipAddr()}, nil
}

// unmet asks the nodes of the configuration that gossip has not met where their
// gossip is. raft's configuration is on the disk, what gossip knew is not.
func (n *Node) unmet(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, meetLimit)
	defer cancel()
	var mu sync.Mutex
	var found []string
	var asking sync.WaitGroup
	for _, s := range n.servers() {
		id := string(s.ID)
		if _, met := n.registry.get(id); met || id == n.id {
			continue
		}
		asking.Go(func() {
			conn, err := n.conns.get(id)
			if err != nil {
				return
			}
			answer, err := peerpb.NewPeerClient(conn).Where(ctx, &peerpb.WhereRequest{})
			if err != nil || answer.GetGossipAddr() == "" {
				return // it is asked again
			}
			mu.Lock()
			defer mu.Unlock()
			found = append(found, answer.GetGossipAddr())
		})
	}
	asking.Wait()
	return found
}
