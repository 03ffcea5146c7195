package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// bootstrapStep is what a node without raft state does next.
type bootstrapStep int

const (
	stepWait    bootstrapStep = iota // not everybody is there
	stepForm                         // form the cluster with the servers
	stepNone                         // others belong to a cluster: be part of it or join it
	stepRefused                      // the nodes contradict each other: an operator must look
)

// bootstrapPlan is a step with the reason for it, for the log.
type bootstrapPlan struct {
	step    bootstrapStep
	servers []raft.Server
	reason  string
}

// planBootstrap decides from what gossip shows whether the node with the id self
// forms the cluster of the listed voters. It is pure. Nothing that is absent is
// ever a reason to form one: that is how a node that was merely cut off would
// become a second cluster.
//
// Only the voter whose name comes first writes the first configuration. The
// others, still without one, vote for it and take it from its log. Were each to
// write its own, two that saw a node before and after it was reinstalled would
// write different entries under one index and term, which raft never notices.
func planBootstrap(self string, voters []string, alive []peer) bootstrapPlan {
	if len(voters) == 0 {
		return bootstrapPlan{step: stepWait, reason: "no list of voters: waiting for bootstrap or join"}
	}
	want := hashVoters(voters)
	found := map[string]peer{}
	for _, p := range alive {
		if p.Bootstrapped {
			return bootstrapPlan{step: stepNone, reason: fmt.Sprintf("node %s belongs to a cluster already", p.Name)}
		}
		if !slices.Contains(voters, p.Name) {
			continue
		}
		if other, twice := found[p.Name]; twice {
			return bootstrapPlan{step: stepRefused, reason: fmt.Sprintf("two nodes are named %s: %s and %s", p.Name, other.id, p.id)}
		}
		if p.Voters != want {
			return bootstrapPlan{step: stepRefused, reason: fmt.Sprintf("node %s has another list of voters", p.Name)}
		}
		found[p.Name] = p
	}
	for _, name := range voters {
		if _, ok := found[name]; !ok {
			return bootstrapPlan{step: stepWait, reason: fmt.Sprintf("voter %s is not there", name)}
		}
	}
	if first := slices.Min(voters); found[first].id != self {
		return bootstrapPlan{step: stepWait, reason: fmt.Sprintf("all voters are there, %s forms the cluster", first)}
	}
	return bootstrapPlan{step: stepForm, servers: initialServers(found), reason: "all voters are there"}
}

// initialServers puts witnesses first. A candidate asks for votes in this order
// and writes its own vote when its turn comes, so that the witness's disk, whose
// vote decides between two amphorae, works at the same time as its own.
func initialServers(found map[string]peer) []raft.Server {
	var peers []peer
	for _, p := range found {
		peers = append(peers, p)
	}
	slices.SortFunc(peers, func(a, b peer) int {
		return cmp.Or(-cmp.Compare(a.Role, b.Role), cmp.Compare(a.Name, b.Name))
	})
	servers := make([]raft.Server, 0, len(peers))
	for _, p := range peers {
		servers = append(servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(p.id), Address: raft.ServerAddress(p.Addr)})
	}
	return servers
}

// forsaken is how long a node waits, beside a cluster that exists, for its share
// of the log, before it tells the operator what to do.
const forsaken = 5 * time.Second

// bootstrapVoters forms the cluster of Config.Voters when its time has come. It
// returns when this node has raft state, however it came by it, or ctx ends.
//
// A node that was wiped finds a cluster that knows it under its old id. It does
// not join by itself: it would be a second voter under one name, and the old one,
// which has forgotten its votes, would still count. An operator removes the old
// id and joins the new one.
func (n *Node) bootstrapVoters(ctx context.Context) {
	if n.rejoins {
		return // there is a cluster, and rejoin finds it
	}
	changes := n.changes.subscribe(ctx)
	var last string
	var alone <-chan time.Time
	for !n.hasState() {
		plan := planBootstrap(n.id, n.cfg.Voters, n.registry.alive())
		if plan.reason != last {
			last = plan.reason
			n.logger.Info("not part of a cluster yet", logkey.Reason, plan.reason)
		}
		switch plan.step {
		case stepForm:
			err := n.form(plan.servers)
			if err == nil {
				// Nobody else knows of the cluster yet, so nobody is disturbed, and
				// nobody else could. A witness hands over when the others have it.
				err = n.transport.campaign(ctx)
			}
			if err == nil {
				return
			}
			if ctx.Err() == nil {
				n.logger.Error("cannot form the cluster", logkey.Err, err)
			}
		case stepNone:
			if alone == nil {
				alone = time.After(forsaken)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-alone:
			n.logger.Error("the cluster exists and does not know this node's id; if it replaces a node of the same name, "+
				"remove that one with `amphoractl cluster remove` and run `amphoractl cluster join ADDRESS` here", logkey.Node, n.id)
		case <-changes:
		}
	}
}

// form writes the first configuration. It fails if this node has raft state.
func (n *Node) form(servers []raft.Server) error {
	err := n.raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error()
	if errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("this node has raft state: %w", ErrBootstrapped)
	}
	if err != nil {
		return fmt.Errorf("bootstrap raft: %w", err)
	}
	n.logger.Info("cluster formed", logkey.Cluster, n.cfg.Cluster, logkey.Voters, len(servers))
	n.poke()
	return nil
}

// Bootstrap forms a cluster of this node alone; others then join it. It fails with
// ErrBootstrapped if this node has ever been part of a cluster, or sees one.
func (n *Node) Bootstrap(ctx context.Context) error {
	if err := n.awaitReady(ctx); err != nil {
		return err
	}
	if n.hasState() {
		return fmt.Errorf("bootstrap: data directory %s: %w", n.cfg.DataDir, ErrBootstrapped)
	}
	if n.rejoins {
		return fmt.Errorf("bootstrap: this node's data was set aside, and it waits to join its cluster again: %w", ErrBootstrapped)
	}
	for _, p := range n.registry.alive() {
		if p.Bootstrapped {
			return fmt.Errorf("bootstrap: node %s at %s belongs to cluster %s; join it: %w", p.Name, p.Addr, n.cfg.Cluster, ErrBootstrapped)
		}
	}
	if len(n.cfg.Voters) > 1 {
		return fmt.Errorf("bootstrap: the configured voters %v form the cluster by themselves: %w", n.cfg.Voters, ErrInvalid)
	}
	self := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(n.id), Address: raft.ServerAddress(n.addr)}
	if err := n.form([]raft.Server{self}); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return n.campaignAlone(ctx)
}

// campaignAlone makes the only voter of a cluster leader without waiting for a
// heartbeat that nobody could send. For any other node it does nothing.
func (n *Node) campaignAlone(ctx context.Context) error {
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter && s.ID != raft.ServerID(n.id) {
			return nil
		}
	}
	if !n.isVoter() || n.raft.State() != raft.Follower {
		return nil
	}
	if err := n.transport.campaign(ctx); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}
