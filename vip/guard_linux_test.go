package vip

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/vip/gate"
)

var _ Guard = (*gate.Gate)(nil)

// bootTime reads the clock of the gate.
func bootTime(t *testing.T) int64 {
	t.Helper()
	var ts unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts))
	return ts.Nano()
}

// saysVIP counts frames that have come from the amphora in the name of a VIP.
func (l *lab) saysVIP(t *testing.T, s *sniffer) int {
	t.Helper()
	mac := [6]byte(l.amphoraMAC(t))
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.frames {
		if c, ok := parseClaim(f); ok && c.mac == mac && (c.addr == vip4 || c.addr == vip6) {
			n++
		}
	}
	return n
}

// TestNothingPassesAShutGate claims behind a real gate: while it is shut, the
// addresses are there and no frame says so; the probes, which claim nothing, pass.
func TestNothingPassesAShutGate(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	var g *gate.Gate
	must(t, l.amphora.Do(func() (err error) { g, err = gate.Open(gate.Config{Interface: "eth0"}); return err }))
	t.Cleanup(func() {
		must(t, g.Close())
		must(t, l.amphora.Do(func() error { return gate.Remove("eth0") }))
	})
	const ms = time.Millisecond
	cfg := Config{Guard: g, Gateways: []netip.Addr{client4, client6}, Burst: []time.Duration{0, 20 * ms, 40 * ms}}
	h, _ := l.start(t, cfg)
	must(t, h.Update([]netip.Addr{vip4, vip6}))
	must(t, h.Hold(1))
	present(t, h, 2)
	for _, addr := range []netip.Addr{vip4, vip6} {
		frame, err := probeFrame(addr, l.amphoraMAC(t))
		wire.atLeast(t, 3, mustFrame(t, frame, err))
	}
	if n := l.saysVIP(t, wire); n != 0 {
		t.Errorf("%d frames passed the gate while it was shut", n)
	}

	must(t, h.Release(t.Context()))
	now := bootTime(t)
	must(t, g.Extend(2, now, now+int64(10*time.Second)))
	must(t, h.Hold(2))
	testenv.Eventually(t, deadline, func() error {
		if v := h.View(); l.saysVIP(t, wire) == 0 || v.Claim.Answered.IsZero() {
			return fmt.Errorf("%d frames passed, view is %+v, want the gateways to know", l.saysVIP(t, wire), v)
		}
		return nil
	})
	l.reachable(t, vip4, vip6)
}
