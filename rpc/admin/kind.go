package admin

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// kind is how one kind of resource, T, is found and shown, as message R.
type kind[T, R any] struct {
	name  lb.Kind
	id    func(*T) string
	meta  func(*T) *lb.Meta
	get   func(c *lb.Config, id string) (*T, bool)
	all   func(*lb.Config) iter.Seq[*T]
	alias func(*T) string // what it may be called besides its name; nil: nothing
	show  func(*snapshot, *T) *R
}

var subnets = kind[lb.Subnet, adminpb.Subnet]{
	name: lb.KindSubnet,
	id:   func(s *lb.Subnet) string { return string(s.ID) },
	meta: func(s *lb.Subnet) *lb.Meta { return &s.Meta },
	get:  func(c *lb.Config, id string) (*lb.Subnet, bool) { return c.Subnet(lb.SubnetID(id)) },
	all:  (*lb.Config).Subnets,
	show: func(s *snapshot, n *lb.Subnet) *adminpb.Subnet {
		return &adminpb.Subnet{Resource: lbpb.FromSubnet(n), Status: s.shown(s.view.Subnet(n))}
	},
}

var loadBalancers = kind[lb.LoadBalancer, adminpb.LoadBalancer]{
	name: lb.KindLoadBalancer,
	id:   func(b *lb.LoadBalancer) string { return string(b.ID) },
	meta: func(b *lb.LoadBalancer) *lb.Meta { return &b.Meta },
	get: func(c *lb.Config, id string) (*lb.LoadBalancer, bool) {
		t, ok := c.Tree(lb.LoadBalancerID(id))
		if !ok {
			return nil, false
		}
		return t.LoadBalancer, true
	},
	all: func(c *lb.Config) iter.Seq[*lb.LoadBalancer] {
		return func(yield func(*lb.LoadBalancer) bool) {
			for t := range c.Trees() {
				if !yield(t.LoadBalancer) {
					return
				}
			}
		}
	},
	show: func(s *snapshot, b *lb.LoadBalancer) *adminpb.LoadBalancer {
		t, _ := s.cfg.Tree(b.ID)
		x := &adminpb.LoadBalancer{Resource: lbpb.FromLoadBalancer(b), Status: s.status(t, string(b.ID))}
		for _, l := range t.Listeners {
			x.ListenerIds = append(x.ListenerIds, string(l.ID))
		}
		for _, p := range t.Pools {
			x.PoolIds = append(x.PoolIds, string(p.ID))
		}
		return x
	},
}

var listeners = kind[lb.Listener, adminpb.Listener]{
	name: lb.KindListener,
	id:   func(l *lb.Listener) string { return string(l.ID) },
	meta: func(l *lb.Listener) *lb.Meta { return &l.Meta },
	get:  func(c *lb.Config, id string) (*lb.Listener, bool) { return c.Listener(lb.ListenerID(id)) },
	all:  perTree(treeListeners),
	show: func(s *snapshot, l *lb.Listener) *adminpb.Listener {
		t, _ := s.cfg.Tree(l.LoadBalancerID)
		return &adminpb.Listener{Resource: lbpb.FromListener(l), Status: s.status(t, string(l.ID))}
	},
}

var pools = kind[lb.Pool, adminpb.Pool]{
	name: lb.KindPool,
	id:   func(p *lb.Pool) string { return string(p.ID) },
	meta: func(p *lb.Pool) *lb.Meta { return &p.Meta },
	get:  func(c *lb.Config, id string) (*lb.Pool, bool) { return c.Pool(lb.PoolID(id)) },
	all:  perTree(treePools),
	show: func(s *snapshot, p *lb.Pool) *adminpb.Pool {
		t, _ := s.cfg.Tree(p.LoadBalancerID)
		x := &adminpb.Pool{Resource: lbpb.FromPool(p), Status: s.status(t, string(p.ID))}
		for _, l := range t.Listeners {
			if l.DefaultPoolID == p.ID {
				x.ListenerIds = append(x.ListenerIds, string(l.ID))
			}
		}
		for _, m := range p.Members {
			x.MemberIds = append(x.MemberIds, string(m.ID))
		}
		if p.Monitor != nil {
			x.HealthMonitorId = string(p.Monitor.ID)
		}
		return x
	},
}

var members = kind[lb.Member, adminpb.Member]{
	name: lb.KindMember,
	id:   func(m *lb.Member) string { return string(m.ID) },
	meta: func(m *lb.Member) *lb.Meta { return &m.Meta },
	get:  func(c *lb.Config, id string) (*lb.Member, bool) { return c.Member(lb.MemberID(id)) },
	all:  perTree(treeMembers),
	alias: func(m *lb.Member) string {
		return netip.AddrPortFrom(m.Address, m.ProtocolPort).String()
	},
	show: func(s *snapshot, m *lb.Member) *adminpb.Member {
		t, _ := s.cfg.TreeOf(string(m.ID))
		return &adminpb.Member{Resource: lbpb.FromMember(m), Status: s.status(t, string(m.ID))}
	},
}

var healthMonitors = kind[lb.HealthMonitor, adminpb.HealthMonitor]{
	name: lb.KindHealthMonitor,
	id:   func(m *lb.HealthMonitor) string { return string(m.ID) },
	meta: func(m *lb.HealthMonitor) *lb.Meta { return &m.Meta },
	get: func(c *lb.Config, id string) (*lb.HealthMonitor, bool) {
		return c.HealthMonitor(lb.HealthMonitorID(id))
	},
	all: perTree(treeMonitors),
	show: func(s *snapshot, m *lb.HealthMonitor) *adminpb.HealthMonitor {
		t, _ := s.cfg.TreeOf(string(m.ID))
		return &adminpb.HealthMonitor{Resource: lbpb.FromHealthMonitor(m), Status: s.status(t, string(m.ID))}
	},
}

// perTree yields what list gives of each load balancer's tree.
func perTree[T any](list func(*lb.Tree) []*T) func(*lb.Config) iter.Seq[*T] {
	return func(c *lb.Config) iter.Seq[*T] {
		return func(yield func(*T) bool) {
			for t := range c.Trees() {
				for _, v := range list(t) {
					if !yield(v) {
						return
					}
				}
			}
		}
	}
}

func treeListeners(t *lb.Tree) []*lb.Listener { return t.Listeners }

func treePools(t *lb.Tree) []*lb.Pool { return t.Pools }

func treeMembers(t *lb.Tree) (all []*lb.Member) {
	for _, p := range t.Pools {
		all = append(all, p.Members...)
	}
	return all
}

func treeMonitors(t *lb.Tree) (all []*lb.HealthMonitor) {
	for _, p := range t.Pools {
		if p.Monitor != nil {
			all = append(all, p.Monitor)
		}
	}
	return all
}

// scope narrows down where a resource is looked for. Nil is everywhere.
type scope[T any] func(*lb.Config) (iter.Seq[*T], error)

// inTree is the scope of the load balancer that ref names; everywhere if ref is
// empty.
func inTree[T any](ref string, list func(*lb.Tree) []*T) scope[T] {
	if ref == "" {
		return nil
	}
	return func(c *lb.Config) (iter.Seq[*T], error) {
		b, err := find(c, loadBalancers, nil, ref)
		if err != nil {
			return nil, err
		}
		t, _ := c.Tree(b.ID)
		return slices.Values(list(t)), nil
	}
}

// inPool is the scope of the members of the pool that ref names.
func inPool(ref string) scope[lb.Member] {
	return func(c *lb.Config) (iter.Seq[*lb.Member], error) {
		if ref == "" {
			return nil, invalid(lb.KindMember, "pool_id", "is required: members are named within their pool")
		}
		p, err := find(c, pools, nil, ref)
		if err != nil {
			return nil, err
		}
		return slices.Values(p.Members), nil
	}
}
