package vip

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Check reports all that keeps this process from holding addresses on the
// interface: an interface that does not exist or cannot carry announcements, a
// kernel that is too old, a privilege that is missing. It tries the privileges
// rather than reading them, since those of a container may not reach the network
// namespace; the attempts change nothing.
func Check(iface string) error {
	return errors.Join(checkInterface(iface), checkKernel(), checkPrivileges())
}

func checkInterface(iface string) error {
	all, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	var names []string
	for _, ifi := range all {
		switch {
		case ifi.Name != iface:
			names = append(names, ifi.Name)
		case ifi.Flags&net.FlagLoopback != 0 || len(ifi.HardwareAddr) != 6:
			return fmt.Errorf("interface %q: has no Ethernet address, so a VIP on it cannot be announced: name the interface that faces the clients", iface)
		default:
			return nil
		}
	}
	return fmt.Errorf("interface %q: %w: this host has %s", iface, errNoInterface, strings.Join(names, ", "))
}

// checkKernel looks for 5.18, the first to keep the protocol of an address.
// Before, the attribute is ignored and our addresses cannot be told from others.
func checkKernel() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Errorf("read kernel version: %w", err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	if !kernelAtLeast(release, 5, 18) {
		return fmt.Errorf("kernel %s: Linux 5.18 or later is needed to mark addresses with their owner", release)
	}
	return nil
}

// kernelAtLeast understands "6.1.0-13-amd64". What it does not understand it
// lets pass.
func kernelAtLeast(release string, major, minor int) bool {
	parts := strings.SplitN(release, ".", 3)
	if len(parts) < 2 {
		return true
	}
	digits := func(s string) string {
		if i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			return s[:i]
		}
		return s
	}
	gotMajor, err1 := strconv.Atoi(digits(parts[0]))
	gotMinor, err2 := strconv.Atoi(digits(parts[1]))
	if err1 != nil || err2 != nil {
		return true
	}
	return gotMajor > major || gotMajor == major && gotMinor >= minor
}

func checkPrivileges() error {
	var missing []string
	mayAdmin, err := mayConfigure()
	if err != nil {
		return err
	}
	if !mayAdmin {
		missing = append(missing, "CAP_NET_ADMIN (to add addresses)")
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	switch {
	case err == nil:
		_ = unix.Close(fd)
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		missing = append(missing, "CAP_NET_RAW (to announce them)")
	default:
		return fmt.Errorf("open packet socket: %w", err)
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("missing %s: run as root, or grant it with AmbientCapabilities= in the systemd unit or with setcap cap_net_admin,cap_net_raw+ep on the program", strings.Join(missing, " and "))
}

// mayConfigure asks the kernel to delete an address from interface 0, which does
// not exist. The privilege is checked before the interface.
func mayConfigure() (bool, error) {
	s, err := openRequests()
	if err != nil {
		return false, err
	}
	defer s.Close()
	req := nl.NewNetlinkRequest(unix.RTM_DELADDR, unix.NLM_F_ACK)
	req.AddData(nl.NewIfAddrmsg(unix.AF_INET))
	_, err = execute(s, req, 0)
	return !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES), nil
}
