package octavia

import (
	"iter"
	"net/http"
	"slices"

	"github.com/amphora-lb/amphora/rpc/access"
)

// described is a name and what it means: a provider, or a capability of one.
type described struct{ name, description string }

// providers are those that load balancers may name. There is one, under two names.
var providers = []described{
	{"amphora", "The Octavia Amphora driver."},
	{"octavia", "Deprecated alias of the Octavia Amphora driver."},
}

var describedAttributes = []attribute[described]{
	{"name", func(d described) any { return d.name }},
	{"description", func(d described) any { return d.description }},
}

func describedList(many string, read access.Right, all func(*call, *snapshot) (iter.Seq[described], error)) *resource[described, struct{}] {
	return &resource[described, struct{}]{
		many: many, attrs: describedAttributes, read: read,
		id:  func(d described) string { return d.name },
		all: all,
	}
}

// capabilities are the keys of a profile's data, with Octavia's words.
var (
	flavorCapabilities = []described{
		{"loadbalancer_topology", "The load balancer topology. One of: SINGLE - One amphora per load balancer. ACTIVE_STANDBY - Two amphora per load balancer."},
		{"compute_flavor", "The compute driver flavor ID."},
		{"amp_image_tag", "The amphora image tag."},
		{"sriov_vip", "When true, the VIP port will be created using an SR-IOV VF port."},
		{"allow_member_sriov", "When true, users can request a member port be SR-IOV enabled at member creation time."},
	}
	zoneCapabilities = []described{
		{"compute_zone", "The compute availability zone."},
		{"volume_zone", "The volume availability zone."},
		{"management_network", "The management network ID for the amphora."},
		{"valid_vip_networks", "List of network IDs that are allowed for VIP use. This overrides/replaces the list of allowed networks configured in `octavia.conf`."},
	}
)

// capabilitiesOf lists them for a provider that there is.
func capabilitiesOf(all []described) func(*call, *snapshot) (iter.Seq[described], error) {
	return func(c *call, _ *snapshot) (iter.Seq[described], error) {
		if !slices.ContainsFunc(providers, func(p described) bool { return p.name == c.ids[0] }) {
			return nil, badRequest("Provider '%s' is not enabled.", c.ids[0])
		}
		return values(all)
	}
}

func providerRoutes() []route {
	list := describedList("providers", access.Read, func(*call, *snapshot) (iter.Seq[described], error) { return values(providers) })
	flavor := describedList("flavor_capabilities", access.Admin, capabilitiesOf(flavorCapabilities))
	zone := describedList("availability_zone_capabilities", access.Admin, capabilitiesOf(zoneCapabilities))
	return []route{
		{http.MethodGet, "/providers", list.list},
		{http.MethodGet, "/providers/{}/flavor_capabilities", flavor.list},
		{http.MethodGet, "/providers/{}/availability_zone_capabilities", zone.list},
	}
}
