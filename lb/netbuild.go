package lb

import (
	"maps"
	"slices"
)

// netBuilder sorts the stored resources of [nets] and [operator].
type netBuilder struct {
	networks map[NetworkID]segment
	ports    map[PortID]attachment
	groups   map[SecurityGroupID]*SecurityGroup
	qos      map[QoSPolicyID]*QoSPolicy
	refs     map[string]int

	quotas         map[string]*Quota
	flavorProfiles map[FlavorProfileID]*FlavorProfile
	flavors        map[FlavorID]*Flavor
	zoneProfiles   map[AvailabilityZoneProfileID]*AvailabilityZoneProfile
	zones          map[string]*AvailabilityZone
}

func newNetBuilder() netBuilder {
	return netBuilder{
		networks: map[NetworkID]segment{},
		ports:    map[PortID]attachment{},
		groups:   map[SecurityGroupID]*SecurityGroup{},
		qos:      map[QoSPolicyID]*QoSPolicy{},
		refs:     map[string]int{},

		quotas:         map[string]*Quota{},
		flavorProfiles: map[FlavorProfileID]*FlavorProfile{},
		flavors:        map[FlavorID]*Flavor{},
		zoneProfiles:   map[AvailabilityZoneProfileID]*AvailabilityZoneProfile{},
		zones:          map[string]*AvailabilityZone{},
	}
}

// take takes a resource if it is of one of the kinds.
func (b *netBuilder) take(object any) (taken bool, err error) {
	switch o := object.(type) {
	case *Network:
		return true, keep(b.networks, KindNetwork, o.ID, segment{network: o})
	case *Port:
		return true, keep(b.ports, KindPort, o.ID, attachment{port: o})
	case *SecurityGroup:
		return true, keep(b.groups, KindSecurityGroup, o.ID, o)
	case *QoSPolicy:
		return true, keep(b.qos, KindQoSPolicy, o.ID, o)
	case *Quota:
		return true, keep(b.quotas, KindQuota, o.ProjectID, o)
	case *FlavorProfile:
		return true, keep(b.flavorProfiles, KindFlavorProfile, o.ID, o)
	case *Flavor:
		return true, keep(b.flavors, KindFlavor, o.ID, o)
	case *AvailabilityZoneProfile:
		return true, keep(b.zoneProfiles, KindAvailabilityZoneProfile, o.ID, o)
	case *AvailabilityZone:
		return true, keep(b.zones, KindAvailabilityZone, o.Name, o)
	}
	return false, nil
}

// nets returns what was taken, once it is linked.
func (b *netBuilder) nets() nets {
	return nets{newPmap(b.networks), newPmap(b.ports), newPmap(b.groups), newPmap(b.qos), newPmap(b.refs)}
}

// operator links what operators set and offer.
func (b *netBuilder) operator() (operator, error) {
	names := map[string]FlavorID{}
	for id, f := range b.flavors {
		if b.flavorProfiles[f.ProfileID] == nil {
			return operator{}, damaged(KindFlavor, string(id), "its profile %s is missing", f.ProfileID)
		}
		if err := keep(names, KindFlavor, f.Name, id); err != nil {
			return operator{}, err
		}
	}
	for name, z := range b.zones {
		if b.zoneProfiles[z.ProfileID] == nil {
			return operator{}, damaged(KindAvailabilityZone, name, "its profile %s is missing", z.ProfileID)
		}
	}
	return operator{
		newPmap(b.quotas), newPmap(b.flavorProfiles), newPmap(b.flavors), newPmap(b.zoneProfiles), newPmap(b.zones),
		newPmap(names),
	}, nil
}

// linkNetworks gives subnets their networks: those that came with a subnet first, as
// others may be in them.
func (b *builder) linkNetworks() error {
	for id, n := range b.subnets {
		s := *n.subnet
		if s.NetworkID == "" { // stored before there were networks
			s.NetworkID = networkOf(id)
		}
		n.subnet = &s
		b.subnets[id] = n
		if _, stored := b.networks[s.NetworkID]; !stored && s.NetworkID == networkOf(id) {
			b.networks[s.NetworkID] = segment{of: id}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.subnets)) {
		net := b.subnets[id].subnet.NetworkID
		s, ok := b.networks[net]
		if !ok {
			return damaged(KindSubnet, string(id), "its network %s is missing", net)
		}
		s.subnets = append(s.subnets, id)
		b.networks[net] = s
	}
	return nil
}

func (b *builder) linkPorts() error {
	for id, a := range b.ports {
		p := a.port
		if _, ok := b.networks[p.NetworkID]; !ok {
			return damaged(KindPort, string(id), "its network %s is missing", p.NetworkID)
		}
		for _, ip := range p.FixedIPs {
			if err := b.takeAddress(KindPort, string(id), ip, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeAddress enters an address of a port.
func (b *builder) takeAddress(kind Kind, id string, ip FixedIP, port PortID) error {
	n, ok := b.subnets[ip.SubnetID]
	if !ok {
		return damaged(kind, id, "its subnet %s is missing", ip.SubnetID)
	}
	if !n.subnet.CIDR.Contains(ip.Address) {
		return damaged(kind, id, "its address %s is outside %s", ip.Address, n.subnet.CIDR)
	}
	if other, taken := n.holder(ip.Address); taken {
		return damaged(kind, id, "its address %s is that of port %s too", ip.Address, other)
	}
	b.subnets[ip.SubnetID] = n.with(ip.Address, port)
	return nil
}

// linkVIPs gives load balancers their ports. Those that came with one and were never
// changed are not stored.
func (b *builder) linkVIPs() error {
	for id, t := range b.trees {
		l := b.complete(t.LoadBalancer)
		t.LoadBalancer = l
		for i, v := range l.everyVIP() {
			ip := FixedIP{v.SubnetID, v.Address}
			a, ok := b.ports[v.PortID]
			switch {
			case !ok && v.PortID != portOf(id, i):
				return damaged(KindLoadBalancer, string(id), "its port %s is missing", v.PortID)
			case !ok:
				if err := b.takeAddress(KindLoadBalancer, string(id), ip, v.PortID); err != nil {
					return err
				}
				a.vip = i
			case !slices.Contains(a.port.FixedIPs, ip):
				return damaged(KindLoadBalancer, string(id), "its port %s has not the address %s", v.PortID, v.Address)
			case a.owner != "" && a.owner != id:
				return damaged(KindLoadBalancer, string(id), "its port %s is that of load balancer %s too", v.PortID, a.owner)
			}
			a.owner = id
			b.ports[v.PortID] = a
		}
	}
	return nil
}

// complete gives a load balancer what those stored by older versions lack.
func (b *builder) complete(old *LoadBalancer) *LoadBalancer {
	l := *old
	if l.VIPNetworkID == "" {
		if n, ok := b.subnets[l.VIPSubnetID]; ok {
			l.VIPNetworkID = n.subnet.NetworkID
		}
	}
	if l.VIPPortID == "" {
		l.VIPPortID = portOf(l.ID, 0)
	}
	if l.Provider == "" {
		l.Provider = DefaultProvider
	}
	return &l
}

// countRefs counts what refers to what, and checks that it is there.
func (b *builder) countRefs() error {
	there := func(id string) bool {
		_, network := b.networks[NetworkID(id)]
		_, group := b.groups[SecurityGroupID(id)]
		_, policy := b.qos[QoSPolicyID(id)]
		_, flavor := b.flavors[FlavorID(id)]
		_, flavorProfile := b.flavorProfiles[FlavorProfileID(id)]
		_, zoneProfile := b.zoneProfiles[AvailabilityZoneProfileID(id)]
		return network || group || policy || flavor || flavorProfile || zoneProfile
	}
	zones := map[string]bool{}
	for name := range b.zones {
		zones[zoneRef(name)] = true
	}
	count := func(kind Kind, id string, refs []string) error {
		for _, ref := range refs {
			if !there(ref) && !zones[ref] {
				return damaged(kind, id, "what it refers to is missing: %s", ref)
			}
			b.refs[ref]++
		}
		return nil
	}
	for id, t := range b.trees {
		if err := count(KindLoadBalancer, string(id), t.LoadBalancer.refs()); err != nil {
			return err
		}
	}
	for id, a := range b.ports {
		if a.port == nil {
			continue
		}
		if err := count(KindPort, string(id), a.port.refs()); err != nil {
			return err
		}
	}
	for id, g := range b.groups {
		if err := count(KindSecurityGroup, string(id), g.refs()); err != nil {
			return err
		}
	}
	for id, f := range b.flavors {
		if err := count(KindFlavor, string(id), []string{string(f.ProfileID)}); err != nil {
			return err
		}
	}
	for name, z := range b.zones {
		if err := count(KindAvailabilityZone, name, []string{string(z.ProfileID)}); err != nil {
			return err
		}
	}
	return nil
}
