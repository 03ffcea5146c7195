package gate

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
)

// Frames are built by hand: the programs look at bytes, also at those that a
// library would refuse to write.

const (
	etherARP  = 0x0806
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

func ether(src net.HardwareAddr, kind uint16, payload []byte) []byte {
	f := append(slices.Clone([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), src...)
	return append(binary.BigEndian.AppendUint16(f, kind), payload...)
}

// tagged puts VLAN tags of the kinds into a frame.
func tagged(frame []byte, kinds ...uint16) []byte {
	for _, kind := range slices.Backward(kinds) {
		tag := binary.BigEndian.AppendUint16(nil, kind)
		tag = append(tag, 0, 10)
		frame = slices.Insert(slices.Clone(frame), 12, tag...)
	}
	return frame
}

func arpFrame(src net.HardwareAddr, op byte, spa, tpa netip.Addr) []byte {
	p := []byte{0, 1, 8, 0, 6, 4, 0, op}
	p = append(p, src...)
	p = append(p, spa.AsSlice()...)
	p = append(p, make([]byte, 6)...)
	return ether(src, etherARP, append(p, tpa.AsSlice()...))
}

func ipv4Frame(src, dst netip.Addr, fragment uint16, payload ...byte) []byte {
	p := make([]byte, 20)
	p[0], p[8], p[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(p[6:], fragment)
	copy(p[12:], src.AsSlice())
	copy(p[16:], dst.AsSlice())
	return ether(ownMAC, etherIPv4, append(p, payload...))
}

func ipv6Frame(mac net.HardwareAddr, src, dst netip.Addr, next byte, payload ...byte) []byte {
	p := make([]byte, 40)
	p[0], p[6], p[7] = 0x60, next, 255
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	copy(p[8:], src.AsSlice())
	copy(p[24:], dst.AsSlice())
	return ether(mac, etherIPv6, append(p, payload...))
}

// ndFrame is a neighbour solicitation (135) or advertisement (136).
func ndFrame(mac net.HardwareAddr, kind byte, src, dst, target netip.Addr) []byte {
	p := append([]byte{kind, 0, 0, 0, 0x20, 0, 0, 0}, target.AsSlice()...)
	return ipv6Frame(mac, src, dst, 58, p...)
}

// withChecksum completes an ICMPv6 frame; others are returned as they are.
func withChecksum(f []byte) []byte {
	if binary.BigEndian.Uint16(f[12:]) == etherIPv6 && f[20] == 58 {
		binary.BigEndian.PutUint16(f[56:], sum16(f[22:54], f[54:], 58))
	}
	return f
}

// synFrame opens a TCP connection to port 80.
func synFrame(srcMAC, dstMAC net.HardwareAddr, src, dst netip.Addr) []byte {
	tcp := make([]byte, 20)
	binary.BigEndian.PutUint16(tcp, 40000)
	binary.BigEndian.PutUint16(tcp[2:], 80)
	tcp[12], tcp[13], tcp[14] = 5<<4, 2, 0xff // SYN
	binary.BigEndian.PutUint16(tcp[16:], sum16(append(src.AsSlice(), dst.AsSlice()...), tcp, 6))
	var f []byte
	if src.Is4() {
		f = ipv4Frame(src, dst, 0, tcp...)
		binary.BigEndian.PutUint16(f[24:], sum16(nil, f[14:34], 0))
	} else {
		f = ipv6Frame(srcMAC, src, dst, 6, tcp...)
	}
	copy(f, dstMAC)
	copy(f[6:], srcMAC)
	return f
}

// sum16 is that of RFC 1071 over the addresses of a pseudo header, its length
// and protocol, and b; without addresses, over b alone.
func sum16(addrs, b []byte, proto uint32) uint16 {
	sum := proto
	if addrs != nil {
		sum += uint32(len(b))
	}
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
