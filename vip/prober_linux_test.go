package vip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// prober runs a prober in the amphora's namespace until the end of the test, and
// waits until it can ask.
func (l *lab) prober(t *testing.T, cfg ProberConfig) *Prober {
	t.Helper()
	cfg.Interface = "eth0"
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	p, err := NewProber(cfg)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.amphora.Do(func() error { return p.Run(ctx) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return p
}

func probeFor(p *Prober, limit time.Duration, occupancy bool) (network, occupied bool) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	network, occupied, _ = p.Probe(ctx, occupancy)
	return network, occupied
}

// answers waits until a probe finds the network.
func answers(t *testing.T, p *Prober) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		if network, _ := probeFor(p, 100*time.Millisecond, false); !network {
			return fmt.Errorf("nobody answers")
		}
		return nil
	})
}

// noticed waits until a probe finds somebody else: a kernel that shares a busy
// processor may answer late.
func noticed(t *testing.T, p *Prober) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		if _, occupied := probeFor(p, deadline, true); !occupied {
			return fmt.Errorf("who is there goes unnoticed")
		}
		return nil
	})
}

func TestProbeFindsTheNetwork(t *testing.T) {
	far6 := netip.MustParseAddr("2001:db8:f::1")
	for _, tc := range []struct {
		name string
		cfg  ProberConfig
	}{
		{"gateway of the route", ProberConfig{}},
		{"IPv6 gateway", ProberConfig{Gateways: []netip.Addr{client6}}},
		{"tie-breaker on the link", ProberConfig{Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.250")}, TieBreakers: []netip.Addr{client4}}},
		{"tie-breaker far away", ProberConfig{Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.250")}, TieBreakers: []netip.Addr{far4}}},
		{"IPv6 tie-breaker far away", ProberConfig{Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.250")}, TieBreakers: []netip.Addr{far6}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.route(t, netip.MustParsePrefix("0.0.0.0/0"), client4)
			l.route(t, netip.MustParsePrefix("::/0"), client6)
			must(t, l.client.AddAddr("lo", netip.PrefixFrom(far4, 32)))
			must(t, l.client.AddAddr("lo", netip.PrefixFrom(far6, 128)))
			p := l.prober(t, tc.cfg)
			answers(t, p)
			must(t, l.client.Down("eth0"))
			if network, _ := probeFor(p, 200*time.Millisecond, false); network {
				t.Error("the network answers though nobody is there")
			}
		})
	}
}

// TestProbeSeesTheHolder probes for VIPs that the client holds.
func TestProbeSeesTheHolder(t *testing.T) {
	for _, held := range []netip.Addr{vip4, vip6} {
		t.Run(held.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			p := l.prober(t, ProberConfig{Gateways: []netip.Addr{client4}})
			p.Watch([]netip.Addr{vip4, vip6}, []netip.Addr{netip.MustParseAddr("192.0.2.9")})
			answers(t, p)
			if network, occupied := probeFor(p, deadline, true); !network || occupied {
				t.Fatalf("network %v, occupied %v before anybody has it", network, occupied)
			}
			// An entry that somebody has must survive the probing.
			mac := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
			l.setNeighbour(t, vip4, mac)
			must(t, l.client.AddAddr("eth0", netip.PrefixFrom(held, held.BitLen())))
			noticed(t, p)
			if got := l.neighbour(t, vip4); !bytes.Equal(got, mac) {
				t.Errorf("the probe changed a cache from %v to %v", mac, got)
			}
		})
	}
}

// The host of the other amphora answers, whether its amphora lives or not: that does
// not make a VIP taken.
func TestProbeSeesThePeer(t *testing.T) {
	l := newLab(t)
	p := l.prober(t, ProberConfig{Gateways: []netip.Addr{client4}})
	p.Watch([]netip.Addr{vip4}, []netip.Addr{client4})
	answers(t, p)
	testenv.Eventually(t, deadline, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		if network, occupied, peer := p.Probe(ctx, true); !network || occupied || !peer {
			return fmt.Errorf("network %v, occupied %v, peer %v, want the network and the peer", network, occupied, peer)
		}
		return nil
	})
}

func TestProbeEndsWithTheCarrier(t *testing.T) {
	l := newLab(t)
	silent := netip.MustParseAddr("192.0.2.250")
	p := l.prober(t, ProberConfig{Gateways: []netip.Addr{silent}, TieBreakers: []netip.Addr{client4}})
	answers(t, p)
	must(t, l.client.Down("eth0"))
	done := make(chan bool)
	go func() {
		network, _ := probeFor(p, time.Hour, false)
		done <- network
	}()
	must(t, l.sw.Down("port1"))
	if <-done {
		t.Error("the network answered without carrier")
	}
	must(t, l.sw.Up("port1"))
	must(t, l.client.Up("eth0"))
	answers(t, p)
}

// TestProbersOwnAddress asks in the name of this host, never of a VIP.
func TestProbersOwnAddress(t *testing.T) {
	l := newLab(t)
	wire := l.sniff(t)
	h, _ := l.start(t, quiet)
	hold(t, h, 1, vip4, vip6)
	present(t, h, 2)
	p := l.prober(t, ProberConfig{Gateways: []netip.Addr{client4, client6}})
	answers(t, p)
	self := []netip.Addr{self4, netip.MustParseAddr("2001:db8::1")}
	testenv.Eventually(t, deadline, func() error {
		wire.mu.Lock()
		defer wire.mu.Unlock()
		seen := map[netip.Addr]bool{}
		for _, f := range wire.frames {
			if c, ok := parseClaim(f); ok && c.mac == [6]byte(l.amphoraMAC(t)) && slices.Contains(self, c.addr) {
				seen[c.addr] = true
			}
		}
		if len(seen) != len(self) {
			return fmt.Errorf("asked in the name of %v, want %v", seen, self)
		}
		return nil
	})
}
