package lb

import (
	"net/netip"
	"slices"
)

// everyVIP returns the VIPs of the load balancer with their subnets and ports, the first
// one first.
func (b *LoadBalancer) everyVIP() []AdditionalVIP {
	first := AdditionalVIP{SubnetID: b.VIPSubnetID, Address: b.VIPAddress, PortID: b.VIPPortID}
	return append([]AdditionalVIP{first}, b.AdditionalVIPs...)
}

// attachVIPs takes the addresses of a new load balancer, or marks the client's ports that
// have them.
func (e *edit) attachVIPs(b *LoadBalancer) {
	for i, v := range b.everyVIP() {
		a, ok := e.ports.Get(v.PortID)
		switch {
		case !ok:
			e.take(FixedIP{v.SubnetID, v.Address}, v.PortID)
			e.ports = e.ports.With(v.PortID, attachment{owner: b.ID, vip: i})
		case a.owner == "":
			p := *a.port
			p.DeviceID, p.DeviceOwner, a.owner = deviceOf(b.ID, ""), vipDeviceOwner, b.ID
			e.setPort(a, &p)
		}
	}
}

// detachVIPs gives back what attachVIPs took: ports that came with the load balancer go
// with it, a client's is free again.
func (e *edit) detachVIPs(b *LoadBalancer) {
	for _, v := range b.everyVIP() {
		a, ok := e.ports.Get(v.PortID)
		switch {
		case !ok || a.owner == "": // this VIP has the port of an earlier one
		case a.port == nil:
			e.giveBack(FixedIP{v.SubnetID, v.Address})
			e.ports = e.ports.Without(v.PortID)
		case a.port.Owned:
			e.forgetPort(a.port)
		default:
			p := *a.port
			p.DeviceID, p.DeviceOwner, a.owner = "", "", ""
			e.setPort(a, &p)
		}
	}
}

// followVIPs gives the ports of the VIPs that are stored the security groups and the QoS
// policy of the load balancer, as far as a command has set them.
func (e *edit) followVIPs(b *LoadBalancer, groups, policy bool) {
	if !groups && !policy {
		return
	}
	for _, v := range b.everyVIP() {
		a, _ := e.ports.Get(v.PortID)
		if a.port == nil {
			continue // it follows by itself
		}
		p := *a.port
		if groups {
			p.SecurityGroupIDs = b.VIPSecurityGroupIDs
		}
		if policy {
			p.QoSPolicyID = b.VIPQoSPolicyID
		}
		e.setPort(a, &p)
	}
}

// fillVIPs gives a load balancer that is new its VIPs.
func (spec LoadBalancerSpec) fillVIPs(c *checker, cfg *Config, b *LoadBalancer) {
	b.VIPAddress, _ = spec.VIPAddress.Get()
	var ok bool
	switch {
	case given(spec.VIPPortID):
		ok = spec.fillFromPort(c, cfg, b)
	case given(spec.VIPSubnetID):
		ok = spec.fillFromSubnet(c, cfg, b)
	case given(spec.VIPNetworkID):
		ok = spec.fillFromNetwork(c, cfg, b)
	default:
		c.failure("vip_subnet_id", "VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
	}
	if ok && b.VIPPortID == "" {
		b.VIPPortID = c.comingPort(cfg, b, 0)
	}
	if ok {
		spec.fillAdditional(c, cfg, b)
	}
}

// comingPort is the port that comes with the n-th VIP.
func (c *checker) comingPort(cfg *Config, b *LoadBalancer, n int) PortID {
	id := portOf(b.ID, n)
	if cfg.hasID(string(id)) && !cfg.trees.Has(b.ID) {
		c.conflict("id", "the port that would come with it is there: %s", id)
	}
	return id
}

func (spec LoadBalancerSpec) fillFromPort(c *checker, cfg *Config, b *LoadBalancer) bool {
	id, _ := spec.VIPPortID.Get()
	p, ok := c.freePortFor("vip_port_id", cfg, id)
	if !ok {
		return false
	}
	ips := slices.Clone(p.FixedIPs)
	if subnet, ok := spec.VIPSubnetID.Get(); ok {
		if !cfg.subnets.Has(subnet) {
			c.subresource("vip_subnet_id", "Subnet", string(subnet))
			return false
		}
		ips = slices.DeleteFunc(ips, func(ip FixedIP) bool { return ip.SubnetID != subnet })
		if len(ips) == 0 {
			c.failure("vip_subnet_id", "No VIP address found on the specified VIP port within the specified subnet.")
			return false
		}
	}
	if given(spec.VIPAddress) {
		ips = slices.DeleteFunc(ips, func(ip FixedIP) bool { return ip.Address != b.VIPAddress })
		if len(ips) == 0 {
			c.failure("vip_address", "Specified VIP address not found on the specified VIP port.")
			return false
		}
	}
	if len(ips) != 1 {
		c.failure("vip_port_id", "VIP port's subnet could not be determined. Please specify either a VIP subnet or address.")
		return false
	}
	b.VIPPortID, b.VIPNetworkID, b.VIPSubnetID, b.VIPAddress = id, p.NetworkID, ips[0].SubnetID, ips[0].Address
	if spec.VIPQoSPolicyID.IsAbsent() {
		b.VIPQoSPolicyID = p.QoSPolicyID
	}
	return true
}

// freePortFor finds a client's port that is to be a VIP.
func (c *checker) freePortFor(field string, cfg *Config, id PortID) (*Port, bool) {
	p, ok := cfg.Port(id)
	switch {
	case !ok:
		c.subresource(field, "Port", string(id))
	case p.DeviceID != "":
		c.failure(field, "Port %s is already used by device %s.", id, p.DeviceID)
	default:
		return p, true
	}
	return nil, false
}

func (spec LoadBalancerSpec) fillFromSubnet(c *checker, cfg *Config, b *LoadBalancer) bool {
	id, _ := spec.VIPSubnetID.Get()
	n, ok := cfg.subnets.Get(id)
	if network, given := spec.VIPNetworkID.Get(); given && !cfg.networks.Has(network) {
		c.subresource("vip_network_id", "Network", string(network))
		return false
	} else if !ok || given && n.subnet.NetworkID != network {
		c.subresource("vip_subnet_id", "Subnet", string(id))
		return false
	}
	b.VIPSubnetID, b.VIPNetworkID = id, n.subnet.NetworkID
	return c.vipAddress(cfg, "vip_address", n, &b.VIPAddress, given(spec.VIPAddress))
}

func (spec LoadBalancerSpec) fillFromNetwork(c *checker, cfg *Config, b *LoadBalancer) bool {
	b.VIPNetworkID, _ = spec.VIPNetworkID.Get()
	s, ok := cfg.networks.Get(b.VIPNetworkID)
	switch {
	case !ok:
		c.subresource("vip_network_id", "Network", string(b.VIPNetworkID))
	case len(s.subnets) == 0:
		c.failure("vip_network_id", "Supplied network does not contain a subnet.")
	case given(spec.VIPAddress):
		n, ok := cfg.subnetWith(s, b.VIPAddress)
		if !ok {
			c.failure("vip_network_id", "Supplied network does not contain a subnet for VIP address specified.")
			return false
		}
		b.VIPSubnetID = n.subnet.ID
		return c.hostAddress(cfg, "vip_address", n, b.VIPAddress)
	default:
		ips := cfg.firstFree(s)
		if len(ips) == 0 {
			c.failure("vip_network_id", "Subnet(s) in the supplied network %s do not have an available IP address.", b.VIPNetworkID)
			return false
		}
		b.VIPSubnetID, b.VIPAddress = ips[0].SubnetID, ips[0].Address
		return true
	}
	return false
}

// vipAddress checks the address that was asked for, or chooses one of the subnet.
func (c *checker) vipAddress(cfg *Config, field string, n addresses, dst *netip.Addr, asked bool) bool {
	if asked {
		return c.hostAddress(cfg, field, n, *dst)
	}
	var ok bool
	if *dst, ok = n.free(); !ok {
		c.conflict(field, "subnet %s is full: all %d addresses of its allocation ranges are taken", n.subnet.ID, n.subnet.size())
	}
	return ok
}

// fillAdditional gives a load balancer that is new the VIPs beside the first.
func (spec LoadBalancerSpec) fillAdditional(c *checker, cfg *Config, b *LoadBalancer) {
	const field = "additional_vips"
	specs, _ := spec.AdditionalVIPs.Get()
	for i, s := range specs {
		id, ok := s.SubnetID.Get()
		if !ok {
			c.invalid(field, "Invalid input for field/attribute subnet_id. Value: 'None'. Mandatory field missing.")
			continue
		}
		n, ok := cfg.subnets.Get(id)
		switch {
		case !ok:
			c.subresource(field, "Subnet", string(id))
			continue
		case slices.ContainsFunc(b.everyVIP(), func(v AdditionalVIP) bool { return v.SubnetID == id }):
			c.failure(field, "Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.")
			return
		case n.subnet.NetworkID != b.VIPNetworkID:
			c.failure(field, "All VIP subnets must belong to the same network.")
			return
		}
		if v, ok := c.additional(cfg, b, s, n, i+1); ok {
			b.AdditionalVIPs = append(b.AdditionalVIPs, v)
		}
	}
}

// additional finds the address and the port of the i-th VIP.
func (c *checker) additional(cfg *Config, b *LoadBalancer, s AdditionalVIPSpec, n addresses, i int) (AdditionalVIP, bool) {
	const field = "additional_vips"
	v := AdditionalVIP{SubnetID: n.subnet.ID}
	v.Address, _ = s.Address.Get()
	id, named := s.PortID.Get()
	p, first := cfg.Port(b.VIPPortID)
	if named && id != b.VIPPortID {
		if p, first = c.freePortFor(field, cfg, id); !first {
			return v, false
		}
	}
	if first {
		// A client's port may have the address already, also that of the first VIP.
		for _, ip := range p.FixedIPs {
			if ip.SubnetID == v.SubnetID && (!given(s.Address) || ip.Address == v.Address) {
				v.Address, v.PortID = ip.Address, p.ID
				return v, true
			}
		}
	}
	if named {
		c.failure(field, "No VIP address found on the specified VIP port within the specified subnet.")
		return v, false
	}
	v.PortID = c.comingPort(cfg, b, i)
	return v, c.vipAddress(cfg, field, n, &v.Address, given(s.Address))
}

// sameVIPs reports whether the spec names the additional VIPs that b has.
func (spec LoadBalancerSpec) sameVIPs(b *LoadBalancer) bool {
	all, _ := spec.AdditionalVIPs.Get()
	return slices.EqualFunc(all, b.AdditionalVIPs, func(s AdditionalVIPSpec, v AdditionalVIP) bool {
		subnet, _ := s.SubnetID.Get()
		address, given := s.Address.Get()
		port, named := s.PortID.Get()
		return subnet == v.SubnetID && (!given || address == v.Address) && (!named || port == v.PortID)
	})
}
