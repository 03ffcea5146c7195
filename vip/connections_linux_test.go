package vip

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// What is left of connections to an address that went would meet, with the same
// ports, those that another holder has begun; the listener and the connections of
// other addresses must stay.
func TestDropConnections(t *testing.T) {
	l := newLab(t)
	host := l.amphora
	gone4, gone6, stays := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.50")
	must(t, host.AddAddr("eth0", netip.PrefixFrom(stays, 24)))
	var kept []*serving
	for _, addr := range []netip.Addr{gone4, gone6, stays} {
		kept = append(kept, serve(t, l, addr))
	}
	must(t, host.Do(func() error { return dropConnections(map[netip.Addr]bool{gone4: true, gone6: true}) }))
	for _, s := range kept[:2] {
		if got := s.states(t, host); len(got) != 1 || got[tcpListen] != 1 {
			t.Errorf("sockets of %s by state: %v, want the listening one", s.addr, got)
		}
		if _, err := s.accepted.Read(make([]byte, 1)); err == nil {
			t.Errorf("the connection to %s is still there", s.addr)
		}
	}
	other := kept[2]
	if got := other.states(t, host); got[unix.BPF_TCP_ESTABLISHED] == 0 || got[unix.BPF_TCP_TIME_WAIT] == 0 {
		t.Errorf("sockets of another address by state: %v, want them all", got)
	}
	must(t, host.Do(func() error { return dropConnections(nil) }))
}

// The connections go however the address goes: with the holder's release, or when
// somebody cleans up after it.
func TestConnectionsGoWithTheAddress(t *testing.T) {
	for name, release := range map[string]func(*testing.T, *lab, *Holder){
		"release": func(t *testing.T, _ *lab, h *Holder) { must(t, h.Release(t.Context())) },
		"leftover": func(t *testing.T, l *lab, _ *Holder) {
			must(t, l.amphora.Do(func() error { _, err := ReleaseAll("eth0"); return err }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			h, _ := l.start(t, Config{})
			hold(t, h, 1, vip4)
			l.eventually(t, true, vip4)
			s := serve(t, l, vip4)
			release(t, l, h)
			if got := s.states(t, l.amphora); got[unix.BPF_TCP_TIME_WAIT] != 0 || got[unix.BPF_TCP_ESTABLISHED] != 0 || got[tcpListen] != 1 {
				t.Errorf("sockets of %s by state: %v, want the listening one", vip4, got)
			}
		})
	}
}

// serving is a listener with one open connection, and one that has ended and waits.
type serving struct {
	addr     netip.Addr
	port     uint16
	accepted net.Conn
}

func serve(t *testing.T, l *lab, addr netip.Addr) *serving {
	t.Helper()
	host := l.amphora
	s := &serving{addr: addr}
	must(t, host.Do(func() error {
		ln, err := listen(addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = ln.Close() })
		s.port = netip.MustParseAddrPort(ln.Addr().String()).Port()
		connect := func() (near, far net.Conn, err error) {
			err = l.client.Do(func() (err error) {
				far, err = net.DialTimeout("tcp", ln.Addr().String(), deadline)
				return err
			})
			if err != nil {
				return nil, nil, err
			}
			near, err = ln.Accept()
			return near, far, err
		}
		ended, client, err := connect()
		if err != nil {
			return err
		}
		// Who closes first waits.
		if err := ended.Close(); err != nil {
			return err
		}
		if _, err := client.Read(make([]byte, 1)); err == nil {
			return fmt.Errorf("the connection to %s has not ended", addr)
		}
		if err := client.Close(); err != nil {
			return err
		}
		open, far, err := connect()
		if err != nil {
			return err
		}
		t.Cleanup(func() { _, _ = open.Close(), far.Close() })
		s.accepted = open
		return nil
	}))
	testenv.Eventually(t, deadline, func() error {
		if got := s.states(t, host); got[unix.BPF_TCP_TIME_WAIT] == 0 || got[unix.BPF_TCP_ESTABLISHED] == 0 {
			return fmt.Errorf("sockets of %s by state: %v", addr, got)
		}
		return nil
	})
	return s
}

// listen waits for an IPv6 address that is still being checked for a duplicate.
func listen(addr netip.Addr) (ln net.Listener, err error) {
	for until := time.Now().Add(deadline); ; {
		ln, err = net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
		if err == nil || time.Now().After(until) {
			return ln, err
		}
	}
}

// states counts the sockets whose near end is the listener's address and port.
func (s *serving) states(t *testing.T, host *netns.Namespace) map[uint8]int {
	t.Helper()
	count := map[uint8]int{}
	must(t, host.Do(func() error {
		family := uint8(unix.AF_INET)
		if s.addr.Is6() {
			family = unix.AF_INET6
		}
		all, err := netlink.SocketDiagTCP(family)
		for _, socket := range all {
			if at, _ := netip.AddrFromSlice(socket.ID.Source); at.Unmap() == s.addr && socket.ID.SourcePort == s.port {
				count[socket.State]++
			}
		}
		return err
	}))
	return count
}
