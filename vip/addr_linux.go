package vip

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ifaProto is IFA_PROTO of linux/if_addr.h. The netlink library does not know
// it, which is why the address messages are put together here.
const ifaProto = 11

func listAddrs(s *nl.NetlinkSocket) ([]address, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfAddrmsg(unix.AF_UNSPEC))
	msgs, err := execute(s, req, unix.RTM_NEWADDR)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	addrs := make([]address, 0, len(msgs))
	for _, msg := range msgs {
		a, err := parseAddr(msg)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func parseAddr(msg []byte) (address, error) {
	if len(msg) < unix.SizeofIfAddrmsg {
		return address{}, fmt.Errorf("read address: message of %d bytes is too short", len(msg))
	}
	info := nl.DeserializeIfAddrmsg(msg)
	attrs, err := nl.ParseRouteAttr(msg[unix.SizeofIfAddrmsg:])
	if err != nil {
		return address{}, fmt.Errorf("read address: %w", err)
	}
	a := address{index: int(info.Index), valid: forever}
	var addr, local netip.Addr // local differs on a point-to-point link
	for _, attr := range attrs {
		switch attr.Attr.Type {
		case unix.IFA_ADDRESS:
			addr, _ = netip.AddrFromSlice(attr.Value)
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(attr.Value)
		case unix.IFA_LABEL:
			a.label = string(bytes.TrimRight(attr.Value, "\x00"))
		case ifaProto:
			if len(attr.Value) > 0 {
				a.proto = attr.Value[0]
			}
		case unix.IFA_CACHEINFO:
			if len(attr.Value) >= unix.SizeofIfaCacheinfo {
				if s := nl.DeserializeIfaCacheInfo(attr.Value).Valid; s != math.MaxUint32 {
					a.valid = time.Duration(s) * time.Second
				}
			}
		}
	}
	if local.IsValid() {
		addr = local
	}
	if !addr.IsValid() {
		return address{}, errors.New("read address: the message has no address")
	}
	a.prefix = netip.PrefixFrom(addr, int(info.Prefixlen))
	return a, nil
}

// batch is how many addresses one request to the kernel carries.
const batch = 64

func (k *rtnl) put(index int, addrs []netip.Addr, lifetime time.Duration, refresh bool) map[netip.Addr]error {
	verb := "add"
	if refresh {
		verb = "refresh"
	}
	var wrong map[netip.Addr]error
	for chunk := range slices.Chunk(addrs, batch) {
		var reqs []*nl.NetlinkRequest
		for _, addr := range chunk {
			reqs = append(reqs, k.newAddr(index, addr, lifetime, refresh))
		}
		for i, err := range executeBatch(k.requests, reqs) {
			wrong = with(wrong, chunk[i], fmt.Errorf("%s address %s on %s: %w", verb, chunk[i], k.iface, err))
		}
	}
	return wrong
}

func with(m map[netip.Addr]error, addr netip.Addr, err error) map[netip.Addr]error {
	if m == nil {
		m = map[netip.Addr]error{}
	}
	m[addr] = err
	return m
}

func (k *rtnl) newAddr(index int, addr netip.Addr, lifetime time.Duration, refresh bool) *nl.NetlinkRequest {
	// An add that must be new never takes over what somebody else has put there
	// since the last look.
	flags := unix.NLM_F_CREATE | unix.NLM_F_EXCL
	if refresh {
		flags = unix.NLM_F_REPLACE
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, flags)
	a := address{index: index, prefix: netip.PrefixFrom(addr, addr.BitLen())}
	if addr.Is4() {
		a.label = label(k.iface)
	}
	addAddrData(req, a)
	seconds := uint32(lifetime / time.Second)
	cache := nl.IfaCacheInfo{IfaCacheinfo: unix.IfaCacheinfo{Valid: seconds, Prefered: seconds}} //nolint:misspell // the kernel's spelling
	if addr.Is6() {
		// No duplicate address detection, which would take a second and which the
		// lease makes needless. Deprecated (RFC 4862, section 5.5.4), so that the
		// host does not choose the VIP as source of its own connections, which
		// would break when the VIP moves. An IPv4 /32 is not chosen while the
		// interface has an address of the subnet.
		req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(unix.IFA_F_NODAD|unix.IFA_F_NOPREFIXROUTE)))
		cache.Prefered = 0 //nolint:misspell // the kernel's spelling
	}
	req.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, cache.Serialize()))
	req.AddData(nl.NewRtAttr(ifaProto, []byte{Protocol}))
	return req
}

func (k *rtnl) remove(addrs []address) map[netip.Addr]error {
	wrong := removeAddrs(k.requests, addrs)
	gone := map[netip.Addr]bool{}
	for _, a := range addrs {
		if addr := a.prefix.Addr(); wrong[addr] == nil {
			gone[addr] = true
		}
	}
	// An error here must not make it look as if an address were still there.
	_ = dropConnections(gone)
	return wrong
}

func removeAddrs(s *nl.NetlinkSocket, addrs []address) map[netip.Addr]error {
	var wrong map[netip.Addr]error
	for chunk := range slices.Chunk(addrs, batch) {
		var reqs []*nl.NetlinkRequest
		for _, a := range chunk {
			req := nl.NewNetlinkRequest(unix.RTM_DELADDR, 0)
			addAddrData(req, a)
			reqs = append(reqs, req)
		}
		for i, err := range executeBatch(s, reqs) {
			if !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.ENODEV) {
				wrong = with(wrong, chunk[i].prefix.Addr(), fmt.Errorf("delete address %s: %w", chunk[i].prefix, err))
			}
		}
	}
	return wrong
}

func addAddrData(req *nl.NetlinkRequest, a address) {
	family := unix.AF_INET
	if a.prefix.Addr().Is6() {
		family = unix.AF_INET6
	}
	msg := nl.NewIfAddrmsg(family)
	msg.Index = uint32(a.index)
	msg.Prefixlen = uint8(a.prefix.Bits())
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, a.prefix.Addr().AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, a.prefix.Addr().AsSlice()))
	if a.label != "" {
		req.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(a.label)))
	}
}

// label is what ip(8) shows beside our IPv4 addresses. It must begin with the
// name of the interface and a colon; a name that leaves no room stands alone.
func label(iface string) string {
	s := iface + ":amphora"
	return strings.TrimSuffix(s[:min(len(s), maxName)], ":")
}
