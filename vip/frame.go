package vip

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
)

// framesPerVIP is the most frames that one announcement of one address takes.
const framesPerVIP = 2

// announcementFrames returns the Ethernet frames that announce vip at mac.
func announcementFrames(vip netip.Addr, mac net.HardwareAddr) ([][]byte, error) {
	if vip.Is4() {
		return gratuitousARP(vip, mac)
	}
	frame, err := unsolicitedNA(vip, mac)
	return [][]byte{frame}, err
}

// questionFrame returns the frame that asks target, which has the hardware address
// to, for its own; nil asks everybody. The sender is from at mac.
//
// An announcement may be overlooked; this question, with the VIP as sender, may
// not: whoever answers it takes down first where the answer goes (RFC 826, RFC
// 4861, section 7.2.3), and the answer tells us so.
func questionFrame(from netip.Addr, mac net.HardwareAddr, target netip.Addr, to net.HardwareAddr) ([]byte, error) {
	if from.Is4() {
		if to == nil {
			to = ethernet.Broadcast
		}
		return arpFrame(arp.OperationRequest, to, mac, from, noMAC, target)
	}
	dst := target
	if to == nil {
		dst = solicitedNode(target)
		to = multicastMAC(dst)
	}
	return ndpFrame(to, mac, from, dst, &ndp.NeighborSolicitation{
		TargetAddress: target,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: mac}},
	})
}

// probeFrame returns the frame that asks who has addr without saying that we do:
// the ARP probe of RFC 5227, section 2.1.1, and the solicitation of duplicate
// address detection, RFC 4862, section 5.4.2. It changes no cache.
func probeFrame(addr netip.Addr, mac net.HardwareAddr) ([]byte, error) {
	if addr.Is4() {
		return arpFrame(arp.OperationRequest, ethernet.Broadcast, mac, netip.IPv4Unspecified(), noMAC, addr)
	}
	group := solicitedNode(addr)
	return ndpFrame(multicastMAC(group), mac, netip.IPv6Unspecified(), group, &ndp.NeighborSolicitation{TargetAddress: addr})
}

// gratuitousARP returns an ARP announcement in both forms, since some equipment
// honours only one. Sender and target address are the VIP in both.
//
// The request is that of RFC 5227, section 2.3, with a target hardware address
// of zero. The reply is that of RFC 5944, section 4.6: its target hardware
// address repeats the sender's. Linux (arp_is_garp) takes a reply without that
// for an ordinary one, which does not override an entry that changed within the
// last second.
func gratuitousARP(vip netip.Addr, mac net.HardwareAddr) ([][]byte, error) {
	request, err := arpFrame(arp.OperationRequest, ethernet.Broadcast, mac, vip, noMAC, vip)
	if err != nil {
		return nil, err
	}
	reply, err := arpFrame(arp.OperationReply, ethernet.Broadcast, mac, vip, mac, vip)
	return [][]byte{request, reply}, err
}

// unsolicitedNA returns the neighbour advertisement of RFC 4861, section 7.2.6,
// to all nodes: Override set, so that caches take the new address over the old
// one; Solicited clear; Router clear, since a VIP is no router.
func unsolicitedNA(vip netip.Addr, mac net.HardwareAddr) ([]byte, error) {
	return ndpFrame(multicastMAC(allNodes), mac, vip, allNodes, &ndp.NeighborAdvertisement{
		Override:      true,
		TargetAddress: vip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	})
}

var (
	allNodes = netip.MustParseAddr("ff02::1")
	noMAC    = net.HardwareAddr{0, 0, 0, 0, 0, 0}
)

// solicitedNode returns the group of RFC 4291, section 2.7.1, that whoever has
// addr listens to.
func solicitedNode(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, b[13], b[14], b[15]})
}

// multicastMAC returns the hardware address of a group (RFC 2464, section 7).
func multicastMAC(group netip.Addr) net.HardwareAddr {
	b := group.As16()
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

func arpFrame(op arp.Operation, to, mac net.HardwareAddr, sender netip.Addr, targetMAC net.HardwareAddr, target netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(op, mac, sender, targetMAC, target)
	if err != nil {
		return nil, fmt.Errorf("build ARP packet of %s: %w", sender, err)
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("build ARP packet of %s: %w", sender, err)
	}
	return ethernetFrame(to, mac, ethernet.EtherTypeARP, payload)
}

const (
	ipv6HeaderLen = 40
	icmpv6        = 58
	ndpHopLimit   = 255 // RFC 4861, section 7.1: anything less is discarded
)

// ndpFrame builds an ND message down to the Ethernet header, so that its source may
// be a VIP, or nothing: neither a link-local address is needed nor a socket bound
// to an address that has just appeared.
func ndpFrame(to, mac net.HardwareAddr, src, dst netip.Addr, m ndp.Message) ([]byte, error) {
	message, err := ndp.MarshalMessageChecksum(m, src, dst)
	if err != nil {
		return nil, fmt.Errorf("build ND message of %s: %w", src, err)
	}
	payload := make([]byte, ipv6HeaderLen, ipv6HeaderLen+len(message))
	payload[0] = 6 << 4
	binary.BigEndian.PutUint16(payload[4:], uint16(len(message)))
	payload[6] = icmpv6
	payload[7] = ndpHopLimit
	copy(payload[8:], src.AsSlice())
	copy(payload[24:], dst.AsSlice())
	return ethernetFrame(to, mac, ethernet.EtherTypeIPv6, append(payload, message...))
}

func ethernetFrame(dst, src net.HardwareAddr, kind ethernet.EtherType, payload []byte) ([]byte, error) {
	f := ethernet.Frame{Destination: dst, Source: src, EtherType: kind, Payload: payload}
	b, err := f.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("build Ethernet frame: %w", err)
	}
	return b, nil
}
