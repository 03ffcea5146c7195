package gate

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// alarmPause is the shortest time between two records about strangers.
const alarmPause = 10 * time.Second

// Run reports what the kernel tells, until ctx ends: on Forced that a peer's claim
// shut the gate, in the log that a stranger claims an address. The gate does its
// work without it. It may be called once, before Close.
func (g *Gate) Run(ctx context.Context) error {
	var alarmed time.Time
	err := g.enf.watch(ctx, func(e gateEvent) {
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
	})
	if err != nil {
		return fmt.Errorf("watch gate of %s: %w", g.cfg.Interface, err)
	}
	return nil
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
