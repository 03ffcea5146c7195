package lb

import "iter"

// Config is the whole configuration: immutable, safe for any number of readers
// without a lock. The zero value is the empty configuration.
type Config struct {
	revision uint64
}

// Build makes a Config of stored resources, in any order; pools come without
// members and monitor. It fails on a resource whose parent is missing or that
// is there twice: the store is damaged. revision is that of the last command
// that changed it.
func Build(revision uint64, objects iter.Seq[any]) (*Config, error) { return nil, nil }

// Revision is the Command.Revision of the last command that changed the Config.
func (c *Config) Revision() uint64 { return c.revision }

// Subnets yields every subnet in order of id.
func (c *Config) Subnets() iter.Seq[*Subnet] { return nil }

// Trees yields every load balancer's tree in order of id. A tree that no
// command touched is the same pointer as in earlier Configs.
func (c *Config) Trees() iter.Seq[*Tree] { return nil }

// Objects yields every stored resource: subnets, then each tree from the top
// down. It is what [Build] takes.
func (c *Config) Objects() iter.Seq[any] { return nil }

// Subnet returns the subnet with that id.
func (c *Config) Subnet(id SubnetID) (*Subnet, bool) { return nil, false }

// Tree returns the tree of the load balancer with that id.
func (c *Config) Tree(id LoadBalancerID) (*Tree, bool) { return nil, false }

// Listener returns the listener with that id.
func (c *Config) Listener(id ListenerID) (*Listener, bool) { return nil, false }

// Pool returns the pool with that id.
func (c *Config) Pool(id PoolID) (*Pool, bool) { return nil, false }

// Member returns the member with that id.
func (c *Config) Member(id MemberID) (*Member, bool) { return nil, false }

// HealthMonitor returns the health monitor with that id.
func (c *Config) HealthMonitor(id HealthMonitorID) (*HealthMonitor, bool) { return nil, false }
