package lb

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// bigWorld has 10,000 load balancers with one listener and one pool of ten
// members each. Ids are spread over the key space, as real ones are.
func bigWorld(b *testing.B) (*Config, []MemberID) {
	b.Helper()
	const balancers, members = 10_000, 10
	n := uint64(0)
	id := func() string {
		n++
		h := n * 0x9e3779b97f4a7c15
		return fmt.Sprintf("%08x-%04x-4000-8000-%012x", h>>32, h>>16&0xffff, n)
	}
	at := time.Unix(1_700_000_000, 0).UTC()
	meta := Meta{AdminStateUp: true, CreatedAt: at, Revision: 1}
	subnet := &Subnet{ID: SubnetID(id()), Meta: meta, CIDR: netip.MustParsePrefix("10.0.0.0/16")}
	subnet.Name = "public"
	subnet.Allocations = []Range{hosts(subnet.CIDR)}
	objects, ids := []any{subnet}, make([]MemberID, 0, balancers*members)
	vip := subnet.Allocations[0].First
	for range balancers {
		lb := &LoadBalancer{ID: LoadBalancerID(id()), Meta: meta, VIPSubnetID: subnet.ID, VIPAddress: vip}
		vip = vip.Next()
		p := &Pool{ID: PoolID(id()), LoadBalancerID: lb.ID, Meta: meta, Protocol: ProtocolHTTP, Algorithm: RoundRobin}
		l := &Listener{
			ID: ListenerID(id()), LoadBalancerID: lb.ID, Meta: meta,
			Protocol: ProtocolHTTP, ProtocolPort: 80, ConnectionLimit: -1, DefaultPoolID: p.ID,
		}
		objects = append(objects, lb, p, l)
		for i := range members {
			m := &Member{
				ID: MemberID(id()), PoolID: p.ID, Meta: meta,
				Address: netip.AddrFrom4([4]byte{192, 168, 0, byte(i + 1)}), ProtocolPort: 80, Weight: 1,
			}
			objects, ids = append(objects, m), append(ids, m.ID)
		}
	}
	cfg, err := Build(1, func(yield func(any) bool) {
		for _, o := range objects {
			if !yield(o) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return cfg, ids
}

func BenchmarkApplyBig(b *testing.B) {
	big, members := bigWorld(b)
	at := time.Unix(1_700_000_001, 0).UTC()
	run := func(name string, op func(i int) Op) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				cmd := Command{Stamp: Stamp{At: at, ID: fmt.Sprintf("ffffffff-0000-4000-8000-%012d", i)}, Revision: 2, Op: op(i)}
				if _, _, _, err := Apply(big, cmd); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	parent := func(i int) PoolID {
		m, _ := big.Member(members[i*7919%len(members)])
		return m.PoolID
	}
	var subnet SubnetID
	for s := range big.Subnets() {
		subnet = s.ID
	}
	fresh := netip.MustParseAddr("192.168.1.1")
	run("create-member", func(i int) Op {
		return CreateMember{Spec: MemberSpec{PoolID: Some(parent(i)), Address: Some(fresh), ProtocolPort: Some(80)}}
	})
	run("update-member", func(i int) Op {
		return UpdateMember{ID: members[i*7919%len(members)], Spec: MemberSpec{Weight: Some(i % 257)}}
	})
	run("delete-member", func(i int) Op { return DeleteMember{ID: members[i*7919%len(members)]} })
	run("create-load-balancer", func(int) Op { return CreateLoadBalancer{Spec: LoadBalancerSpec{VIPSubnetID: Some(subnet)}} })
}

func BenchmarkBuildBig(b *testing.B) {
	big, _ := bigWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(1, big.Objects()); err != nil {
			b.Fatal(err)
		}
	}
}
