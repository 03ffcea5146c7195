package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/memberlist"
)

const (
	gossipLeaveLimit  = 500 * time.Millisecond // ten rounds of gossip; two or three suffice
	gossipStreamLimit = time.Second
)

// gossip spreads who is there and where. Its delegate methods are called by
// memberlist, partly under its lock: they copy, hand over and return.
type gossip struct {
	list     *memberlist.Memberlist
	sealer   *sealer
	updating sync.Mutex // one update at a time: memberlist reads our node unlocked in one
	id       string
	addr     string // where others reach this node's gossip, ip:port
	meta     atomic.Pointer[meta]
	registry *registry
	changed  func()            // must not block
	message  func(data []byte) // takes direct messages; must not block
	gone     func(id string)   // gossip has lost a node; must not block
	peers    []string
	failed   throttle // warnings of rejoin
	logger   *slog.Logger
}

var (
	_ memberlist.Delegate      = (*gossip)(nil)
	_ memberlist.EventDelegate = (*gossip)(nil)
)

// start binds the gossip port and starts memberlist. It joins nobody yet.
func (g *gossip) start(c Config, self meta) error {
	g.meta.Store(&self)
	settings, err := g.settings(c)
	if err != nil {
		return err
	}
	g.sealer, err = listenGossip(settings.BindAddr, settings.BindPort, settings.Logger)
	if err != nil {
		return fmt.Errorf("start gossip on %s: %w", c.GossipAddr, err)
	}
	settings.Transport = g.sealer
	if settings.AdvertisePort == 0 {
		settings.AdvertisePort = g.sealer.GetAutoBindPort()
	}
	g.list, err = memberlist.Create(settings)
	if err != nil {
		return errors.Join(fmt.Errorf("start gossip on %s: %w", c.GossipAddr, err), g.sealer.Shutdown())
	}
	// Read once: what LocalNode points to is written by memberlist's goroutines.
	g.addr = g.list.LocalNode().Address()
	return nil
}

// seal returns msg as a datagram that another node's NotifyMsg receives.
func (g *gossip) seal(msg []byte) ([]byte, error) { return g.sealer.seal(g.list, msg) }

// settings are those of the profile, for two to seven nodes. The label keeps clusters
// apart that share no key.
func (g *gossip) settings(c Config) (*memberlist.Config, error) {
	s := memberlist.DefaultLANConfig()
	s.Name = g.id
	s.Label = c.Cluster
	s.SecretKey = c.GossipKey
	s.Delegate, s.Events = g, g
	s.Logger = gossipLogger(g.logger)
	var err1, err2 error
	s.BindAddr, s.BindPort, err1 = splitAddr(c.GossipAddr)
	if c.GossipAdvertise != "" {
		s.AdvertiseAddr, s.AdvertisePort, err2 = splitAddr(c.GossipAdvertise)
	}
	p := c.profile()
	s.ProbeInterval, s.ProbeTimeout = p.probe, p.probeTimeout
	s.SuspicionMult = p.suspicion
	s.GossipInterval = p.gossip
	s.PushPullInterval = p.pushPull
	s.AwarenessMaxMultiplier = p.awareness
	s.IndirectChecks = 1
	s.EnableCompression = false // it costs more than it saves on what is this small
	s.TCPTimeout = gossipStreamLimit
	// A node that comes back with another address may take its name again.
	s.DeadNodeReclaimTime = time.Second
	// Nodes are few: one that is silent for long may still come back.
	s.GossipToTheDeadTime = time.Hour
	return s, errors.Join(err1, err2)
}

// splitAddr splits "host:port"; an empty host is any address.
func splitAddr(addr string) (string, int, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port of %q: %w", addr, err)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, int(port), nil
}

// update changes what this node says about itself and waits until it has been
// said, at most gossipLeaveLimit.
func (g *gossip) update(change func(*meta)) {
	g.updating.Lock()
	defer g.updating.Unlock()
	old := *g.meta.Load()
	next := old
	change(&next)
	if next == old || old.Leaving {
		return // after its goodbye memberlist says no more, and would let us wait for it
	}
	g.meta.Store(&next)
	if err := g.list.UpdateNode(gossipLeaveLimit); err != nil {
		// It still spreads with the next full exchange.
		g.logger.Debug("gossip metadata not spread at once", logkey.Err, err)
	}
}

// rejoin meets configured peers that are not there, and nodes that were there
// and are not. A partition of gossip does not heal by itself once both sides have
// stopped gossiping to their dead. Those that are not wanted any more are let go.
// unmet finds the gossip addresses of nodes that are known otherwise and were never
// met: a node that restarts faster than it is missed is expected to know the others,
// and knows nobody. It runs until ctx ends.
func (g *gossip) rejoin(ctx context.Context, every time.Duration, wanted func(id string) bool, unmet func(context.Context) []string) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		for _, addr := range g.missing(ctx, wanted, unmet(ctx)) {
			_, err := g.list.Join([]string{addr})
			if ctx.Err() != nil {
				return
			}
			if err != nil && g.failed.first(addr) {
				g.logger.Warn("cannot reach a gossip peer; is it up, and are its cluster name and gossip key the same",
					logkey.Addr, addr, logkey.Err, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// missing lists the gossip addresses where somebody should be and nobody is.
func (g *gossip) missing(ctx context.Context, wanted func(id string) bool, unmet []string) []string {
	there := map[string]bool{g.addr: true}
	want := unmet
	for _, p := range g.registry.all() {
		switch {
		case p.state == StateAlive:
			there[p.gossip] = true
		case p.state == StateDead && wanted(p.id):
			want = append(want, p.gossip)
		}
	}
	var missing []string
	for _, addr := range append(want, g.peers...) {
		at, err := resolve(ctx, addr)
		if err != nil {
			if ctx.Err() == nil && g.failed.first("resolve "+addr) {
				g.logger.Warn("cannot resolve a gossip peer", logkey.Addr, addr, logkey.Err, err)
			}
			continue
		}
		if !there[at] {
			there[at] = true
			missing = append(missing, at)
		}
	}
	return missing
}

// resolve turns host:port into ip:port. It ends with ctx, unlike net's own.
func resolve(ctx context.Context, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	at := ips[0].Unmap()
	for _, ip := range ips { // IPv4 first, as memberlist advertises it
		if ip = ip.Unmap(); ip.Is4() {
			at = ip
			break
		}
	}
	return net.JoinHostPort(at.String(), port), nil
}

// leave says goodbye, so that the others do not take the stop for a failure.
func (g *gossip) leave() {
	g.update(func(m *meta) { m.Leaving = true })
	if err := g.list.Leave(gossipLeaveLimit); err != nil {
		g.logger.Debug("gossip leave not spread", logkey.Err, err)
	}
}

func (g *gossip) shutdown() error {
	if g.list == nil {
		return nil
	}
	if err := g.list.Shutdown(); err != nil {
		return fmt.Errorf("stop gossip: %w", err)
	}
	return nil
}

// NodeMeta is called by memberlist to spread this node's metadata.
func (g *gossip) NodeMeta(limit int) []byte {
	data, err := g.meta.Load().encode()
	if err != nil || len(data) > limit {
		// Config.Validate bounds the fields, so this cannot be.
		g.logger.Error("gossip metadata is too long", logkey.Err, err)
		return nil
	}
	return data
}

// NotifyMsg is called by memberlist, without its lock, with a direct message. The
// bytes are its own.
func (g *gossip) NotifyMsg(data []byte) { g.message(data) }

// GetBroadcasts returns messages to spread; there are none.
func (g *gossip) GetBroadcasts(_, _ int) [][]byte { return nil }

// LocalState and MergeRemoteState exchange state; metadata suffices.
func (g *gossip) LocalState(bool) []byte { return nil }

// MergeRemoteState takes the other side's state; there is none.
func (g *gossip) MergeRemoteState([]byte, bool) {}

// NotifyJoin is called under memberlist's lock when a node has come.
func (g *gossip) NotifyJoin(n *memberlist.Node) { g.take(n, StateAlive) }

// NotifyUpdate is called under memberlist's lock when a node has new metadata.
func (g *gossip) NotifyUpdate(n *memberlist.Node) { g.take(n, StateAlive) }

// NotifyLeave is called under memberlist's lock when a node has left or died.
func (g *gossip) NotifyLeave(n *memberlist.Node) {
	g.take(n, StateDead)
	g.gone(n.Name)
}

func (g *gossip) take(n *memberlist.Node, state State) {
	m, err := decodeMeta(n.Meta)
	if err != nil {
		g.logger.Warn("gossip of a node that speaks otherwise", logkey.Peer, n.Name, logkey.Addr, n.Address(), logkey.Err, err)
		return
	}
	g.registry.put(peer{meta: m, id: n.Name, gossip: n.Address(), state: state})
	g.changed()
}
