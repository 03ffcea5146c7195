package gate

import (
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"github.com/vishvananda/netlink"
)

// keyOf is the address as the maps have it: 16 bytes, IPv4 mapped into IPv6.
func keyOf(a netip.Addr) gateAddr {
	var k gateAddr
	b := a.As16()
	copy((*[16]byte)(unsafe.Pointer(&k.Word))[:], b[:])
	return k
}

func (k gateAddr) addr() netip.Addr {
	return netip.AddrFrom16(*(*[16]byte)(unsafe.Pointer(&k.Word))).Unmap()
}

func macOf(mac net.HardwareAddr) gateMac { return gateMac{Byte: [6]byte(mac)} }

// findLink finds the interface in the network namespace of the calling thread.
func findLink(name string) (int, net.HardwareAddr, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return 0, nil, fmt.Errorf("find interface: %w", err)
	}
	if kind := l.Attrs().EncapType; kind != "ether" {
		return 0, nil, fmt.Errorf("interface is of kind %q: only Ethernet can be guarded", kind)
	}
	return l.Attrs().Index, l.Attrs().HardwareAddr, nil
}
