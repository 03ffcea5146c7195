package lb

import (
	"net/netip"
	"slices"
)

const maxAllocations = 64 // ranges of one subnet

func (o CreateSubnet) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	s := &Subnet{ID: SubnetID(id), Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindSubnet}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, s)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&s.Meta)
	e.names = e.names.With(s.Name, s.ID)
	e.subnets = e.subnets.With(s.ID, addresses{subnet: s})
	e.joinNetwork(s)
	return e.wrote(KindSubnet, id, s), nil
}

func (o UpdateSubnet) apply(e *edit) (Result, error) {
	n, ok := e.subnets.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSubnet, string(o.ID))
	}
	if err := precondition(KindSubnet, string(o.ID), o.If, n.subnet.Revision); err != nil {
		return Result{}, err
	}
	s, c := *n.subnet, &checker{kind: KindSubnet, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &s)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&s.Meta)
	e.names = e.names.Without(n.subnet.Name).With(s.Name, s.ID)
	n.subnet = &s
	e.subnets = e.subnets.With(s.ID, n)
	return e.wrote(KindSubnet, string(s.ID), &s), nil
}

func (o DeleteSubnet) apply(e *edit) (Result, error) {
	n, ok := e.subnets.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSubnet, string(o.ID))
	}
	if err := precondition(KindSubnet, string(o.ID), o.If, n.subnet.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindSubnet, id: string(o.ID)}
	if ports := n.taken.Len(); ports > 0 || n.members > 0 {
		c.add(ErrInUse, "", "is used by %d ports or load balancers and %d members, delete them first", ports, n.members)
		return Result{}, c.err()
	}
	// A network that came with the subnet goes with it.
	if s, _ := e.networks.Get(n.subnet.NetworkID); s.of == o.ID {
		others, ports := len(s.subnets)-1, e.referred(string(n.subnet.NetworkID))
		if others > 0 || ports > 0 {
			c.add(ErrInUse, "", "its network %s has %d other subnets and %d ports, delete them first", n.subnet.NetworkID, others, ports)
			return Result{}, c.err()
		}
	}
	e.leaveNetwork(n.subnet)
	return e.forgetSubnet(n.subnet), nil
}

// forgetSubnet deletes a subnet. Its place in its network is left to the caller.
func (e *edit) forgetSubnet(s *Subnet) Result {
	e.names = e.names.Without(s.Name)
	e.subnets = e.subnets.Without(s.ID)
	return e.deleted(KindSubnet, string(s.ID))
}

func (spec SubnetSpec) fill(c *checker, cfg *Config, s *Subnet) {
	spec.MetaSpec.fill(c, &s.Meta)
	spec.fillProject(c, &s.Meta)
	if s.Name == "" {
		c.invalid("name", "is required for a subnet")
	} else if other, ok := cfg.names.Get(s.Name); ok && other != s.ID {
		c.conflict("name", "%q is the name of subnet %s, which must be unique", s.Name, other)
	}
	spec.fillNetwork(c, cfg, s)
	if spec.fillCIDR(c, cfg, s) {
		spec.fillAddresses(c, cfg, s)
	}
}

// fillNetwork gives a subnet that names no network one of its own.
func (spec SubnetSpec) fillNetwork(c *checker, cfg *Config, s *Subnet) {
	const field = "network_id"
	if !fixed(c, field, &s.NetworkID, spec.NetworkID) || !c.creating() {
		return
	}
	switch {
	case s.NetworkID == "":
		s.NetworkID = networkOf(s.ID)
		if cfg.hasID(string(s.NetworkID)) && !cfg.subnets.Has(s.ID) {
			c.conflict("id", "the network that would come with it is there: %s", s.NetworkID)
		}
	case !cfg.networks.Has(s.NetworkID):
		c.missing(field, KindNetwork, string(s.NetworkID))
	}
}

func (spec SubnetSpec) fillCIDR(c *checker, cfg *Config, s *Subnet) bool {
	cidr := spec.CIDR
	if p, ok := cidr.Get(); ok && p.IsValid() {
		cidr = Some(p.Masked())
	}
	if !requiredFixed(c, "cidr", &s.CIDR, cidr) {
		return false
	}
	p := s.CIDR
	shortest, longest := 8, 30
	if p.Addr().Is6() {
		shortest, longest = 64, 126
	}
	switch {
	case !p.IsValid():
		c.invalid("cidr", "is not an address prefix")
	case p.Addr().Is4In6():
		c.invalid("cidr", "%s is an IPv4 prefix in IPv6 form, write it as IPv4", p)
	case p.Addr().IsMulticast() || p.Addr().IsUnspecified() || p.Addr().IsLoopback():
		// Nor can the holder of the VIPs put one on its interface; one address
		// that it must refuse would cost all the others their holder.
		c.invalid("cidr", "%s does not hold addresses of hosts", p)
	case p.Bits() < shortest || p.Bits() > longest:
		c.invalid("cidr", "/%d is out of range, use /%d to /%d", p.Bits(), shortest, longest)
	default:
		return c.disjoint(cfg, s)
	}
	return false
}

// disjoint refuses a subnet that overlaps another one: all VIPs share the
// holder's network, where an address can belong to one load balancer only.
func (c *checker) disjoint(cfg *Config, s *Subnet) bool {
	for other := range cfg.Subnets() {
		if other.ID != s.ID && other.CIDR.Overlaps(s.CIDR) {
			c.conflict("cidr", "%s overlaps %s of subnet %s", s.CIDR, other.CIDR, other.ID)
			return false
		}
	}
	return true
}

func (spec SubnetSpec) fillAddresses(c *checker, cfg *Config, s *Subnet) {
	all := hosts(s.CIDR)
	// Ranges that are the default follow the gateway.
	whole := c.creating() || slices.Equal(s.Allocations, wholeRange(all, s.Gateway))
	if c.creating() && spec.Gateway.IsAbsent() {
		s.Gateway = all.First
	}
	optional(&s.Gateway, spec.Gateway, netip.Addr{})
	if s.Gateway.IsValid() {
		if !c.address("gateway_ip", s.Gateway) {
			return
		}
		if !all.Contains(s.Gateway) {
			c.invalid("gateway_ip", "%s is not a host address of %s, use one of %s", s.Gateway, s.CIDR, all)
			return
		}
		n, _ := cfg.subnets.Get(s.ID)
		if n.subnet != nil {
			if port, ok := n.holder(s.Gateway); ok {
				c.conflict("gateway_ip", "%s is %s", s.Gateway, cfg.portText(port))
			}
		}
	}
	ranges, given := spec.Allocations.Get()
	switch {
	case given:
		s.Allocations = c.ranges(s, all, ranges)
	case whole || spec.Allocations.IsNull():
		s.Allocations = wholeRange(all, s.Gateway)
	default:
		s.Allocations = c.ranges(s, all, s.Allocations)
	}
}

// ranges checks allocation ranges and returns them sorted, nil for none.
func (c *checker) ranges(s *Subnet, all Range, ranges []Range) []Range {
	const field = "allocation_pools"
	if len(ranges) > maxAllocations {
		c.invalid(field, "has %d ranges, at most %d are allowed", len(ranges), maxAllocations)
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b Range) int { return a.First.Compare(b.First) })
	for i, r := range sorted {
		switch {
		case !all.Contains(r.First) || !all.Contains(r.Last):
			c.invalid(field, "%s is not within the host addresses of %s, use %s", r, s.CIDR, all)
		case !c.address(field, r.First) || !c.address(field, r.Last):
		case r.Last.Less(r.First):
			c.invalid(field, "%s ends before it starts", r)
		case s.Gateway.IsValid() && r.Contains(s.Gateway):
			c.invalid(field, "%s contains the gateway %s", r, s.Gateway)
		case i > 0 && sorted[i-1].Contains(r.First):
			c.invalid(field, "%s overlaps %s", r, sorted[i-1])
		}
	}
	return sorted
}

// wholeRange is the default: every host address but the gateway.
func wholeRange(all Range, gateway netip.Addr) []Range {
	if !gateway.IsValid() {
		return []Range{all}
	}
	var out []Range
	if all.First.Less(gateway) {
		out = append(out, Range{all.First, gateway.Prev()})
	}
	if gateway.Less(all.Last) {
		out = append(out, Range{gateway.Next(), all.Last})
	}
	return out
}
