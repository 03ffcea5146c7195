package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/logkey"
)

// drainTime is how long connections may outlive a planned move: HTTP ones end with the
// request under way, which says "Connection: close", others are reset then.
const drainTime = 30 * time.Second

// handshakes is how long the addresses stay after a planned move even if nothing is open:
// who has our SYN-ACK, or waits to be accepted, is no connection of the engine yet.
const handshakes = time.Second

// stopDrain is how long a node that stops waits for them.
const stopDrain = 5 * time.Second

// resets is how long the gate still lets the connections pass when their time is over:
// those that are reset then must get to know it.
const resets = 2 * time.Second

// errStopping ends what drains because the node stops: what is open is reset.
var errStopping = errors.New("the node stops")

// partners are the hardware addresses of the other amphorae, by node id. They are read
// under the lease's lock and so kept apart.
type partners struct {
	atomic.Pointer[map[string]net.HardwareAddr]
}

func (p *partners) of(id string) net.HardwareAddr {
	if known := p.Load(); known != nil {
		return (*known)[id]
	}
	return nil
}

// draining is the time between the loss of the VIPs and the end of what they left on
// this node: at most one at a time.
type draining struct {
	mu      sync.Mutex
	cancel  context.CancelCauseFunc // guarded by mu; nil: nothing drains
	done    chan struct{}
	planned atomic.Bool // the gate lets the connections pass
}

// begin runs work in the background; its context ends with end.
func (d *draining) begin(work func(context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan struct{})
	d.cancel, d.done = cancel, done
	go func() {
		defer close(done)
		defer cancel(nil)
		work(ctx)
	}()
}

// end ends what drains, why is its context's cause then, and returns when it has.
func (d *draining) end(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil {
		d.cancel(why)
		<-d.done
	}
}

// settle waits until nothing drains, at most so long, then ends it with errStopping.
func (d *draining) settle(limit time.Duration) {
	d.mu.Lock()
	done := d.done
	d.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-time.After(limit):
		}
	}
	d.end(errStopping)
}

// drainTo is called when the gate is about to be shut because another node is ready
// to hold: connections that are open go on over this node. It must not block.
func (n *Node) drainTo(id string) {
	mac := n.partners.of(id)
	if mac == nil {
		return // they are reset, as after a crash
	}
	if err := n.gate.DrainTo(mac, drainDeadline(drainTime+resets)); err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			n.cfg.Logger.Warn("open connections do not outlive the move", logkey.Err, err)
		}
		return
	}
	n.draining.planned.Store(true)
}

// drainDeadline is an instant of CLOCK_BOOTTIME.
func drainDeadline(in time.Duration) int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // it cannot fail on Linux
	return now.Nano() + int64(in)
}

// leave ends what this node still does with the VIPs that it has lost: after a planned
// move the connections that are open may end in their own time, else nothing of them
// passes the gate any more. Then the addresses go. If ctx ends, this node holds again
// and everything stays, or with errStopping it stops: then connections are reset while
// the addresses are there and the gate lets the resets pass, and whoever stops the node
// removes the addresses.
func (n *Node) leave(ctx context.Context, term uint64, why error) {
	limit := time.Duration(0)
	if n.draining.planned.Swap(false) {
		limit = drainTime
	}
	if n.engine != nil {
		cut := shed(ctx, n.engine.Shed, limit)
		if errors.Is(context.Cause(ctx), errStopping) {
			cut += n.engine.Shed(context.WithoutCancel(ctx), 0)
		}
		if cut > 0 {
			n.cfg.Logger.Info("connections reset that did not end in time", logkey.Term, term, logkey.Connections, cut)
		}
	}
	if ctx.Err() != nil {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, releaseLimit)
	defer cancel()
	if err := n.vips.Release(bounded); err != nil && ctx.Err() == nil {
		n.cfg.Logger.Error("VIPs are still on the interface", logkey.Term, term, logkey.Err, err)
		return
	}
	message := ""
	if lost := (*cluster.LostError)(nil); errors.As(why, &lost) {
		message = lost.Why
	}
	n.reportSelf(event.VIPReleased, fmt.Sprintf("in term %d: %s", term, message))
}

// shed ends connections within limit: those that are open, then those that were being
// opened. It returns how many had to be reset.
func shed(ctx context.Context, once func(context.Context, time.Duration) int, limit time.Duration) (cut int) {
	begun := time.Now()
	cut = once(ctx, limit)
	if limit == 0 {
		return cut
	}
	select {
	case <-ctx.Done():
		return cut
	case <-time.After(time.Until(begun.Add(handshakes))):
	}
	return cut + once(ctx, time.Until(begun.Add(limit)))
}
