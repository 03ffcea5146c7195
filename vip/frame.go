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

// gratuitousARP returns an ARP announcement in both forms, since some equipment
// honours only one. Sender and target address are the VIP in both.
//
// The request is that of RFC 5227, section 2.3, with a target hardware address
// of zero. The reply is that of RFC 5944, section 4.6: its target hardware
// address repeats the sender's. Linux (arp_is_garp) takes a reply without that
// for an ordinary one, which does not override an entry that changed within the
// last second.
func gratuitousARP(vip netip.Addr, mac net.HardwareAddr) ([][]byte, error) {
	forms := []struct {
		op     arp.Operation
		target net.HardwareAddr
	}{
		{arp.OperationRequest, make(net.HardwareAddr, len(mac))},
		{arp.OperationReply, mac},
	}
	var frames [][]byte
	for _, form := range forms {
		p, err := arp.NewPacket(form.op, mac, vip, form.target, vip)
		if err != nil {
			return nil, fmt.Errorf("build ARP announcement of %s: %w", vip, err)
		}
		payload, err := p.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("build ARP announcement of %s: %w", vip, err)
		}
		frame, err := ethernetFrame(ethernet.Broadcast, mac, ethernet.EtherTypeARP, payload)
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

var (
	allNodes    = netip.MustParseAddr("ff02::1")
	allNodesMAC = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1} // RFC 2464, section 7
)

// unsolicitedNA returns the neighbour advertisement of RFC 4861, section 7.2.6,
// to all nodes: Override set, so that caches take the new address over the old
// one; Solicited clear; Router clear, since a VIP is no router. The frame is built
// down to the Ethernet header, with the VIP as source, so that it needs neither a
// link-local address nor a socket bound to an address that has just appeared.
func unsolicitedNA(vip netip.Addr, mac net.HardwareAddr) ([]byte, error) {
	message, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Override:      true,
		TargetAddress: vip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, vip, allNodes)
	if err != nil {
		return nil, fmt.Errorf("build neighbour advertisement of %s: %w", vip, err)
	}
	const (
		headerLen = 40
		icmpv6    = 58
		hopLimit  = 255 // RFC 4861, section 7.1.2: anything less is discarded
	)
	payload := make([]byte, headerLen, headerLen+len(message))
	payload[0] = 6 << 4
	binary.BigEndian.PutUint16(payload[4:], uint16(len(message)))
	payload[6] = icmpv6
	payload[7] = hopLimit
	copy(payload[8:], vip.AsSlice())
	copy(payload[24:], allNodes.AsSlice())
	payload = append(payload, message...)
	return ethernetFrame(allNodesMAC, mac, ethernet.EtherTypeIPv6, payload)
}

func ethernetFrame(dst, src net.HardwareAddr, kind ethernet.EtherType, payload []byte) ([]byte, error) {
	f := ethernet.Frame{Destination: dst, Source: src, EtherType: kind, Payload: payload}
	b, err := f.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("build Ethernet frame: %w", err)
	}
	return b, nil
}
