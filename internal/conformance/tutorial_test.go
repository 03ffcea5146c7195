package conformance

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// TestTutorial types what Octavia's guide for users begins with, against a pair, as an
// operator who sourced what amphoractl prints.
func TestTutorial(t *testing.T) {
	p := newPair(t)
	client := startOSC(t, p.Host("amphora-1").Start, p.openrc(t, "amphora-1")...)
	openstack := func(line string) string {
		t.Helper()
		got, err := client.run(strings.Fields(strings.TrimPrefix(line, "openstack "))...)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != 0 {
			t.Fatalf("%s\nends with %d:\n%s", line, got.Status, got.Output)
		}
		return got.Output
	}
	openstack("openstack loadbalancer create --name LB --vip-subnet-id public")
	openstack("openstack loadbalancer listener create --protocol HTTP --protocol-port 80 --name listener1 LB")
	openstack("openstack loadbalancer pool create --lb-algorithm ROUND_ROBIN --listener listener1 --protocol HTTP --name pool1")
	openstack("openstack loadbalancer member create --subnet-id public --address 192.0.2.21 --protocol-port 80 pool1")
	openstack("openstack loadbalancer member create --subnet-id public --address 192.0.2.22 --protocol-port 80 pool1")
	vip, err := netip.ParseAddr(strings.TrimSpace(openstack("openstack loadbalancer show LB -f value -c vip_address")))
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, func() error { return p.alternates(vip) })

	// The VIP moves when the client says so, by both commands.
	for _, amphora := range []bool{false, true} {
		before, err := p.Holder(vip)
		if err != nil {
			t.Fatal(err)
		}
		if amphora {
			id := strings.TrimSpace(openstack("openstack loadbalancer amphora list --loadbalancer LB --role MASTER -f value -c id"))
			openstack("openstack loadbalancer amphora failover " + id)
		} else {
			openstack("openstack loadbalancer failover LB")
		}
		testenv.Eventually(t, 30*time.Second, func() error { return p.movedFrom(before, vip) })
		testenv.Eventually(t, 30*time.Second, func() error { return p.Ready(p.ctx) })
		testenv.Eventually(t, 20*time.Second, func() error { return p.alternates(vip) })
	}
	if got := openstack("openstack loadbalancer status show LB"); !strings.Contains(got, "ONLINE") {
		t.Errorf("status:\n%s", got)
	}

	// Any node answers, also one that holds nothing and never will.
	witness := startOSC(t, p.Host("witness").Start, p.openrc(t, "witness")...)
	got, err := witness.run("loadbalancer", "set", "--description", "from the witness", "LB")
	if err != nil || got.Status != 0 {
		t.Fatalf("by way of the witness: %v %+v", err, got)
	}
	if got := openstack("openstack loadbalancer show LB -f value -c description"); !strings.Contains(got, "from the witness") {
		t.Errorf("a read after a write elsewhere: %q", got)
	}
	openstack("openstack loadbalancer delete --cascade LB")
}
