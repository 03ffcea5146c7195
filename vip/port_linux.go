package vip

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// sendTimeout bounds the wait for room in a full send queue: the goroutine that
// announces is also the one that takes addresses away.
const sendTimeout = 50 * time.Millisecond

// packetPort sends Ethernet frames and hears ARP and ND through packet sockets,
// which need no address on the interface. What it sends passes traffic control on
// egress, and what it hears has passed it on ingress, so that a filter there sees
// all of it.
type packetPort struct {
	out  *packet.Conn
	ears []*ear
	wait sync.WaitGroup
}

// ear is a socket that receives.
type ear struct {
	conn  *packet.Conn
	heard atomic.Uint64 // frames

	mu   sync.Mutex
	came uint64 // frames that were put into its queue; guarded by mu
}

func dialPacket(l link, hear func(claim)) (port, error) {
	ifi := &net.Interface{Index: l.index}
	// Protocol 0: this socket receives nothing.
	out, err := packet.Listen(ifi, packet.Raw, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	p := &packetPort{out: out}
	// A socket for one protocol gets only frames of that protocol and only those
	// received; one for all would cost every frame of the interface.
	for _, kind := range []struct {
		protocol int
		filter   []bpf.RawInstruction
	}{{unix.ETH_P_ARP, nil}, {unix.ETH_P_IPV6, onlyND}} {
		conn, err := packet.Listen(ifi, packet.Raw, kind.protocol, &packet.Config{Filter: kind.filter})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open packet socket: %w", err), p.Close())
		}
		p.ears = append(p.ears, &ear{conn: conn})
	}
	for _, e := range p.ears {
		p.wait.Go(func() { e.listen(hear) })
	}
	return p, nil
}

// maxFrame holds an ND message with all its options; ARP needs less.
const maxFrame = 1514

func (e *ear) listen(hear func(claim)) {
	buf := make([]byte, maxFrame)
	for {
		n, _, err := e.conn.ReadFrom(buf)
		switch {
		case errors.Is(err, unix.ENETDOWN):
			continue // said once each time that the link goes down
		case err != nil:
			return // closed
		}
		if c, ok := parseClaim(buf[:n]); ok {
			hear(c)
		}
		e.heard.Add(1)
	}
}

func (p *packetPort) caughtUp() (bool, error) {
	for _, e := range p.ears {
		if ok, err := e.caughtUp(); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// caughtUp compares with the kernel's count, which begins anew at each look.
func (e *ear) caughtUp() (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.conn.Stats()
	if err != nil {
		return false, fmt.Errorf("count frames received: %w", err)
	}
	e.came += uint64(s.Packets - s.Drops)
	if s.Drops > 0 {
		return false, fmt.Errorf("%d frames received were dropped: the queue was full", s.Drops)
	}
	return e.heard.Load() >= e.came, nil
}

func (p *packetPort) send(frames [][]byte) (n, dropped int, err error) {
	if err := p.out.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return 0, 0, fmt.Errorf("send frame: %w", err)
	}
	for _, frame := range frames {
		_, err := p.out.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]})
		switch {
		case errors.Is(err, unix.ENOBUFS): // NET_XMIT_DROP, from traffic control
			dropped++
		case err != nil:
			return n, dropped, fmt.Errorf("send frame: %w", err)
		}
		n++
	}
	return n, dropped, nil
}

// Close closes the sockets and waits until nothing is heard any more.
func (p *packetPort) Close() error {
	err := p.out.Close()
	for _, e := range p.ears {
		err = errors.Join(err, e.conn.Close())
	}
	p.wait.Wait()
	return err
}

// onlyND passes neighbour solicitations and advertisements without extension
// headers, by their offsets in an Ethernet frame.
var onlyND = assemble([]bpf.Instruction{
	bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: icmpv6, SkipTrue: 4},
	bpf.LoadAbsolute{Off: 14 + ipv6HeaderLen, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 135, SkipTrue: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 136, SkipTrue: 1},
	bpf.RetConstant{Val: maxFrame},
	bpf.RetConstant{Val: 0},
})

func assemble(program []bpf.Instruction) []bpf.RawInstruction {
	raw, err := bpf.Assemble(program)
	if err != nil {
		panic(err) // the program is above
	}
	return raw
}
