package node

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// history applies operations one after the other.
type history struct {
	cfg      *lb.Config
	revision uint64
}

func (h *history) apply(t *testing.T, op lb.Op) string {
	t.Helper()
	h.revision++
	next, result, _, err := lb.Apply(h.cfg, lb.Command{
		Stamp:    lb.Stamp{At: time.Unix(int64(h.revision), 0).UTC(), ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", h.revision)},
		Revision: h.revision,
		Op:       op,
	})
	if err != nil {
		t.Fatalf("%T: %v", op, err)
	}
	h.cfg = next
	return result.ID
}

func named(name string) lb.MetaSpec { return lb.MetaSpec{Name: lb.Some(name)} }

func TestChanges(t *testing.T) {
	h := &history{cfg: &lb.Config{}}
	var seen []string
	step := func(op lb.Op) string {
		t.Helper()
		old := h.cfg
		id := h.apply(t, op)
		for _, e := range changes(old, h.cfg) {
			seen = append(seen, fmt.Sprintf("%s %s %s", e.Resource, cmp.Or(e.Name, e.ID), e.Kind))
		}
		return id
	}
	subnet := step(lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24"))}})
	front := step(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{MetaSpec: named("front"), VIPSubnetID: lb.Some(lb.SubnetID(subnet))}})
	step(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{MetaSpec: named("other"), VIPSubnetID: lb.Some(lb.SubnetID(subnet))}})
	pool := step(lb.CreatePool{Spec: lb.PoolSpec{
		MetaSpec: named("web"), LoadBalancerID: lb.Some(lb.LoadBalancerID(front)),
		Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}})
	member := step(lb.CreateMember{Spec: lb.MemberSpec{
		PoolID: lb.Some(lb.PoolID(pool)), Address: lb.Some(netip.MustParseAddr("192.0.2.9")), ProtocolPort: lb.Some(80),
	}})
	step(lb.UpdateMember{ID: lb.MemberID(member), Spec: lb.MemberSpec{Weight: lb.Some(0)}})
	step(lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(front), Cascade: true})

	want := []string{
		"subnet public created",
		"load balancer front created",
		"load balancer other created",
		"pool web created",
		"member " + member + " created",
		"member " + member + " updated",
		"load balancer front deleted",
		"pool web deleted",
		"member " + member + " deleted",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
}

func TestVerdicts(t *testing.T) {
	h := &history{cfg: &lb.Config{}}
	subnet := h.apply(t, lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24"))}})
	front := h.apply(t, lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{VIPSubnetID: lb.Some(lb.SubnetID(subnet))}})
	listener := h.apply(t, lb.CreateListener{Spec: lb.ListenerSpec{
		MetaSpec: named("web"), LoadBalancerID: lb.Some(lb.LoadBalancerID(front)), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(80),
	}})
	pool := h.apply(t, lb.CreatePool{Spec: lb.PoolSpec{
		ListenerID: lb.Some(lb.ListenerID(listener)), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	}})
	member := h.apply(t, lb.CreateMember{Spec: lb.MemberSpec{
		PoolID: lb.Some(lb.PoolID(pool)), Address: lb.Some(netip.MustParseAddr("192.0.2.9")), ProtocolPort: lb.Some(80),
	}})
	view := func(reason string, status lb.OperatingStatus) lb.View {
		v := lb.View{Errors: map[string]string{}, Members: map[lb.MemberID]lb.OperatingStatus{lb.MemberID(member): status, "gone": status}}
		if reason != "" {
			v.Errors[listener] = reason
		}
		if status == lb.Failed {
			v.Reasons = map[lb.MemberID]string{lb.MemberID(member): "connect: connection refused"}
		}
		return v
	}
	for _, tt := range []struct {
		name     string
		old, new lb.View
		want     []string
	}{
		{"nothing", view("", lb.Online), view("", lb.Online), nil},
		{"a member fails", view("", lb.Online), view("", lb.Failed), []string{"member : ERROR at 192.0.2.9:80, connect: connection refused"}},
		{"a listener cannot be bound", view("", lb.Online), view("port in use", lb.Online), []string{"listener web: ERROR, port in use"}},
		{"and still cannot", view("port in use", lb.Online), view("port in use", lb.Online), nil},
		{"and is bound again", view("port in use", lb.Online), view("", lb.Online), []string{"listener web: served again"}},
	} {
		var got []string
		for _, e := range verdicts(tt.old, tt.new, h.cfg) {
			got = append(got, fmt.Sprintf("%s %s: %s", e.Resource, e.Name, e.Message))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
