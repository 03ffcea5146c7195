package supervise

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// mouth sends datagrams on sockets that are open before they are needed.
type mouth struct{ four, six int } // file descriptors, -1 where there is none

func openMouth() (*mouth, error) {
	const kind = unix.SOCK_DGRAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	m := &mouth{four: -1, six: -1}
	var err4, err6 error
	if m.four, err4 = unix.Socket(unix.AF_INET, kind, 0); err4 != nil {
		m.four = -1
	}
	if m.six, err6 = unix.Socket(unix.AF_INET6, kind, 0); err6 != nil {
		m.six = -1
	}
	if m.four < 0 && m.six < 0 {
		return nil, fmt.Errorf("open socket for the will: %w", errors.Join(err4, err6))
	}
	return m, nil
}

// send hands a datagram to the kernel and never waits.
func (m *mouth) send(p Packet) error {
	fd, addr := m.four, p.To.Addr().Unmap()
	var to unix.Sockaddr
	if addr.Is4() {
		to = &unix.SockaddrInet4{Port: int(p.To.Port()), Addr: addr.As4()}
	} else {
		// The page holds zones by number.
		zone, _ := strconv.ParseUint(addr.Zone(), 10, 32)
		fd, to = m.six, &unix.SockaddrInet6{Port: int(p.To.Port()), Addr: addr.As16(), ZoneId: uint32(zone)}
	}
	if err := unix.Sendto(fd, p.Data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, to); err != nil {
		return fmt.Errorf("send to %s: %w", p.To, err)
	}
	return nil
}

func (m *mouth) close() {
	for _, fd := range []int{m.four, m.six} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
