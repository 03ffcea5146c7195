package gate

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// pair is an amphora, on whose eth0 the virtual IPs are all the time, and a client
// on the other end of the cable. The amphora's kernel answers for the addresses
// whenever the gate lets it.
type pair struct {
	amphora, client *netns.Namespace
	mac             net.HardwareAddr // of the amphora
	wire            *wire            // at the client
	settled         byte
}

func newPair(t *testing.T) *pair {
	t.Helper()
	testenv.RequireRoot(t)
	p := &pair{amphora: newNamespace(t), client: newNamespace(t)}
	must(t, netns.Veth(p.amphora, "eth0", p.client, "eth0"))
	for i, n := range []*netns.Namespace{p.amphora, p.client} {
		must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1))))
		must(t, n.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", i+1))))
		must(t, n.Up("eth0"))
	}
	p.addVIPs(t)
	p.wire = newWire(t, p.client, "eth0")
	p.listen(t)
	return p
}

func (p *pair) addVIPs(t *testing.T) {
	t.Helper()
	ifi, err := p.amphora.Interface("eth0")
	must(t, err)
	p.mac = ifi.HardwareAddr
	must(t, p.amphora.AddAddr("eth0", netip.PrefixFrom(vip4, 32)))
	must(t, p.amphora.AddAddr("eth0", netip.PrefixFrom(vip6, 128)))
}

// listen accepts and closes connections to every address of the amphora.
func (p *pair) listen(t *testing.T) {
	t.Helper()
	var ln net.Listener
	must(t, p.amphora.Do(func() (err error) { ln, err = net.Listen("tcp", ":80"); return err }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
}

func (p *pair) dial(addr netip.Addr, limit time.Duration) error {
	return p.client.Do(func() error {
		c, err := net.DialTimeout("tcp", netip.AddrPortFrom(addr, 80).String(), limit)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// ask sends one question of each kind that a kernel answers: who has the addresses,
// and a connection to them that needs no answer to that.
func (p *pair) ask(t testing.TB) {
	t.Helper()
	client4, client6 := netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2")
	mac := p.wire.mac
	for _, frame := range [][]byte{
		arpFrame(mac, 1, client4, vip4),
		ndFrame(mac, 135, client6, allNodes, vip6),
	} {
		p.wire.send(t, withChecksum(frame))
	}
	for _, frame := range [][]byte{synFrame(mac, p.mac, client4, vip4), synFrame(mac, p.mac, client6, vip6)} {
		p.wire.send(t, frame)
	}
}

// answers waits until the kernel has answered for both addresses: to the question
// and to the connection.
func (p *pair) answers(t testing.TB) {
	t.Helper()
	p.wire.clear()
	testenv.Eventually(t, deadline, func() error {
		p.ask(t)
		seen := map[string]bool{}
		for _, f := range p.wire.list() {
			if says := p.says(f); says != "" {
				seen[says] = true
			}
		}
		if len(seen) != 4 {
			return fmt.Errorf("the amphora answered with %v only", seen)
		}
		return nil
	})
}

// says names what a frame of the amphora says in the name of a virtual IP.
func (p *pair) says(f []byte) string {
	switch {
	case len(f) < 42 || !bytes.Equal(f[6:12], p.mac):
		return ""
	case bytes.Equal(f[12:14], []byte{8, 6}) && bytes.Equal(f[28:32], vip4.AsSlice()):
		return "ARP"
	case bytes.Equal(f[12:14], []byte{8, 0}) && bytes.Equal(f[26:30], vip4.AsSlice()):
		return "IPv4"
	case len(f) < 78 || !bytes.Equal(f[12:14], []byte{0x86, 0xdd}):
		return ""
	case f[20] == 58 && f[54] == 136 && bytes.Equal(f[62:78], vip6.AsSlice()):
		return "NA"
	case bytes.Equal(f[22:38], vip6.AsSlice()):
		return "IPv6"
	}
	return ""
}

// silent fails the test if one frame in the name of a virtual IP leaves the amphora
// while it is asked n times.
func (p *pair) silent(t testing.TB, n int) {
	t.Helper()
	p.settle(t)
	p.wire.clear()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range n {
		p.ask(t)
		<-tick.C
	}
	p.settle(t)
	for _, f := range p.wire.list() {
		if says := p.says(f); says != "" {
			t.Fatalf("%s in the name of a virtual IP: %x", says, f)
		}
	}
}

// settle waits until the client has seen what the amphora has sent so far: it asks
// for another address of the amphora, in the name of a host that did not ask before.
func (p *pair) settle(t testing.TB) {
	t.Helper()
	p.settled++
	asker, own := netip.AddrFrom4([4]byte{192, 0, 2, 128 + p.settled%100}), netip.MustParseAddr("192.0.2.1")
	question := arpFrame(p.wire.mac, 1, asker, own)
	answer := arpFrame(p.mac, 2, own, asker)
	copy(answer, p.wire.mac)
	copy(answer[32:], p.wire.mac)
	testenv.Eventually(t, deadline, func() error {
		p.wire.send(t, question)
		return p.wire.has(answer)
	})
}

// wire is a packet socket that keeps what it sees.
type wire struct {
	conn *packet.Conn
	mac  net.HardwareAddr

	mu     sync.Mutex
	frames [][]byte
}

func newWire(t testing.TB, n *netns.Namespace, link string) *wire {
	t.Helper()
	const all = 3 // ETH_P_ALL
	ifi, err := n.Interface(link)
	must(t, err)
	w := &wire{mac: ifi.HardwareAddr}
	must(t, n.Do(func() (err error) { w.conn, err = packet.Listen(ifi, packet.Raw, all, nil); return err }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			n, _, err := w.conn.ReadFrom(b)
			if err != nil {
				if errors.Is(err, unix.ENETDOWN) {
					continue // told once, when the link goes down
				}
				return
			}
			w.mu.Lock()
			w.frames = append(w.frames, bytes.Clone(b[:n]))
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		must(t, w.conn.Close())
		<-done
	})
	return w
}

// send sends the frame; that the gate drops it at once is no error.
func (w *wire) send(t testing.TB, frame []byte) {
	t.Helper()
	_, err := w.conn.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])})
	if err != nil && !errors.Is(err, unix.ENOBUFS) {
		t.Fatal(err)
	}
}

func (w *wire) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames = nil
}

func (w *wire) list() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frames[:len(w.frames):len(w.frames)]
}

func (w *wire) has(frame []byte) error {
	for _, f := range w.list() {
		if len(f) >= len(frame) && bytes.Equal(f[:len(frame)], frame) {
			return nil
		}
	}
	return errors.New("the frame was not seen")
}
