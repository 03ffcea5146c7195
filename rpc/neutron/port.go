package neutron

import (
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var ports = store(collection{
	kind: lb.KindPort, name: "port", plural: "ports", path: "/v2.0/ports",
	create: func(f *fields, _ *view, _ access.Caller, id, project string) lb.Op {
		f.required("network_id")
		network := attr(f, "network_id", uuidOf[lb.NetworkID])
		addresses := attr(f, "fixed_ips", list(object(fixedIP)))
		spec := portSpec(f, project)
		spec.NetworkID, spec.FixedIPs = network, addresses
		return lb.CreatePort{ID: lb.PortID(id), Spec: spec}
	},
	update: func(f *fields, id string, revision uint64) lb.Op {
		return lb.UpdatePort{ID: lb.PortID(id), If: revision, Spec: portSpec(f, "")}
	},
	remove: func(id string, revision uint64) lb.Op {
		return lb.DeletePort{ID: lb.PortID(id), If: revision}
	},
}, (*lb.Config).Ports, byID((*lb.Config).Port), showPort)

func portSpec(f *fields, project string) lb.PortSpec {
	spec := lb.PortSpec{
		MetaSpec: f.meta(), DeviceID: attr(f, "device_id", text), DeviceOwner: attr(f, "device_owner", text),
		SecurityGroupIDs: attr(f, "security_groups", list(uuidOf[lb.SecurityGroupID])),
		QoSPolicyID:      attr(f, "qos_policy_id", uuidOf[lb.QoSPolicyID]),
	}
	spec.ProjectID = owned(project)
	spec.AdminStateUp = attr(f, "admin_state_up", boolean)
	f.only("allowed_address_pairs", "[]")
	f.only("extra_dhcp_opts", "[]")
	f.only("binding:vnic_type", `"normal"`)
	f.only("port_security_enabled", "false")
	return spec
}

func fixedIP(f *fields) lb.FixedIPSpec {
	return lb.FixedIPSpec{SubnetID: attr(f, "subnet_id", uuidOf[lb.SubnetID]), Address: attr(f, "ip_address", address)}
}

func showPort(_ *view, p *lb.Port) record {
	addresses := []record{}
	for _, ip := range p.FixedIPs {
		addresses = append(addresses, record{"subnet_id": string(ip.SubnetID), "ip_address": ip.Address.String()})
	}
	groups := []string{}
	for _, id := range p.SecurityGroupIDs {
		groups = append(groups, string(id))
	}
	r := show(string(p.ID), p.Meta)
	r["admin_state_up"] = p.AdminStateUp
	r["status"] = "DOWN" // nobody has it
	if p.DeviceID != "" && p.AdminStateUp {
		r["status"] = "ACTIVE"
	}
	r["network_id"] = string(p.NetworkID)
	r["mac_address"] = p.MAC
	r["fixed_ips"] = addresses
	r["device_id"], r["device_owner"] = p.DeviceID, p.DeviceOwner
	r["security_groups"] = groups
	r["qos_policy_id"], r["qos_network_policy_id"] = orNull(p.QoSPolicyID), nil
	r["allowed_address_pairs"], r["extra_dhcp_opts"] = []string{}, []string{}
	r["binding:vnic_type"] = "normal"
	return r
}
