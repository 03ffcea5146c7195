package gate

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// run is the worker's part while the test lasts.
func (n *drainer) run(t *testing.T) {
	t.Helper()
	done := make(chan error)
	go func() { done <- n.gate.Run(t.Context()) }()
	t.Cleanup(func() { must(t, <-done) })
}

// TestParked opens connections between two holders: they must not need a second SYN,
// which the client would send after a second.
func TestParked(t *testing.T) {
	for _, addr := range []netip.Addr{vip4, vip6} {
		t.Run(addr.String(), func(t *testing.T) {
			testenv.Eventually(t, 10*deadline, func() error {
				if !testParked(t, addr) {
					return errors.New("this machine is too slow: the clients had repeated their SYN by themselves")
				}
				return nil
			})
		})
	}
}

// testParked reports whether it was done before a client repeats a SYN.
func testParked(t *testing.T, addr netip.Addr) (timely bool) {
	t.Helper()
	const connections = 20
	l := newTrio(t)
	a, b := l.nodes[0], l.nodes[1]
	a.extend(t, 1)
	must(t, l.warm(addr))
	l.neighbour(t, addr, a)
	until := now() + int64(time.Minute)
	must(t, a.gate.DrainTo(b.mac, until))
	must(t, a.gate.Shut(1))
	begun := time.Now()

	type dialled struct {
		*session
		err error
	}
	dials := make(chan dialled)
	for range connections {
		go func() {
			s, err := l.dial(addr)
			dials <- dialled{s, err}
		}()
	}
	testenv.Eventually(t, deadline, func() error {
		s, err := a.gate.Stats()
		if err == nil && s.Ingress.Parked < connections {
			err = fmt.Errorf("%d frames are parked, want %d", s.Ingress.Parked, connections)
		}
		return err
	})
	must(t, b.gate.DrainFrom(a.mac, until))
	b.extend(t, 2)
	b.announce(t)
	timely = time.Since(begun) < parkLimit/2
	for range connections {
		d := <-dials
		must(t, d.err)
		if n := retransmitted(t, d.Conn); timely && n != 0 || d.node != "B" {
			t.Errorf("connected to %s after %d retransmissions, want B after none", d.node, n)
		}
		must(t, d.Close())
	}
	return timely
}

// retransmitted counts the segments that a connection has sent again.
func retransmitted(t *testing.T, c net.Conn) (n uint32) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		must(t, err)
		n = info.Total_retrans
	}))
	return n
}

func TestReaddressed(t *testing.T) {
	other := map[netip.Addr]netip.Addr{vip4: other4, vip6: other6}
	for _, vip := range []netip.Addr{vip4, vip6} {
		whole := synFrame(strangerMAC, peerMAC, other[vip], vip)
		parked := func(change func([]byte)) gateParked {
			p := gateParked{Ip: 14, Tcp: uint32(len(whole) - 20), Len: uint32(len(whole))}
			copy(p.Frame[:], whole)
			change(p.Frame[:])
			return p
		}
		tcp := len(whole) - 20
		want := bytes.Clone(whole)
		copy(want, strangerMAC)
		copy(want[6:], peerMAC)
		if got := readdressed(parked(func([]byte) {}), peerMAC, strangerMAC); !bytes.Equal(got, want) {
			t.Errorf("a frame of the wire is now %x, want %x", got, want)
		}
		half := parked(func(f []byte) {
			addrs := append(other[vip].AsSlice(), vip.AsSlice()...)
			partial := ^sum16(addrs, make([]byte, 20), 6)
			f[tcp+16], f[tcp+17] = byte(partial>>8), byte(partial)
		})
		if got := readdressed(half, peerMAC, strangerMAC); !bytes.Equal(got, want) {
			t.Errorf("a frame without a sum is now %x, want %x", got, want)
		}
		if got := readdressed(parked(func(f []byte) { f[tcp]++ }), peerMAC, strangerMAC); got != nil {
			t.Errorf("a damaged frame was sent on: %x", got)
		}
		padded := parked(func([]byte) {})
		padded.Len += 6 // a short frame is filled up on the wire
		if got := readdressed(padded, peerMAC, strangerMAC); len(got) != len(want)+6 || !bytes.Equal(got[:len(want)], want) {
			t.Errorf("a padded frame is now %x, want %x", got, want)
		}
	}
}
