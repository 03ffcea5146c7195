package admin_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

const second = time.Second

func TestTree(t *testing.T) {
	c := node(t, admin.Config{})
	tutorial(t, c)
	tree := must[admin.Tree](t)(c.Tree(t.Context(), "lb1"))
	balancer := tree.LoadBalancer
	if got := balancer.Value.VIPAddress.String(); got != "192.0.2.2" {
		t.Errorf("VIP %s, want the first that may be given out", got)
	}
	if !slices.Equal(balancer.ListenerIDs, []string{ids.listener}) || !slices.Equal(balancer.PoolIDs, []string{ids.pool}) {
		t.Errorf("load balancer has listeners %v and pools %v", balancer.ListenerIDs, balancer.PoolIDs)
	}
	if len(tree.Listeners) != 1 || string(tree.Listeners[0].Value.DefaultPoolID) != ids.pool {
		t.Errorf("listeners %+v, want one with the pool as its default", tree.Listeners)
	}
	p := tree.Pools[0]
	if p.HealthMonitorID != ids.monitor || !slices.Equal(p.MemberIDs, []string{ids.member1, ids.member2}) || !slices.Equal(p.ListenerIDs, []string{ids.listener}) {
		t.Errorf("pool %+v", p)
	}
	if len(tree.Members) != 2 || tree.Members[1].Value.Address.String() != "10.0.0.12" {
		t.Errorf("members %+v", tree.Members)
	}
	if len(tree.HealthMonitors) != 1 || tree.HealthMonitors[0].Value.Delay != 5*second {
		t.Errorf("health monitors %+v", tree.HealthMonitors)
	}
}

// configured is a backend whose resources were made elsewhere.
type configured struct {
	*admintest.Backend
	cfg *lb.Config
}

// Config implements admin.Backend.
func (b configured) Config() *lb.Config { return b.cfg }

// A tree is in order of creation, as lists are, whatever the ids.
func TestTreeIsInOrderOfCreation(t *testing.T) {
	at := func(name string, seconds int) lb.Meta {
		return lb.Meta{Name: name, CreatedAt: admintest.Start.Add(time.Duration(seconds) * second)}
	}
	id := lb.LoadBalancerID(admintest.ID(1))
	cfg, err := lb.Build(1, slices.Values([]any{
		&lb.Subnet{ID: "n", CIDR: netip.MustParsePrefix("192.0.2.0/24")},
		&lb.LoadBalancer{ID: id, Meta: at("lb1", 0), VIPSubnetID: "n", VIPAddress: netip.MustParseAddr("192.0.2.2")},
		&lb.Listener{ID: "a", Meta: at("second", 2), LoadBalancerID: id},
		&lb.Listener{ID: "b", Meta: at("first", 1), LoadBalancerID: id},
		&lb.Pool{ID: "c", Meta: at("second", 4), LoadBalancerID: id},
		&lb.Pool{ID: "d", Meta: at("first", 3), LoadBalancerID: id},
	}))
	if err != nil {
		t.Fatal(err)
	}
	c := node(t, admin.Config{Backend: configured{new(admintest.Backend), cfg}})
	tree := must[admin.Tree](t)(c.Tree(t.Context(), "lb1"))
	if got := tree.Listeners[0].Value.Name + " " + tree.Listeners[1].Value.Name; got != "first second" {
		t.Errorf("listeners: %s", got)
	}
	if got := tree.Pools[0].Value.Name + " " + tree.Pools[1].Value.Name; got != "first second" {
		t.Errorf("pools: %s", got)
	}
}

// verbs runs every verb of one kind on the resource that the tutorial made.
func verbs[T, S any](t *testing.T, of admin.Collection[T, S], ref, id string, change S, changed func(*T) bool) {
	t.Helper()
	ctx := t.Context()
	for _, name := range []string{ref, id} {
		if r, err := of.Get(ctx, name); err != nil || r.Value == nil {
			t.Errorf("get %s: %+v, %v", name, r, err)
		}
	}
	if r, err := of.Update(ctx, ref, change); err != nil || !changed(r.Value) {
		t.Errorf("update %s: %+v, %v", ref, r.Value, err)
	}
	n := 0
	for r, err := range of.List(ctx) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		if changed(r.Value) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of the listed resources carry the change, want 1", n)
	}
	if err := of.Delete(ctx, ref); err != nil {
		t.Errorf("delete %s: %v", ref, err)
	}
	if _, err := of.Get(ctx, id); !errors.Is(err, lb.ErrNotFound) {
		t.Errorf("get after delete: %v, want not found", err)
	}
}

func TestVerbs(t *testing.T) {
	c := node(t, admin.Config{})
	tutorial(t, c)
	tagged := lb.MetaSpec{Tags: lb.Some([]string{"x"})}
	has := func(m lb.Meta) bool { return slices.Equal(m.Tags, []string{"x"}) }

	verbs(t, c.HealthMonitors, "hm1", ids.monitor, lb.HealthMonitorSpec{MetaSpec: tagged}, func(v *lb.HealthMonitor) bool { return has(v.Meta) })
	verbs(t, c.Members.In("p1"), "10.0.0.12:80", ids.member2, lb.MemberSpec{MetaSpec: tagged}, func(v *lb.Member) bool { return has(v.Meta) })
	verbs(t, c.Pools, "p1", ids.pool, lb.PoolSpec{MetaSpec: tagged}, func(v *lb.Pool) bool { return has(v.Meta) })
	verbs(t, c.Listeners, "l1", ids.listener, lb.ListenerSpec{MetaSpec: tagged}, func(v *lb.Listener) bool { return has(v.Meta) })
	verbs(t, c.LoadBalancers, "lb1", ids.lb, lb.LoadBalancerSpec{MetaSpec: tagged}, func(v *lb.LoadBalancer) bool { return has(v.Meta) })
	verbs(t, c.Subnets, "public", ids.subnet, lb.SubnetSpec{MetaSpec: tagged}, func(v *lb.Subnet) bool { return has(v.Meta) })
}

func TestDeleteTree(t *testing.T) {
	c := node(t, admin.Config{})
	tutorial(t, c)
	if err := c.LoadBalancers.Delete(t.Context(), "lb1"); !errors.Is(err, lb.ErrInUse) {
		t.Errorf("delete with children: %v, want in use", err)
	}
	if err := c.DeleteTree(t.Context(), "lb1"); err != nil {
		t.Fatal(err)
	}
	for r, err := range c.Listeners.List(t.Context()) {
		t.Errorf("left: %+v, %v", r, err)
	}
}

func TestNames(t *testing.T) {
	c := node(t, admin.Config{})
	tutorial(t, c)
	ctx := t.Context()
	second := must[admin.Resource[lb.LoadBalancer]](t)(c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{MetaSpec: named("lb1"), VIPSubnetID: lb.Some[lb.SubnetID]("public")}))
	other := string(second.Value.ID)
	must[admin.Resource[lb.Pool]](t)(c.Pools.Create(ctx, lb.PoolSpec{
		MetaSpec: named("p1"), LoadBalancerID: lb.Some(second.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}))

	_, err := c.LoadBalancers.Get(ctx, "lb1")
	wantError(t, err, lb.ErrInvalid, "load balancer lb1: 2 have this name, use an id: "+ids.lb+", "+other)
	_, err = c.Listeners.Get(ctx, "nobody")
	wantError(t, err, lb.ErrNotFound, "listener nobody: does not exist")
	_, err = c.Listeners.Get(ctx, "")
	wantError(t, err, lb.ErrInvalid, "listener: which one? Give its id or its name")
	_, err = c.Pools.Get(ctx, admintest.ID(99))
	wantError(t, err, lb.ErrNotFound, "pool "+admintest.ID(99)+": does not exist")
	_, err = c.Members.Get(ctx, "m1")
	wantError(t, err, lb.ErrInvalid, "member: pool_id: is required: members are named within their pool")
	_, err = c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{VIPSubnetID: lb.Some[lb.SubnetID]("privat")})
	wantError(t, err, lb.ErrNotFound, "subnet privat: vip_subnet_id: does not exist")

	// There are two pools p1, but only one beside the listener.
	must[admin.Resource[lb.Listener]](t)(c.Listeners.Update(ctx, "l1", lb.ListenerSpec{DefaultPoolID: lb.Null[lb.PoolID]()}))
	l := must[admin.Resource[lb.Listener]](t)(c.Listeners.Update(ctx, "l1", lb.ListenerSpec{DefaultPoolID: lb.Some[lb.PoolID]("p1")}))
	if string(l.Value.DefaultPoolID) != ids.pool {
		t.Errorf("default pool %s, want %s", l.Value.DefaultPoolID, ids.pool)
	}

	var listed []string
	for p, err := range c.Pools.In(other).Named("p1").List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, string(p.Value.LoadBalancerID))
	}
	if !slices.Equal(listed, []string{other}) {
		t.Errorf("pools of the second load balancer belong to %v, want %s", listed, other)
	}
}

func TestAmbiguousNameListsFewIDs(t *testing.T) {
	c := node(t, admin.Config{})
	subnet := must[admin.Resource[lb.Subnet]](t)(c.Subnets.Create(t.Context(), lb.SubnetSpec{CIDR: prefix("192.0.2.0/24"), MetaSpec: named("n")}))
	for range 12 {
		must[admin.Resource[lb.LoadBalancer]](t)(c.LoadBalancers.Create(t.Context(), lb.LoadBalancerSpec{MetaSpec: named("x"), VIPSubnetID: lb.Some(subnet.Value.ID)}))
	}
	_, err := c.LoadBalancers.Get(t.Context(), "x")
	if err == nil || strings.Count(err.Error(), "00000000-") != 10 || !strings.HasSuffix(err.Error(), " and 2 more") {
		t.Errorf("got %v, want ten ids and 2 more", err)
	}
}

// What a node gives up, the client does not repeat by itself: it tells why. The
// caller may, with the same request id, and the change counts once.
func TestLostAnswers(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	lost := &lb.Error{Kind: lb.ErrUnavailable, Msg: "the outcome is unknown"}
	ctx, spec := admin.WithRequestID(t.Context(), "mine"), lb.SubnetSpec{CIDR: prefix("192.0.2.0/24"), MetaSpec: named("n")}

	b.Fail(lost)
	_, err := c.Subnets.Create(ctx, spec)
	wantError(t, err, lb.ErrUnavailable, "the outcome is unknown")
	if b.Proposals() != 1 {
		t.Errorf("%d proposals, want 1", b.Proposals())
	}
	again := must[admin.Resource[lb.Subnet]](t)(c.Subnets.Create(ctx, spec))
	if string(again.Value.ID) != admintest.ID(1) {
		t.Errorf("the same request id created %s, want the first one, %s", again.Value.ID, admintest.ID(1))
	}
	_, err = c.Subnets.Create(admin.WithRequestID(t.Context(), strings.Repeat("x", 129)), lb.SubnetSpec{})
	wantError(t, err, lb.ErrInvalid, "request_id: is too long, use at most 128 bytes")
}

func TestReadsAreCurrentUnlessStaleWillDo(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	tutorial(t, c)
	b.FailSync(&lb.Error{Kind: lb.ErrUnavailable, Msg: "no quorum"})
	if _, err := c.Pools.Get(t.Context(), "p1"); !errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("get without quorum: %v, want unavailable", err)
	}
	for _, err := range c.Pools.List(t.Context()) {
		if !errors.Is(err, lb.ErrUnavailable) {
			t.Errorf("list without quorum: %v, want unavailable", err)
		}
	}
	if _, err := c.Pools.Stale().Get(t.Context(), "p1"); err != nil {
		t.Errorf("stale get: %v", err)
	}
	for _, err := range c.Pools.Stale().List(t.Context()) {
		if err != nil {
			t.Errorf("stale list: %v", err)
		}
	}
}

func TestStatus(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	tutorial(t, c)
	of := func() lb.Status {
		return must[admin.Resource[lb.Listener]](t)(c.Listeners.Get(t.Context(), "l1")).Status
	}
	if diff := cmp.Diff(lb.Status{Provisioning: lb.Active, Operating: lb.Online}, of()); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
	b.SetView(func(cfg *lb.Config) lb.View {
		return lb.View{Revision: cfg.Revision(), Errors: map[string]string{ids.listener: "port 80 is taken"}}
	})
	if diff := cmp.Diff(lb.Status{Provisioning: lb.Errored, Operating: lb.Failed, Reason: "port 80 is taken"}, of()); diff != "" {
		t.Errorf("broken (-want +got):\n%s", diff)
	}
	b.FailView(errors.New("no node holds the VIPs"))
	if diff := cmp.Diff(lb.Status{Provisioning: lb.PendingUpdate, Operating: lb.Online, Reason: "no node holds the VIPs"}, of()); diff != "" {
		t.Errorf("without a holder (-want +got):\n%s", diff)
	}
}

func TestAwait(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	tutorial(t, c)
	asked := 0
	b.SetView(func(cfg *lb.Config) lb.View {
		if asked++; asked < 3 {
			return lb.View{}
		}
		return lb.View{Revision: cfg.Revision()}
	})
	var seen []lb.ProvisioningStatus
	r, err := c.Pools.Await(t.Context(), "p1", func(r admin.Resource[lb.Pool]) { seen = append(seen, r.Status.Provisioning) })
	if err != nil || r.Status.Provisioning != lb.Active {
		t.Errorf("got %+v, %v", r.Status, err)
	}
	if !slices.Equal(seen, []lb.ProvisioningStatus{lb.PendingCreate, lb.PendingCreate}) {
		t.Errorf("on the way: %v", seen)
	}
}

func TestPages(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	must[admin.Resource[lb.Subnet]](t)(c.Subnets.Create(t.Context(), lb.SubnetSpec{CIDR: prefix("10.0.0.0/16"), MetaSpec: named("n")}))
	const n = 2*admin.MaxPageSize + 7
	for i := range n {
		_, _, err := b.Propose(t.Context(), fmt.Sprint(i), lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
			MetaSpec: named(fmt.Sprint(i)), VIPSubnetID: lb.Some(lb.SubnetID(admintest.ID(1))),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	for r, err := range c.LoadBalancers.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Value.Name != fmt.Sprint(i) {
			t.Fatalf("place %d has %s", i, r.Value.Name)
		}
		i++
	}
	if i != n {
		t.Errorf("listed %d, want %d", i, n)
	}
}
