package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/amphora-lb/amphora/chaos/relay"
	"github.com/amphora-lb/amphora/internal/netns"
)

// cabling puts a relay between a host's port and the switch.
type cabling struct {
	host  *Host
	cable relay.Cable

	port, inner string // a cable of its own from the switch to the relay
	stop        context.CancelFunc
	done        chan error
}

// BadCable makes the host's cable late, unordered and unreliable, as the relay's
// cable says.
func BadCable(h *Host, cable relay.Cable) Fault {
	return &cabling{host: h, cable: cable, port: "relay" + h.port, inner: "inner" + h.port}
}

// String implements Fault.
func (c *cabling) String() string {
	return fmt.Sprintf("bad cable of %s: %v", c.host.Name, c.cable)
}

func (c *cabling) apply(ctx context.Context) error {
	lab := c.host.lab
	hub := lab.net
	if err := netns.Veth(hub, c.port, hub, c.inner); err != nil {
		return err
	}
	err := errors.Join(lab.setGroup(c.port, c.host.linkGroup), hub.Up(c.inner, c.port))
	if err != nil {
		return err
	}
	// A port that is attached before the kernel has seen its carrier forwards only
	// when the kernel looks again, which is up to a second later.
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := until(wait, func() error { return lab.operational(c.port) }); err != nil {
		return err
	}
	a, errA := hub.Interface(c.host.port)
	b, errB := hub.Interface(c.inner)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	r, err := relay.Open(hub.Do, a.Index, b.Index, c.cable)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop, c.done = stop, make(chan error, 1)
	go func() { c.done <- r.Run(running) }()
	return errors.Join(hub.Attach(c.port, "switch"), hub.Detach(c.host.port))
}

func (c *cabling) heal(context.Context) error {
	hub := c.host.lab.net
	var errs []error
	if c.stop != nil {
		errs = append(errs, hub.Attach(c.host.port, "switch"))
	}
	if err := hub.DelLink(c.port); err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) {
		errs = append(errs, err)
	}
	if c.stop != nil {
		c.stop()
		errs = append(errs, <-c.done)
		c.stop = nil
	}
	return errors.Join(errs...)
}

// setGroup puts a link of the switch into a group, for the filter.
func (l *Lab) setGroup(name string, group int) error {
	nl := l.net.Netlink()
	found, err := nl.LinkByName(name)
	if err == nil {
		err = nl.LinkSetGroup(found, group)
	}
	if err != nil {
		return fmt.Errorf("set group of link %s: %w", name, err)
	}
	return nil
}

// operational returns nil once the kernel takes a link of the switch for usable.
func (l *Lab) operational(name string) error {
	found, err := l.net.Netlink().LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if state := found.Attrs().OperState; state != netlink.OperUp {
		return fmt.Errorf("link %s is %s, not up", name, state)
	}
	return nil
}
