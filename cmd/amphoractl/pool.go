package main

import (
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var poolKind = kind[lb.Pool, lb.PoolSpec]{
	name:    lb.KindPool,
	word:    "pool",
	aliases: []string{"pools"},
	long:    "A pool is a set of members and how to choose between them.",
	columns: []string{"id", "name", "protocol", "lb_algorithm", "provisioning_status", "operating_status"},
	of:      func(c *admin.Client) admin.Collection[lb.Pool, lb.PoolSpec] { return c.Pools },
	filter:  "loadbalancer",
	flags: func(fs *pflag.FlagSet, s *lb.PoolSpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		if create {
			opt(fs, &s.ListenerID, "listener", "listener", "listener whose default pool it becomes", text[lb.ListenerID])
			opt(fs, &s.LoadBalancerID, "loadbalancer", "loadbalancer", "load balancer that it belongs to; this or --listener is required", text[lb.LoadBalancerID])
			opt(fs, &s.Protocol, "protocol", "protocol", "HTTP or TCP (required)", word[lb.Protocol])
		}
		opt(fs, &s.Algorithm, "lb-algorithm", "algorithm", "ROUND_ROBIN, LEAST_CONNECTIONS or SOURCE_IP (required)", word[lb.Algorithm])
	},
	record: func(r admin.Resource[lb.Pool]) record {
		p := r.Value
		return resource(string(p.ID), p.Meta, r.Status,
			field{"description", p.Description},
			field{"loadbalancer_id", string(p.LoadBalancerID)},
			field{"protocol", string(p.Protocol)},
			field{"lb_algorithm", string(p.Algorithm)},
			field{"listeners", list0(r.ListenerIDs)},
			field{"members", list0(r.MemberIDs)},
			field{"healthmonitor_id", optional(r.HealthMonitorID)},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl pool create --name p1 --lb-algorithm ROUND_ROBIN --listener l1 --protocol HTTP",
		"list":   "  amphoractl pool list --loadbalancer lb1",
		"show":   "  amphoractl pool show p1",
		"set":    "  amphoractl pool set --lb-algorithm LEAST_CONNECTIONS p1",
		"delete": "  amphoractl pool delete p1",
	},
}
