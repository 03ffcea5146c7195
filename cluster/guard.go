package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/hashicorp/raft"
)

// keyCurrentTerm is raft's own key for its term.
var keyCurrentTerm = []byte("CurrentTerm")

// openLease makes the machine of the lease and its agent. It is part of Open, so that
// what is known before the node runs is not lost.
func (n *Node) openLease() error {
	term, err := n.store.GetUint64(keyCurrentTerm)
	if err != nil {
		return fmt.Errorf("read raft's term: %w", err)
	}
	n.boot = rand.Uint64()
	timing := n.cfg.profile().lease
	m := lease.New(lease.Config{
		Self: lease.ID(n.id), Boot: n.boot, Epoch: n.Epoch().Number(), Timing: timing, RaftTerm: term, Seed: rand.Uint64(),
		WaitForPeer: n.cfg.WaitForPeer,
	}, bootTime())
	n.carrier = &carrier{
		self: lease.ID(n.id), seal: n.seal, locate: n.gossipAt, member: n.isMember,
		deliver: n.hear,
		refused: func(id lease.ID) { n.missing(string(id)) },
		logger:  n.logger, socks: map[lease.ID]*sock{},
	}
	n.agent = newAgent(m, hands{
		now: bootTime, log: n.tail.end, raftTerm: func() uint64 { return n.raft.CurrentTerm() },
		send: n.tell, gate: n.cfg.Gate, campaign: n.stand, give: n.giveLeadership,
		probe: n.lookAround, publish: n.publishWill, beat: n.cfg.Beat,
	}, timing.Renew, n.logger)
	n.fitness = newFitness(func(why string) { n.agent.feed(lease.Fitness{Why: why}) })
	n.fitness.set(nothingServes, "nothing serves on this node yet")
	if n.cfg.Role == Witness {
		n.muzzle = newMuzzle(n.cfg.ElectionTimeout, n.tail.end)
	}
	n.mux.broken = n.missing
	return nil
}

// tell sends a message of the lease. A witness that misses the holder, and refuses a
// standby only because of its log, has what the standby lacks: it must lead, and
// bring it up to date by handing over. The two are a quorum of three.
func (n *Node) tell(to lease.ID, m lease.Message, copies int) {
	if m.Kind == lease.Refuse && m.Reason == lease.LogBehind && n.cfg.Role == Witness {
		n.muzzle.lift()
		if n.voters() == 3 {
			n.stand("the standby lacks entries of the log")
		}
	}
	n.carrier.send(to, m, copies)
}

// hear takes a message of the lease. A standby that misses the holder may know more
// than this node, which looks for itself, to agree when it is asked again.
func (n *Node) hear(m lease.Message) {
	n.agent.received(m)
	if m.Kind == lease.Confirm {
		n.missing(string(n.agent.view().Holder))
	}
}

// seal is gossip's. Before gossip runs nobody could be told anything.
func (n *Node) seal(msg []byte) ([]byte, error) {
	if !n.isReady() {
		return nil, errors.New("gossip does not run yet")
	}
	return n.gossip.seal(msg)
}

// gossipAt is where the gossip of a node is.
func (n *Node) gossipAt(id lease.ID) (netip.AddrPort, bool) {
	p, ok := n.registry.get(string(id))
	if !ok {
		return netip.AddrPort{}, false
	}
	at, err := netip.ParseAddrPort(p.gossip)
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), err == nil
}

// isMember tells whether raft's configuration has a node: of others nothing is taken.
func (n *Node) isMember(id lease.ID) bool {
	if !n.isReady() {
		return false
	}
	_, ok := n.server(string(id))
	return ok
}

// reconfigured tells the lease who votes. An older answer of raft must not come after
// a newer one.
func (n *Node) reconfigured() {
	n.votersMu.Lock()
	defer n.votersMu.Unlock()
	var voters []lease.ID
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			voters = append(voters, lease.ID(s.ID))
		}
	}
	mayHold := n.eligible() && n.isVoter() && !n.left.Load()
	n.agent.feed(lease.Reconfigured{Voters: voters, MayHold: mayHold})
}

// lookAround probes the network as long as the lease wants it, in a cluster of two
// voters. It does not block.
func (n *Node) lookAround(on, occupancy bool) {
	if n.probing != nil {
		n.probing()
		n.probing = nil
	}
	if !on || n.cfg.Prober == nil {
		return
	}
	stop := make(chan struct{})
	n.probing = func() { close(stop) }
	n.probes++
	n.tasks.start(fmt.Sprintf("probe %d", n.probes), func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		tick := time.NewTicker(n.cfg.profile().lease.Probe)
		defer tick.Stop()
		for {
			n.probeOnce(ctx, occupancy)
			select {
			case <-tick.C:
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// probeOnce asks the network once. The next probe does not wait for the answer.
func (n *Node) probeOnce(ctx context.Context, occupancy bool) {
	sent := bootTime()
	n.tasks.start(fmt.Sprintf("probe sent %d", sent), func(context.Context) {
		within, cancel := context.WithTimeout(ctx, n.cfg.profile().lease.Fence)
		defer cancel()
		network, occupied, peer := n.cfg.Prober.Probe(within, occupancy)
		if ctx.Err() == nil {
			n.agent.feed(lease.Probed{Sent: sent, Network: network, Occupied: occupied, Peer: peer})
		}
	})
}

// watchRaft finds out when raft's main loop stands still, most often with the disk.
// Then this node does not hold if another one can: its raft answers heartbeats, so
// nobody else would notice, and it cannot follow any change.
func (n *Node) watchRaft(ctx context.Context) {
	limit := n.cfg.profile().disk
	tick := time.NewTicker(limit / 4)
	defer tick.Stop()
	for {
		within, cancel := context.WithTimeout(ctx, limit)
		err := n.transport.probe(within)
		cancel()
		switch {
		case err == nil:
			n.fitness.set(raftStalls, "")
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded) && len(n.successors(true)) > 0:
			n.fitness.set(raftStalls, fmt.Sprintf("raft's main loop stands still for more than %v", limit))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// diskStalls is told by the store while a write hangs, and then knows before watchRaft
// does. As long as nobody else can hold, this node goes on: renewing needs no disk.
func (n *Node) diskStalls(op string) {
	if len(n.successors(true)) > 0 {
		n.fitness.set(raftStalls, fmt.Sprintf("the disk hangs: %s has taken more than %v", op, n.cfg.profile().disk))
	}
}

func (n *Node) diskRecovers() { n.fitness.set(raftStalls, "") }

// tellFitness tells the others by gossip whether this node can take over.
func (n *Node) tellFitness(ctx context.Context) {
	for {
		why := n.fitness.answer()
		n.gossip.update(func(m *meta) { m.Unfit = n.eligible() && why != "" })
		select {
		case <-n.fitness.changed:
		case <-ctx.Done():
			return
		}
	}
}
