package health

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// family is how ICMP is spoken in one of the address families.
type family struct {
	datagram string // network of icmp.ListenPacket, for anyone whom the host allows it
	raw      string // network of net.Dial, for root
	wildcard string
	protocol int // for icmp.ParseMessage
	echo     icmp.Type
	reply    icmp.Type
}

var (
	family4 = &family{"udp4", "ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply}
	family6 = &family{"udp6", "ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply}
)

func familyOf(a netip.Addr) *family {
	if a.Is4() {
		return family4
	}
	return family6
}

// echoConn is a socket that receives the echo replies of one host and, of raw ones,
// those to others too.
type echoConn struct {
	net.PacketConn
	to net.Addr // nil: connected
}

// open returns a socket for one ping. Each ping has its own, because the kernel
// tells apart then what belongs to whom: a datagram socket gets the replies to its
// own requests, a connected raw socket what its host sends.
func (f *family) open(ctx context.Context, a netip.Addr) (echoConn, error) {
	c, err := icmp.ListenPacket(f.datagram, f.wildcard)
	if err == nil {
		return echoConn{c, &net.UDPAddr{IP: a.AsSlice(), Zone: a.Zone()}}, nil
	}
	var d net.Dialer
	raw, rawErr := d.DialContext(ctx, f.raw, a.String())
	if rawErr != nil {
		return echoConn{}, errors.Join(err, rawErr)
	}
	return echoConn{raw.(*net.IPConn), nil}, nil
}

// nonceLen is the length of what makes a request different from any other.
const nonceLen = 16

// probePing sends one ICMP echo request and waits for its reply, as "ping -c1" does.
func probePing(ctx context.Context, t Target) error {
	a := t.Addr.Addr().Unmap()
	f := familyOf(a)
	conn, err := f.open(ctx, a)
	if err != nil {
		return describe(ctx, t, "open ICMP socket", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	nonce := make([]byte, nonceLen)
	_, _ = rand.Read(nonce) // never fails
	if err := conn.send(f, nonce); err != nil {
		return describe(ctx, t, "send echo request", err)
	}
	if err := conn.await(f, nonce); err != nil {
		return describe(ctx, t, "echo request", err)
	}
	return nil
}

func (c echoConn) send(f *family, nonce []byte) error {
	// The kernel sets the id of datagram sockets, and the checksum of ICMPv6.
	m := icmp.Message{Type: f.echo, Body: &icmp.Echo{ID: int(nonce[0])<<8 | int(nonce[1]), Seq: 1, Data: nonce}}
	p, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if c.to != nil {
		_, err = c.WriteTo(p, c.to)
		return err
	}
	_, err = c.PacketConn.(net.Conn).Write(p)
	return err
}

// await reads until the reply that carries nonce is there.
func (c echoConn) await(f *family, nonce []byte) error {
	p := make([]byte, 1500)
	for {
		n, _, err := c.ReadFrom(p)
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(f.protocol, p[:n])
		if err != nil || m.Type != f.reply {
			continue
		}
		if echo, ok := m.Body.(*icmp.Echo); ok && bytes.Equal(echo.Data, nonce) {
			return nil
		}
	}
}

// pingGap says why this process cannot ping, "" if it can. The answer is found once:
// privileges do not change while a process runs.
var pingGap = sync.OnceValue(func() string {
	c, err := family4.open(context.Background(), netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err == nil {
		_ = c.Close()
		return ""
	}
	if errors.Is(err, os.ErrPermission) {
		return "PING needs the capability CAP_NET_RAW, or a group in the sysctl net.ipv4.ping_group_range"
	}
	return fmt.Sprintf("PING: open ICMP socket: %v", err)
})
