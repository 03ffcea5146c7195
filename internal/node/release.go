package node

import (
	"errors"
	"fmt"
	"net"

	"github.com/amphora-lb/amphora/vip"
	"github.com/amphora-lb/amphora/vip/gate"
)

// ReleaseVIPs removes every VIP that a dead node left on an interface, or on all
// of them when iface is empty, then the gates that guarded them, and names what it
// removed. A gate stays where an address could not be removed, and where a node runs:
// it must not be called on such a host.
func ReleaseVIPs(iface string) ([]string, error) {
	removed, err := vip.ReleaseAll(iface)
	var names []string
	for _, r := range removed {
		names = append(names, fmt.Sprintf("%s from %s", r.Addr, r.Interface))
	}
	if err != nil {
		return names, err
	}
	guarded := []string{iface}
	if iface == "" {
		all, err := net.Interfaces()
		if err != nil {
			return names, fmt.Errorf("list interfaces: %w", err)
		}
		guarded = nil
		for _, i := range all {
			guarded = append(guarded, i.Name)
		}
	}
	var errs []error
	for _, name := range guarded {
		had := gateOn(name)
		if err := gate.Remove(name); err != nil {
			errs = append(errs, err)
		} else if had {
			names = append(names, "the gate of "+name)
		}
	}
	return names, errors.Join(errs...)
}

func gateOn(iface string) bool {
	_, err := gate.Read(iface)
	return err == nil
}
