package lb

import (
	"net/netip"
	"slices"
)

const (
	vipDeviceOwner = "Octavia" // of a port that is a VIP
	maxFixedIPs    = 64        // of one port
)

// deviceOf is the device that a VIP's port belongs to.
func deviceOf(id LoadBalancerID, prefix string) string { return prefix + "lb-" + string(id) }

func (o CreatePort) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	p, c := &Port{ID: PortID(id), Meta: Meta{AdminStateUp: true}}, &checker{kind: KindPort}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, p)
	if c.err() == nil {
		o.Spec.allocate(c, &e.Config, p)
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	p.MAC = macOf(p.ID)
	e.created(&p.Meta)
	for _, ip := range p.FixedIPs {
		e.take(ip, p.ID)
	}
	e.refer(nil, p.refs())
	e.ports = e.ports.With(p.ID, attachment{port: p})
	return e.wrote(KindPort, id, p), nil
}

// apply stores a port that came with a load balancer from now on.
func (o UpdatePort) apply(e *edit) (Result, error) {
	a, ok := e.ports.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindPort, string(o.ID))
	}
	p := *e.port(o.ID, a)
	if err := precondition(KindPort, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindPort, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &p)
	if a.owner != "" && (p.DeviceID != deviceOf(a.owner, "") || p.DeviceOwner != vipDeviceOwner) {
		c.add(ErrInUse, "device_id", "is the VIP of load balancer %s, delete that first", a.owner)
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setPort(a, &p), nil
}

func (o DeletePort) apply(e *edit) (Result, error) {
	a, ok := e.ports.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindPort, string(o.ID))
	}
	p := e.port(o.ID, a)
	if err := precondition(KindPort, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	if a.owner != "" {
		c := &checker{kind: KindPort, id: string(o.ID)}
		c.add(ErrInUse, "", "is the VIP of load balancer %s, delete that first", a.owner)
		return Result{}, c.err()
	}
	return e.forgetPort(p), nil
}

// setPort stores a changed port.
func (e *edit) setPort(a attachment, p *Port) Result {
	var before []string
	if a.port != nil {
		before = a.port.refs()
	}
	e.updated(&p.Meta)
	e.refer(before, p.refs())
	a.port, a.vip = p, 0
	e.ports = e.ports.With(p.ID, a)
	return e.wrote(KindPort, string(p.ID), p)
}

// forgetPort deletes a port that is stored.
func (e *edit) forgetPort(p *Port) Result {
	for _, ip := range p.FixedIPs {
		e.giveBack(ip)
	}
	e.refer(p.refs(), nil)
	e.ports = e.ports.Without(p.ID)
	return e.deleted(KindPort, string(p.ID))
}

func (e *edit) take(ip FixedIP, port PortID) {
	n, _ := e.subnets.Get(ip.SubnetID)
	e.subnets = e.subnets.With(ip.SubnetID, n.with(ip.Address, port))
}

func (e *edit) giveBack(ip FixedIP) {
	n, _ := e.subnets.Get(ip.SubnetID)
	e.subnets = e.subnets.With(ip.SubnetID, n.without(ip.Address))
}

// refs returns the ids of what the port refers to.
func (p *Port) refs() []string {
	ids := []string{string(p.NetworkID)}
	for _, id := range p.SecurityGroupIDs {
		ids = append(ids, string(id))
	}
	if p.QoSPolicyID != "" {
		ids = append(ids, string(p.QoSPolicyID))
	}
	return ids
}

func (spec PortSpec) fill(c *checker, cfg *Config, p *Port) {
	spec.MetaSpec.fill(c, &p.Meta)
	spec.fillProject(c, &p.Meta)
	if requiredFixed(c, "network_id", &p.NetworkID, spec.NetworkID) && !cfg.networks.Has(p.NetworkID) {
		c.missing("network_id", KindNetwork, string(p.NetworkID))
	}
	if !c.creating() && !spec.FixedIPs.IsAbsent() && !spec.sameIPs(p) {
		c.invalid("fixed_ips", "cannot be changed after creation")
	}
	optional(&p.DeviceID, spec.DeviceID, "")
	c.text("device_id", p.DeviceID, maxText)
	optional(&p.DeviceOwner, spec.DeviceOwner, "")
	c.text("device_owner", p.DeviceOwner, maxText)
	optional(&p.SecurityGroupIDs, spec.SecurityGroupIDs, nil)
	for _, id := range p.SecurityGroupIDs {
		if !cfg.groups.Has(id) {
			c.missing("security_groups", KindSecurityGroup, string(id))
		}
	}
	optional(&p.QoSPolicyID, spec.QoSPolicyID, "")
	if p.QoSPolicyID != "" && !cfg.qos.Has(p.QoSPolicyID) {
		c.missing("qos_policy_id", KindQoSPolicy, string(p.QoSPolicyID))
	}
}

// sameIPs reports whether the spec names the addresses that p has.
func (spec PortSpec) sameIPs(p *Port) bool {
	ips, _ := spec.FixedIPs.Get()
	return slices.EqualFunc(ips, p.FixedIPs, func(s FixedIPSpec, ip FixedIP) bool {
		subnet, named := s.SubnetID.Get()
		address, given := s.Address.Get()
		return (named || given) && (!named || subnet == ip.SubnetID) && (!given || address == ip.Address)
	})
}

// allocate gives a port that is new its addresses.
func (spec PortSpec) allocate(c *checker, cfg *Config, p *Port) {
	const field = "fixed_ips"
	segment, _ := cfg.networks.Get(p.NetworkID)
	ips, given := spec.FixedIPs.Get()
	if !given {
		p.FixedIPs = cfg.firstFree(segment)
		if len(p.FixedIPs) == 0 && len(segment.subnets) > 0 {
			c.conflict(field, "the subnets of network %s are full, give back an address first", p.NetworkID)
		}
		return
	}
	if len(ips) > maxFixedIPs {
		c.invalid(field, "has %d addresses, at most %d are allowed", len(ips), maxFixedIPs)
		return
	}
	for _, ip := range ips {
		n, ok := c.portSubnet(cfg, segment, p, ip)
		if !ok {
			continue
		}
		// What the port itself has taken so far counts as well.
		for _, own := range p.FixedIPs {
			if own.SubnetID == n.subnet.ID {
				n = n.with(own.Address, p.ID)
			}
		}
		a, asked := ip.Address.Get()
		if asked && !c.hostAddress(cfg, field, n, a) {
			continue
		}
		if !asked {
			if a, ok = n.free(); !ok {
				c.conflict(field, "subnet %s is full: all %d addresses of its allocation ranges are taken", n.subnet.ID, n.subnet.size())
				continue
			}
		}
		p.FixedIPs = append(p.FixedIPs, FixedIP{n.subnet.ID, a})
	}
}

// portSubnet finds the subnet of an address of a port.
func (c *checker) portSubnet(cfg *Config, s segment, p *Port, ip FixedIPSpec) (addresses, bool) {
	const field = "fixed_ips"
	id, named := ip.SubnetID.Get()
	if named {
		n, ok := cfg.subnets.Get(id)
		switch {
		case !ok:
			c.missing(field, KindSubnet, string(id))
		case n.subnet.NetworkID != p.NetworkID:
			c.invalid(field, "subnet %s is of network %s, use one of network %s", id, n.subnet.NetworkID, p.NetworkID)
		default:
			return n, true
		}
		return addresses{}, false
	}
	a, given := ip.Address.Get()
	if !given {
		c.invalid(field, "has an entry without subnet_id and ip_address, give one of them")
		return addresses{}, false
	}
	if n, ok := cfg.subnetWith(s, a); ok {
		return n, true
	}
	c.invalid(field, "%s is in no subnet of network %s", a, p.NetworkID)
	return addresses{}, false
}

// subnetWith returns the subnet of a network that a lies in.
func (c *Config) subnetWith(s segment, a netip.Addr) (addresses, bool) {
	for _, id := range s.subnets {
		if n, _ := c.subnets.Get(id); n.subnet.CIDR.Contains(a) {
			return n, true
		}
	}
	return addresses{}, false
}

// firstFree returns a free address of a network, of the first IPv4 subnet that has one,
// or else of the last IPv6 subnet, as Octavia chooses; none if all are full.
func (c *Config) firstFree(s segment) []FixedIP {
	var best []FixedIP
	for _, id := range s.subnets {
		n, _ := c.subnets.Get(id)
		a, ok := n.free()
		if !ok {
			continue
		}
		best = []FixedIP{{id, a}}
		if a.Is4() {
			break
		}
	}
	return best
}

// hostAddress checks an address that was asked for. It may lie outside the allocation
// ranges: these only bound what is given out unasked.
func (c *checker) hostAddress(cfg *Config, field string, n addresses, a netip.Addr) bool {
	all := hosts(n.subnet.CIDR)
	switch {
	case !c.address(field, a):
	case !n.subnet.CIDR.Contains(a):
		c.invalid(field, "%s is outside %s of subnet %s", a, n.subnet.CIDR, n.subnet.ID)
	case !all.Contains(a):
		c.invalid(field, "%s is the network or broadcast address of %s, use one of %s", a, n.subnet.CIDR, all)
	case a == n.subnet.Gateway:
		c.invalid(field, "%s is the gateway of subnet %s", a, n.subnet.ID)
	default:
		port, taken := n.holder(a)
		if !taken {
			return true
		}
		c.conflict(field, "%s is %s", a, cfg.portText(port))
	}
	return false
}

// portText says what an address is: of a port, or the VIP of a load balancer.
func (c *Config) portText(id PortID) string {
	if b, ok := c.PortOwner(id); ok {
		return "the VIP of load balancer " + string(b)
	}
	return "an address of port " + string(id)
}
