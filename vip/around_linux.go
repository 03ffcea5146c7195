package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// far are addresses that no host has and that only a default route leads to: the
// dummy address of RFC 7600, section 4.8, and the first of the global unicast space.
var far = []netip.Addr{netip.MustParseAddr("192.0.0.8"), netip.MustParseAddr("2000::")}

func (k *rtnl) around(index int) ([]peer, error) {
	neighbours, err := listNeighbours(k.requests, index)
	if err != nil {
		return nil, err
	}
	var peers []peer
	add := func(p peer) {
		if !slices.ContainsFunc(peers, func(q peer) bool { return q.addr == p.addr }) {
			peers = append(peers, p)
		}
	}
	gateways := k.gateways
	if len(gateways) == 0 {
		for _, addr := range far {
			gateway, err := nextHop(k.requests, index, addr)
			if err != nil {
				return nil, err
			}
			if gateway.IsValid() {
				gateways = append(gateways, gateway)
			}
		}
	}
	for _, addr := range gateways {
		p := peer{addr: addr, gateway: true}
		if i := slices.IndexFunc(neighbours, func(n neighbour) bool { return n.addr == addr }); i >= 0 {
			p.mac = neighbours[i].mac
		}
		add(p)
	}
	for _, n := range neighbours {
		if len(peers) == len(gateways)+2*maxHot {
			break // of each family as many as may be asked, unless one has more
		}
		add(n.peer)
	}
	return peers, nil
}

// neighbour is an entry of the neighbour table.
type neighbour struct {
	peer
	used uint32 // how long ago, in clock ticks
}

// listNeighbours returns the entries with a hardware address, the ones used last
// first.
func listNeighbours(s *nl.NetlinkSocket, index int) ([]neighbour, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETNEIGH, unix.NLM_F_DUMP)
	req.AddData(&neighbourMessage{})
	req.AddData(nl.NewRtAttr(unix.NDA_IFINDEX, nl.Uint32Attr(uint32(index))))
	msgs, err := execute(s, req, unix.RTM_NEWNEIGH)
	if err != nil {
		return nil, fmt.Errorf("list neighbours: %w", err)
	}
	var all []neighbour
	for _, msg := range msgs {
		if n, ok := parseNeighbour(msg, index); ok {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b neighbour) int { return int(int64(a.used) - int64(b.used)) })
	return all, nil
}

// neighbourMessage is struct ndmsg of linux/neighbour.h, all zero.
type neighbourMessage struct{}

// Len is the length of the message.
func (neighbourMessage) Len() int { return unix.SizeofNdMsg }

// Serialize returns the message.
func (neighbourMessage) Serialize() []byte { return make([]byte, unix.SizeofNdMsg) }

func parseNeighbour(msg []byte, index int) (neighbour, bool) {
	const known = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT
	native := nl.NativeEndian()
	if len(msg) < unix.SizeofNdMsg || int(native.Uint32(msg[4:])) != index || native.Uint16(msg[8:])&known == 0 {
		return neighbour{}, false
	}
	attrs, err := nl.ParseRouteAttr(msg[unix.SizeofNdMsg:])
	if err != nil {
		return neighbour{}, false
	}
	var n neighbour
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.NDA_DST:
			n.addr, _ = netip.AddrFromSlice(a.Value)
		case unix.NDA_LLADDR:
			n.mac = net.HardwareAddr(slices.Clone(a.Value))
		case unix.NDA_CACHEINFO: // struct nda_cacheinfo: confirmed, used, updated, refcnt
			if len(a.Value) >= 8 {
				n.used = native.Uint32(a.Value[4:])
			}
		}
	}
	unicast := len(n.mac) == 6 && n.mac[0]&1 == 0
	return n, n.addr.IsValid() && !n.addr.IsMulticast() && unicast
}

// nextHop returns the gateway on the way to addr through the interface, invalid if
// there is none.
func nextHop(s *nl.NetlinkSocket, index int, addr netip.Addr) (netip.Addr, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETROUTE, 0)
	family := uint8(unix.AF_INET)
	if addr.Is6() {
		family = unix.AF_INET6
	}
	req.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{Family: family, Dst_len: uint8(addr.BitLen())}})
	req.AddData(nl.NewRtAttr(unix.RTA_DST, addr.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	msgs, err := execute(s, req, unix.RTM_NEWROUTE)
	var errno unix.Errno
	if errors.As(err, &errno) {
		return netip.Addr{}, nil // no way there: unreachable, prohibited, a link that is down
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look for the gateway: %w", err)
	}
	for _, msg := range msgs {
		if len(msg) < unix.SizeofRtMsg {
			continue
		}
		attrs, err := nl.ParseRouteAttr(msg[unix.SizeofRtMsg:])
		if err != nil {
			return netip.Addr{}, fmt.Errorf("look for the gateway: %w", err)
		}
		for _, a := range attrs {
			if a.Attr.Type == unix.RTA_GATEWAY {
				gateway, _ := netip.AddrFromSlice(a.Value)
				return gateway, nil
			}
		}
	}
	return netip.Addr{}, nil
}
