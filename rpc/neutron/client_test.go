package neutron_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/qos/policies"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// TestGophercloud goes through what gophercloud's acceptance tests of load balancers, and
// Terraform's, do with networks.
func TestGophercloud(t *testing.T) {
	a, ctx := newAPI(t), t.Context()
	web := httptest.NewServer(a.handler)
	defer web.Close()
	client := &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{}, Endpoint: web.URL + "/network/", ResourceBase: web.URL + "/network/v2.0/", Type: "network",
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	up := true

	network, err := networks.Create(ctx, client, networks.CreateOpts{Name: "net", AdminStateUp: &up}).Extract()
	check(err)
	subnet, err := subnets.Create(ctx, client, subnets.CreateOpts{
		NetworkID: network.ID, Name: "sub", CIDR: "192.0.2.0/24", IPVersion: gophercloud.IPv4, EnableDHCP: &up,
		AllocationPools: []subnets.AllocationPool{{Start: "192.0.2.100", End: "192.0.2.200"}},
	}).Extract()
	check(err)
	if subnet.GatewayIP != "192.0.2.1" || subnet.IPVersion != 4 || subnet.AllocationPools[0].End != "192.0.2.200" {
		t.Errorf("subnet %+v", subnet)
	}
	if network, err = networks.Get(ctx, client, network.ID).Extract(); err != nil || network.Subnets[0] != subnet.ID || network.CreatedAt.IsZero() {
		t.Errorf("network %+v, %v", network, err)
	}
	group, err := groups.Create(ctx, client, groups.CreateOpts{Name: "web"}).Extract()
	check(err)
	rule, err := rules.Create(ctx, client, rules.CreateOpts{
		SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP, PortRangeMin: 80, PortRangeMax: 80,
	}).Extract()
	check(err)
	if group, err = groups.Get(ctx, client, group.ID).Extract(); err != nil || len(group.Rules) != 3 {
		t.Errorf("group %+v, %v", group, err)
	}
	check(rules.Delete(ctx, client, rule.ID).ExtractErr())

	port, err := ports.Create(ctx, client, ports.CreateOpts{
		NetworkID: network.ID, Name: "vip", AdminStateUp: &up, FixedIPs: []ports.IP{{SubnetID: subnet.ID}},
	}).Extract()
	check(err)
	if port.FixedIPs[0].IPAddress != "192.0.2.100" {
		t.Errorf("port %+v", port)
	}
	ids := []string{group.ID}
	if port, err = ports.Update(ctx, client, port.ID, ports.UpdateOpts{SecurityGroups: &ids}).Extract(); err != nil || len(port.SecurityGroups) != 1 {
		t.Errorf("port %+v, %v", port, err)
	}
	pages, err := ports.List(client, ports.ListOpts{NetworkID: network.ID, Limit: 1, FixedIPs: []ports.FixedIPOpts{{SubnetID: subnet.ID}}}).AllPages(ctx)
	check(err)
	if all, err := ports.ExtractPorts(pages); err != nil || len(all) != 1 {
		t.Errorf("ports %+v, %v", all, err)
	}
	tags, err := attributestags.ReplaceAll(ctx, client, "ports", port.ID, attributestags.ReplaceAllOpts{Tags: []string{"b", "a"}}).Extract()
	if err != nil || len(tags) != 2 {
		t.Errorf("tags %v, %v", tags, err)
	}
	check(attributestags.Add(ctx, client, "networks", network.ID, "x").ExtractErr())

	policy, err := policies.Create(ctx, client, policies.CreateOpts{Name: "gold"}).Extract()
	check(err)
	check(policies.Delete(ctx, client, policy.ID).ExtractErr())
	check(ports.Delete(ctx, client, port.ID).ExtractErr())
	check(groups.Delete(ctx, client, group.ID).ExtractErr())
	check(subnets.Delete(ctx, client, subnet.ID).ExtractErr())
	check(networks.Delete(ctx, client, network.ID).ExtractErr())
	if _, err := networks.Get(ctx, client, network.ID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("after the deletion: %v", err)
	}
}
