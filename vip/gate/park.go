package gate

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// parkLimit is how long a frame waits for the new holder's claim: far longer than
	// a switchover takes, and shorter than the client's own repetition (RFC 6298).
	parkLimit = 800 * time.Millisecond
	// parkPoll is how often the claim is looked for. Nothing wakes the worker by it.
	parkPoll = 200 * time.Microsecond
)

// parked calls arrived for every frame that the kernel has parked, until ctx ends.
func (b *bpf) parked(ctx context.Context, arrived func(gateParked)) error {
	return read(ctx, b.objs.Parking, arrived)
}

// sendOn waits until the new holder has claimed an address, and so is open, and sends
// the frame on to it. What waits too long is sent all the same: the claim may be lost.
func (g *Gate) sendOn(ctx context.Context, p gateParked) error {
	poll := time.NewTicker(parkPoll)
	defer poll.Stop()
	for {
		partner, claimed := g.partner()
		switch {
		case partner == nil:
			return nil // this node holds again; the client repeats itself
		case claimed || now() >= int64(p.At)+int64(parkLimit):
			frame := readdressed(p, g.hardwareAddr(), partner)
			if frame == nil {
				return nil
			}
			return g.set("send on a new connection", func() error { return g.enf.send(frame) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
	}
}

// partner is the new holder's address while this node is the old one, nil otherwise, and
// whether that has claimed an address since.
func (g *Gate) partner() (partner net.HardwareAddr, claimed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false
	}
	m := g.enf.memory()
	if m.drain == nil || role(atomic.LoadUint64(&m.drain.Role)) != oldHolder || now() >= int64(atomic.LoadUint64(&m.drain.Until)) {
		return nil, false
	}
	return slices.Clone(m.drain.Partner.Byte[:]), m.killedAt() > int64(atomic.LoadUint64(&m.drain.Since))
}

// readdressed is the frame from src to dst, nil if it was damaged on its way. One that
// never left this machine comes with the sum of its pseudo header alone, for a network
// card to complete (CHECKSUM_PARTIAL in linux/skbuff.h).
func readdressed(p gateParked, src, dst net.HardwareAddr) []byte {
	f := p.Frame[:min(int(p.Len), len(p.Frame))]
	ip := f[p.Ip:]
	addrs, end := ip[12:20], binary.BigEndian.Uint16(ip[2:]) // RFC 791
	if ip[0]>>4 == 6 {
		addrs, end = ip[8:40], 40+binary.BigEndian.Uint16(ip[4:]) // RFC 8200
	}
	if int(end) > len(ip) || int(p.Ip)+int(end) < int(p.Tcp)+20 {
		return nil
	}
	segment := f[p.Tcp : p.Ip+uint32(end)]
	sum := segment[16:18]
	pseudo := ^checksum(addrs, len(segment), nil)
	if binary.BigEndian.Uint16(sum) == pseudo {
		clear(sum)
		binary.BigEndian.PutUint16(sum, checksum(addrs, len(segment), segment))
	} else if checksum(addrs, len(segment), segment) != 0 {
		return nil
	}
	copy(f, dst)
	copy(f[6:], src)
	return f
}

// checksum is that of TCP (RFC 9293, 3.1) over the pseudo header of a segment of that
// length between those addresses, and over b.
func checksum(addrs []byte, length int, b []byte) uint16 {
	sum := uint32(unix.IPPROTO_TCP) + uint32(length)
	for _, part := range [][]byte{addrs, b} {
		for i, v := range part {
			sum += uint32(v) << (8 * (1 - i%2))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// send puts a frame on the wire.
func (b *bpf) send(frame []byte) error {
	err := unix.Sendto(b.out, frame, unix.MSG_DONTWAIT, &unix.SockaddrLinklayer{Ifindex: b.index})
	if err != nil {
		return fmt.Errorf("send frame: %w", err)
	}
	return nil
}
