package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Prober asks again and again who has a virtual IP, with ARP probes (RFC 5227,
// section 2.1.1): without a sender address, so that the question itself teaches
// nobody anything. Each probe asks to be answered to a hardware address of its
// own, so that a [Sniffer] can tell which probe an answer belongs to.
type Prober struct {
	fd    int
	to    unix.SockaddrLinklayer
	frame []byte
}

// NewProber prepares to ask for vip, IPv4, on the link with that description. do
// runs a function in the namespace of the link. The caller must call Run.
func NewProber(do func(func() error) error, link *net.Interface, vip netip.Addr) (*Prober, error) {
	p := &Prober{to: unix.SockaddrLinklayer{Ifindex: link.Index}, frame: probe(link.HardwareAddr, vip)}
	err := do(func() (err error) {
		p.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // receives nothing
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open prober: %w", err)
	}
	return p, nil
}

// probe is an ARP request for vip. The hardware address to answer to is filled in
// for each round.
func probe(src net.HardwareAddr, vip netip.Addr) []byte {
	b := make([]byte, headerLen+arpLen)
	copy(b, net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	copy(b[6:], src)
	binary.BigEndian.PutUint16(b[12:], typeARP)
	copy(b[headerLen:], []byte{0, 1, 8, 0, 6, 4, 0, 1})
	copy(b[headerLen+8:], probeMAC[:])
	target := vip.As4()
	copy(b[headerLen+24:], target[:])
	return b
}

// Run sends a probe each interval until ctx ends. A probe that cannot be sent is
// only one less.
func (p *Prober) Run(ctx context.Context, each time.Duration) (err error) {
	defer func() { err = errors.Join(err, unix.Close(p.fd)) }()
	tick := time.NewTicker(each)
	defer tick.Stop()
	for round := uint32(1); ; round++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		binary.BigEndian.PutUint32(p.frame[headerLen+10:], round)
		_ = unix.Sendto(p.fd, p.frame, unix.MSG_DONTWAIT, &p.to)
	}
}
