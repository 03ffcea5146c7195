package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Advise tells what on this host works against the VIPs on the interface and is for
// the operator to change: New logs it, and nothing here changes a setting of the
// host. Nothing to tell is nil.
//
// Linux answers ARP for an address of any interface on all of them (arp_ignore 0),
// so that another interface in the same network answers for the VIPs with its own
// hardware address; what comes in there does not pass the guard.
func Advise(iface string) ([]string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	subnets := map[string][]netip.Prefix{}
	for _, ifi := range all {
		if ifi.Flags&net.FlagUp == 0 || len(ifi.HardwareAddr) != 6 {
			continue
		}
		if subnets[ifi.Name], err = subnets4(ifi); err != nil {
			return nil, err
		}
	}
	var advice []string
	for _, ifi := range all {
		if ifi.Name == iface || !overlap(subnets[ifi.Name], subnets[iface]) {
			continue
		}
		ignore, err := arpIgnore(ifi.Name)
		if err != nil {
			return advice, err
		}
		if ignore == 0 {
			advice = append(advice, fmt.Sprintf(
				"interface %[1]s is in the network of %[2]s too and answers ARP for the VIPs: set net.ipv4.conf.%[1]s.arp_ignore=1 and net.ipv4.conf.%[1]s.arp_announce=2",
				ifi.Name, iface))
		}
	}
	return advice, nil
}

// subnets4 lists the IPv4 networks of an interface.
func subnets4(ifi net.Interface) ([]netip.Prefix, error) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifi.Name, err)
	}
	var subnets []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.IsSingleIP() {
			subnets = append(subnets, p.Masked())
		}
	}
	return subnets, nil
}

func overlap(a, b []netip.Prefix) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}

// arpIgnore is the setting in force: the higher of that of the interface and that
// of all (ip-sysctl.rst of the kernel).
func arpIgnore(iface string) (int, error) {
	highest := 0
	for _, name := range []string{"all", iface} {
		b, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/arp_ignore")
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just gone
		}
		if err != nil {
			return 0, fmt.Errorf("read arp_ignore of %s: %w", name, err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			return 0, fmt.Errorf("read arp_ignore of %s: %w", name, err)
		}
		highest = max(highest, n)
	}
	return highest, nil
}
