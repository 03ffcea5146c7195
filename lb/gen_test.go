package lb

import (
	"fmt"
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

// gen draws commands about the resources of cfg, most of them sensible.
type gen struct {
	t   *rapid.T
	cfg *Config
}

func (g gen) chance(percent int) bool { return rapid.IntRange(1, 100).Draw(g.t, "chance") <= percent }

// id draws one of the ids of a kind, or now and then one that is not there.
func (g gen) id(kind Kind) string {
	var ids []string
	for o := range g.cfg.Objects() {
		if k, id := identify(o); k == kind {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || g.chance(3) {
		return testID(0)
	}
	return rapid.SampledFrom(ids).Draw(g.t, "id")
}

// maybe draws absent, null or one of values.
func maybe[T any](g gen, values ...T) Opt[T] {
	switch n := rapid.IntRange(-2, len(values)-1).Draw(g.t, "value"); n {
	case -2:
		return Opt[T]{}
	case -1:
		return Null[T]()
	default:
		return Some(values[n])
	}
}

func (g gen) meta() MetaSpec {
	return MetaSpec{
		Name: maybe(g, "a", "b"), AdminStateUp: maybe(g, true, false),
		Tags: maybe(g, []string{"z", "a", "z"}, []string{}, []string{"a", "b"}),
	}
}

func (g gen) subnet(create bool) SubnetSpec {
	nets := []string{"192.0.2.0/29", "198.51.100.0/30", "2001:db8::/64", "10.0.0.0/24"}
	cidr := netip.MustParsePrefix(rapid.SampledFrom(nets).Draw(g.t, "cidr"))
	all := hosts(cidr)
	s := SubnetSpec{MetaSpec: g.meta()}
	s.Name = Some("net " + cidr.String())
	if create {
		s.CIDR = Some(cidr)
	}
	if g.chance(30) {
		s.Gateway = maybe(g, all.First, all.First.Next(), all.Last)
	}
	if g.chance(30) {
		mid := all.First.Next().Next()
		s.Allocations = maybe(g, []Range{{mid, all.Last}, {all.First.Next(), all.First.Next()}}, []Range{{mid, mid}}, nil)
	}
	return s
}

func (g gen) loadBalancer() LoadBalancerSpec {
	s := LoadBalancerSpec{MetaSpec: g.meta(), VIPSubnetID: Some(SubnetID(g.id(KindSubnet)))}
	if n, ok := g.cfg.subnets.Get(SubnetID(g.id(KindSubnet))); ok && g.chance(40) {
		s.VIPAddress = Some(at(n.subnet.CIDR, rapid.Uint64Range(0, 9).Draw(g.t, "vip")))
	}
	return s
}

func (g gen) listener() ListenerSpec {
	s := ListenerSpec{
		MetaSpec: g.meta(), ConnectionLimit: maybe(g, -1, 100),
		TimeoutClientData: maybe(g, time.Second), InsertHeaders: maybe(g, map[string]string{"X-Forwarded-For": "true"}, nil),
		AllowedCIDRs: maybe(g, []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8")}, nil),
	}
	if g.chance(40) {
		s.DefaultPoolID = maybe(g, PoolID(g.id(KindPool)))
	}
	return s
}

func (g gen) monitor() HealthMonitorSpec {
	s := HealthMonitorSpec{MetaSpec: g.meta(), MaxRetriesDown: maybe(g, 1, 2)}
	if g.chance(50) {
		s.URLPath = maybe(g, "/healthz")
	}
	return s
}

var protocols = []Protocol{ProtocolHTTP, ProtocolTCP, ProtocolHTTP, ProtocolUDP}

func (g gen) l7Rule() L7RuleSpec {
	return L7RuleSpec{Type: Some(L7Path), Compare: Some(L7StartsWith), Value: Some(rapid.SampledFrom([]string{"/a", "/b"}).Draw(g.t, "path"))}
}

func (g gen) l7Policy() L7PolicySpec {
	s := L7PolicySpec{MetaSpec: g.meta(), Position: maybe(g, 1, 2, 3, 99)}
	switch rapid.IntRange(0, 2).Draw(g.t, "action") {
	case 0:
		s.Action = Some(L7Reject)
	case 1:
		s.Action, s.RedirectURL = Some(L7RedirectToURL), Some("http://a/")
	default:
		s.Action, s.RedirectPoolID = Some(L7RedirectToPool), Some(PoolID(g.id(KindPool)))
	}
	return s
}

func (g gen) members() []MemberSpec {
	var all []MemberSpec
	for range rapid.IntRange(0, 4).Draw(g.t, "members") {
		s := memberSpec("", fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 5).Draw(g.t, "addr")), 80)
		s.PoolID, s.Weight = Opt[PoolID]{}, maybe(g, 0, 7)
		if g.chance(20) {
			s.SubnetID = Some(SubnetID(g.id(KindSubnet)))
		}
		all = append(all, s)
	}
	return all
}

// children adds what is created with a load balancer.
func (g gen) children(s LoadBalancerSpec) LoadBalancerSpec {
	if !g.chance(40) {
		return s
	}
	for i := range rapid.IntRange(0, 2).Draw(g.t, "pools") {
		p := PoolSpec{Protocol: Some(ProtocolHTTP), Algorithm: Some(RoundRobin), Members: g.members()}
		p.Name = Some(fmt.Sprint("pool", i))
		if g.chance(50) {
			h := monitorSpec("", MonitorTCP)
			p.Monitor = &h
		}
		s.Pools = append(s.Pools, p)
	}
	for i := range rapid.IntRange(0, 2).Draw(g.t, "listeners") {
		l := ListenerSpec{Protocol: Some(ProtocolHTTP), ProtocolPort: Some(80 + i)}
		if len(s.Pools) > 0 || g.chance(5) {
			l.DefaultPoolName = "pool0"
		}
		for range rapid.IntRange(0, 3).Draw(g.t, "policies") {
			q := g.l7Policy()
			q.Rules = []L7RuleSpec{g.l7Rule(), g.l7Rule()}
			if action, _ := q.Action.Get(); action == L7RedirectToPool {
				q.RedirectPoolID, q.RedirectPoolName = Opt[PoolID]{}, "pool0"
			}
			l.L7Policies = append(l.L7Policies, q)
		}
		s.Listeners = append(s.Listeners, l)
	}
	return s
}

func (g gen) op() Op {
	lb := func() LoadBalancerID { return LoadBalancerID(g.id(KindLoadBalancer)) }
	ops := []drawn{
		{"", func() Op { return CreateSubnet{Spec: g.subnet(true)} }},
		{KindSubnet, func() Op { return UpdateSubnet{ID: SubnetID(g.id(KindSubnet)), Spec: g.subnet(false)} }},
		{KindSubnet, func() Op { return DeleteSubnet{ID: SubnetID(g.id(KindSubnet))} }},
		{KindSubnet, func() Op { return CreateLoadBalancer{Spec: g.loadBalancer()} }},
		{KindSubnet, func() Op { return CreateLoadBalancer{Spec: g.children(g.loadBalancer())} }},
		{KindPool, func() Op {
			return SetMembers{PoolID: PoolID(g.id(KindPool)), Members: g.members(), AdditiveOnly: g.chance(40)}
		}},
		{KindListener, func() Op {
			s := g.l7Policy()
			s.ListenerID = Some(ListenerID(g.id(KindListener)))
			if g.chance(50) {
				s.Rules = []L7RuleSpec{g.l7Rule()}
			}
			return CreateL7Policy{Spec: s}
		}},
		{KindL7Policy, func() Op { return UpdateL7Policy{ID: L7PolicyID(g.id(KindL7Policy)), Spec: g.l7Policy()} }},
		{KindL7Policy, func() Op { return DeleteL7Policy{ID: L7PolicyID(g.id(KindL7Policy))} }},
		{KindL7Policy, func() Op {
			s := g.l7Rule()
			s.PolicyID = Some(L7PolicyID(g.id(KindL7Policy)))
			return CreateL7Rule{Spec: s}
		}},
		{KindL7Rule, func() Op { return UpdateL7Rule{ID: L7RuleID(g.id(KindL7Rule)), Spec: g.l7Rule()} }},
		{KindL7Rule, func() Op { return DeleteL7Rule{ID: L7RuleID(g.id(KindL7Rule))} }},
		{KindLoadBalancer, func() Op { return UpdateLoadBalancer{ID: lb(), Spec: LoadBalancerSpec{MetaSpec: g.meta()}} }},
		{KindLoadBalancer, func() Op { return DeleteLoadBalancer{ID: lb(), Cascade: g.chance(50)} }},
		{KindLoadBalancer, func() Op {
			s := g.listener()
			s.LoadBalancerID, s.Protocol = Some(lb()), Some(rapid.SampledFrom(protocols).Draw(g.t, "protocol"))
			s.ProtocolPort = Some(rapid.IntRange(80, 85).Draw(g.t, "port"))
			return CreateListener{Spec: s}
		}},
		{KindListener, func() Op { return UpdateListener{ID: ListenerID(g.id(KindListener)), Spec: g.listener()} }},
		{KindListener, func() Op { return DeleteListener{ID: ListenerID(g.id(KindListener))} }},
		{KindLoadBalancer, func() Op {
			s := PoolSpec{MetaSpec: g.meta(), Algorithm: Some(RoundRobin)}
			s.Protocol = Some(rapid.SampledFrom(protocols).Draw(g.t, "protocol"))
			if g.chance(50) {
				s.LoadBalancerID = Some(lb())
			} else {
				s.ListenerID = Some(ListenerID(g.id(KindListener)))
			}
			return CreatePool{Spec: s}
		}},
		{KindPool, func() Op {
			return UpdatePool{ID: PoolID(g.id(KindPool)), Spec: PoolSpec{MetaSpec: g.meta(), Algorithm: Some(SourceIP)}}
		}},
		{KindPool, func() Op { return DeletePool{ID: PoolID(g.id(KindPool))} }},
		{KindPool, func() Op {
			s := memberSpec(PoolID(g.id(KindPool)), fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 5).Draw(g.t, "addr")), 80)
			if s.MetaSpec = g.meta(); g.chance(30) {
				s.SubnetID = Some(SubnetID(g.id(KindSubnet)))
			}
			return CreateMember{Spec: s}
		}},
		{KindMember, func() Op {
			return UpdateMember{ID: MemberID(g.id(KindMember)), Spec: MemberSpec{
				Weight: maybe(g, 0, 5, 256), MonitorPort: maybe(g, 81), Backup: maybe(g, true),
			}}
		}},
		{KindMember, func() Op { return DeleteMember{ID: MemberID(g.id(KindMember))} }},
		{KindPool, func() Op {
			s := g.monitor()
			s.PoolID, s.Type = Some(PoolID(g.id(KindPool))), maybe(g, MonitorHTTP, MonitorTCP)
			s.Delay, s.Timeout, s.MaxRetries = Some(time.Second), Some(time.Second), Some(1)
			return CreateHealthMonitor{Spec: s}
		}},
		{KindHealthMonitor, func() Op { return UpdateHealthMonitor{ID: HealthMonitorID(g.id(KindHealthMonitor)), Spec: g.monitor()} }},
		{KindHealthMonitor, func() Op { return DeleteHealthMonitor{ID: HealthMonitorID(g.id(KindHealthMonitor))} }},
	}
	ops = append(ops, g.netOps()...)
	present := map[Kind]bool{"": true}
	for o := range g.cfg.Objects() {
		kind, _ := identify(o)
		present[kind] = true
	}
	var possible []func() Op
	for _, op := range ops {
		if present[op.needs] || g.chance(1) {
			possible = append(possible, op.draw)
		}
	}
	return rapid.SampledFrom(possible).Draw(g.t, "op")()
}

func identify(o any) (Kind, string) {
	switch o := o.(type) {
	case *Subnet:
		return KindSubnet, string(o.ID)
	case *LoadBalancer:
		return KindLoadBalancer, string(o.ID)
	case *Listener:
		return KindListener, string(o.ID)
	case *Pool:
		return KindPool, string(o.ID)
	case *Member:
		return KindMember, string(o.ID)
	case *HealthMonitor:
		return KindHealthMonitor, string(o.ID)
	case *L7Policy:
		return KindL7Policy, string(o.ID)
	case *L7Rule:
		return KindL7Rule, string(o.ID)
	}
	kind, id, _ := identifyNet(o)
	return kind, id
}

// revisionOf returns the revision of a stored resource.
func revisionOf(o any) uint64 {
	if m := metaOf(o); m != nil {
		return m.Revision
	}
	_, _, revision := identifyNet(o)
	return revision
}

// metaOf returns the Meta of what is below a load balancer, of those themselves and of
// subnets; nil for others.
func metaOf(o any) *Meta {
	switch o := o.(type) {
	case *Subnet:
		return &o.Meta
	case *LoadBalancer:
		return &o.Meta
	case *Listener:
		return &o.Meta
	case *Pool:
		return &o.Meta
	case *Member:
		return &o.Meta
	case *HealthMonitor:
		return &o.Meta
	case *L7Policy:
		return &o.Meta
	case *L7Rule:
		return &o.Meta
	}
	return nil
}
