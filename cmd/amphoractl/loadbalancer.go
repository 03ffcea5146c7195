package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
			opt(fs, &s.VIPSubnetID, "vip-subnet-id", "subnet", "subnet that the virtual IP is taken from; this, a network or a port is required", text[lb.SubnetID])
			opt(fs, &s.VIPNetworkID, "vip-network-id", "network", "network that the virtual IP is taken from", text[lb.NetworkID])
			opt(fs, &s.VIPPortID, "vip-port-id", "port", "port that has the virtual IP already", text[lb.PortID])
			opt(fs, &s.VIPAddress, "vip-address", "address", "virtual IP; by default the first free address of the subnet", address)
			optList(fs, &s.AdditionalVIPs, "additional-vip", "subnet-id=...,ip-address=...", "one more virtual IP, of another subnet of the same network", additionalVIP)
			opt(fs, &s.Provider, "provider", "provider", "provider; by default amphora", text[string])
			opt(fs, &s.FlavorID, "flavor", "flavor", "flavor", text[lb.FlavorID])
			opt(fs, &s.AvailabilityZone, "availability-zone", "availabilityzone", "availability zone", text[string])
		}
		opt(fs, &s.VIPQoSPolicyID, "vip-qos-policy-id", "qospolicy", "QoS policy of the virtual IP", text[lb.QoSPolicyID])
		optList(fs, &s.VIPSecurityGroupIDs, "vip-sg-id", "securitygroup", "security group of the virtual IP", text[lb.SecurityGroupID])
		if !create {
			none(fs, &s.VIPQoSPolicyID, "no-vip-qos-policy-id", "no QoS policy")
			none(fs, &s.VIPSecurityGroupIDs, "no-vip-sg-id", "no security groups")
		}
	},
	record: func(r admin.Resource[lb.LoadBalancer]) record {
		b := r.Value
		return resource(string(b.ID), b.Meta, r.Status,
			field{"description", b.Description},
			field{"vip_address", ip(b.VIPAddress)},
			field{"vip_subnet_id", optional(b.VIPSubnetID)},
			field{"vip_network_id", optional(b.VIPNetworkID)},
			field{"vip_port_id", optional(b.VIPPortID)},
			field{"additional_vips", additionalVIPRecords(b.AdditionalVIPs)},
			field{"vip_qos_policy_id", optional(b.VIPQoSPolicyID)},
			field{"vip_sg_ids", texts(b.VIPSecurityGroupIDs)},
			field{"provider", optional(b.Provider)},
			field{"flavor_id", optional(b.FlavorID)},
			field{"availability_zone", optional(b.AvailabilityZone)},
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

// additionalVIP parses subnet-id=...,ip-address=...,port-id=...
func additionalVIP(s string) (v lb.AdditionalVIPSpec, err error) {
	for pair := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return v, errors.New("use subnet-id=subnet, and ip-address=address if it shall be a certain one")
		}
		switch strings.ReplaceAll(key, "_", "-") {
		case "subnet-id":
			v.SubnetID = lb.Some(lb.SubnetID(value))
		case "port-id":
			v.PortID = lb.Some(lb.PortID(value))
		case "ip-address":
			a, err := address(value)
			if err != nil {
				return v, fmt.Errorf("ip-address: %w", err)
			}
			v.Address = lb.Some(a)
		default:
			return v, fmt.Errorf("%s is unknown, use subnet-id, ip-address or port-id", key)
		}
	}
	return v, nil
}

func additionalVIPRecords(all []lb.AdditionalVIP) []record {
	records := []record{}
	for _, v := range all {
		records = append(records, record{{"subnet_id", string(v.SubnetID)}, {"ip_address", ip(v.Address)}, {"port_id", optional(v.PortID)}})
	}
	return records
}
