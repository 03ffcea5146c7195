package neutron

import (
	"strconv"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// collections are the kinds that lb has too.
var collections = []*collection{networks, subnets, ports, securityGroups, qosPolicies}

var networks = store(collection{
	kind: lb.KindNetwork, name: "network", plural: "networks", path: "/v2.0/networks", public: true,
	create: func(f *fields, _ *view, _ access.Caller, id, project string) lb.Op {
		return lb.CreateNetwork{ID: lb.NetworkID(id), Spec: networkSpec(f, project)}
	},
	update: func(f *fields, id string, revision uint64) lb.Op {
		return lb.UpdateNetwork{ID: lb.NetworkID(id), If: revision, Spec: networkSpec(f, "")}
	},
	remove: func(id string, revision uint64) lb.Op {
		return lb.DeleteNetwork{ID: lb.NetworkID(id), If: revision}
	},
}, (*lb.Config).Networks, byID((*lb.Config).Network), showNetwork)

func networkSpec(f *fields, project string) lb.NetworkSpec {
	spec := lb.NetworkSpec{MetaSpec: f.meta(), Shared: attr(f, "shared", boolean), External: attr(f, "router:external", boolean)}
	spec.ProjectID = owned(project)
	spec.AdminStateUp = attr(f, "admin_state_up", boolean)
	f.only("mtu", strconv.Itoa(DefaultMTU))
	f.only("availability_zone_hints", "[]")
	f.only("qos_policy_id")
	return spec
}

func showNetwork(v *view, n *lb.Network) record {
	ids := []string{}
	for _, id := range v.NetworkSubnets(n.ID) {
		ids = append(ids, string(id))
	}
	r := show(string(n.ID), n.Meta)
	r["admin_state_up"] = n.AdminStateUp
	r["status"] = "ACTIVE"
	r["shared"] = n.Shared
	r["router:external"] = n.External
	r["mtu"] = v.mtu
	r["subnets"] = ids
	r["availability_zones"], r["availability_zone_hints"] = []string{}, []string{}
	r["ipv4_address_scope"], r["ipv6_address_scope"] = nil, nil
	r["qos_policy_id"] = nil
	return r
}

// show is what every record has.
func show(id string, m lb.Meta) record {
	return record{
		"id": id, "name": m.Name, "description": m.Description,
		"project_id": m.ProjectID, "tenant_id": m.ProjectID, "tags": notNil(m.Tags),
		"created_at": timestamp(m.CreatedAt), "updated_at": timestamp(latest(m.CreatedAt, m.UpdatedAt)),
		"revision_number": m.Revision,
	}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// owned is the project of something new; absent without one, as in an update.
func owned(project string) lb.Opt[string] {
	if project == "" {
		return lb.Opt[string]{}
	}
	return lb.Some(project)
}

// notNil is a list that JSON shows as one when it is empty.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// orNull is an id that JSON shows as null when there is none.
func orNull[ID ~string](id ID) any {
	if id == "" {
		return nil
	}
	return string(id)
}

// byID makes a look-up by a typed id one by a string.
func byID[ID ~string, T any](get func(*lb.Config, ID) (*T, bool)) func(*lb.Config, string) (*T, bool) {
	return func(cfg *lb.Config, id string) (*T, bool) { return get(cfg, ID(id)) }
}
