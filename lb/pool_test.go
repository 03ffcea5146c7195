package lb

import (
	"slices"
	"testing"
)

func poolRules() []rule[PoolSpec] {
	algorithm := func(a Algorithm) func(*PoolSpec) { return func(s *PoolSpec) { s.Algorithm = Some(a) } }
	meta := func(s *PoolSpec) *MetaSpec { return &s.MetaSpec }
	return slices.Concat(metaRules(meta), describedRules(meta), []rule[PoolSpec]{
		{"least connections", algorithm(LeastConnections), nil, "", ""},
		{"source IP", algorithm(SourceIP), nil, "", ""},
		{
			"source IP and port", algorithm("SOURCE_IP_PORT"), ErrUnsupported, "lb_algorithm",
			"Provider 'amphora' does not support a requested option: Amphora provider does not support SOURCE_IP_PORT algorithm.",
		},
		{"empty algorithm", algorithm(""), ErrInvalid, "lb_algorithm", "Value should be one of: SOURCE_IP, ROUND_ROBIN, LEAST_CONNECTIONS, SOURCE_IP_PORT"},
	})
}

func TestCreatePoolRules(t *testing.T) {
	_, b, l, http, _, foreign := listenerWorld(t)
	w, _, _, _, _, _ := listenerWorld(t)
	foreignPool, _ := w.cfg.Pool(foreign)
	fresh := func(t *testing.T) (*world, PoolSpec) {
		w, _, _, _, _, _ := listenerWorld(t)
		return w, poolSpec(b, ProtocolHTTP)
	}
	op := func(s PoolSpec) Op { return CreatePool{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(poolRules(), []rule[PoolSpec]{
		{"no parent", func(s *PoolSpec) { s.LoadBalancerID = Opt[LoadBalancerID]{} }, ErrInvalid, "loadbalancer_id", "Validation failure: Must provide at least one of: loadbalancer_id, listener_id"},
		{"unknown load balancer", func(s *PoolSpec) { s.LoadBalancerID = Some(LoadBalancerID(testID(99))) }, ErrNotFound, "loadbalancer_id", "does not exist"},
		{"both parents", func(s *PoolSpec) { s.ListenerID = Some(l) }, nil, "", ""},
		{"listener alone", func(s *PoolSpec) { s.LoadBalancerID, s.ListenerID = Opt[LoadBalancerID]{}, Some(l) }, nil, "", ""},
		{"unknown listener", func(s *PoolSpec) { s.ListenerID = Some(ListenerID(testID(99))) }, ErrNotFound, "listener_id", "does not exist"},
		{"parents that differ", func(s *PoolSpec) {
			s.LoadBalancerID, s.ListenerID = Some(foreignPool.LoadBalancerID), Some(l)
		}, ErrInvalid, "listener_id", "belongs to load balancer " + string(b)},
		{"TCP", func(s *PoolSpec) { s.Protocol = Some(ProtocolTCP) }, nil, "", ""},
		{"TCP for an HTTP listener", func(s *PoolSpec) {
			s.Protocol, s.ListenerID = Some(ProtocolTCP), Some(l)
		}, ErrInvalid, "protocol", "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."},
		{"no protocol", func(s *PoolSpec) { s.Protocol = Opt[Protocol]{} }, ErrInvalid, "protocol", "required"},
		{"listener protocol", func(s *PoolSpec) { s.Protocol = Some(ProtocolTerminatedHTTPS) }, ErrInvalid, "protocol", "Value should be one of: HTTP, HTTPS, PROXY, PROXYV2, TCP, UDP, SCTP"},
		{"no algorithm", func(s *PoolSpec) { s.Algorithm = Null[Algorithm]() }, ErrInvalid, "lb_algorithm", "required"},
	}))

	t.Run("listener has a default pool", func(t *testing.T) {
		w, _, _, _, _, _ := listenerWorld(t)
		spec := PoolSpec{ListenerID: Some(l), Protocol: Some(ProtocolHTTP), Algorithm: Some(RoundRobin)}
		if _, _, _, err := Apply(w.cfg, w.stamp(CreatePool{Spec: spec})); err != nil {
			t.Fatalf("refused before there is one: %v", err)
		}
		w.do(UpdateListener{ID: l, Spec: ListenerSpec{DefaultPoolID: Some(http)}})
		_, _, _, err := Apply(w.cfg, w.stamp(CreatePool{Spec: spec}))
		checkError(t, err, ErrConflict, "listener_id", "This listener already has a default pool")
	})
}

func TestUpdatePoolRules(t *testing.T) {
	_, b, l, http, _, _ := listenerWorld(t)
	fresh := func(t *testing.T) (*world, PoolSpec) {
		w, _, _, _, _, _ := listenerWorld(t)
		return w, PoolSpec{}
	}
	op := func(s PoolSpec) Op { return UpdatePool{ID: http, Spec: s} }
	checkRules(t, fresh, op, slices.Concat(poolRules(), []rule[PoolSpec]{
		{"null algorithm", func(s *PoolSpec) { s.Algorithm = Null[Algorithm]() }, ErrInvalid, "lb_algorithm", "cannot be null"},
		{"same parent", func(s *PoolSpec) { s.LoadBalancerID = Some(b) }, nil, "", ""},
		{"other parent", func(s *PoolSpec) { s.LoadBalancerID = Some(LoadBalancerID(testID(99))) }, ErrInvalid, "loadbalancer_id", "cannot be changed"},
		{"listener", func(s *PoolSpec) { s.ListenerID = Some(l) }, ErrInvalid, "listener_id", "set default_pool_id"},
		{"other protocol", func(s *PoolSpec) { s.Protocol = Some(ProtocolTCP) }, ErrInvalid, "protocol", "cannot be changed"},
		{"project", func(s *PoolSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
	}))
}

func TestDeletePoolDetachesListeners(t *testing.T) {
	w, b, l, http, _, _ := listenerWorld(t)
	other := w.listener(b, ProtocolTCP, 81)
	m := w.member(http, "10.0.0.1", 80)
	w.do(UpdateListener{ID: l, Spec: ListenerSpec{DefaultPoolID: Some(http)}})
	bystander, _ := w.cfg.Listener(other)
	w.do(DeletePool{ID: http})
	if got, _ := w.cfg.Listener(l); got.DefaultPoolID != "" || got.Revision != w.cfg.Revision() {
		t.Errorf("listener still has default pool %q, revision %d", got.DefaultPoolID, got.Revision)
	}
	if got, _ := w.cfg.Listener(other); got != bystander {
		t.Errorf("a listener that never used the pool was copied")
	}
	if _, ok := w.cfg.Member(m); ok {
		t.Errorf("member %s outlived its pool", m)
	}
}
