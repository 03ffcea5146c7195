package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/vip"
	"github.com/amphora-lb/amphora/vip/gate"
)

// fence is the gate as those who use it know it: the lease opens it, the holder of
// the addresses says which ones it guards.
type fence interface {
	cluster.Gate
	vip.Guard
}

// kernelFence is a gate in the kernel.
type kernelFence struct {
	*gate.Gate
	drain func(to string)
}

// Drain lets the connections that are open outlive a planned move.
func (f kernelFence) Drain(to string) { f.drain(to) }

// Extend opens the gate until an instant. A peer's claim that came after the round
// was sent keeps it shut until the next round, which shows whether this node still
// holds: that is no failure.
func (f kernelFence) Extend(term uint64, sent, until lease.Instant) error {
	err := f.Gate.Extend(term, int64(sent), int64(until))
	if errors.Is(err, gate.ErrClaimed) {
		return nil
	}
	return err
}

// noFence is for a node without VIPs of its own, and for a host that allows no gate.
type noFence struct{}

// Extend does nothing.
func (noFence) Extend(uint64, lease.Instant, lease.Instant) error { return nil }

// Shut does nothing.
func (noFence) Shut(uint64) error { return nil }

// Attach does nothing.
func (noFence) Attach() error { return nil }

// Protect does nothing.
func (noFence) Protect([]netip.Addr) error { return nil }

// openFence makes or adopts the gate of the VIP interface.
func (n *Node) openFence() error {
	switch {
	case n.cfg.Role != RoleAmphora:
		return nil
	case n.cfg.Bind.IsValid():
		n.fence = noFence{}
		return nil
	case n.cfg.VIP.UnsafeNoGate:
		n.cfg.Logger.Warn("vip.unsafe_no_gate is set: a frozen holder goes on answering for the VIPs beside the next one")
		n.fence = noFence{}
		return nil
	}
	g, err := gate.Open(gate.Config{
		Interface: n.cfg.VIP.Interface, Cluster: n.cfg.Cluster.Name,
		Logger: n.cfg.Logger.With(logkey.Component, "gate"),
	})
	if err != nil {
		return noGate(err)
	}
	n.gate, n.fence = g, kernelFence{g, n.drainTo}
	return nil
}

func noGate(err error) error {
	return fmt.Errorf("this host allows no gate for vip.interface (vip.unsafe_no_gate = true goes on without): %w", err)
}

// closeFence takes the gate away if no VIP is left on the interface; else it stays
// where it is, shut.
func (n *Node) closeFence() error {
	if n.gate == nil {
		return nil
	}
	err := n.gate.Close()
	if n.vipsGone {
		err = errors.Join(err, gate.Remove(n.cfg.VIP.Interface))
	}
	return err
}

// watchFence tells the lease when the supervisor ended a term, and people when a
// peer claimed a VIP. The kernel has shut the gate before it says so.
func (n *Node) watchFence(ctx context.Context) error {
	var forced <-chan gate.Event
	if n.gate != nil {
		forced = n.gate.Forced()
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev := <-forced:
			switch ev.Kind {
			case gate.KindRaise:
				n.cluster.Force(ev.Term-1, "the supervisor ended the term")
			case gate.KindKill:
				n.cfg.Logger.Error("another amphora claims a VIP; the gate is shut until a quorum confirms this node",
					logkey.VIP, ev.VIP, logkey.MAC, ev.MAC.String(), logkey.Term, ev.Term)
				n.reportSelf(event.VIPDisputed, fmt.Sprintf("%s by %s", ev.VIP, ev.MAC))
			}
		}
	}
}

// beatLimit is how long the worker may stand still before the supervisor takes it
// for frozen: four or five renewals of the lease.
func beatLimit(profile string) time.Duration {
	switch profile {
	case "lan-fast":
		return 80 * time.Millisecond
	case "wan":
		return 2 * time.Second
	}
	return 250 * time.Millisecond
}

// GateReport is what `amphorad gate` shows of the gate of an interface, also of a
// node that is dead.
type GateReport = gate.Report

// ReadGate reports on the gate of an interface of this host. It changes nothing. The
// error wraps [fs.ErrNotExist] when there is no gate.
func ReadGate(iface string) (GateReport, error) { return gate.Read(iface) }
