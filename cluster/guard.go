package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
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

// tendWill seals the will anew when those that it is for have moved or changed.
func (n *Node) tendWill(ctx context.Context) {
	changes := n.changes.subscribe(ctx)
	var last []netip.AddrPort
	for {
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
		var now []netip.AddrPort
		for _, id := range n.otherVoters() {
			at, _ := n.gossipAt(id)
			now = append(now, at)
		}
		if !slices.Equal(now, last) {
			last = now
			n.agent.reseal()
		}
	}
}

func (n *Node) otherVoters() []lease.ID {
	var ids []lease.ID
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter && string(s.ID) != n.id {
			ids = append(ids, lease.ID(s.ID))
		}
	}
	return ids
}

// publishWill makes known what to say to each voter if this process dies.
func (n *Node) publishWill(term uint64) {
	if n.cfg.Publish == nil {
		return
	}
	will := Will{Term: term}
	if term == 0 {
		n.cfg.Publish(will)
		return
	}
	for _, id := range n.otherVoters() {
		at, ok := n.gossipAt(id)
		if !ok {
			continue
		}
		released := lease.Message{Kind: lease.Released, From: lease.ID(n.id), Boot: n.boot, Term: term}
		data, err := n.carrier.sealed(id, released, 0)
		if err != nil {
			n.logger.Error("cannot seal the will", logkey.Peer, n.label(string(id)), logkey.Err, err)
			continue
		}
		will.Packets = append(will.Packets, Packet{To: at, Data: data})
	}
	n.cfg.Publish(will)
}

// standLimit bounds one attempt to make raft campaign.
const standLimit = time.Second

// stand makes raft on this node stand for election, unless a newer term has begun
// until then. It does not block.
func (n *Node) stand(why string) {
	term := n.raft.CurrentTerm()
	n.tasks.start("campaign", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, standLimit)
		defer cancel()
		if err := n.campaignNow(ctx, term); err != nil && ctx.Err() == nil {
			n.logger.Warn("cannot campaign", logkey.Reason, why, logkey.Err, err)
			return
		}
		n.logger.Info("campaigning", logkey.Reason, why)
	})
}

// campaignNow campaigns, whatever raft is doing at the moment. A leader does so too:
// it needs a new term when it has given up what it held in the one it leads. since is
// raft's term when that was decided: an election since then may have a winner, this
// node perhaps, whose term must not be ended by a decision about an older one.
func (n *Node) campaignNow(ctx context.Context, since uint64) error {
	if !n.isVoter() {
		return errors.New("this node has no vote")
	}
	if term := n.raft.CurrentTerm(); term != since {
		return fmt.Errorf("term %d has begun since term %d was missed", term, since)
	}
	if n.raft.State() == raft.Candidate {
		term := n.raft.CurrentTerm()
		if n.transport.electing(term) {
			return nil // an election is under way; if it fails, raft tries again
		}
		if err := n.transport.stepBack(ctx, term); err != nil {
			return err
		}
	}
	return n.transport.campaign(ctx)
}

// giveLeadership transfers raft's leadership away from an amphora that leads and
// cannot hold. It does not block. A witness does so by itself; see yield.
func (n *Node) giveLeadership(to lease.ID, why string) {
	if !n.eligible() {
		return
	}
	n.tasks.start("give leadership", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.StopTimeout)
		defer cancel()
		if n.raft.State() != raft.Leader {
			return
		}
		err := n.switchOver(ctx, string(to))
		if err != nil && ctx.Err() == nil && n.seen.first("give leadership") {
			n.logger.Warn("this node leads, cannot hold the virtual IPs, and nobody can lead instead", logkey.Reason, why, logkey.Err, err)
		}
	})
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
