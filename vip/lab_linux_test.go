package vip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

const deadline = 5 * time.Second

var (
	vip4 = netip.MustParseAddr("192.0.2.100")
	vip6 = netip.MustParseAddr("2001:db8::100")
)

// lab is an amphora and a client on one switch.
type lab struct {
	sw, amphora, client *netns.Namespace
}

func newLab(t *testing.T) *lab {
	t.Helper()
	testenv.RequireRoot(t)
	l := &lab{newNamespace(t), newNamespace(t), newNamespace(t)}
	must(t, l.sw.Bridge("br0"))
	for i, host := range []*netns.Namespace{l.amphora, l.client} {
		port := fmt.Sprintf("port%d", i+1)
		must(t, netns.Veth(l.sw, port, host, "eth0"))
		must(t, l.sw.Attach(port, "br0"))
		must(t, l.sw.Up(port))
		must(t, host.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1))))
		must(t, host.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", i+1))))
		// Otherwise the host's own IPv6 addresses go when a test takes the link
		// down; the VIP, which has a lifetime, goes all the same.
		must(t, host.Sysctl("ipv6/conf/eth0/keep_addr_on_down", "1"))
		must(t, host.Up("eth0"))
	}
	return l
}

func newNamespace(t *testing.T) *netns.Namespace {
	t.Helper()
	n, err := netns.New()
	must(t, err)
	t.Cleanup(func() { must(t, n.Close()) })
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs a holder in the amphora's namespace. It returns a function that
// ends it, which also runs at the end of the test.
func (l *lab) start(t *testing.T, cfg Config) (*Holder, func()) {
	t.Helper()
	cfg.Interface = "eth0"
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	var h *Holder
	must(t, l.amphora.Do(func() (err error) { h, err = New(cfg); return err }))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- l.amphora.Do(func() error { return h.Run(ctx) })
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return h, stop
}

func (l *lab) amphoraMAC(t *testing.T) net.HardwareAddr {
	t.Helper()
	ifi, err := l.amphora.Interface("eth0")
	must(t, err)
	return ifi.HardwareAddr
}

// addrs lists the amphora's addresses on eth0.
func (l *lab) addrs(t *testing.T) []address {
	t.Helper()
	var addrs []address
	must(t, l.amphora.Do(func() error {
		k, err := openRTNL("eth0")
		if err != nil {
			return err
		}
		s, err := k.look()
		for _, a := range s.addrs {
			if a.index == s.link.index {
				addrs = append(addrs, a)
			}
		}
		return errors.Join(err, k.close())
	}))
	return addrs
}

// has reports whether the amphora has the address, with our mark.
func (l *lab) has(t *testing.T, addr netip.Addr) bool {
	t.Helper()
	return slices.ContainsFunc(l.addrs(t), func(a address) bool {
		return a.prefix.Addr() == addr && a.proto == Protocol
	})
}

func (l *lab) eventually(t *testing.T, want bool, addrs ...netip.Addr) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		for _, addr := range addrs {
			if has := l.has(t, addr); has != want {
				return fmt.Errorf("address %s on the interface: %v, want %v", addr, has, want)
			}
		}
		return nil
	})
}

// nothingLeft fails the test when an address of ours is on the interface.
func (l *lab) nothingLeft(t *testing.T) {
	t.Helper()
	for _, a := range l.addrs(t) {
		if a.proto == Protocol {
			t.Errorf("address %v is left on the interface", a.prefix)
		}
	}
}

// neighbour returns the hardware address that the client has cached.
func (l *lab) neighbour(t *testing.T, addr netip.Addr) net.HardwareAddr {
	t.Helper()
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	family := netlink.FAMILY_V4
	if addr.Is6() {
		family = netlink.FAMILY_V6
	}
	list, err := l.client.Netlink().NeighList(ifi.Index, family)
	must(t, err)
	for _, n := range list {
		if n.IP.Equal(addr.AsSlice()) {
			return n.HardwareAddr
		}
	}
	return nil
}

// setNeighbour gives the client a stale entry, as after a failover.
func (l *lab) setNeighbour(t *testing.T, addr netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	must(t, l.client.Netlink().NeighSet(&netlink.Neigh{
		LinkIndex: ifi.Index, State: netlink.NUD_STALE, IP: addr.AsSlice(), HardwareAddr: mac,
	}))
}

// sniffer keeps what the client's interface receives.
type sniffer struct {
	mu     sync.Mutex
	frames [][]byte
}

func (l *lab) sniff(t *testing.T) *sniffer {
	t.Helper()
	const all = 3 // ETH_P_ALL
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	var conn *packet.Conn
	must(t, l.client.Do(func() (err error) { conn, err = packet.Listen(ifi, packet.Raw, all, nil); return err }))
	s := &sniffer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, _, err := conn.ReadFrom(buf)
			if errors.Is(err, unix.ENETDOWN) {
				continue // said once each time that the link goes down
			}
			if err != nil {
				return
			}
			s.mu.Lock()
			s.frames = append(s.frames, bytes.Clone(buf[:n]))
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return s
}

// count returns how many frames equal to want have come.
func (s *sniffer) count(want []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.frames {
		if bytes.Equal(f, want) {
			n++
		}
	}
	return n
}

// atLeast waits until every one of the frames has come n times.
func (s *sniffer) atLeast(t *testing.T, n int, frames ...[]byte) {
	t.Helper()
	testenv.Eventually(t, deadline, func() error {
		for i, f := range frames {
			if got := s.count(f); got < n {
				return fmt.Errorf("frame %d came %d times, want %d", i, got, n)
			}
		}
		return nil
	})
}

func mustFrames(t *testing.T, mac net.HardwareAddr, addrs ...netip.Addr) [][]byte {
	t.Helper()
	var all [][]byte
	for _, addr := range addrs {
		frames, err := announcementFrames(addr, mac)
		must(t, err)
		all = append(all, frames...)
	}
	return all
}

// newCable replaces the amphora's interface by another of the same name.
func newCable(l *lab) error {
	return errors.Join(
		netns.Veth(l.sw, "port1", l.amphora, "eth0"),
		l.sw.Attach("port1", "br0"),
		l.sw.Up("port1"),
		l.amphora.Up("eth0"),
	)
}

// reachable fails the test unless the client can connect to the addresses.
func (l *lab) reachable(t *testing.T, addrs ...netip.Addr) {
	t.Helper()
	var ln net.Listener
	must(t, l.amphora.Do(func() (err error) { ln, err = net.Listen("tcp", ":0"); return err }))
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).AddrPort().Port()
	for _, addr := range addrs {
		must(t, l.client.Do(func() error {
			c, err := net.DialTimeout("tcp", netip.AddrPortFrom(addr, port).String(), deadline)
			if err != nil {
				return err
			}
			return c.Close()
		}))
	}
}
