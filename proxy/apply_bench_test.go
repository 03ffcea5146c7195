package proxy

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// BenchmarkApplyOneChange is one member's weight among 10,000 load balancers with
// 100,000 members.
func BenchmarkApplyOneChange(b *testing.B) {
	cfg, n := new(lb.Config), 0
	do := func(op lb.Op) string {
		n++
		next, res, _, err := lb.Apply(cfg, lb.Command{
			Stamp:    lb.Stamp{At: time.Unix(1700000000, 0), ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n)},
			Revision: uint64(n),
			Op:       op,
		})
		if err != nil {
			b.Fatal(err)
		}
		cfg = next
		return res.ID
	}
	subnet := lb.SubnetID(do(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, CIDR: lb.Some(netip.MustParsePrefix("10.0.0.0/16")),
	}}))
	var member lb.MemberID
	for range 10_000 {
		id := lb.LoadBalancerID(do(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{VIPSubnetID: lb.Some(subnet)}}))
		pool := lb.PoolID(do(lb.CreatePool{Spec: lb.PoolSpec{
			LoadBalancerID: lb.Some(id), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
		}}))
		for port := range 10 {
			member = lb.MemberID(do(lb.CreateMember{Spec: lb.MemberSpec{
				PoolID: lb.Some(pool), Address: lb.Some(netip.MustParseAddr("192.0.2.1")), ProtocolPort: lb.Some(1 + port),
			}}))
		}
	}
	e, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	c := newControl(e)
	c.apply(cfg.Revision(), cfg.Trees())
	c.publishView()
	b.ReportAllocs()
	for i := range b.N {
		b.StopTimer()
		do(lb.UpdateMember{ID: member, Spec: lb.MemberSpec{Weight: lb.Some(1 + i%2)}})
		b.StartTimer()
		c.apply(cfg.Revision(), cfg.Trees())
		c.publishView()
	}
}
