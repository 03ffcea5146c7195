package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/raft"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// lookInterval is how often the node looks at raft by itself. It is woken for most
// changes; a follower is not for those of the configuration.
const lookInterval = 200 * time.Millisecond

// Run runs the node until ctx ends or Close is called, then stops it in order and
// returns when all of its goroutines are gone. It may be called once. It returns
// nil after an orderly stop, and ErrRestart if it stopped by itself for something that
// can only be done while it does not run.
func (n *Node) Run(ctx context.Context) error {
	if !n.started.CompareAndSwap(false, true) {
		return fmt.Errorf("run node: %w", ErrClosed)
	}
	defer close(n.stopped)
	defer n.stop()
	defer context.AfterFunc(ctx, n.stop)()

	if err := n.start(); err != nil {
		n.closeErr = errors.Join(err, n.teardown())
		return n.closeErr
	}
	n.grpc = grpc.NewServer(
		// By default a server hangs up on a client that asks every ten seconds
		// whether it is there, as those of conns do.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveTime / 2}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveLimit}),
	)
	peerpb.RegisterPeerServer(n.grpc, &peerServer{n: n})
	if n.cfg.Register != nil {
		n.cfg.Register(n.grpc)
	}

	// The loops go on while the node says goodbye: they carry what it says.
	loops, endLoops := context.WithCancel(context.Background())
	defer endLoops()
	var g errgroup.Group
	g.Go(n.mux.run)
	g.Go(n.transport.run)
	g.Go(func() error { return n.grpc.Serve(n.mux.grpc) })
	for _, loop := range []func(context.Context){
		n.watch, n.announce, n.bootstrapVoters, n.standAlone, n.compareEpochs, n.rejoin,
		n.agent.run, n.leadAlone, n.tendWill, n.tellFitness, n.watchRaft, n.keepWarm,
		func(ctx context.Context) { n.gossip.rejoin(ctx, n.cfg.RejoinInterval, n.wanted, n.unmet) },
	} {
		g.Go(func() error { loop(loops); return nil })
	}
	if n.cfg.Role == Witness {
		g.Go(func() error { n.yield(n.stopping); return nil })
	}
	close(n.ready)
	n.logger.Info("node running", logkey.Node, n.cfg.Name, logkey.Role, n.cfg.Role, logkey.Cluster, n.cfg.Cluster, logkey.Addr, n.addr)

	<-n.stopping.Done()
	n.sayGoodbye()
	endLoops()
	n.tasks.stop()
	n.grpc.Stop()
	n.drainCalls()
	n.closeErr = n.teardown()
	if err := g.Wait(); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		n.closeErr = errors.Join(n.closeErr, err)
	}
	n.logger.Info("node stopped", logkey.Node, n.cfg.Name)
	if n.again.Load() {
		return errors.Join(ErrRestart, n.closeErr)
	}
	return n.closeErr
}

// sayGoodbye hands over what this node holds, then leadership and the gossip's notice,
// while it can still speak. It is no Leave: the node keeps its vote and comes back.
func (n *Node) sayGoodbye() {
	n.vacate(nodeStops, "the node stops")
	n.holdMu.Lock()
	running := n.holds
	n.holdMu.Unlock()
	if running != nil {
		select {
		case <-running:
		case <-time.After(n.cfg.StopTimeout):
			n.logger.Error("what the holder ran does not stop; going on without it")
		}
	}
	if n.rude.Load() {
		return
	}
	if n.raft.State() == raft.Leader && len(n.successors(false)) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), n.cfg.StopTimeout)
		defer cancel()
		if err := n.handOver(ctx); err != nil {
			n.logger.Warn("stopping as leader without a successor", logkey.Err, err)
		}
	}
	n.gossip.leave()
}

// drainCalls lets raft answer what it was asked.
func (n *Node) drainCalls() {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.StopTimeout)
	defer cancel()
	if err := n.calls.drain(ctx); err != nil {
		n.logger.Warn("raft does not answer; stopping all the same", logkey.Err, err)
	}
}

// teardown closes whatever start has made, in the one order that is safe: the
// connections first, because calls of other nodes write to raft's stores on
// goroutines that raft does not wait for; then raft; the stores last, because raft
// panics when it cannot save its term.
func (n *Node) teardown() error {
	var errs []error
	n.carrier.close()
	if n.gossip != nil {
		errs = append(errs, n.gossip.shutdown())
	}
	errs = append(errs, n.conns.close())
	n.mux.close()
	if n.transport != nil {
		errs = append(errs, n.transport.Close())
	}
	if n.raft != nil {
		stopped := make(chan error, 1)
		go func() { stopped <- n.raft.Shutdown().Error() }()
		select {
		case err := <-stopped:
			errs = append(errs, err)
		case <-time.After(n.cfg.StopTimeout):
			return errors.Join(append(errs, fmt.Errorf("raft does not stop within %v; %s stays open", n.cfg.StopTimeout, storeFile))...)
		}
	}
	return errors.Join(append(errs, n.store.Close())...)
}

// watch carries raft's news: the latest word on leadership, and who leads. It is
// the only reader of raft's channels and never waits for anybody.
func (n *Node) watch(ctx context.Context) {
	news := make(chan raft.Observation, 1)
	observer := raft.NewObserver(news, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState, raft.PeerObservation:
			return true
		}
		return false
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	var servers []raft.Server
	for {
		servers = n.look(servers)
		select {
		case lead := <-n.raft.LeaderCh():
			n.leadership.set(lead)
		case <-news:
		case <-n.poked:
		case <-tick.C:
		case <-ctx.Done():
			n.leadership.set(false)
			return
		}
	}
}

// look compares raft with what this node last knew, and wakes those who wait for
// a difference. It takes the servers that it returned before. raft has an index of
// its configuration and does not tell it.
func (n *Node) look(servers []raft.Server) []raft.Server {
	_, id := n.raft.LeaderWithID()
	if old := n.view.Load(); old.id != string(id) {
		n.view.Store(newLeaderView(string(id)))
		old.end()
		if id != "" {
			n.logger.Info("leader is known", logkey.Peer, n.label(string(id)), logkey.Term, n.raft.CurrentTerm())
		} else {
			n.logger.Info("leader is lost", logkey.Peer, n.label(old.id))
		}
		n.changes.signal()
	}
	n.lookForHope()
	if id != "" {
		n.muzzle.led()
		n.quicken()
	}
	now := n.servers()
	if !slices.Equal(now, servers) {
		n.reconfigured()
		n.changes.signal()
	}
	return now
}

// quicken gives raft the timers that are configured, once a leader is heard: a node
// that starts waits longer for one than a node that has lost one.
func (n *Node) quicken() {
	now := n.raft.ReloadableConfig()
	if now.HeartbeatTimeout == n.cfg.HeartbeatTimeout && now.ElectionTimeout == n.cfg.ElectionTimeout {
		return
	}
	now.HeartbeatTimeout, now.ElectionTimeout = n.cfg.HeartbeatTimeout, n.cfg.ElectionTimeout
	if err := n.raft.ReloadConfig(now); err != nil {
		n.logger.Error("raft does not take its timers", logkey.Err, err)
	}
}

// leadAlone tells the lease that this node leads where the transport cannot: in a
// cluster of one raft calls nobody. The number of the term is that of the leadership
// only if it was the same before and after raft, as leader, confirmed it.
func (n *Node) leadAlone(ctx context.Context) {
	for {
		over, err := n.leadership.await(ctx)
		if err != nil {
			return
		}
		term := n.raft.CurrentTerm()
		if n.voters() == 1 {
			err = n.calls.await(ctx, func() error { return n.raft.VerifyLeader().Error() })
			if err == nil && n.raft.CurrentTerm() == term {
				n.transport.leads(term)
			}
		}
		select {
		case <-over:
		case <-time.After(lookInterval):
			if err == nil {
				select {
				case <-over:
				case <-ctx.Done():
					return
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// poke asks watch to look now. It never blocks.
func (n *Node) poke() {
	select {
	case n.poked <- struct{}{}:
	default:
	}
}

// announce tells the others by gossip once this node is part of a cluster.
func (n *Node) announce(ctx context.Context) {
	changes := n.changes.subscribe(ctx)
	for !n.hasState() {
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
	}
	n.gossip.update(func(m *meta) { m.Bootstrapped = true })
}

// standAlone spares the only voter of a cluster the wait for a heartbeat at start.
func (n *Node) standAlone(ctx context.Context) {
	if err := n.campaignAlone(ctx); err != nil && ctx.Err() == nil {
		n.logger.Warn("cannot campaign at once", logkey.Err, err)
	}
}
