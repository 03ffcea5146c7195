package neutron

import (
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var qosPolicies = store(collection{
	kind: lb.KindQoSPolicy, name: "policy", plural: "policies", path: "/v2.0/qos/policies",
	create: func(f *fields, _ *view, _ access.Caller, id, project string) lb.Op {
		return lb.CreateQoSPolicy{ID: lb.QoSPolicyID(id), Spec: qosPolicySpec(f, project)}
	},
	update: func(f *fields, id string, revision uint64) lb.Op {
		return lb.UpdateQoSPolicy{ID: lb.QoSPolicyID(id), If: revision, Spec: qosPolicySpec(f, "")}
	},
	remove: func(id string, revision uint64) lb.Op {
		return lb.DeleteQoSPolicy{ID: lb.QoSPolicyID(id), If: revision}
	},
}, (*lb.Config).QoSPolicies, byID((*lb.Config).QoSPolicy), showQoSPolicy)

func qosPolicySpec(f *fields, project string) lb.QoSPolicySpec {
	spec := lb.QoSPolicySpec{MetaSpec: f.meta(), Shared: attr(f, "shared", boolean)}
	spec.ProjectID = owned(project)
	f.only("is_default", "false")
	return spec
}

func showQoSPolicy(_ *view, p *lb.QoSPolicy) record {
	r := show(string(p.ID), p.Meta)
	r["shared"] = p.Shared
	r["is_default"] = false
	r["rules"] = []record{}
	return r
}
