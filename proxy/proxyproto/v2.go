package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// signature begins every header of version 2 (section 2.2).
const signature = "\r\n\r\n\x00\r\nQUIT\n"

const (
	fixedV2 = len(signature) + 4 // with version and command, family, length

	local = 0x20 // version 2, command LOCAL
	proxy = 0x21 // version 2, command PROXY

	overTCP4 = 0x11
	overTCP6 = 0x21
)

// AppendV2 appends the header of version 2. One that is Local has no addresses. If they
// are of two families, both are written as IPv6.
func AppendV2(b []byte, h Header) []byte {
	b = append(b, signature...)
	src, dst, same := h.normal()
	if h.Local || !src.IsValid() || !dst.IsValid() {
		return append(b, local, 0, 0, 0)
	}
	start := len(b)
	if same && src.Addr().Is4() {
		b = append(b, proxy, overTCP4, 0, 0)
		b = append(b, src.Addr().AsSlice()...)
		b = append(b, dst.Addr().AsSlice()...)
	} else {
		b = append(b, proxy, overTCP6, 0, 0)
		s, d := src.Addr().As16(), dst.Addr().As16()
		b = append(append(b, s[:]...), d[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	if h.TLS != nil {
		b = appendTLS(b, h.TLS)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start-4))
	return b
}

func parseV2(b []byte) (int, Header, error) {
	if len(b) <= len(signature) {
		return 0, Header{}, nil
	}
	command := b[len(signature)]
	if command != local && command != proxy {
		return 0, Header{}, bad("version and command %#02x, want %#02x or %#02x", command, local, proxy)
	}
	if len(b) < fixedV2 {
		return 0, Header{}, nil
	}
	n := fixedV2 + int(binary.BigEndian.Uint16(b[fixedV2-2:]))
	if n > MaxLen {
		return 0, Header{}, bad("the header has %d bytes, more than %d", n, MaxLen)
	}
	if len(b) < n {
		return 0, Header{}, nil
	}
	family, body := b[fixedV2-3], b[fixedV2:n]
	if command == local {
		return n, Header{Local: true}, nil
	}
	size := map[byte]int{overTCP4: 4, overTCP6: 16}[family]
	if size == 0 { // datagrams, AF_UNIX, unspecified: nothing that is of use here
		return n, Header{Local: true}, nil
	}
	if len(body) < 2*size+4 {
		return 0, Header{}, bad("%d bytes are too few for the addresses", len(body))
	}
	src, _ := netip.AddrFromSlice(body[:size])
	dst, _ := netip.AddrFromSlice(body[size : 2*size])
	ports, tlvs := body[2*size:], body[2*size+4:]
	h := Header{
		Source: netip.AddrPortFrom(src, binary.BigEndian.Uint16(ports)),
		Dest:   netip.AddrPortFrom(dst, binary.BigEndian.Uint16(ports[2:])),
	}
	var err error
	h.TLS, err = parseTLVs(b[:n], tlvs)
	if err != nil {
		return 0, Header{}, err
	}
	return n, h, nil
}
