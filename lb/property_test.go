package lb

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dump writes out everything that a Config holds, indexes and next allocations
// included, in a form that shares nothing with it.
func dump(c *Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d\n", c.Revision())
	for o := range c.Objects() {
		fmt.Fprintf(&b, "%#v\n", o)
	}
	for id, n := range c.subnets.All() {
		free, ok := n.free()
		fmt.Fprintf(&b, "%s: free %v %v, members %d, vips %v\n", id, free, ok, n.members, maps.Collect(n.vips.All()))
	}
	fmt.Fprintln(&b, maps.Collect(c.names.All()), maps.Collect(c.owners.All()))
	return b.String()
}

func dumpChanges(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %#v\n", c.Kind, c.ID, c.Object)
	}
	return b.String()
}

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
	}
	panic(fmt.Sprintf("%T", o))
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

var protocols = []Protocol{ProtocolHTTP, ProtocolTCP}

func (g gen) op() Op {
	lb := func() LoadBalancerID { return LoadBalancerID(g.id(KindLoadBalancer)) }
	ops := []struct {
		needs Kind
		draw  func() Op
	}{
		{"", func() Op { return CreateSubnet{g.subnet(true)} }},
		{KindSubnet, func() Op { return UpdateSubnet{SubnetID(g.id(KindSubnet)), g.subnet(false)} }},
		{KindSubnet, func() Op { return DeleteSubnet{SubnetID(g.id(KindSubnet))} }},
		{KindSubnet, func() Op { return CreateLoadBalancer{g.loadBalancer()} }},
		{KindSubnet, func() Op { return CreateLoadBalancer{g.loadBalancer()} }},
		{KindLoadBalancer, func() Op { return UpdateLoadBalancer{lb(), LoadBalancerSpec{MetaSpec: g.meta()}} }},
		{KindLoadBalancer, func() Op { return DeleteLoadBalancer{lb(), g.chance(50)} }},
		{KindLoadBalancer, func() Op {
			s := g.listener()
			s.LoadBalancerID, s.Protocol = Some(lb()), Some(rapid.SampledFrom(protocols).Draw(g.t, "protocol"))
			s.ProtocolPort = Some(rapid.IntRange(80, 85).Draw(g.t, "port"))
			return CreateListener{s}
		}},
		{KindListener, func() Op { return UpdateListener{ListenerID(g.id(KindListener)), g.listener()} }},
		{KindListener, func() Op { return DeleteListener{ListenerID(g.id(KindListener))} }},
		{KindLoadBalancer, func() Op {
			s := PoolSpec{MetaSpec: g.meta(), Algorithm: Some(RoundRobin)}
			s.Protocol = Some(rapid.SampledFrom(protocols).Draw(g.t, "protocol"))
			if g.chance(50) {
				s.LoadBalancerID = Some(lb())
			} else {
				s.ListenerID = Some(ListenerID(g.id(KindListener)))
			}
			return CreatePool{s}
		}},
		{KindPool, func() Op {
			return UpdatePool{PoolID(g.id(KindPool)), PoolSpec{MetaSpec: g.meta(), Algorithm: Some(SourceIP)}}
		}},
		{KindPool, func() Op { return DeletePool{PoolID(g.id(KindPool))} }},
		{KindPool, func() Op {
			s := memberSpec(PoolID(g.id(KindPool)), fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 5).Draw(g.t, "addr")), 80)
			if s.MetaSpec = g.meta(); g.chance(30) {
				s.SubnetID = Some(SubnetID(g.id(KindSubnet)))
			}
			return CreateMember{s}
		}},
		{KindMember, func() Op {
			return UpdateMember{MemberID(g.id(KindMember)), MemberSpec{
				Weight: maybe(g, 0, 5, 256), MonitorPort: maybe(g, 81), Backup: maybe(g, true),
			}}
		}},
		{KindMember, func() Op { return DeleteMember{MemberID(g.id(KindMember))} }},
		{KindPool, func() Op {
			s := g.monitor()
			s.PoolID, s.Type = Some(PoolID(g.id(KindPool))), maybe(g, MonitorHTTP, MonitorTCP)
			s.Delay, s.Timeout, s.MaxRetries = Some(time.Second), Some(time.Second), Some(1)
			return CreateHealthMonitor{s}
		}},
		{KindHealthMonitor, func() Op { return UpdateHealthMonitor{HealthMonitorID(g.id(KindHealthMonitor)), g.monitor()} }},
		{KindHealthMonitor, func() Op { return DeleteHealthMonitor{HealthMonitorID(g.id(KindHealthMonitor))} }},
	}
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

// outcome is all that Apply returns, as text.
func outcome(next *Config, result Result, changes []Change, err error) string {
	return fmt.Sprintf("%v %v\n%s%s", result, err, dumpChanges(changes), dump(next))
}

func TestApplyProperties(t *testing.T) {
	worked, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cfg := new(Config)
		store := map[string]any{} // what the changes add up to
		type version struct {
			cfg  *Config
			dump string
		}
		var past []version
		for i := range rapid.IntRange(30, 60).Draw(t, "commands") {
			// Times repeat and run backwards, as they may when leaders change.
			at := time.Unix(1_700_000_000+rapid.Int64Range(0, 3).Draw(t, "time"), 0).UTC()
			cmd := Command{Stamp: Stamp{At: at, ID: testID(i + 1)}, Revision: uint64(2*i + 1), Op: gen{t, cfg}.op()}
			past = append(past, version{cfg, dump(cfg)})

			next, result, changes, err := Apply(cfg, cmd)
			want := outcome(next, result, changes, err)
			if got := outcome(Apply(cfg, cmd)); got != want {
				t.Fatalf("%+v gives\n%s\nand then\n%s", cmd, want, got)
			}
			rebuilt, buildErr := Build(cfg.Revision(), cfg.Objects())
			if buildErr != nil {
				t.Fatalf("build from objects: %v", buildErr)
			}
			if got := outcome(Apply(rebuilt, cmd)); got != want {
				t.Fatalf("%+v gives\n%s\nand on the Config built from storage\n%s", cmd, want, got)
			}
			if err != nil {
				refused++
				checkRefusal(t, cfg, next, result, changes, err)
				continue
			}
			worked++
			checkChanges(t, cfg, next, cmd, result, changes)
			replay(store, changes)
			if got, want := dumpStore(maps.Values(store)), dumpStore(next.Objects()); got != want {
				t.Fatalf("after %+v the changes add up to\n%s\nwant\n%s", cmd, got, want)
			}
			cfg = next
		}
		for i, v := range past {
			if got := dump(v.cfg); got != v.dump {
				t.Fatalf("the Config before command %d was\n%s\nand became\n%s", i, v.dump, got)
			}
		}
	})
	// The generator must not drift to commands that are all refused.
	if worked < refused/4 || refused == 0 {
		t.Errorf("%d commands worked and %d were refused", worked, refused)
	}
}

func replay(store map[string]any, changes []Change) {
	for _, c := range changes {
		if c.Object == nil {
			delete(store, c.ID)
		} else {
			store[c.ID] = c.Object
		}
	}
}

func dumpStore(objects func(func(any) bool)) string {
	var lines []string
	for o := range objects {
		lines = append(lines, fmt.Sprintf("%#v", o))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// checkRefusal checks that a refused command left nothing behind and said why.
func checkRefusal(t *rapid.T, cfg, next *Config, result Result, changes []Change, err error) {
	if next != cfg || result != (Result{}) || changes != nil {
		t.Fatalf("refused with %v, but returned %v %v and another Config: %v", err, result, changes, next != cfg)
	}
	for _, e := range flatten(err) {
		if e.Kind == nil || e.Resource == "" || e.Msg == "" {
			t.Fatalf("incomplete error %#v", e)
		}
	}
}

// flatten returns the single errors of what Apply returned.
func flatten(err error) []*Error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []*Error{err.(*Error)}
}

// checkChanges checks that nothing but what the changes name was touched.
func checkChanges(t *rapid.T, cfg, next *Config, cmd Command, result Result, changes []Change) {
	if next.Revision() != cmd.Revision {
		t.Fatalf("revision %d, want %d", next.Revision(), cmd.Revision)
	}
	touched, named := map[string]bool{}, false
	for _, c := range changes {
		touched[c.ID] = true
		named = named || c.Kind == result.Kind && c.ID == result.ID
		if c.Object == nil {
			continue
		}
		if kind, id := identify(c.Object); kind != c.Kind || id != c.ID {
			t.Fatalf("change of %s %s holds %s %s", c.Kind, c.ID, kind, id)
		}
		if p, ok := c.Object.(*Pool); ok && (p.Members != nil || p.Monitor != nil) {
			t.Fatalf("stored pool has children: %+v", p)
		}
	}
	if !named || len(touched) != len(changes) {
		t.Fatalf("result %v, changes %v: the result must be there and nothing twice", result, changes)
	}
	for id, old := range cfg.trees.All() {
		now, _ := next.Tree(id)
		if now == old {
			continue
		}
		if !slices.ContainsFunc(append(old.objects(), treeObjects(now)...), func(o any) bool {
			_, id := identify(o)
			return touched[id]
		}) {
			t.Fatalf("tree %s was copied, though nothing in it changed", id)
		}
	}
	for o := range next.Objects() {
		kind, id := identify(o)
		if meta := metaOf(o); (meta.Revision == cmd.Revision) != touched[id] {
			t.Fatalf("%s %s has revision %d after command %d, listed as changed: %v", kind, id, meta.Revision, cmd.Revision, touched[id])
		}
	}
}

func treeObjects(t *Tree) []any {
	if t == nil {
		return nil
	}
	return t.objects()
}

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
	}
	panic(fmt.Sprintf("%T", o))
}

// TestFreeIsTheFirstFree compares the search for a free address with a scan.
func TestFreeIsTheFirstFree(t *testing.T) {
	cidr := netip.MustParsePrefix("192.0.2.0/27")
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.Uint64Range(1, 30)
		bounds := rapid.SliceOfNDistinct(host, 4, 4, rapid.ID).Draw(t, "bounds")
		slices.Sort(bounds)
		n := network{subnet: &Subnet{CIDR: cidr, Allocations: []Range{
			{at(cidr, bounds[0]), at(cidr, bounds[1])}, {at(cidr, bounds[2]), at(cidr, bounds[3])},
		}}}
		for _, o := range rapid.SliceOfDistinct(host, rapid.ID).Draw(t, "taken") {
			n = n.withVIP(at(cidr, o), "x")
		}
		var want netip.Addr
	scan:
		for _, r := range n.subnet.Allocations {
			for a := r.First; r.Contains(a); a = a.Next() {
				if _, taken := n.holder(a); !taken {
					want = a
					break scan
				}
			}
		}
		if got, ok := n.free(); got != want || ok != want.IsValid() {
			t.Fatalf("free() = %v, %v, want %v", got, ok, want)
		}
	})
}
