package lb

import "iter"

// Config is the whole configuration: immutable, safe for any number of readers
// without a lock. The zero value is the empty configuration.
type Config struct {
	revision uint64
	subnets  pmap[SubnetID, addresses]
	trees    pmap[LoadBalancerID, *Tree]
	nets
	operator
	identity

	// What follows is derived from the above, to find things fast.

	names  pmap[string, SubnetID]       // of subnets
	owners pmap[string, LoadBalancerID] // ids of what is below a load balancer
	usage  pmap[string, Usage]          // by project
}

// Revision is the Command.Revision of the last command that changed the Config.
func (c *Config) Revision() uint64 { return c.revision }

// Subnets yields every subnet in order of id.
func (c *Config) Subnets() iter.Seq[*Subnet] {
	return func(yield func(*Subnet) bool) {
		for n := range c.subnets.Values() {
			if !yield(n.subnet) {
				return
			}
		}
	}
}

// Trees yields every load balancer's tree in order of id. A tree that no
// command touched is the same pointer as in earlier Configs.
func (c *Config) Trees() iter.Seq[*Tree] { return c.trees.Values() }

// Objects yields every stored resource: networks and ports, what operators offer,
// subnets, then each tree from the top down, then projects, users and secrets. It is what [Build] takes.
func (c *Config) Objects() iter.Seq[any] {
	return func(yield func(any) bool) {
		if !c.nets.objects(yield) || !c.operator.objects(yield) || !each(c.Subnets(), yield) {
			return
		}
		for t := range c.Trees() {
			for _, o := range t.objects() {
				if !yield(o) {
					return
				}
			}
		}
		c.identity.objects(yield)
	}
}

// Subnet returns the subnet with that id.
func (c *Config) Subnet(id SubnetID) (*Subnet, bool) {
	n, ok := c.subnets.Get(id)
	return n.subnet, ok
}

// SubnetByName returns the subnet with that name.
func (c *Config) SubnetByName(name string) (*Subnet, bool) {
	id, ok := c.names.Get(name)
	if !ok {
		return nil, false
	}
	return c.Subnet(id)
}

// Tree returns the tree of the load balancer with that id.
func (c *Config) Tree(id LoadBalancerID) (*Tree, bool) { return c.trees.Get(id) }

// TreeOf returns the tree that holds the listener, pool, member, health monitor, L7
// policy or L7 rule with that id.
func (c *Config) TreeOf(id string) (*Tree, bool) {
	owner, ok := c.owners.Get(id)
	if !ok {
		return nil, false
	}
	return c.trees.Get(owner)
}

// Listener returns the listener with that id.
func (c *Config) Listener(id ListenerID) (*Listener, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		for _, l := range t.Listeners {
			if l.ID == id {
				return l, true
			}
		}
	}
	return nil, false
}

// Pool returns the pool with that id.
func (c *Config) Pool(id PoolID) (*Pool, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		return t.pool(id)
	}
	return nil, false
}

// Member returns the member with that id.
func (c *Config) Member(id MemberID) (*Member, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		for _, p := range t.Pools {
			for _, m := range p.Members {
				if m.ID == id {
					return m, true
				}
			}
		}
	}
	return nil, false
}

// HealthMonitor returns the health monitor with that id.
func (c *Config) HealthMonitor(id HealthMonitorID) (*HealthMonitor, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		for _, p := range t.Pools {
			if p.Monitor != nil && p.Monitor.ID == id {
				return p.Monitor, true
			}
		}
	}
	return nil, false
}

// L7Policy returns the L7 policy with that id.
func (c *Config) L7Policy(id L7PolicyID) (*L7Policy, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		for q := range t.l7Policies() {
			if q.ID == id {
				return q, true
			}
		}
	}
	return nil, false
}

// L7Rule returns the L7 rule with that id.
func (c *Config) L7Rule(id L7RuleID) (*L7Rule, bool) {
	if t, ok := c.TreeOf(string(id)); ok {
		for q := range t.l7Policies() {
			for _, r := range q.Rules {
				if r.ID == id {
					return r, true
				}
			}
		}
	}
	return nil, false
}

// hasID reports whether any resource has that id.
func (c *Config) hasID(id string) bool {
	return c.owners.Has(id) || c.trees.Has(LoadBalancerID(id)) || c.subnets.Has(SubnetID(id)) || c.hasIdentity(id) ||
		c.hasNet(id) || c.hasOperator(id)
}
