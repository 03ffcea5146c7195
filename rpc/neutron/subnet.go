package neutron

import (
	"net/netip"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var subnets = store(collection{
	kind: lb.KindSubnet, name: "subnet", plural: "subnets", path: "/v2.0/subnets", public: true,
	create: createSubnet,
	update: func(f *fields, id string, revision uint64) lb.Op {
		return lb.UpdateSubnet{ID: lb.SubnetID(id), If: revision, Spec: subnetSpec(f, "")}
	},
	remove: func(id string, revision uint64) lb.Op {
		return lb.DeleteSubnet{ID: lb.SubnetID(id), If: revision}
	},
}, (*lb.Config).Subnets, byID((*lb.Config).Subnet), showSubnet)

func createSubnet(f *fields, v *view, caller access.Caller, id, project string) lb.Op {
	f.required("network_id")
	f.required("cidr")
	version := attr(f, "ip_version", number)
	network := attr(f, "network_id", uuidOf[lb.NetworkID])
	spec := subnetSpec(f, project)
	spec.NetworkID = network
	spec.CIDR = attr(f, "cidr", prefix)
	if n, ok := version.Get(); ok {
		if cidr, ok := spec.CIDR.Get(); ok && n != ipVersion(cidr.Addr()) {
			f.refuse("Invalid input for operation: cidr '%s' does not match the ip_version '%d'.", cidr, n)
		}
	}
	if n, ok := network.Get(); ok {
		if owner, ok := v.Network(n); ok && !caller.May(access.Write, owner.ProjectID) && f.err == nil {
			f.err = disallowed("create_subnet")
		}
	}
	return lb.CreateSubnet{ID: lb.SubnetID(id), Spec: spec}
}

// subnetSpec takes what an update may change. A subnet's addresses are given out to
// ports here and by nobody else, so whether a client wants DHCP makes no difference.
func subnetSpec(f *fields, project string) lb.SubnetSpec {
	spec := lb.SubnetSpec{
		MetaSpec: f.meta(), Gateway: attr(f, "gateway_ip", address),
		Allocations: attr(f, "allocation_pools", list(object(allocation))),
	}
	spec.ProjectID = owned(project)
	f.only("enable_dhcp", "true", "false")
	f.only("dns_nameservers", "[]")
	f.only("host_routes", "[]")
	f.only("service_types", "[]")
	for _, name := range []string{"ipv6_address_mode", "ipv6_ra_mode", "subnetpool_id", "use_default_subnetpool", "prefixlen", "segment_id"} {
		f.only(name)
	}
	return spec
}

func allocation(f *fields) lb.Range {
	f.required("start")
	f.required("end")
	first, _ := attr(f, "start", address).Get()
	last, _ := attr(f, "end", address).Get()
	return lb.Range{First: first, Last: last}
}

func showSubnet(_ *view, s *lb.Subnet) record {
	pools := []record{}
	for _, a := range s.Allocations {
		pools = append(pools, record{"start": a.First.String(), "end": a.Last.String()})
	}
	r := show(string(s.ID), s.Meta)
	r["network_id"] = string(s.NetworkID)
	r["ip_version"] = ipVersion(s.CIDR.Addr())
	r["cidr"] = s.CIDR.String()
	r["gateway_ip"] = nil
	if s.Gateway.IsValid() {
		r["gateway_ip"] = s.Gateway.String()
	}
	r["allocation_pools"] = pools
	r["enable_dhcp"] = false
	r["dns_nameservers"], r["host_routes"], r["service_types"] = []string{}, []string{}, []string{}
	r["ipv6_address_mode"], r["ipv6_ra_mode"], r["subnetpool_id"] = nil, nil, nil
	return r
}

func ipVersion(a netip.Addr) int {
	if a.Is6() {
		return 6
	}
	return 4
}
