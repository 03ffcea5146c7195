package node

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

// TestVIPs: a load balancer that is administratively down has its VIP nowhere.
func TestVIPs(t *testing.T) {
	h := &history{cfg: &lb.Config{}}
	subnet := h.apply(t, lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24"))}})
	create := func(addr string) string {
		return h.apply(t, lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
			VIPSubnetID: lb.Some(lb.SubnetID(subnet)), VIPAddress: lb.Some(netip.MustParseAddr(addr)),
		}})
	}
	create("192.0.2.10")
	down := create("192.0.2.11")
	if got, want := text(vips(h.cfg)), []string{"192.0.2.10", "192.0.2.11"}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	h.apply(t, lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(down), Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
	if got, want := text(vips(h.cfg)), []string{"192.0.2.10"}; !slices.Equal(got, want) {
		t.Errorf("with one down: got %v, want %v", got, want)
	}
}
