package neutron

import (
	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var securityGroups = store(collection{
	kind: lb.KindSecurityGroup, name: "security_group", plural: "security_groups", path: "/v2.0/security-groups",
	create: func(f *fields, _ *view, _ access.Caller, id, project string) lb.Op {
		spec := securityGroupSpec(f, project)
		spec.Rules = lb.Some(outward())
		return lb.CreateSecurityGroup{ID: lb.SecurityGroupID(id), Spec: spec}
	},
	update: func(f *fields, id string, revision uint64) lb.Op {
		return lb.UpdateSecurityGroup{ID: lb.SecurityGroupID(id), If: revision, Spec: securityGroupSpec(f, "")}
	},
	remove: func(id string, revision uint64) lb.Op {
		return lb.DeleteSecurityGroup{ID: lb.SecurityGroupID(id), If: revision}
	},
}, (*lb.Config).SecurityGroups, byID((*lb.Config).SecurityGroup), showSecurityGroup)

func securityGroupSpec(f *fields, project string) lb.SecurityGroupSpec {
	spec := lb.SecurityGroupSpec{MetaSpec: f.meta()}
	spec.ProjectID = owned(project)
	f.only("stateful", "true")
	return spec
}

// outward are the rules that Neutron gives to every new group: all that leaves may.
func outward() []lb.SecurityGroupRule {
	return []lb.SecurityGroupRule{
		{ID: uuid.NewString(), Direction: "egress", EtherType: "IPv4"},
		{ID: uuid.NewString(), Direction: "egress", EtherType: "IPv6"},
	}
}

func showSecurityGroup(_ *view, g *lb.SecurityGroup) record {
	all := []record{}
	for i := range g.Rules {
		all = append(all, showRule(g, &g.Rules[i]))
	}
	r := show(string(g.ID), g.Meta)
	r["security_group_rules"] = all
	r["stateful"] = true
	r["shared"] = false
	return r
}

// showRule shows a rule of g. What a rule has no value of its own for is the group's.
func showRule(g *lb.SecurityGroup, rule *lb.SecurityGroupRule) record {
	r := show(rule.ID, g.Meta)
	delete(r, "name")
	r["tags"] = []string{}
	r["description"] = rule.Description
	r["security_group_id"] = string(g.ID)
	r["direction"], r["ethertype"] = rule.Direction, rule.EtherType
	r["protocol"] = orNull(rule.Protocol)
	r["port_range_min"], r["port_range_max"] = nil, nil
	if rule.PortMin != 0 || rule.PortMax != 0 {
		r["port_range_min"], r["port_range_max"] = rule.PortMin, rule.PortMax
	}
	r["remote_ip_prefix"], r["normalized_cidr"] = nil, nil
	if rule.RemotePrefix.IsValid() {
		r["remote_ip_prefix"], r["normalized_cidr"] = rule.RemotePrefix.String(), rule.RemotePrefix.String()
	}
	r["remote_group_id"], r["remote_address_group_id"] = orNull(rule.RemoteGroupID), nil
	return r
}
