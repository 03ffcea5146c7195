package lb

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// testID returns the n-th id of a test.
func testID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// world is a Config under commands, with ids and times stamped in order.
type world struct {
	t   testing.TB
	cfg *Config
	n   int
}

func newWorld(t testing.TB) *world { return &world{t: t, cfg: new(Config)} }

// stamp returns op as the next command.
func (w *world) stamp(op Op) Command {
	return Command{
		Stamp:    Stamp{At: time.Unix(1_700_000_000+int64(w.n), 0).UTC(), ID: testID(w.n + 1)},
		Revision: uint64(w.n + 1),
		Op:       op,
	}
}

// do applies op, which must work, and returns the id of its result.
func (w *world) do(op Op) string {
	w.t.Helper()
	next, result, _, err := Apply(w.cfg, w.stamp(op))
	if err != nil {
		w.t.Fatalf("%T: %v", op, err)
	}
	w.cfg = next
	w.n++
	return result.ID
}

func subnetSpec(name, cidr string) SubnetSpec {
	return SubnetSpec{MetaSpec: MetaSpec{Name: Some(name)}, CIDR: Some(netip.MustParsePrefix(cidr))}
}

func (w *world) subnet(name, cidr string) SubnetID {
	w.t.Helper()
	return SubnetID(w.do(CreateSubnet{Spec: subnetSpec(name, cidr)}))
}

func (w *world) loadBalancer(subnet SubnetID) LoadBalancerID {
	w.t.Helper()
	return LoadBalancerID(w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(subnet)}}))
}

func listenerSpec(b LoadBalancerID, p Protocol, port int) ListenerSpec {
	return ListenerSpec{LoadBalancerID: Some(b), Protocol: Some(p), ProtocolPort: Some(port)}
}

func (w *world) listener(b LoadBalancerID, p Protocol, port int) ListenerID {
	w.t.Helper()
	return ListenerID(w.do(CreateListener{Spec: listenerSpec(b, p, port)}))
}

func poolSpec(b LoadBalancerID, p Protocol) PoolSpec {
	return PoolSpec{LoadBalancerID: Some(b), Protocol: Some(p), Algorithm: Some(RoundRobin)}
}

func (w *world) pool(b LoadBalancerID, p Protocol) PoolID {
	w.t.Helper()
	return PoolID(w.do(CreatePool{Spec: poolSpec(b, p)}))
}

func memberSpec(p PoolID, addr string, port int) MemberSpec {
	return MemberSpec{PoolID: Some(p), Address: Some(netip.MustParseAddr(addr)), ProtocolPort: Some(port)}
}

func (w *world) member(p PoolID, addr string, port int) MemberID {
	w.t.Helper()
	return MemberID(w.do(CreateMember{Spec: memberSpec(p, addr, port)}))
}

func monitorSpec(p PoolID, t MonitorType) HealthMonitorSpec {
	return HealthMonitorSpec{
		PoolID: Some(p), Type: Some(t), Delay: Some(5 * time.Second), Timeout: Some(2 * time.Second), MaxRetries: Some(3),
	}
}

func (w *world) monitor(p PoolID, t MonitorType) HealthMonitorID {
	w.t.Helper()
	return HealthMonitorID(w.do(CreateHealthMonitor{Spec: monitorSpec(p, t)}))
}

func TestApplyTutorial(t *testing.T) {
	w := newWorld(t)
	s := w.subnet("public", "192.0.2.0/24")
	b := w.loadBalancer(s)
	l := w.listener(b, ProtocolHTTP, 80)
	p := PoolID(w.do(CreatePool{Spec: PoolSpec{ListenerID: Some(l), Protocol: Some(ProtocolHTTP), Algorithm: Some(RoundRobin)}}))
	m := w.member(p, "10.0.0.1", 8080)
	h := w.monitor(p, MonitorHTTP)

	tree, ok := w.cfg.Tree(b)
	if !ok {
		t.Fatalf("load balancer %s is not there", b)
	}
	if got := tree.LoadBalancer.VIPAddress.String(); got != "192.0.2.2" {
		t.Errorf("VIP %s, want the first address after the gateway, 192.0.2.2", got)
	}
	if got, _ := w.cfg.Listener(l); got.DefaultPoolID != p || got.Revision != 4 {
		t.Errorf("listener %+v, want default pool %s since revision 4", got, p)
	}
	if got, _ := w.cfg.Member(m); got.Weight != 1 || !got.AdminStateUp || got.PoolID != p {
		t.Errorf("member %+v", got)
	}
	if got, _ := w.cfg.HealthMonitor(h); got.URLPath != "/" || got.ExpectedCodes != "200" || got.HTTPMethod != "GET" {
		t.Errorf("monitor %+v", got)
	}
	w.do(DeleteLoadBalancer{ID: b, Cascade: true})
	w.do(DeleteSubnet{ID: s})
	for o := range w.cfg.Objects() {
		t.Errorf("left: %+v", o)
	}
}
