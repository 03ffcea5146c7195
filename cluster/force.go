package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

// ForceSolo makes this node the only voter of its cluster, without asking anybody:
// for an operator who knows that the others are gone, or that they stay off until
// they see this node again. If they serve elsewhere, there are two clusters, and a
// virtual IP may have two holders. confirm must be the name of the cluster.
//
// It is refused while the cluster has a leader or a majority of its voters is alive,
// on a witness and on a node without a vote. What this node has in its log counts as
// committed from then on. When ForceSolo returns nil the change is decided, whatever
// happens: Run returns ErrRestart, and after Settle the node leads alone. The others,
// when they come back, set their data aside and join; see Standoffs for when they do
// not.
func (n *Node) ForceSolo(ctx context.Context, confirm string) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("force: %w", err)
	}
	if confirm != n.cfg.Cluster {
		return fmt.Errorf("force: confirm with the name of the cluster, %q, not with %q: %w", n.cfg.Cluster, confirm, ErrInvalid)
	}
	if err := n.checkForce(); err != nil {
		return fmt.Errorf("force: %w", err)
	}
	forcing := Forcing{By: n.id, At: time.Now().UTC()}
	for _, s := range n.servers() {
		if string(s.ID) != n.id {
			forcing.Without = append(forcing.Without, string(s.ID))
		}
	}
	err := n.decide(Pending{Epoch: append(slices.Clone(n.Epoch()), forcing), Addr: n.addr})
	if err != nil {
		return fmt.Errorf("force: %w", err)
	}
	n.logger.Warn("an operator forces this node to be the only voter", logkey.Epoch, len(n.Epoch())+1)
	n.restart()
	return nil
}

func (n *Node) checkForce() error {
	if n.cfg.Role != Amphora {
		return fmt.Errorf("this node is a witness; force an amphora: %w", ErrInvalid)
	}
	if !n.isVoter() || n.hasLeft() {
		return fmt.Errorf("this node has no vote: %w", ErrInvalid)
	}
	if leader, ok := n.Leader(); ok {
		return fmt.Errorf("node %s leads: %w", leader.Name, ErrHasQuorum)
	}
	voters, alive := 0, 0
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if p, _ := n.registry.get(string(s.ID)); p.state == StateAlive {
			alive++
		}
	}
	if alive > voters/2 {
		return fmt.Errorf("%d of %d voters are alive and will elect a leader: %w", alive, voters, ErrHasQuorum)
	}
	return nil
}

// Epoch lists the forced changes that this node's data descends from. The caller must
// not change it.
func (n *Node) Epoch() Epoch { return *n.epoch.Load() }

// takeOver makes epoch this node's own. It has no data yet.
func (n *Node) takeOver(epoch Epoch) error {
	if err := n.editIdentity(func(id *Identity) { id.Epoch = epoch }); err != nil {
		return err
	}
	n.epoch.Store(&epoch)
	n.gossip.update(func(m *meta) { m.Epoch = epoch.tag() })
	return nil
}

// decide writes down what is to be done before this node runs again.
func (n *Node) decide(p Pending) error {
	return n.editIdentity(func(id *Identity) { id.Pending = &p })
}

// editIdentity changes node.json; durable on return.
func (n *Node) editIdentity(change func(*Identity)) error {
	n.identityMu.Lock()
	defer n.identityMu.Unlock()
	path := filepath.Join(n.cfg.DataDir, identityFile)
	id, err := readIdentity(path)
	if err != nil {
		return err
	}
	change(&id)
	return writeIdentity(path, id)
}

// restart stops the node, and makes Run ask for another start.
func (n *Node) restart() {
	n.again.Store(true)
	n.stop()
}
