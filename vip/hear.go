package vip

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
)

// claim is what a frame of somebody else says: that addr is at mac.
type claim struct {
	addr  netip.Addr
	mac   [6]byte
	to    netip.Addr // whom it is said to
	reply bool       // it answers a question of to
}

// parseClaim reads an Ethernet frame with an ARP packet or an ND message. A probe
// says nothing, nor does a frame that is malformed.
func parseClaim(frame []byte) (claim, bool) {
	if len(frame) < 14 {
		return claim{}, false
	}
	payload := frame[14:]
	switch ethernet.EtherType(binary.BigEndian.Uint16(frame[12:])) {
	case ethernet.EtherTypeARP:
		return parseARP(payload)
	case ethernet.EtherTypeIPv6:
		return parseND(payload, net.HardwareAddr(frame[6:12]))
	default:
		return claim{}, false
	}
}

func parseARP(b []byte) (claim, bool) {
	var p arp.Packet
	if p.UnmarshalBinary(b) != nil || p.ProtocolType != uint16(ethernet.EtherTypeIPv4) || p.HardwareAddrLength != 6 ||
		!p.SenderIP.Is4() || p.SenderIP.IsUnspecified() {
		return claim{}, false
	}
	return claim{
		addr: p.SenderIP, mac: [6]byte(p.SenderHardwareAddr),
		to: p.TargetIP, reply: p.Operation == arp.OperationReply,
	}, true
}

func parseND(b []byte, from net.HardwareAddr) (claim, bool) {
	if len(b) < ipv6HeaderLen || b[6] != icmpv6 || b[7] != ndpHopLimit {
		return claim{}, false
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if len(b) < ipv6HeaderLen+length {
		return claim{}, false
	}
	// The checksum is left to the kernel: on some links the frame has none yet.
	m, err := ndp.ParseMessage(b[ipv6HeaderLen : ipv6HeaderLen+length])
	if err != nil {
		return claim{}, false
	}
	c := claim{mac: [6]byte(from), to: netip.AddrFrom16([16]byte(b[24:40]))}
	switch m := m.(type) {
	case *ndp.NeighborAdvertisement:
		c.addr, c.reply = m.TargetAddress, m.Solicited
		c.option(m.Options, ndp.Target)
	case *ndp.NeighborSolicitation:
		c.addr = netip.AddrFrom16([16]byte(b[8:24]))
		c.option(m.Options, ndp.Source)
	default:
		return claim{}, false
	}
	return c, !c.addr.IsUnspecified()
}

// option prefers the address that the message names to that of its frame.
func (c *claim) option(options []ndp.Option, d ndp.Direction) {
	for _, o := range options {
		if l, ok := o.(*ndp.LinkLayerAddress); ok && l.Direction == d && len(l.Addr) == 6 {
			c.mac = [6]byte(l.Addr)
		}
	}
}
