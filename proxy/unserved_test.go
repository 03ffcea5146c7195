package proxy

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

func TestUnservedIsSaid(t *testing.T) {
	monitor := func(pool lb.PoolID, kind lb.MonitorType) lb.CreateHealthMonitor {
		return lb.CreateHealthMonitor{Spec: lb.HealthMonitorSpec{
			PoolID: lb.Some(pool), Type: lb.Some(kind), Delay: lb.Some(3 * time.Second), Timeout: lb.Some(time.Second), MaxRetries: lb.Some(1),
		}}
	}
	down := lb.MetaSpec{AdminStateUp: lb.Some(false)}
	for name, tt := range map[string]struct {
		op   func(f *front) lb.Op
		want string // of the object that op is about; "": it is served
	}{
		"HTTPS listener": {func(f *front) lb.Op {
			return lb.CreateListener{Spec: lb.ListenerSpec{LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolHTTPS), ProtocolPort: lb.Some(443)}}
		}, ""},
		"UDP listener": {func(f *front) lb.Op {
			return lb.CreateListener{Spec: lb.ListenerSpec{LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolUDP), ProtocolPort: lb.Some(53)}}
		}, "protocol UDP is not served by this version"},
		"TERMINATED_HTTPS listener": {func(f *front) lb.Op {
			return lb.CreateListener{Spec: lb.ListenerSpec{
				LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTerminatedHTTPS), ProtocolPort: lb.Some(443), TLSDefaultRef: lb.Some("x"),
			}}
		}, "default_tls_container_ref: this node has no store of secrets"},
		"disabled UDP listener": {func(f *front) lb.Op {
			return lb.CreateListener{Spec: lb.ListenerSpec{
				MetaSpec: down, LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolUDP), ProtocolPort: lb.Some(53),
			}}
		}, ""},
		"PROXY pool": {func(f *front) lb.Op {
			return lb.CreatePool{Spec: lb.PoolSpec{LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolPROXY), Algorithm: lb.Some(lb.RoundRobin)}}
		}, ""},
		"TLS pool": {func(f *front) lb.Op {
			return lb.CreatePool{Spec: lb.PoolSpec{
				LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin), TLSEnabled: lb.Some(true),
				TLSRef: lb.Some("x"),
			}}
		}, "tls_container_ref: this node has no store of secrets"},
		"sticky TCP pool": {func(f *front) lb.Op {
			return lb.CreatePool{Spec: lb.PoolSpec{
				LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTCP), Algorithm: lb.Some(lb.RoundRobin),
				Persistence: lb.Some(lb.PersistenceSpec{Type: lb.Some(lb.PersistHTTPCookie)}),
			}}
		}, "session persistence HTTP_COOKIE needs a pool of protocol HTTP, PROXY or PROXYV2: clients are not kept with a member"},
		"sticky pool": {func(f *front) lb.Op {
			return lb.CreatePool{Spec: lb.PoolSpec{
				LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
				Persistence: lb.Some(lb.PersistenceSpec{Type: lb.Some(lb.PersistSourceIP)}),
			}}
		}, ""},
		"TCP monitor":       {func(f *front) lb.Op { return monitor(f.pool, lb.MonitorTCP) }, ""},
		"HTTPS monitor":     {func(f *front) lb.Op { return monitor(f.pool, lb.MonitorHTTPS) }, ""},
		"TLS-HELLO monitor": {func(f *front) lb.Op { return monitor(f.pool, lb.MonitorTLSHello) }, ""},
		"L7 policy without rules": {func(f *front) lb.Op {
			return lb.CreateL7Policy{Spec: lb.L7PolicySpec{ListenerID: lb.Some(f.listener), Action: lb.Some(lb.L7Reject)}}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, 1, nil)
			id := f.do(tt.op(f))
			got := f.engine.View().Errors
			want := map[string]string{}
			if tt.want != "" {
				want[id] = tt.want
			}
			if !maps.Equal(got, want) {
				t.Errorf("errors are %v, want %v", got, want)
			}
			f.open(0) // the rest is served
			f.do(lb.DeleteLoadBalancer{ID: f.lb, Cascade: true})
			if got := f.engine.View().Errors; len(got) != 0 {
				t.Errorf("errors of what is gone: %v", got)
			}
		})
	}
}

// A pool that needs what this version does not do gets no traffic at all: half of it
// could be plain text where TLS was asked for.
func TestUnservedPoolGetsNothing(t *testing.T) {
	f := newFront(t, 1, nil)
	_, m := f.open(0)
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{TLSEnabled: lb.Some(true), TLSRef: lb.Some("x")}})
	c := f.client()
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 503 Service Unavailable")
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{TLSEnabled: lb.Some(false)}})
	f.exchange(c, m)
}

// HTTPS passes through, as TCP does.
func TestHTTPSPassesThrough(t *testing.T) {
	r := newRig(t, Config{})
	o := newOrigin(t)
	r.serve(lb.ProtocolHTTPS, 443, nil, o.addr)
	client := r.dial(443)
	write(t, client, "\x16\x03\x01")
	member := o.accept()
	if got := readN(t, member, 3); got != "\x16\x03\x01" {
		t.Fatalf("member got %q", got)
	}
	write(t, member, "\x16\x03\x03")
	if got := readN(t, client, 3); got != "\x16\x03\x03" {
		t.Fatalf("client got %q", got)
	}
}

// Members whose monitor is not served are used, and nobody says that they are checked.
func TestUnservedMonitor(t *testing.T) {
	f := newFront(t, 1, nil)
	pool := lb.PoolID(f.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolSCTP), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	member := f.rig.member(pool, f.origins[0].addr)
	id := f.do(lb.CreateHealthMonitor{Spec: lb.HealthMonitorSpec{
		PoolID: lb.Some(pool), Type: lb.Some(lb.MonitorSCTP), Delay: lb.Some(time.Second), Timeout: lb.Some(time.Second), MaxRetries: lb.Some(1),
	}})
	tree, _ := f.cfg.Tree(f.lb)
	all := f.engine.View().Tree(tree)
	if s := all[id]; s.Provisioning != lb.Errored || !strings.Contains(s.Reason, "SCTP") {
		t.Errorf("the monitor is %+v, want ERROR with a reason", s)
	}
	if s := all[string(member)]; s.Operating != lb.NoMonitor || s.Provisioning != lb.Active {
		t.Errorf("the member is %+v, want NO_MONITOR", s)
	}
	if s := all[string(f.listener)]; s.Operating != lb.Online {
		t.Errorf("the listener is %+v, want ONLINE", s)
	}
}

func TestListenerServesEveryVIP(t *testing.T) {
	tree := &lb.Tree{LoadBalancer: &lb.LoadBalancer{
		VIPAddress:     netip.MustParseAddr("192.0.2.1"),
		AdditionalVIPs: []lb.AdditionalVIP{{Address: netip.MustParseAddr("2001:db8::1")}},
	}}
	l := &lb.Listener{ProtocolPort: 80}
	want := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[2001:db8::1]:80")}
	if got := new(Engine).listenAddrs(tree, l); !slices.Equal(got, want) {
		t.Errorf("listens on %v, want %v", got, want)
	}
	one := Engine{cfg: Config{Bind: netip.MustParseAddr("127.0.0.1")}}
	if got := one.listenAddrs(tree, l); !slices.Equal(got, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")}) {
		t.Errorf("listens on %v, want the one address of Bind", got)
	}
}
