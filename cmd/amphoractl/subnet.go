package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var subnetKind = kind[lb.Subnet, lb.SubnetSpec]{
	name:    lb.KindSubnet,
	word:    "subnet",
	aliases: []string{"subnets"},
	long:    "A subnet is a network that the amphorae are in, and which of its addresses may\nbecome virtual IPs of load balancers.",
	columns: []string{"id", "name", "cidr", "gateway_ip", "allocation_pools"},
	of:      func(c *admin.Client) admin.Collection[lb.Subnet, lb.SubnetSpec] { return c.Subnets },
	under:   "[NAME]",
	place:   func(s *lb.SubnetSpec, name string) { s.Name = lb.Some(name) },
	flags: func(fs *pflag.FlagSet, s *lb.SubnetSpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		if create {
			opt(fs, &s.NetworkID, "network", "network", "network that it is a part of; by default one of its own", text[lb.NetworkID])
			opt(fs, &s.CIDR, "cidr", "prefix", "address prefix (required)", prefix)
		}
		opt(fs, &s.Gateway, "gateway", "address", "gateway; by default the first host address", address)
		none(fs, &s.Gateway, "no-gateway", "there is no gateway")
		optList(fs, &s.Allocations, "allocation-pool", "address-address", "addresses that may be given out; by default all but the gateway", addressRange)
	},
	record: func(r admin.Resource[lb.Subnet]) record {
		s := r.Value
		pools := allocationPools{}
		for _, a := range s.Allocations {
			pools = append(pools, allocationPool{a.First.String(), a.Last.String()})
		}
		return resource(string(s.ID), s.Meta, r.Status,
			field{"description", s.Description},
			field{"network_id", optional(s.NetworkID)},
			field{"cidr", s.CIDR.String()},
			field{"gateway_ip", ip(s.Gateway)},
			field{"allocation_pools", pools},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl subnet create --cidr 192.0.2.0/24 --allocation-pool start=192.0.2.100,end=192.0.2.199 public",
		"list":   "  amphoractl subnet list",
		"show":   "  amphoractl subnet show public",
		"set":    "  amphoractl subnet set --allocation-pool start=192.0.2.100,end=192.0.2.250 public",
		"delete": "  amphoractl subnet delete public",
	},
}

// allocationPool is a run of addresses, as the API has it.
type allocationPool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type allocationPools []allocationPool

// String is how a table shows them.
func (all allocationPools) String() string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.Start + "-" + p.End
	}
	return strings.Join(texts, ", ")
}
