package gate

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// alarmPause is the shortest time between two records about strangers.
const alarmPause = 10 * time.Second

// Run reports what the kernel tells, until ctx ends: on Forced that a peer's claim
// shut the gate, in the log that a stranger claims an address; and it sends on the
// new connections that come while a planned switchover is between two holders. The
// gate does its work without it. It may be called once, before Close.
func (g *Gate) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.enf.watch(ctx, g.told()) })
	group.Go(func() error {
		return g.enf.parked(ctx, func(p gateParked) {
			if err := g.sendOn(ctx, p); err != nil {
				g.log.Warn("a new connection waits for the client's next attempt", logkey.Err, err)
			}
		})
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("watch gate of %s: %w", g.cfg.Interface, err)
	}
	return nil
}

// told returns what takes the kernel's events.
func (g *Gate) told() func(gateEvent) {
	var alarmed time.Time
	return func(e gateEvent) {
		mac := net.HardwareAddr(bytes.Clone(e.Mac.Byte[:]))
		switch {
		case int64(e.At) < g.opened: // told to an earlier process
		case e.What == countClaim:
			g.force(Event{At: int64(e.At), Kind: KindKill, Term: g.term(), VIP: e.Vip.addr(), MAC: mac})
		case bytes.Equal(mac, g.hardwareAddr()): // ours, sent back by the segment
		case time.Since(alarmed) >= alarmPause:
			alarmed = time.Now()
			g.log.Warn("a stranger claims a virtual IP", logkey.VIP, e.Vip.addr(), logkey.MAC, mac.String())
		}
	}
}

func (g *Gate) hardwareAddr() net.HardwareAddr {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mac
}

func (g *Gate) term() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0
	}
	return g.enf.memory().current().term
}
