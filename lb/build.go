package lb

import (
	"fmt"
	"iter"
	"slices"
)

// Build makes a Config of stored resources, in any order; pools come without
// members and monitor. revision is that of the last command that changed it.
// The resources belong to the Config afterwards.
//
// It fails with an [*Error] when the resources do not fit together, such as one
// whose parent is missing or that is there twice: the store is damaged.
func Build(revision uint64, objects iter.Seq[any]) (*Config, error) {
	b := &builder{
		subnets: map[SubnetID]addresses{},
		trees:   map[LoadBalancerID]*Tree{},
		pools:   map[PoolID]*Pool{},
		owners:  map[string]LoadBalancerID{},
		usage:   map[string]Usage{},

		netBuilder:      newNetBuilder(),
		identityBuilder: newIdentityBuilder(),
	}
	for o := range objects {
		if err := b.take(o); err != nil {
			return nil, err
		}
	}
	if err := b.link(); err != nil {
		return nil, err
	}
	offer, err := b.operator()
	if err != nil {
		return nil, err
	}
	who, err := b.build()
	if err != nil {
		return nil, err
	}
	names := map[string]SubnetID{}
	for id, n := range b.subnets {
		if _, twice := names[n.subnet.Name]; twice {
			return nil, damaged(KindSubnet, string(id), "its name %q is there twice", n.subnet.Name)
		}
		names[n.subnet.Name] = id
	}
	return &Config{
		revision: revision,
		subnets:  newPmap(b.subnets),
		trees:    newPmap(b.trees),
		nets:     b.nets(),
		operator: offer,
		identity: who,
		names:    newPmap(names),
		owners:   newPmap(b.owners),
		usage:    newPmap(b.usage),
	}, nil
}

// builder first sorts resources by kind, as they come in any order, and then
// links them from the top down.
type builder struct {
	subnets   map[SubnetID]addresses
	trees     map[LoadBalancerID]*Tree
	pools     map[PoolID]*Pool
	owners    map[string]LoadBalancerID
	usage     map[string]Usage
	listeners []*Listener
	members   []*Member
	monitors  []*HealthMonitor
	netBuilder
	identityBuilder
	policies []*L7Policy
	rules    []*L7Rule
}

func (b *builder) take(object any) error {
	if taken, err := b.identityBuilder.take(object); taken {
		return err
	}
	if taken, err := b.netBuilder.take(object); taken {
		return err
	}
	switch o := object.(type) {
	case *Subnet:
		if _, twice := b.subnets[o.ID]; twice {
			return damaged(KindSubnet, string(o.ID), "is there twice")
		}
		b.subnets[o.ID] = addresses{subnet: o}
	case *LoadBalancer:
		if _, twice := b.trees[o.ID]; twice {
			return damaged(KindLoadBalancer, string(o.ID), "is there twice")
		}
		b.trees[o.ID] = &Tree{LoadBalancer: o}
		b.count(KindLoadBalancer, o.ProjectID)
	case *Pool:
		if _, twice := b.pools[o.ID]; twice {
			return damaged(KindPool, string(o.ID), "is there twice")
		}
		b.pools[o.ID] = o.stored()
	case *Listener:
		b.listeners = append(b.listeners, o.stored())
	case *Member:
		b.members = append(b.members, o)
	case *HealthMonitor:
		b.monitors = append(b.monitors, o)
	case *L7Policy:
		b.policies = append(b.policies, o.stored())
	case *L7Rule:
		b.rules = append(b.rules, o)
	default:
		return damaged("", "", "%T is not a resource", object)
	}
	return nil
}

func (b *builder) link() error {
	steps := []func() error{
		b.linkNetworks, b.linkPorts, b.linkVIPs, b.countRefs, b.linkPools, b.linkListeners, b.linkMonitors, b.linkMembers,
		b.linkL7,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	for _, t := range b.trees {
		slices.SortFunc(t.Listeners, byAge)
		slices.SortFunc(t.Pools, byAge)
	}
	for _, p := range b.pools {
		slices.SortFunc(p.Members, byAge)
	}
	return nil
}

func (b *builder) linkPools() error {
	for id, p := range b.pools {
		t, err := b.own(KindPool, string(id), p.LoadBalancerID)
		if err != nil {
			return err
		}
		t.Pools = append(t.Pools, p)
	}
	return nil
}

func (b *builder) linkListeners() error {
	for _, l := range b.listeners {
		t, err := b.own(KindListener, string(l.ID), l.LoadBalancerID)
		if err != nil {
			return err
		}
		t.Listeners = append(t.Listeners, l)
		if p := b.pools[l.DefaultPoolID]; l.DefaultPoolID != "" && (p == nil || p.LoadBalancerID != l.LoadBalancerID) {
			return damaged(KindListener, string(l.ID), "its default pool %s is missing", l.DefaultPoolID)
		}
	}
	return nil
}

func (b *builder) linkMonitors() error {
	for _, h := range b.monitors {
		p, err := b.ownBelow(KindHealthMonitor, string(h.ID), h.PoolID)
		if err != nil {
			return err
		}
		if p.Monitor != nil {
			return damaged(KindHealthMonitor, string(h.ID), "its pool %s has %s as well", p.ID, p.Monitor.ID)
		}
		p.Monitor = h
	}
	return nil
}

func (b *builder) linkMembers() error {
	for _, m := range b.members {
		p, err := b.ownBelow(KindMember, string(m.ID), m.PoolID)
		if err != nil {
			return err
		}
		p.Members = append(p.Members, m)
		if m.SubnetID == "" {
			continue
		}
		n, ok := b.subnets[m.SubnetID]
		if !ok {
			return damaged(KindMember, string(m.ID), "its subnet %s is missing", m.SubnetID)
		}
		n.members++
		b.subnets[m.SubnetID] = n
	}
	return nil
}

// own enters a child of a load balancer into the index of owners.
func (b *builder) own(kind Kind, id string, owner LoadBalancerID) (*Tree, error) {
	t, ok := b.trees[owner]
	if !ok {
		return nil, damaged(kind, id, "its load balancer %s is missing", owner)
	}
	if _, twice := b.owners[id]; twice {
		return nil, damaged(kind, id, "is there twice")
	}
	b.owners[id] = owner
	b.count(kind, t.LoadBalancer.ProjectID)
	return t, nil
}

// count counts one object against the quota of a project.
func (b *builder) count(kind Kind, project string) {
	u := b.usage[project]
	*quotaKinds[kind].used(&u)++
	b.usage[project] = u
}

// ownBelow is own for a child of a pool.
func (b *builder) ownBelow(kind Kind, id string, parent PoolID) (*Pool, error) {
	p, ok := b.pools[parent]
	if !ok {
		return nil, damaged(kind, id, "its pool %s is missing", parent)
	}
	_, err := b.own(kind, id, p.LoadBalancerID)
	return p, err
}

func damaged(kind Kind, id, format string, args ...any) error {
	return &Error{Kind: ErrInvalid, Resource: kind, ID: id, Msg: "stored configuration is damaged: " + fmt.Sprintf(format, args...)}
}
