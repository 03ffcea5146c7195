package admin_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

// Other clients than ours may leave everything out.
func TestEmptyRequests(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	conn := raw(t, target)
	defer closed(t, conn)
	for _, verb := range []string{"Create", "Get", "Update", "Delete"} {
		for _, kind := range []string{"Subnet", "LoadBalancer", "Listener", "Pool", "Member", "HealthMonitor"} {
			// An empty message is the same bytes for every type.
			err := conn.Invoke(t.Context(), "/amphora.admin.v1.Config/"+verb+kind, &adminpb.StatusRequest{}, &adminpb.StatusRequest{})
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s%s: %v, want invalid argument", verb, kind, err)
			}
		}
	}
	c := adminpb.NewConfigClient(conn)
	name, cidr := "n", "192.0.2.0/24"
	spec := &lbpb.SubnetSpec{Meta: &lbpb.MetaSpec{Name: &name}, Cidr: &cidr}
	for _, want := range []codes.Code{codes.OK, codes.AlreadyExists} { // without a request id each counts
		if _, err := c.CreateSubnet(t.Context(), &adminpb.CreateSubnetRequest{Spec: spec}); status.Code(err) != want {
			t.Errorf("create: %v, want %v", err, want)
		}
	}
	bad := "192.0.2.0"
	if _, err := c.CreateSubnet(t.Context(), &adminpb.CreateSubnetRequest{Spec: &lbpb.SubnetSpec{Cidr: &bad}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("create with a bad prefix: %v", err)
	}
}
