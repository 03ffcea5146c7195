package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/amphora-lb/amphora/chaos/check"
)

// Offsets and values of the headers that matter here: Ethernet, ARP (RFC 826),
// IPv4, IPv6 and neighbour advertisements (RFC 4861, section 4.4).
const (
	headerLen = 14

	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeIPv6 = 0x86dd

	arpLen   = 28
	arpReply = 2

	protoICMPv6   = 58
	typeAdvertise = 136
	flagSolicited = 0x40
)

// probeMAC begins the hardware address that a probe asks to be answered to; the
// number of the probe follows. It is a locally administered one.
var probeMAC = [2]byte{0x06, 0xa5}

// parse reads the sender of an Ethernet frame. ok is false if the frame has none,
// or is too short to tell. The result has no instant and no node.
func parse(b []byte) (f check.Frame, ok bool) {
	if len(b) < headerLen {
		return f, false
	}
	copy(f.MAC[:], b[6:12])
	broadcast := b[0]&1 != 0
	p := b[headerLen:]
	switch binary.BigEndian.Uint16(b[12:14]) {
	case typeARP:
		return parseARP(f, p, broadcast)
	case typeIPv4:
		if len(p) < 20 {
			return f, false
		}
		f.VIP, f.Kind = netip.AddrFrom4([4]byte(p[12:16])), check.Packet
		return f, true
	case typeIPv6:
		return parseIPv6(f, p)
	}
	return f, false
}

func parseARP(f check.Frame, p []byte, broadcast bool) (check.Frame, bool) {
	if len(p) < arpLen {
		return f, false
	}
	copy(f.MAC[:], p[8:14])
	sender, target := netip.AddrFrom4([4]byte(p[14:18])), netip.AddrFrom4([4]byte(p[24:28]))
	f.VIP, f.Kind = sender, check.Announce
	if binary.BigEndian.Uint16(p[6:8]) == arpReply && !broadcast && sender != target {
		f.Kind = check.Answer
		if [2]byte(p[18:20]) == probeMAC {
			f.Round = binary.BigEndian.Uint32(p[20:24])
		}
	}
	return f, !sender.IsUnspecified()
}

func parseIPv6(f check.Frame, p []byte) (check.Frame, bool) {
	if len(p) < 40 {
		return f, false
	}
	f.VIP, f.Kind = netip.AddrFrom16([16]byte(p[8:24])), check.Packet
	if body := p[40:]; p[6] == protoICMPv6 && len(body) >= 24 && body[0] == typeAdvertise {
		f.VIP, f.Kind = netip.AddrFrom16([16]byte(body[8:24])), check.Announce
		if body[4]&flagSolicited != 0 {
			f.Kind = check.Answer
		}
	}
	return f, true
}
