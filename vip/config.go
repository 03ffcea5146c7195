package vip

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Config describes a Holder. The zero value of every field but Interface has a
// default.
type Config struct {
	// Interface is the name of the network interface that carries the
	// addresses. It may be a VLAN, bond or bridge interface.
	Interface string

	// Guard covers every VIP before it can be on the interface. Nil leaves them
	// open: for tests, and for a host that has no way to guard them.
	Guard Guard

	// Logger receives one record per change of state. Nil discards them.
	Logger *slog.Logger

	// Lifetime is the valid lifetime that addresses are given, in whole seconds.
	// The kernel removes an address that was not refreshed for that long, and
	// up to 1.25 s later, even if the daemon is dead or frozen. By profile: 10 s for
	// lan-fast, 30 s for default, 60 s for wan. Default 30 s.
	Lifetime time.Duration

	// Reconcile is how often the addresses in the kernel are compared with those
	// wanted, besides every netlink event. At most a third of Lifetime. Default
	// 3 s, or what Lifetime allows.
	Reconcile time.Duration

	// Burst holds the times, counted from the claim, at which an address is
	// announced at first. Default 0, 5, 20, 50, 100, 250 ms, 1, 2, 5 s.
	Burst []time.Duration

	// Repeat is the pause between announcements after the burst, give or take a
	// tenth. Default 30 s.
	Repeat time.Duration

	// Gateways are the neighbours that a claim asks first of all to take note of
	// it. Default: the next hops of the default routes through the interface.
	Gateways []netip.Addr

	// FrameRate bounds the frames sent in a second, but for the first
	// announcement of each address and the first questions: switches police control traffic.
	// Default 200.
	FrameRate int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Lifetime == 0 {
		c.Lifetime = 30 * time.Second
	}
	if c.Reconcile == 0 {
		c.Reconcile = min(3*time.Second, c.Lifetime/3)
	}
	if c.Burst == nil {
		const ms = time.Millisecond
		c.Burst = []time.Duration{0, 5 * ms, 20 * ms, 50 * ms, 100 * ms, 250 * ms, time.Second, 2 * time.Second, 5 * time.Second}
	}
	if c.Repeat == 0 {
		c.Repeat = 30 * time.Second
	}
	if c.FrameRate == 0 {
		c.FrameRate = 200
	}
	return c
}

// Validate reports every field that is wrong. Fields that are zero have their
// defaults and are right, but for Interface.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	// Linux: a name fits into IFNAMSIZ with its NUL and has no slash or space.
	if c.Interface == "" || len(c.Interface) > maxName || strings.ContainsAny(c.Interface, "/ \t\n:") {
		bad("interface", "%q is not the name of a network interface", c.Interface)
	}
	// The kernel counts what is left in whole seconds; below 3 s a third of it
	// cannot be told.
	if c.Lifetime < 3*time.Second || c.Lifetime%time.Second != 0 {
		bad("lifetime", "%v must be whole seconds, at least 3 s", c.Lifetime)
	}
	if c.Reconcile <= 0 || c.Reconcile > c.Lifetime/3 {
		bad("reconcile", "%v must be above 0 and at most a third of the lifetime, %v", c.Reconcile, c.Lifetime/3)
	}
	if len(c.Burst) == 0 || c.Burst[0] < 0 || !slices.IsSorted(c.Burst) {
		bad("burst", "%v must be ascending times from 0 on", c.Burst)
	}
	if c.Repeat < time.Second {
		bad("repeat", "%v must be at least 1 s", c.Repeat)
	}
	for _, g := range c.Gateways {
		if !g.IsValid() || g.IsUnspecified() || g.IsMulticast() || g.IsLoopback() || g.Zone() != "" {
			bad("gateways", "%v is not the address of a neighbour", g)
		}
	}
	if c.FrameRate < framesPerVIP {
		bad("frame_rate", "%d must be at least %d", c.FrameRate, framesPerVIP)
	}
	return errors.Join(errs...)
}
