package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// trio is two amphorae and a client on one switch. The amphorae have the virtual IPs on
// their interfaces all the time; each says its name to every connection, then echoes.
type trio struct {
	client *netns.Namespace
	nodes  [2]*drainer
}

type drainer struct {
	*netns.Namespace
	gate *Gate
	mac  net.HardwareAddr
	wire *wire
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	testenv.RequireRoot(t)
	sw := newNamespace(t)
	must(t, sw.Bridge("br0"))
	l := &trio{client: newNamespace(t), nodes: [2]*drainer{{Namespace: newNamespace(t)}, {Namespace: newNamespace(t)}}}
	for i, n := range []*netns.Namespace{l.client, l.nodes[0].Namespace, l.nodes[1].Namespace} {
		port := fmt.Sprintf("port%d", i)
		must(t, netns.Veth(sw, port, n, "eth0"))
		must(t, sw.Attach(port, "br0"))
		must(t, sw.Up(port))
		must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1))))
		must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", i+1))))
		must(t, n.Sysctl("ipv4/conf/eth0/arp_announce", "2"))
		must(t, n.Up("eth0"))
	}
	for i, n := range l.nodes {
		must(t, n.AddAddr("eth0", netip.PrefixFrom(vip4, 32)))
		must(t, n.AddAddr("eth0", netip.PrefixFrom(vip6, 128)))
		n.wire = newWire(t, n.Namespace, "eth0")
		n.mac = n.wire.mac
		n.gate = open(t, n.Namespace, Config{Backend: BPF})
		must(t, n.gate.Protect([]netip.Addr{vip4, vip6}))
		n.serve(t, string(rune('A'+i)))
		n.run(t)
	}
	must(t, l.nodes[0].gate.Peers([]net.HardwareAddr{l.nodes[1].mac}))
	must(t, l.nodes[1].gate.Peers([]net.HardwareAddr{l.nodes[0].mac}))
	return l
}

func (n *drainer) serve(t *testing.T, name string) {
	t.Helper()
	var ln net.Listener
	must(t, n.Do(func() (err error) { ln, err = net.Listen("tcp", ":80"); return err }))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				_, _ = fmt.Fprintln(c, name)
				_, _ = io.Copy(c, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

// announce tells everybody that the node has the addresses.
func (n *drainer) announce(t testing.TB) {
	t.Helper()
	n.wire.send(t, arpFrame(n.mac, 1, vip4, vip4))
	n.wire.send(t, withChecksum(ndFrame(n.mac, 136, vip6, allNodes, vip6)))
}

// session is a connection of the client.
type session struct {
	net.Conn
	r    *bufio.Reader
	node string
}

func (l *trio) dial(addr netip.Addr) (*session, error) {
	var s session
	err := l.client.Do(func() (err error) {
		s.Conn, err = net.DialTimeout("tcp", netip.AddrPortFrom(addr, 80).String(), deadline)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.r = bufio.NewReader(s.Conn)
	if err := s.SetDeadline(time.Now().Add(2 * deadline)); err != nil {
		return nil, err
	}
	line, err := s.r.ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.node = line[:1]
	return &s, nil
}

// echo sends n bytes and expects them back.
func (s *session) echo(n int) error {
	out := bytes.Repeat([]byte(s.node), n)
	sent := make(chan error, 1)
	go func() { _, err := s.Write(out); sent <- err }()
	back := make([]byte, n)
	_, err := io.ReadFull(s.r, back)
	if err = errors.Join(err, <-sent); err == nil && !bytes.Equal(out, back) {
		err = errors.New("other bytes came back")
	}
	return err
}

// neighbour waits until the client has the address at the node.
func (l *trio) neighbour(t *testing.T, addr netip.Addr, n *drainer) {
	t.Helper()
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	testenv.Eventually(t, deadline, func() error {
		n.announce(t)
		list, err := l.client.Netlink().NeighList(ifi.Index, 0)
		for _, e := range list {
			if e.IP.Equal(addr.AsSlice()) && bytes.Equal(e.HardwareAddr, n.mac) {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("the client has %s not at %s", addr, n.mac))
	})
}

func (n *drainer) extend(t *testing.T, term uint64) {
	t.Helper()
	extend(t, n.gate, term, time.Minute)
}

func TestDrain(t *testing.T) {
	for _, addr := range []netip.Addr{vip4, vip6} {
		t.Run(addr.String(), func(t *testing.T) { testDrain(t, addr) })
	}
}

func testDrain(t *testing.T, addr netip.Addr) {
	l := newTrio(t)
	a, b := l.nodes[0], l.nodes[1]
	a.extend(t, 1)
	must(t, l.warm(addr))
	l.neighbour(t, addr, a)
	var old []*session
	for range 10 {
		s, err := l.dial(addr)
		must(t, err)
		defer s.Close()
		must(t, s.echo(1000))
		if s.node != "A" {
			t.Fatalf("connected to %s", s.node)
		}
		old = append(old, s)
	}

	// Connections are opened and used all the while, also in the very moment.
	var stop atomic.Bool
	var wg sync.WaitGroup
	var opened atomic.Int64
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				s, err := l.dial(addr)
				if err == nil {
					err = errors.Join(s.echo(20000), s.Close())
				}
				if err != nil {
					t.Errorf("a connection was lost: %v", err)
					return
				}
				opened.Add(1)
			}
		})
	}
	testenv.Eventually(t, deadline, func() error { return atLeast(&opened, 20) })

	until := now() + int64(time.Minute)
	must(t, b.gate.DrainFrom(a.mac, until))
	must(t, a.gate.DrainTo(b.mac, until))
	must(t, a.gate.Shut(1))
	b.extend(t, 2)
	l.neighbour(t, addr, b)
	for _, s := range old {
		must(t, s.echo(500000))
	}
	opened.Store(0)
	testenv.Eventually(t, deadline, func() error { return atLeast(&opened, 50) })
	stop.Store(true)
	wg.Wait()
	s, err := l.dial(addr)
	must(t, err)
	if s.node != "B" {
		t.Errorf("a new connection landed on %s", s.node)
	}
	must(t, s.echo(1000))

	// A client that missed the announcement goes on sending to A.
	l.pin(t, addr, a.mac)
	must(t, s.echo(1000))
	fresh, err := l.dial(addr)
	must(t, err)
	if fresh.node != "B" {
		t.Errorf("by way of A a new connection landed on %s", fresh.node)
	}
	must(t, errors.Join(fresh.echo(200000), old[0].echo(200000), fresh.Close(), s.Close()))
	l.pin(t, addr, b.mac)

	// A claims nothing: its kernel is asked and must not answer.
	as, err := a.gate.Stats()
	must(t, err)
	bs, err := b.gate.Stats()
	must(t, err)
	if as.Ingress.Drained == 0 || as.Ingress.Forwarded == 0 || as.Egress.Drained == 0 || bs.Ingress.Forwarded == 0 {
		t.Errorf("counted %+v and %+v", as, bs)
	}
	if bs.Claims != 0 && verdict(t, b.gate) != IsOpen {
		t.Errorf("A claimed the address %d times", bs.Claims)
	}

	// At the end what is left is reset at once.
	must(t, errors.Join(b.gate.DrainFrom(nil, 0), a.gate.DrainTo(nil, 0)))
	for _, s := range old {
		must(t, s.SetDeadline(time.Now().Add(deadline)))
		if err := s.echo(1000); !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
			t.Errorf("a connection of A ended with %v, want a reset", err)
		}
	}
}

// warm waits until the switch forwards.
func (l *trio) warm(addr netip.Addr) error {
	s, err := l.dial(addr)
	if err == nil {
		err = s.Close()
	}
	return err
}

// pin fixes where the client sends what is for the address.
func (l *trio) pin(t *testing.T, addr netip.Addr, mac net.HardwareAddr) {
	t.Helper()
	ifi, err := l.client.Interface("eth0")
	must(t, err)
	must(t, l.client.Netlink().NeighSet(&netlink.Neigh{
		LinkIndex: ifi.Index, State: netlink.NUD_PERMANENT, IP: addr.AsSlice(), HardwareAddr: mac,
	}))
}

func atLeast(n *atomic.Int64, want int64) error {
	if got := n.Load(); got < want {
		return fmt.Errorf("%d connections, want %d", got, want)
	}
	return nil
}

// TestDrainEnds keeps a drain from outliving what it is for.
func TestDrainEnds(t *testing.T) {
	p := newPrograms(t)
	segment := func(src net.HardwareAddr, fragment uint16, flags byte) []byte {
		tcp := make([]byte, 20)
		tcp[12], tcp[13] = 5<<4, flags
		f := ipv4Frame(other4, vip4, fragment, tcp...)
		copy(f, toHost)
		copy(f[6:], src)
		return f
	}
	const syn, ack, redirect = 2, 16, 7
	// A frame to another address comes in while the interface is promiscuous.
	astray := func(when string, flags byte, want uint32) {
		t.Helper()
		f := segment(strangerMAC, 0, flags)
		copy(f, peerMAC)
		if got := p.run(t, in, f); got != want {
			t.Errorf("%s, to the partner's address: flags %#x got %#x, want %#x", when, flags, got, want)
		}
	}
	minute := func() int64 { return now() + int64(time.Minute) }
	expect := func(when string, flags byte, want uint32) {
		t.Helper()
		if got := p.run(t, in, segment(strangerMAC, 0, flags)); got != want {
			t.Errorf("%s: flags %#x got %#x, want %#x", when, flags, got, want)
		}
	}
	must(t, p.DrainTo(peerMAC, minute()))
	expect("draining to a partner that is not open yet", syn, drop)
	if s, err := p.Stats(); err != nil || s.Ingress.Parked != 1 {
		t.Errorf("parked %d frames, want 1: %v", s.Ingress.Parked, err)
	}
	if got := p.run(t, in, arpFrame(peerMAC, 1, vip4, vip4)); got != next {
		t.Errorf("the partner's claim got %d", got)
	}
	expect("draining to a partner", syn, redirect)
	expect("draining to a partner", ack, redirect)
	astray("draining to a partner", syn, drop)
	astray("draining to a partner", ack, drop)
	if got := p.run(t, in, arpFrame(strangerMAC, 1, other4, vip4)); got != drop {
		t.Errorf("ARP while draining: %d", got)
	}
	if got := p.run(t, in, segment(strangerMAC, 3, ack)); got != drop {
		t.Errorf("a later fragment while draining: %d", got)
	}
	returned := func(when string, flags byte, want uint32) {
		t.Helper()
		if got := p.run(t, in, segment(peerMAC, 0, flags)); got != want {
			t.Errorf("%s, sent on by the partner: flags %#x got %#x, want %#x", when, flags, got, want)
		}
	}
	returned("draining to it", ack, next)
	returned("draining to it", syn, drop)
	extend(t, p.Gate, 1, time.Minute)
	expect("open again", syn, next)
	must(t, p.Shut(1))
	expect("shut again", ack, drop)

	extend(t, p.Gate, 2, time.Minute)
	must(t, p.DrainFrom(peerMAC, minute()))
	expect("draining from a partner", syn, next)
	expect("draining from a partner", ack, redirect)
	astray("draining from a partner", ack, next) // IP drops it
	returned("draining from it", ack, next)
	returned("draining from it", syn, next)
	if got := p.run(t, in, ipv4Frame(other4, vip4, 0)); got != next { // too short for TCP
		t.Errorf("half a segment: %d", got)
	}
	must(t, p.Shut(2))
	expect("shut as new holder", ack, drop)
	extend(t, p.Gate, 2, time.Minute)
	expect("back in its own right", ack, next)
	must(t, p.DrainFrom(peerMAC, now()-1))
	expect("after the end", ack, next)

	for _, err := range []error{
		p.DrainTo(peerMAC, now()+int64(time.Hour)), p.DrainTo(nil, minute()),
	} {
		if err == nil {
			t.Error("a drain that makes no sense was accepted")
		}
	}
}
