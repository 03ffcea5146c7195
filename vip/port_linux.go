package vip

import (
	"errors"
	"fmt"
	"net"
	"sync"
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
	ears []*packet.Conn
	wait sync.WaitGroup
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
	for _, ear := range []struct {
		protocol int
		filter   []bpf.RawInstruction
	}{{unix.ETH_P_ARP, nil}, {unix.ETH_P_IPV6, onlyND}} {
		conn, err := packet.Listen(ifi, packet.Raw, ear.protocol, &packet.Config{Filter: ear.filter})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open packet socket: %w", err), p.Close())
		}
		p.ears = append(p.ears, conn)
	}
	for _, conn := range p.ears {
		p.wait.Go(func() { listen(conn, hear) })
	}
	return p, nil
}

// maxFrame holds an ND message with all its options; ARP needs less.
const maxFrame = 1514

func listen(conn *packet.Conn, hear func(claim)) {
	buf := make([]byte, maxFrame)
	for {
		n, _, err := conn.ReadFrom(buf)
		switch {
		case errors.Is(err, unix.ENETDOWN):
			continue // said once each time that the link goes down
		case err != nil:
			return // closed
		}
		if c, ok := parseClaim(buf[:n]); ok {
			hear(c)
		}
	}
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
	for _, conn := range p.ears {
		err = errors.Join(err, conn.Close())
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
