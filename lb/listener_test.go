package lb

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// listenerWorld has an IPv4 load balancer with an HTTP listener on port 80, an
// HTTP and a TCP pool, and another load balancer with a pool.
func listenerWorld(t *testing.T) (w *world, b LoadBalancerID, l ListenerID, http, tcp, foreign PoolID) {
	w = newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	b = w.loadBalancer(s)
	http, tcp = w.pool(b, ProtocolHTTP), w.pool(b, ProtocolTCP)
	l = w.listener(b, ProtocolHTTP, 80)
	foreign = w.pool(w.loadBalancer(s), ProtocolHTTP)
	return w, b, l, http, tcp, foreign
}

// listenerRules hold for create and update of an HTTP listener.
func listenerRules(t *testing.T) []rule[ListenerSpec] {
	_, _, _, http, tcp, foreign := listenerWorld(t)
	headers := func(h map[string]string) func(*ListenerSpec) {
		return func(s *ListenerSpec) { s.InsertHeaders = Some(h) }
	}
	cidrs := func(p ...netip.Prefix) func(*ListenerSpec) {
		return func(s *ListenerSpec) { s.AllowedCIDRs = Some(p) }
	}
	limit := func(n int) func(*ListenerSpec) { return func(s *ListenerSpec) { s.ConnectionLimit = Some(n) } }
	pool := func(id PoolID) func(*ListenerSpec) { return func(s *ListenerSpec) { s.DefaultPoolID = Some(id) } }
	meta := func(s *ListenerSpec) *MetaSpec { return &s.MetaSpec }
	rules := slices.Concat(metaRules(meta), describedRules(meta), []rule[ListenerSpec]{
		{"no limit", limit(-1), nil, "", ""},
		{"limit too low", limit(-2), ErrInvalid, "connection_limit", "use -1 to 2147483647"},
		{"limit too high", limit(1 << 31), ErrInvalid, "connection_limit", "use -1 to 2147483647"},
		{"null limit", func(s *ListenerSpec) { s.ConnectionLimit = Null[int]() }, nil, "", ""},
		{"default pool", pool(http), nil, "", ""},
		{"null default pool", func(s *ListenerSpec) { s.DefaultPoolID = Null[PoolID]() }, nil, "", ""},
		{"unknown default pool", pool(PoolID(testID(99))), ErrNotFound, "default_pool_id", "does not exist"},
		{"empty default pool", pool(""), ErrNotFound, "default_pool_id", "does not exist"},
		{"default pool of another load balancer", pool(foreign), ErrNotFound, "default_pool_id", "does not exist"},
		{"TCP pool", pool(tcp), ErrInvalid, "default_pool_id", "Validation failure: The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."},
		{"headers", headers(map[string]string{"X-Forwarded-For": "True", "X-Forwarded-Port": "FALSE", "X-Forwarded-Proto": "true"}), nil, "", ""},
		{"null headers", func(s *ListenerSpec) { s.InsertHeaders = Null[map[string]string]() }, nil, "", ""},
		{"unknown header", headers(map[string]string{"X-Real-Name": "true"}), ErrInvalid, "insert_headers", "['X-Real-Name'] is not a valid option for insert_headers"},
		{"headers that nothing inserts", headers(map[string]string{"X-Forwarded-IP": "true", "X-Client-IP": "true", "X-Real-IP": "true"}), nil, "", ""},
		{"header value", headers(map[string]string{"X-Forwarded-For": "yes"}), nil, "", ""},
		{"header value too long", headers(map[string]string{"X-Forwarded-For": strings.Repeat("x", 256)}), ErrInvalid, "insert_headers", "at most 255"},
		{"certificate header", headers(map[string]string{"X-SSL-Client-DN": "true"}), ErrInvalid, "insert_headers", "['X-SSL-Client-DN'] is not a valid option for HTTP protocol listener."},
		{"clients", cidrs(prefix("10.0.0.0/8"), prefix("0.0.0.0/0")), nil, "", ""},
		{"null clients", func(s *ListenerSpec) { s.AllowedCIDRs = Null[[]netip.Prefix]() }, nil, "", ""},
		{"clients of other family", cidrs(prefix("10.0.0.0/8"), prefix("2001:db8::/32")), ErrInvalid, "allowed_cidrs", "Validation failure: CIDR 2001:db8::/32 IP version incompatible with all VIPs ['192.0.2.2'] IP version."},
		{"zero client prefix", cidrs(netip.Prefix{}), ErrInvalid, "allowed_cidrs", "not an address prefix"},
	})
	const longest = 2073600000 * time.Millisecond
	for field, timeout := range map[string]func(*ListenerSpec) *Opt[time.Duration]{
		"timeout_client_data":    func(s *ListenerSpec) *Opt[time.Duration] { return &s.TimeoutClientData },
		"timeout_member_connect": func(s *ListenerSpec) *Opt[time.Duration] { return &s.TimeoutMemberConnect },
		"timeout_member_data":    func(s *ListenerSpec) *Opt[time.Duration] { return &s.TimeoutMemberData },
		"timeout_tcp_inspect":    func(s *ListenerSpec) *Opt[time.Duration] { return &s.TimeoutTCPInspect },
	} {
		set := func(d time.Duration) func(*ListenerSpec) {
			return func(s *ListenerSpec) { *timeout(s) = Some(d) }
		}
		rules = append(rules, []rule[ListenerSpec]{
			{field + " zero", set(0), nil, "", ""},
			{field + " longest", set(longest), nil, "", ""},
			{field + " null", func(s *ListenerSpec) { *timeout(s) = Null[time.Duration]() }, nil, "", ""},
			{field + " negative", set(-time.Millisecond), ErrInvalid, field, "-1 is out of range, use 0 to 2073600000 milliseconds"},
			{field + " too long", set(longest + time.Millisecond), ErrInvalid, field, "use 0 to 2073600000 milliseconds"},
			{field + " too fine", set(time.Microsecond), ErrInvalid, field, "whole number of milliseconds"},
		}...)
	}
	return rules
}

func TestCreateListenerRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, ListenerSpec) {
		w, b, _, _, _, _ := listenerWorld(t)
		return w, listenerSpec(b, ProtocolHTTP, 8080)
	}
	port := func(n int) func(*ListenerSpec) { return func(s *ListenerSpec) { s.ProtocolPort = Some(n) } }
	protocol := func(p Protocol) func(*ListenerSpec) { return func(s *ListenerSpec) { s.Protocol = Some(p) } }
	_, _, _, _, tcp, _ := listenerWorld(t)
	op := func(s ListenerSpec) Op { return CreateListener{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(listenerRules(t), []rule[ListenerSpec]{
		{"no load balancer", func(s *ListenerSpec) { s.LoadBalancerID = Opt[LoadBalancerID]{} }, ErrInvalid, "loadbalancer_id", "required"},
		{"unknown load balancer", func(s *ListenerSpec) { s.LoadBalancerID = Some(LoadBalancerID(testID(99))) }, ErrNotFound, "loadbalancer_id", "does not exist"},
		{"no protocol", func(s *ListenerSpec) { s.Protocol = Opt[Protocol]{} }, ErrInvalid, "protocol", "required"},
		{"TCP", protocol(ProtocolTCP), nil, "", ""},
		{"HTTPS", protocol(ProtocolHTTPS), nil, "", ""},
		{"TERMINATED_HTTPS", protocol(ProtocolTerminatedHTTPS), ErrInvalid, "default_tls_container_ref", "An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners."},
		{"UDP", protocol(ProtocolUDP), nil, "", ""},
		{"SCTP", protocol(ProtocolSCTP), nil, "", ""},
		{"PROMETHEUS", protocol(ProtocolPrometheus), nil, "", ""},
		{"pool protocol", protocol(ProtocolPROXY), ErrInvalid, "protocol", "Value should be one of: HTTP, HTTPS, TCP, TERMINATED_HTTPS, UDP, SCTP, PROMETHEUS"},
		{"empty protocol", protocol(""), ErrInvalid, "protocol", "Invalid input for field/attribute protocol."},
		{"port taken by another transport", func(s *ListenerSpec) {
			s.Protocol, s.ProtocolPort = Some(ProtocolUDP), Some(80)
		}, nil, "", ""},
		{"no port", func(s *ListenerSpec) { s.ProtocolPort = Null[int]() }, ErrInvalid, "protocol_port", "required"},
		{"port 1", port(1), nil, "", ""},
		{"port 65535", port(65535), nil, "", ""},
		{"port 0", port(0), ErrInvalid, "protocol_port", "use 1 to 65535"},
		{"port 65536", port(65536), ErrInvalid, "protocol_port", "use 1 to 65535"},
		{"port taken", port(80), ErrConflict, "protocol_port", "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80"},
		{"port taken across protocols", func(s *ListenerSpec) {
			s.Protocol, s.ProtocolPort = Some(ProtocolTCP), Some(80)
		}, ErrConflict, "protocol_port", "Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80"},
		{"TCP to TCP pool", func(s *ListenerSpec) {
			s.Protocol, s.DefaultPoolID = Some(ProtocolTCP), Some(tcp)
		}, nil, "", ""},
		{"headers on TCP", func(s *ListenerSpec) {
			s.Protocol, s.InsertHeaders = Some(ProtocolTCP), Some(map[string]string{"X-Forwarded-For": "true"})
		}, ErrInvalid, "insert_headers", "insert-headers is not a valid option for a TCP protocol listener."},
		{"no headers on TCP", func(s *ListenerSpec) {
			s.Protocol, s.InsertHeaders = Some(ProtocolTCP), Some(map[string]string{})
		}, nil, "", ""},
		{"project is the load balancer's", func(s *ListenerSpec) { s.ProjectID = Some("other") }, nil, "", ""},
	}))
}

func TestUpdateListenerRules(t *testing.T) {
	_, b, l, _, _, _ := listenerWorld(t)
	fresh := func(t *testing.T) (*world, ListenerSpec) {
		w, _, _, _, _, _ := listenerWorld(t)
		return w, ListenerSpec{}
	}
	op := func(s ListenerSpec) Op { return UpdateListener{ID: l, Spec: s} }
	checkRules(t, fresh, op, slices.Concat(listenerRules(t), []rule[ListenerSpec]{
		{"project", func(s *ListenerSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
		{"same load balancer", func(s *ListenerSpec) { s.LoadBalancerID = Some(b) }, nil, "", ""},
		{"other load balancer", func(s *ListenerSpec) { s.LoadBalancerID = Some(LoadBalancerID(testID(99))) }, ErrInvalid, "loadbalancer_id", "cannot be changed"},
		{"same protocol", func(s *ListenerSpec) { s.Protocol = Some(ProtocolHTTP) }, nil, "", ""},
		{"other protocol", func(s *ListenerSpec) { s.Protocol = Some(ProtocolTCP) }, ErrInvalid, "protocol", "cannot be changed"},
		{"same port", func(s *ListenerSpec) { s.ProtocolPort = Some(80) }, nil, "", ""},
		{"other port", func(s *ListenerSpec) { s.ProtocolPort = Some(81) }, ErrInvalid, "protocol_port", "cannot be changed"},
		{"null port", func(s *ListenerSpec) { s.ProtocolPort = Null[int]() }, ErrInvalid, "protocol_port", "cannot be changed"},
	}))
}

func TestListenerDefaultsAndNulls(t *testing.T) {
	w, b, _, http, _, _ := listenerWorld(t)
	spec := listenerSpec(b, ProtocolHTTP, 8080)
	spec.MetaSpec = MetaSpec{Name: Some("web"), Description: Some("x"), AdminStateUp: Some(false), Tags: Some([]string{"b", "a", "b"})}
	spec.ConnectionLimit, spec.DefaultPoolID = Some(5), Some(http)
	spec.InsertHeaders = Some(map[string]string{"X-Forwarded-For": "TRUE", "X-Forwarded-Port": "false"})
	spec.AllowedCIDRs = Some([]netip.Prefix{prefix("10.1.2.3/8")})
	spec.TimeoutClientData, spec.TimeoutMemberConnect = Some(time.Second), Some(2*time.Second)
	spec.TimeoutMemberData, spec.TimeoutTCPInspect = Some(3*time.Second), Some(4*time.Second)
	id := ListenerID(w.do(CreateListener{Spec: spec}))

	l, _ := w.cfg.Listener(id)
	if !slices.Equal(l.Tags, []string{"a", "b"}) || !slices.Equal(l.AllowedCIDRs, []netip.Prefix{prefix("10.0.0.0/8")}) {
		t.Errorf("tags %q are not sorted or CIDRs %v not masked", l.Tags, l.AllowedCIDRs)
	}
	if !l.InsertHeaders.XForwardedFor || l.InsertHeaders.XForwardedPort || l.InsertHeaders.XForwardedProto {
		t.Errorf("insert headers %+v", l.InsertHeaders)
	}
	before := *l
	w.do(UpdateListener{ID: id})
	if l, _ := w.cfg.Listener(id); !l.UpdatedAt.Equal(w.stamp(nil).At.Add(-time.Second)) || l.Revision != w.cfg.Revision() {
		t.Errorf("updated at %v in revision %d", l.UpdatedAt, l.Revision)
	} else if got := *l; got.TimeoutTCPInspect != before.TimeoutTCPInspect || got.ConnectionLimit != 5 || got.Name != "web" {
		t.Errorf("an update of nothing made %+v of %+v", got, before)
	}

	nulls := ListenerSpec{
		MetaSpec: MetaSpec{
			Name: Null[string](), Description: Null[string](), AdminStateUp: Null[bool](), Tags: Null[[]string](),
		},
		ConnectionLimit: Null[int](), DefaultPoolID: Null[PoolID](), InsertHeaders: Null[map[string]string](),
		AllowedCIDRs: Null[[]netip.Prefix](), TimeoutClientData: Null[time.Duration](), TimeoutMemberConnect: Null[time.Duration](),
		TimeoutMemberData: Null[time.Duration](), TimeoutTCPInspect: Null[time.Duration](),
	}
	w.do(UpdateListener{ID: id, Spec: nulls})
	plain := w.listener(b, ProtocolHTTP, 8081)
	got, _ := w.cfg.Listener(id)
	want, _ := w.cfg.Listener(plain)
	g, d := *got, *want
	g.ID, g.ProtocolPort, g.CreatedAt, g.UpdatedAt, g.Revision, g.Serial = d.ID, d.ProtocolPort, d.CreatedAt, d.UpdatedAt, d.Revision, d.Serial
	if dumpStore(slices.Values([]any{&g})) != dumpStore(slices.Values([]any{&d})) {
		t.Errorf("after nulls %+v, want the defaults %+v", g, d)
	}
	if d.ConnectionLimit != -1 || d.TimeoutClientData != 50*time.Second || d.TimeoutMemberConnect != 5*time.Second ||
		d.TimeoutMemberData != 50*time.Second || d.TimeoutTCPInspect != 0 || !d.AdminStateUp {
		t.Errorf("defaults %+v", d)
	}
}

func TestProjectComesFromTheLoadBalancer(t *testing.T) {
	w := newWorld(t)
	spec := LoadBalancerSpec{VIPSubnetID: Some(w.subnet("public", "192.0.2.0/24"))}
	spec.ProjectID = Some("ours")
	b := LoadBalancerID(w.do(CreateLoadBalancer{Spec: spec}))
	p := w.pool(b, ProtocolTCP)
	w.listener(b, ProtocolTCP, 80)
	w.monitor(p, MonitorTCP)
	m := memberSpec(p, "10.0.0.1", 80)
	m.ProjectID = Some("theirs")
	w.do(CreateMember{Spec: m})
	tree, _ := w.cfg.Tree(b)
	for _, o := range tree.objects() {
		if got := metaOf(o).ProjectID; got != "ours" {
			t.Errorf("%T is in project %q", o, got)
		}
	}
}
