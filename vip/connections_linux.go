package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dropConnections destroys the TCP connections that the kernel still has for
// addresses that have just been removed, also those that only wait for their time to
// be over (TIME_WAIT); listening sockets stay. Left alone they would answer, when the
// address comes back, for connections that another host has begun meanwhile with the
// same ports: the client's packets were met by a challenge instead of a reset, and the
// stream hung. A kernel that cannot do it (CONFIG_INET_DIAG_DESTROY) does not make the
// removal fail.
//
// It asks in the network namespace of the calling thread.
func dropConnections(addrs map[netip.Addr]bool) error {
	var errs []error
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if !hasFamily(addrs, family) {
			continue
		}
		sockets, err := netlink.SocketDiagTCP(family)
		if err != nil {
			errs = append(errs, fmt.Errorf("list connections: %w", err))
			continue
		}
		for _, s := range sockets {
			local, ok := netip.AddrFromSlice(s.ID.Source)
			if !ok || !addrs[local.Unmap()] || s.State == tcpListen {
				continue
			}
			err := destroySocket(s)
			switch {
			case errors.Is(err, unix.EOPNOTSUPP):
				return nil
			case err != nil && !errors.Is(err, unix.ENOENT):
				errs = append(errs, fmt.Errorf("drop connection of %s: %w", local, err))
			}
		}
	}
	return errors.Join(errs...)
}

func hasFamily(addrs map[netip.Addr]bool, family uint8) bool {
	for addr := range addrs {
		if addr.Is4() == (family == unix.AF_INET) {
			return true
		}
	}
	return false
}

// tcpListen is TCP_LISTEN of include/net/tcp_states.h.
const tcpListen = 10

func destroySocket(s *netlink.Socket) error {
	req := nl.NewNetlinkRequest(nl.SOCK_DESTROY, unix.NLM_F_ACK)
	req.AddRawData(diagRequest(s))
	_, err := req.Execute(unix.NETLINK_INET_DIAG, 0)
	return err
}

// diagRequest is struct inet_diag_req_v2 of include/uapi/linux/inet_diag.h.
func diagRequest(s *netlink.Socket) []byte {
	const idAt, size = 8, 56
	b := make([]byte, size)
	b[0], b[1] = s.Family, unix.IPPROTO_TCP
	id := b[idAt:]
	binary.BigEndian.PutUint16(id[0:], s.ID.SourcePort)
	binary.BigEndian.PutUint16(id[2:], s.ID.DestinationPort)
	src, dst := s.ID.Source.To4(), s.ID.Destination.To4()
	if s.Family == unix.AF_INET6 {
		src, dst = s.ID.Source.To16(), s.ID.Destination.To16()
	}
	copy(id[4:20], src)
	copy(id[20:36], dst)
	binary.NativeEndian.PutUint32(id[36:], s.ID.Interface)
	binary.NativeEndian.PutUint32(id[40:], s.ID.Cookie[0])
	binary.NativeEndian.PutUint32(id[44:], s.ID.Cookie[1])
	return b
}
