package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
)

// maxV1 is the longest line of version 1, with its CRLF (section 2.1).
const maxV1 = 107

// AppendV1 appends the header of version 1. One that is Local, or whose addresses are of
// two families, is "PROXY UNKNOWN", as HAProxy writes it.
func AppendV1(b []byte, h Header) []byte {
	src, dst, ok := h.normal()
	if !ok {
		return append(b, "PROXY UNKNOWN\r\n"...)
	}
	if src.Addr().Is4() {
		b = append(b, "PROXY TCP4 "...)
	} else {
		b = append(b, "PROXY TCP6 "...)
	}
	b = src.Addr().AppendTo(b)
	b = append(b, ' ')
	b = dst.Addr().AppendTo(b)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(src.Port()), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(dst.Port()), 10)
	return append(b, "\r\n"...)
}

func parseV1(b []byte) (int, Header, error) {
	text, n := line(b[:min(len(b), maxV1)])
	if n == 0 {
		if len(b) >= maxV1 {
			return 0, Header{}, bad("no CRLF in the first %d bytes", maxV1)
		}
		return 0, Header{}, nil
	}
	fields := bytes.Split(text, []byte(" "))
	switch proto := string(fields[1]); proto {
	case "UNKNOWN": // whatever follows is to be ignored
		return n, Header{Local: true}, nil
	case "TCP4", "TCP6":
		h, err := addressesV1(fields[2:], proto == "TCP4")
		if err != nil {
			return 0, Header{}, err
		}
		return n, h, nil
	default:
		return 0, Header{}, bad("protocol %q, want TCP4, TCP6 or UNKNOWN", proto)
	}
}

// addressesV1 reads source, destination and their ports.
func addressesV1(fields [][]byte, four bool) (Header, error) {
	if len(fields) != 4 {
		return Header{}, bad("%d fields behind the protocol, want 4", len(fields))
	}
	src, err1 := addressV1(fields[0], fields[2], four)
	dst, err2 := addressV1(fields[1], fields[3], four)
	if err1 != nil {
		return Header{}, err1
	}
	return Header{Source: src, Dest: dst}, err2
}

func addressV1(addr, port []byte, four bool) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(string(addr))
	if err != nil || a.Is4() != four || a.Zone() != "" {
		return netip.AddrPort{}, bad("address %q is not valid", addr)
	}
	p, err := strconv.ParseUint(string(port), 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' {
		return netip.AddrPort{}, bad("port %q is not valid", port)
	}
	return netip.AddrPortFrom(a, uint16(p)), nil
}
