package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var loadBalancerKind = kind[lb.LoadBalancer, lb.LoadBalancerSpec]{
	name:    lb.KindLoadBalancer,
	word:    "loadbalancer",
	aliases: []string{"lb", "loadbalancers"},
	long:    "A load balancer owns one virtual IP, and listeners and pools below it.",
	columns: []string{"id", "name", "vip_address", "provisioning_status", "operating_status"},
	of: func(c *admin.Client) admin.Collection[lb.LoadBalancer, lb.LoadBalancerSpec] {
		return c.LoadBalancers
	},
	flags: func(fs *pflag.FlagSet, s *lb.LoadBalancerSpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		if create {
			opt(fs, &s.VIPSubnetID, "vip-subnet-id", "subnet", "subnet that the virtual IP is taken from (required)", text[lb.SubnetID])
			opt(fs, &s.VIPAddress, "vip-address", "address", "virtual IP; by default the first free address of the subnet", address)
		}
	},
	record: func(r admin.Resource[lb.LoadBalancer]) record {
		b := r.Value
		return resource(string(b.ID), b.Meta, r.Status,
			field{"description", b.Description},
			field{"vip_address", ip(b.VIPAddress)},
			field{"vip_subnet_id", string(b.VIPSubnetID)},
			field{"listeners", list0(r.ListenerIDs)},
			field{"pools", list0(r.PoolIDs)},
		)
	},
	deleted: func(fs *pflag.FlagSet) func(context.Context, *admin.Client, string) (bool, error) {
		cascade := fs.Bool("cascade", false, "delete its listeners, pools, members and monitors too")
		return func(ctx context.Context, client *admin.Client, ref string) (bool, error) {
			if !*cascade {
				return false, nil
			}
			return true, client.DeleteTree(ctx, ref)
		}
	},
	examples: map[string]string{
		"create": "  amphoractl loadbalancer create --name lb1 --vip-subnet-id public",
		"list":   "  amphoractl loadbalancer list -o json",
		"show":   "  amphoractl loadbalancer show lb1",
		"set":    "  amphoractl loadbalancer set --disable lb1",
		"delete": "  amphoractl loadbalancer delete --cascade lb1",
	},
}
