package lb

import (
	"slices"
	"testing"
)

// nestedSpec is a load balancer with two pools, and a listener that sends to both.
func nestedSpec(s SubnetID) LoadBalancerSpec {
	named := func(name string) MetaSpec { return MetaSpec{Name: Some(name)} }
	monitor := monitorSpec("", MonitorHTTP)
	monitor.PoolID = Opt[PoolID]{}
	return LoadBalancerSpec{
		VIPSubnetID: Some(s),
		Pools: []PoolSpec{
			{MetaSpec: named("web"), Protocol: Some(ProtocolHTTP), Algorithm: Some(RoundRobin), Monitor: &monitor, Members: []MemberSpec{
				batchSpec("10.0.0.1"), batchSpec("10.0.0.2"),
			}},
			{MetaSpec: named("api"), Protocol: Some(ProtocolHTTP), Algorithm: Some(SourceIP)},
		},
		Listeners: []ListenerSpec{{
			Protocol: Some(ProtocolHTTP), ProtocolPort: Some(80), DefaultPoolName: "web",
			L7Policies: []L7PolicySpec{
				{MetaSpec: named("last"), Action: Some(L7Reject)},
				{
					MetaSpec: named("first"), Action: Some(L7RedirectToPool), RedirectPoolName: "api", Position: Some(1),
					Rules: []L7RuleSpec{pathRule("/api")},
				},
			},
		}},
	}
}

func TestCreateWholeTree(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	next, result, changes, err := Apply(w.cfg, w.stamp(CreateLoadBalancer{Spec: nestedSpec(s)}))
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = next
	tree, ok := w.cfg.Tree(LoadBalancerID(result.ID))
	if !ok || result.Kind != KindLoadBalancer || result.ID != testID(2) {
		t.Fatalf("result %v, want the load balancer with the id of the stamp", result)
	}
	web, api, l := tree.Pools[0], tree.Pools[1], tree.Listeners[0]
	if web.Name != "web" {
		web, api = api, web
	}
	if len(web.Members) != 2 || web.Monitor == nil || web.Monitor.ID == "" || string(web.Monitor.ID) == string(web.ID) || api.Algorithm != SourceIP {
		t.Errorf("pools %+v and %+v", web, api)
	}
	if l.DefaultPoolID != web.ID || len(l.L7Policies) != 2 || !l.UpdatedAt.IsZero() {
		t.Fatalf("listener %+v", l)
	}
	first, last := l.L7Policies[0], l.L7Policies[1]
	if first.Name != "first" || first.RedirectPoolID != api.ID || len(first.Rules) != 1 || first.Position != 1 ||
		last.Name != "last" || last.Position != 2 || !last.UpdatedAt.IsZero() {
		t.Errorf("policies %+v and %+v", first, last)
	}
	var kinds []Kind
	for _, c := range changes {
		if kinds = append(kinds, c.Kind); !validID(c.ID) {
			t.Errorf("%s has the id %q", c.Kind, c.ID)
		}
	}
	if at := func(k Kind) int { return slices.Index(kinds, k) }; at(KindLoadBalancer) > at(KindPool) || at(KindPool) > at(KindListener) ||
		at(KindListener) > at(KindL7Policy) || at(KindL7Policy) > at(KindL7Rule) {
		t.Errorf("order of creation %v", kinds)
	}
	if u := w.cfg.Usage(""); u != (Usage{LoadBalancer: 1, Listener: 1, Pool: 2, Member: 2, HealthMonitor: 1, L7Policy: 2, L7Rule: 1}) {
		t.Errorf("usage %+v", u)
	}
}

func TestCreateWholeTreeRules(t *testing.T) {
	var s SubnetID
	fresh := func(t *testing.T) (*world, LoadBalancerSpec) {
		w := newWorld(t)
		s = w.subnet("public", "192.0.2.0/24")
		return w, nestedSpec(s)
	}
	bad := pathRule("(")
	bad.Compare = Some(L7Regex)
	checkRules(t, fresh, func(s LoadBalancerSpec) Op { return CreateLoadBalancer{Spec: s} }, []rule[LoadBalancerSpec]{
		{
			"pool without a name", func(s *LoadBalancerSpec) {
				s.Pools = append(s.Pools, PoolSpec{Protocol: Some(ProtocolTCP), Algorithm: Some(RoundRobin)})
			},
			ErrInvalid, "pools", "Validation failure: Pools must be named when creating a fully populated loadbalancer.",
		},
		{
			"name twice", func(s *LoadBalancerSpec) { s.Pools = append(s.Pools, s.Pools[1]) },
			ErrInvalid, "pools", "Validation failure: Pool names must be unique when creating a fully populated loadbalancer.",
		},
		{
			"unknown default pool", func(s *LoadBalancerSpec) { s.Listeners[0].DefaultPoolName = "x" },
			ErrInvalid, "pools", "Validation failure: Pool 'x' was referenced but no full definition was found.",
		},
		{
			"unknown redirect pool", func(s *LoadBalancerSpec) { s.Listeners[0].L7Policies[1].RedirectPoolName = "y" },
			ErrInvalid, "pools", "Pool 'y' was referenced but no full definition was found.",
		},
		{
			"no protocol", func(s *LoadBalancerSpec) { s.Pools[1].Protocol = Opt[Protocol]{} },
			ErrInvalid, "pools", "Validation failure: Pool definition for 'api' missing required attribute: protocol",
		},
		{
			"no algorithm", func(s *LoadBalancerSpec) { s.Pools[1].Algorithm = Opt[Algorithm]{} },
			ErrInvalid, "pools", "Pool definition for 'api' missing required attribute: lb_algorithm",
		},
		{
			"protocols that do not fit", func(s *LoadBalancerSpec) { s.Listeners[0].Protocol, s.Listeners[0].L7Policies = Some(ProtocolUDP), nil },
			ErrInvalid, "default_pool_id", "The pool protocol 'HTTP' is invalid while the listener protocol is 'UDP'.",
		},
		{"member twice", func(s *LoadBalancerSpec) { s.Pools[0].Members[1] = s.Pools[0].Members[0] }, ErrConflict, "address", "Another member on this pool"},
		{"monitor that does not fit", func(s *LoadBalancerSpec) { s.Pools[0].Monitor.Type = Some(MonitorSCTP) }, ErrInvalid, "type", "only supported for pools of type UDP/SCTP"},
		{"port twice", func(s *LoadBalancerSpec) { s.Listeners = append(s.Listeners, s.Listeners[0]) }, ErrConflict, "protocol_port", "Another Listener"},
		{"rule that is wrong", func(s *LoadBalancerSpec) { s.Listeners[0].L7Policies[0].Rules = []L7RuleSpec{bad} }, ErrInvalid, "value", "Error parsing L7Rule"},
		{"children of a PROMETHEUS listener", func(s *LoadBalancerSpec) {
			s.Listeners[0].Protocol, s.Listeners[0].DefaultPoolName = Some(ProtocolPrometheus), ""
		}, ErrInvalid, "l7policies", "Protocol PROMETHEUS listeners cannot have child objects."},
	})
}

func TestCreateWholeTreeMeetsQuotas(t *testing.T) {
	for name, quota := range map[string]QuotaSpec{
		"Pool": {Pool: Some(1)}, "Listener": {Listener: Some(0)}, "Member": {Member: Some(1)}, "Health Monitor": {HealthMonitor: Some(0)},
		"L7Policy": {L7Policy: Some(1)}, "L7Rule": {L7Rule: Some(0)},
	} {
		w := newWorld(t)
		s := w.subnet("public", "192.0.2.0/24")
		w.do(SetQuota{ProjectID: "p", Spec: quota})
		spec := nestedSpec(s)
		spec.ProjectID = Some("p")
		cmd := w.stamp(CreateLoadBalancer{Spec: spec})
		next, _, changes, err := Apply(w.cfg, cmd)
		checkError(t, err, ErrQuota, "", "Quota has been met for resources: "+name)
		if next != w.cfg || changes != nil {
			t.Errorf("%s: something was created", name)
		}
		cmd.Exempt = true
		if _, _, _, err := Apply(w.cfg, cmd); err != nil {
			t.Errorf("%s: a command that is exempt is refused: %v", name, err)
		}
	}
}
