package vip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// echo sends ICMP echo requests through one interface. Each has a number of its
// own, so that a late reply is not taken for that of a later request.
type echo struct {
	id    int
	conns map[bool]net.PacketConn // by whether it is IPv4
	wait  sync.WaitGroup

	mu   sync.Mutex
	seq  uint16
	open map[uint16]func() // requests without a reply; guarded by mu
}

func openEcho(iface string) (echoer, error) {
	e := &echo{id: rand.IntN(1 << 16), conns: map[bool]net.PacketConn{}, open: map[uint16]func(){}}
	for _, kind := range []struct {
		is4           bool
		network, from string
		protocol      int
		filter        func(fd int) error
	}{
		{true, "ip4:icmp", "0.0.0.0", unix.IPPROTO_ICMP, onlyReplies4},
		{false, "ip6:ipv6-icmp", "::", unix.IPPROTO_ICMPV6, onlyReplies6},
	} {
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var err error
			e := c.Control(func(fd uintptr) {
				err = errors.Join(unix.BindToDevice(int(fd), iface), kind.filter(int(fd)))
			})
			return errors.Join(e, err)
		}}
		conn, err := lc.ListenPacket(context.Background(), kind.network, kind.from)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open ICMP socket: %w", err), e.Close())
		}
		e.conns[kind.is4] = conn
		e.wait.Go(func() { e.listen(conn, kind.protocol) })
	}
	return e, nil
}

func onlyReplies4(fd int) error {
	const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h: a set bit blocks the type
	return unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1 << int(ipv4.ICMPTypeEchoReply)))
}

func onlyReplies6(fd int) error {
	f := ipv6.ICMPFilter{}
	f.SetAll(true)
	f.Accept(ipv6.ICMPTypeEchoReply)
	return unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &unix.ICMPv6Filter{Data: f.Data})
}

func (e *echo) ping(to netip.Addr, answered func()) (forget func(), err error) {
	e.mu.Lock()
	e.seq++
	seq := e.seq
	e.open[seq] = answered
	e.mu.Unlock()
	forget = func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.open, seq)
	}
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: e.id, Seq: int(seq)}}
	if to.Is6() {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil) // the kernel sums up ICMPv6
	if err == nil {
		conn := e.conns[to.Is4()]
		err = conn.SetWriteDeadline(time.Now().Add(sendTimeout))
		if err == nil {
			_, err = conn.WriteTo(b, &net.IPAddr{IP: to.AsSlice()})
		}
	}
	if err != nil {
		forget()
		return nil, fmt.Errorf("ping %s: %w", to, err)
	}
	return forget, nil
}

func (e *echo) listen(conn net.PacketConn, protocol int) {
	buf := make([]byte, maxFrame)
	for {
		n, _, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // what the network says of an earlier request
		}
		m, err := icmp.ParseMessage(protocol, buf[:n])
		if err != nil {
			continue
		}
		if body, ok := m.Body.(*icmp.Echo); ok && body.ID == e.id {
			e.reply(uint16(body.Seq))
		}
	}
}

func (e *echo) reply(seq uint16) {
	e.mu.Lock()
	answered := e.open[seq]
	delete(e.open, seq)
	e.mu.Unlock()
	if answered != nil {
		answered()
	}
}

// Close closes the sockets and waits until nothing is heard any more.
func (e *echo) Close() error {
	var errs []error
	for _, conn := range e.conns {
		errs = append(errs, conn.Close())
	}
	e.wait.Wait()
	return errors.Join(errs...)
}
