package health

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func pingTarget(addr string) Target {
	t := tcpTarget(netip.AddrPortFrom(netip.MustParseAddr(addr), 80))
	t.Type = lb.MonitorPing
	return t
}

func TestProbePing(t *testing.T) {
	if gap := Gap(lb.MonitorPing); gap != "" {
		t.Skip("SKIPPED: " + gap)
	}
	testenv.NoLeaks(t)
	for _, addr := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		if err := run(t, pingTarget(addr)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	// No request leaves towards a network that is reserved for documentation.
	silent := pingTarget("240.0.0.1")
	silent.Timeout = 50 * time.Millisecond
	if err := run(t, silent); err == nil {
		t.Error("an address that nobody has answers")
	}
}

// Many pings at the same time do not take each other's replies.
func TestManyPings(t *testing.T) {
	if gap := Gap(lb.MonitorPing); gap != "" {
		t.Skip("SKIPPED: " + gap)
	}
	errs := make(chan error)
	const pings = 100
	for n := range pings {
		target := pingTarget(netip.AddrFrom4([4]byte{127, 0, 1, byte(n)}).String())
		go func() { errs <- run(t, target) }()
	}
	for range pings {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestProbeUDP(t *testing.T) {
	testenv.NoLeaks(t)
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	target := tcpTarget(c.LocalAddr().(*net.UDPAddr).AddrPort())
	target.Type = lb.MonitorUDPConnect
	target.Timeout = 50 * time.Millisecond
	if err := run(t, target); err != nil {
		t.Errorf("a member that is silent: %v", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	if n, from, err := c.ReadFrom(make([]byte, 10)); err != nil || n != 0 {
		t.Errorf("the member got %d bytes from %v: %v", n, from, err)
	}
	c.Close()
	target.Timeout = 5 * time.Second
	if err := run(t, target); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("a closed port: %v", err)
	}
}
