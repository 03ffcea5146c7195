package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenControl prepares a listening socket before it is bound. IP_FREEBIND lets
// it be bound to a VIP that the other amphora holds. The options that accepted
// connections inherit are set here, once.
func listenControl(network, _ string, raw syscall.RawConn) error {
	var err error
	set := func(fd, level, opt, value int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, opt, value)
		}
	}
	ctlErr := raw.Control(func(handle uintptr) {
		fd := int(handle)
		set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		set(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		set(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if network == "tcp6" {
			set(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
		} else {
			set(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
		}
	})
	return errors.Join(ctlErr, err)
}

// explainListen adds to a bind error what the operator can do about it.
func explainListen(addr netip.AddrPort, err error) error {
	hint := "see the log of this amphora"
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		hint = "another process on this amphora uses the port, stop it or move the listener to another port"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		hint = "this amphora may not use ports below 1024, give it CAP_NET_BIND_SERVICE or use a higher port"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		hint = "this amphora cannot bind the address, check the address family and the interface"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		hint = "this amphora has no file descriptors left, raise LimitNOFILE"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Errorf("listen on %v: %w: %s", addr, errno, hint)
	}
	return fmt.Errorf("listen on %v: %w", addr, err)
}
