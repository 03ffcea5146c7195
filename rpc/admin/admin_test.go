package admin_test

import (
	"errors"
	"io"
	"net/netip"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

// node serves cfg for the length of a test and returns a client of it.
func node(t *testing.T, cfg admin.Config) *admin.Client {
	t.Helper()
	testenv.NoLeaks(t)
	target, stop, err := admintest.Serve(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	return dial(t, target)
}

func dial(t *testing.T, target string) *admin.Client {
	t.Helper()
	c, err := admin.Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	return c
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// must is the value of a call that has to work.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func named(name string) lb.MetaSpec { return lb.MetaSpec{Name: lb.Some(name)} }

func prefix(s string) lb.Opt[netip.Prefix] { return lb.Some(netip.MustParsePrefix(s)) }

func addr(s string) lb.Opt[netip.Addr] { return lb.Some(netip.MustParseAddr(s)) }

// tutorial makes what the first page of every Octavia guide makes, by name.
func tutorial(t *testing.T, c *admin.Client) {
	t.Helper()
	ctx := t.Context()
	must[admin.Resource[lb.Subnet]](t)(c.Subnets.Create(ctx, lb.SubnetSpec{MetaSpec: named("public"), CIDR: prefix("192.0.2.0/24")}))
	must[admin.Resource[lb.LoadBalancer]](t)(c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{MetaSpec: named("lb1"), VIPSubnetID: lb.Some[lb.SubnetID]("public")}))
	must[admin.Resource[lb.Listener]](t)(c.Listeners.Create(ctx, lb.ListenerSpec{
		MetaSpec: named("l1"), LoadBalancerID: lb.Some[lb.LoadBalancerID]("lb1"), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(80),
	}))
	must[admin.Resource[lb.Pool]](t)(c.Pools.Create(ctx, lb.PoolSpec{
		MetaSpec: named("p1"), ListenerID: lb.Some[lb.ListenerID]("l1"), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}))
	for _, a := range []string{"10.0.0.11", "10.0.0.12"} {
		must[admin.Resource[lb.Member]](t)(c.Members.Create(ctx, lb.MemberSpec{
			PoolID: lb.Some[lb.PoolID]("p1"), Address: addr(a), ProtocolPort: lb.Some(80),
		}))
	}
	must[admin.Resource[lb.HealthMonitor]](t)(c.HealthMonitors.Create(ctx, lb.HealthMonitorSpec{
		MetaSpec: named("hm1"), PoolID: lb.Some[lb.PoolID]("p1"), Type: lb.Some(lb.MonitorHTTP),
		Delay: lb.Some(5 * second), Timeout: lb.Some(3 * second), MaxRetries: lb.Some(3),
	}))
}

// ids are those of the resources of the tutorial.
var ids = struct{ subnet, lb, listener, pool, member1, member2, monitor string }{
	admintest.ID(1), admintest.ID(2), admintest.ID(3), admintest.ID(4), admintest.ID(5), admintest.ID(6), admintest.ID(7),
}

// wantError checks that err is one domain error with these parts.
func wantError(t *testing.T, err error, kind error, text string) {
	t.Helper()
	var e *lb.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) || err.Error() != text {
		t.Errorf("got %v (%T)\nwant %s: %s", err, err, kind, text)
	}
}
