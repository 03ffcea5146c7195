package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/vip"
	"github.com/amphora-lb/amphora/vip/gate"
)

// Check reports what keeps this host and user from running the configuration.
func Check(cfg Config) error {
	var errs []error
	if _, err := cfg.clusterKey(); err != nil {
		errs = append(errs, err)
	}
	if _, err := cfg.Barbican.source(); err != nil {
		errs = append(errs, err)
	}
	if cfg.Role == RoleAmphora && !cfg.Bind.IsValid() {
		if err := vip.Check(cfg.VIP.Interface); err != nil {
			errs = append(errs, fmt.Errorf("this node cannot hold VIPs: %w", err))
		}
		errs = append(errs, cfg.checkEvidence())
	}
	return errors.Join(errs...)
}

// checkEvidence refuses this host's own addresses as evidence of the network: they
// answer also when the cable is out.
func (c Config) checkEvidence() error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("list own addresses: %w", err)
	}
	var errs []error
	for _, a := range own {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if addr := prefix.Addr().Unmap(); slices.Contains(c.VIP.Gateways, addr) || slices.Contains(c.VIP.TieBreakers, addr) {
			errs = append(errs, fmt.Errorf("vip.gateways, vip.tie_breakers: %s is an address of this host, name other hosts", addr))
		}
	}
	return errors.Join(errs...)
}

// Examine is Check with what takes longer: whether this host allows a gate, and whether
// Barbican lets the node in. Advice is what works in spite of it but should be known, for
// people.
func Examine(ctx context.Context, cfg Config) (advice []string, err error) {
	if err := Check(cfg); err != nil {
		return nil, err
	}
	if barbican, err := cfg.Barbican.source(); err == nil && barbican != nil {
		if err := barbican.Check(ctx); err != nil {
			advice = append(advice, fmt.Sprintf("barbican: what it stores cannot be served until this works: %v", err))
		}
	}
	if cfg.Role != RoleAmphora || cfg.Bind.IsValid() {
		return advice, nil
	}
	if cfg.VIP.UnsafeNoGate {
		advice = append(advice, "vip.unsafe_no_gate is set: a frozen holder goes on answering for the VIPs beside the next one")
	} else {
		found, refused, err := gate.Check(cfg.VIP.Interface)
		switch {
		case err != nil:
			return nil, noGate(err)
		case found != gate.BPF:
			advice = append(advice, fmt.Sprintf("the kernel refuses BPF, %s guards the VIPs less exactly, and open connections do not outlive a planned move: %v", found, refused))
		}
	}
	host, err := vip.Advise(cfg.VIP.Interface)
	return append(advice, host...), err
}
