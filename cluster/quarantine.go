package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
)

const (
	epochLimit  = 2 * time.Second  // of asking another node for its epoch
	epochRetry  = time.Second      // until the next look, if nothing changes
	rejoinLimit = 10 * time.Second // of one attempt; the next goes on where it stopped
)

// Standoff is a node whose data and this node's each have something that the other
// lacks, since the cluster was forced: both of them were, or one was while the others
// went on. They are not put together. The outranked one holds no virtual IP.
//
// An operator chooses whose data is kept, and runs Discard on the other node.
type Standoff struct {
	ID, Name  string
	Epoch     Epoch // of that node
	Since     time.Time
	Outranked bool // this node is
}

// standoffs collects what is to be told of other nodes' epochs.
type standoffs struct {
	mu  sync.Mutex
	all map[string]Standoff // guarded by mu; by id
}

// put notes one and tells whether it is new.
func (s *standoffs) put(o Standoff) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.all[o.ID]; ok {
		o.Since = old.Since
		s.all[o.ID] = o
		return false
	}
	if s.all == nil {
		s.all = map[string]Standoff{}
	}
	s.all[o.ID] = o
	return true
}

// drop forgets one and tells whether it was there.
func (s *standoffs) drop(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.all[id]
	delete(s.all, id)
	return ok
}

func (s *standoffs) list() []Standoff {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Standoff, 0, len(s.all))
	for _, o := range s.all {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Standoff) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Standoffs lists the nodes that this one must not be put together with, by id. It is
// empty in a cluster that is well.
func (n *Node) Standoffs() []Standoff { return n.standoffs.list() }

// Discard ends a stand-off: this node sets all its data aside, into a directory
// beside, and joins the cluster of the other node, given by name or id. Nothing is
// deleted, but what only this node has is not in the cluster any more. When Discard
// returns nil that is decided, and Run returns ErrRestart.
func (n *Node) Discard(ctx context.Context, node string) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("discard: %w", err)
	}
	for _, o := range n.Standoffs() {
		if o.ID != node && o.Name != node {
			continue
		}
		epoch, err := n.epochOf(ctx, o.ID)
		if err != nil {
			return fmt.Errorf("discard in favour of %s: %w", o.Name, err)
		}
		n.logger.Warn("an operator has this node's data set aside", logkey.Peer, o.Name)
		if err := n.quarantine(epoch); err != nil {
			return fmt.Errorf("discard in favour of %s: %w", o.Name, err)
		}
		return nil
	}
	return fmt.Errorf("discard in favour of %s: the data of no such node disagrees with this one's: %w", node, ErrNodeNotFound)
}

// quarantine decides that this node's data goes aside and restarts the node.
func (n *Node) quarantine(epoch Epoch) error {
	aside := fmt.Sprintf("quarantine-%d-%s", len(n.Epoch()), time.Now().UTC().Format("20060102T150405.000Z"))
	if err := n.decide(Pending{Epoch: epoch, Aside: aside}); err != nil {
		return err
	}
	n.restart()
	return nil
}

// compareEpochs looks at the epochs of the nodes that gossip shows, and heals this
// node if it was left behind. It runs until ctx ends.
func (n *Node) compareEpochs(ctx context.Context) {
	changes := n.changes.subscribe(ctx)
	tick := time.NewTicker(epochRetry)
	defer tick.Stop()
	for {
		if n.hasState() && !n.left.Load() {
			n.compareEpochsOnce(ctx)
		}
		select {
		case <-changes:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) compareEpochsOnce(ctx context.Context) {
	own := n.Epoch()
	for _, p := range n.registry.alive() {
		if p.id == n.id {
			continue
		}
		if p.Epoch == own.tag() || !p.Bootstrapped {
			n.reconcile(p)
			continue
		}
		other, err := n.epochOf(ctx, p.id)
		if err != nil {
			if ctx.Err() == nil && n.seen.first("epoch of "+p.id) {
				n.logger.Warn("cannot ask a node of another epoch", logkey.Peer, p.Name, logkey.Err, err)
			}
			continue
		}
		applied, err := n.newestCommand()
		if err != nil {
			n.logger.Error("cannot tell what this node has applied", logkey.Err, err)
			return
		}
		switch judge(n.id, own, other, applied) {
		case nothing:
			n.reconcile(p)
		case heal:
			n.logger.Warn("the cluster was forced without this node: setting its data aside, then joining",
				logkey.Peer, p.Name, logkey.Epoch, len(other))
			if err := n.quarantine(other); err != nil {
				n.logger.Error("cannot set this node's data aside", logkey.Err, err)
			}
			return
		case stayAway:
			if n.seen.first("stay away from " + p.id) {
				n.logger.Warn("the cluster was forced after this node had been removed from it; to join it again, empty the data directory",
					logkey.Peer, p.Name, logkey.Epoch, len(other))
			}
		case standOff:
			n.standOff(p, other)
		}
	}
}

// standOff refuses to be put together with a node, and says so.
func (n *Node) standOff(p peer, other Epoch) {
	outranked := outranks(other, p.id, n.Epoch(), n.id)
	if !n.standoffs.put(Standoff{ID: p.id, Name: p.Name, Epoch: other, Since: time.Now(), Outranked: outranked}) {
		return
	}
	n.logger.Error("the cluster was forced apart: this node and another one each have what the other lacks; "+
		"keep the data of one of them and run `amphoractl cluster discard NODE` on the other",
		logkey.Peer, p.Name, logkey.Epoch, n.Epoch().String(), logkey.Reason, "the other's: "+other.String())
	n.outranked()
	n.changes.signal()
}

func (n *Node) reconcile(p peer) {
	if n.standoffs.drop(p.id) {
		n.logger.Info("no stand-off any more", logkey.Peer, p.Name)
		n.outranked()
		n.changes.signal()
	}
}

// outranked keeps this node from holding the virtual IPs as long as a node that
// outranks it is known.
func (n *Node) outranked() {
	why := ""
	for _, o := range n.Standoffs() {
		if o.Outranked {
			why = fmt.Sprintf("the cluster was forced apart, and node %s outranks this one", o.Name)
		}
	}
	n.fitness.set(forcedApart, why)
}

// epochOf asks a node.
func (n *Node) epochOf(ctx context.Context, id string) (Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, epochLimit)
	defer cancel()
	conn, err := n.conns.get(id)
	if err != nil {
		return nil, err
	}
	if err := connected(ctx, conn); err != nil {
		return nil, err
	}
	answer, err := peerpb.NewPeerClient(conn).Epoch(ctx, &peerpb.EpochRequest{})
	return epochFromProto(answer), fromStatus(err)
}

// newestCommand is the position of the newest command that this node has applied, in
// this process or one before, or that of a later entry where the log does not tell.
func (n *Node) newestCommand() (position, error) {
	index := n.raft.AppliedIndex()
	if n.cfg.FSMIndex != nil {
		index = max(index, n.cfg.FSMIndex())
	}
	var entry raft.Log
	for ; index > 0; index-- {
		err := n.store.GetLog(index, &entry)
		if errors.Is(err, raft.ErrLogNotFound) {
			return endOfSnapshots(n.cfg.DataDir)
		}
		if err != nil {
			return position{}, err
		}
		if entry.Type == raft.LogCommand {
			return position{entry.Index, entry.Term}, nil
		}
	}
	return position{}, nil
}

// rejoin brings a node whose data was set aside back into the cluster. It returns
// when that has succeeded, or ctx ends.
func (n *Node) rejoin(ctx context.Context) {
	if !n.rejoins {
		return
	}
	changes := n.changes.subscribe(ctx)
	tick := time.NewTicker(epochRetry)
	defer tick.Stop()
	for {
		for _, p := range n.hosts() {
			err := n.rejoinAt(ctx, p)
			if err == nil {
				n.logger.Info("this node is back in its cluster", logkey.Peer, p.Name)
				return
			}
			if ctx.Err() == nil && n.seen.first("rejoin at "+p.id) {
				n.logger.Warn("cannot join yet after the cluster was forced without this node", logkey.Peer, p.Name, logkey.Err, err)
			}
		}
		select {
		case <-changes:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) rejoinAt(ctx context.Context, p peer) error {
	ctx, cancel := context.WithTimeout(ctx, rejoinLimit)
	defer cancel()
	err := n.Join(ctx, p.Addr)
	if err != nil && !errors.Is(err, ErrBootstrapped) {
		return err
	}
	return n.editIdentity(func(id *Identity) { id.Rejoin = false })
}

// hosts are the nodes to join at, the one that was forced last first.
func (n *Node) hosts() []peer {
	epoch := n.Epoch()
	var hosts []peer
	for _, p := range n.registry.alive() {
		if p.id == n.id || !p.Bootstrapped || p.Epoch == "" {
			continue
		}
		if len(epoch) > 0 && p.id == epoch[len(epoch)-1].By {
			hosts = slices.Insert(hosts, 0, p)
			continue
		}
		hosts = append(hosts, p)
	}
	return hosts
}
