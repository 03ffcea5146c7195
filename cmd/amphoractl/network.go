package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var networkKind = kind[lb.Network, lb.NetworkSpec]{
	name:    lb.KindNetwork,
	word:    "network",
	aliases: []string{"networks"},
	long:    "A network groups subnets under a name. All of them are in the network of the\namphorae's interface.",
	columns: []string{"id", "name", "shared", "router:external"},
	of:      func(c *admin.Client) admin.Collection[lb.Network, lb.NetworkSpec] { return c.Networks },
	under:   "[NAME]",
	place:   func(s *lb.NetworkSpec, name string) { s.Name = lb.Some(name) },
	flags: func(fs *pflag.FlagSet, s *lb.NetworkSpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		fixed(fs, &s.Shared, "share", "every project may use it", lb.Some(true))
		fixed(fs, &s.Shared, "no-share", "only its project may use it", lb.Some(false))
		fixed(fs, &s.External, "external", "it leads to the outside", lb.Some(true))
		fixed(fs, &s.External, "internal", "it leads nowhere", lb.Some(false))
	},
	record: func(r admin.Resource[lb.Network]) record {
		n := r.Value
		return owned(string(n.ID), n.Meta,
			field{"description", n.Description},
			field{"shared", n.Shared},
			field{"router:external", n.External},
			field{"admin_state_up", n.AdminStateUp},
		)
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl network create public",
		"list":   "  amphoractl network list",
		"show":   "  amphoractl network show public",
		"set":    "  amphoractl network set --share public",
		"delete": "  amphoractl network delete public",
	},
}

var portKind = kind[lb.Port, lb.PortSpec]{
	name:    lb.KindPort,
	word:    "port",
	aliases: []string{"ports"},
	long:    "A port has addresses of a network. Every virtual IP is one.",
	columns: []string{"id", "name", "network_id", "fixed_ips", "device_owner"},
	of:      func(c *admin.Client) admin.Collection[lb.Port, lb.PortSpec] { return c.Ports },
	under:   "[NAME]",
	place:   func(s *lb.PortSpec, name string) { s.Name = lb.Some(name) },
	filter:  "network",
	flags: func(fs *pflag.FlagSet, s *lb.PortSpec, create bool) {
		metaFlags(fs, &s.MetaSpec, create, true)
		if create {
			opt(fs, &s.NetworkID, "network", "network", "network that it is in (required)", text[lb.NetworkID])
			optList(fs, &s.FixedIPs, "fixed-ip", "subnet=...,ip-address=...", "address that it has; by default a free one", fixedIP)
		}
		opt(fs, &s.DeviceID, "device", "id", "what it belongs to", text[string])
		opt(fs, &s.DeviceOwner, "device-owner", "text", "whose it is", text[string])
		optList(fs, &s.SecurityGroupIDs, "security-group", "securitygroup", "security group", text[lb.SecurityGroupID])
		opt(fs, &s.QoSPolicyID, "qos-policy", "qospolicy", "QoS policy", text[lb.QoSPolicyID])
		if !create {
			none(fs, &s.SecurityGroupIDs, "no-security-group", "no security groups")
			none(fs, &s.QoSPolicyID, "no-qos-policy", "no QoS policy")
		}
	},
	record: func(r admin.Resource[lb.Port]) record {
		p := r.Value
		ips := fixedIPs{}
		for _, f := range p.FixedIPs {
			ips = append(ips, fixedIPText{string(f.SubnetID), f.Address.String()})
		}
		return owned(string(p.ID), p.Meta,
			field{"description", p.Description},
			field{"network_id", string(p.NetworkID)},
			field{"fixed_ips", ips},
			field{"mac_address", optional(p.MAC)},
			field{"device_id", optional(p.DeviceID)},
			field{"device_owner", optional(p.DeviceOwner)},
			field{"security_groups", texts(p.SecurityGroupIDs)},
			field{"qos_policy_id", optional(p.QoSPolicyID)},
			field{"admin_state_up", p.AdminStateUp},
		)
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl port create --network public --fixed-ip subnet=public,ip-address=192.0.2.120 vip1",
		"list":   "  amphoractl port list --network public",
		"show":   "  amphoractl port show vip1",
		"set":    "  amphoractl port set --security-group web vip1",
		"delete": "  amphoractl port delete vip1",
	},
}

// fixedIPText is an address of a port, as the API has it.
type fixedIPText struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type fixedIPs []fixedIPText

// String is how a table shows them.
func (all fixedIPs) String() string {
	texts := make([]string, len(all))
	for i, f := range all {
		texts[i] = f.IPAddress
	}
	return strings.Join(texts, ", ")
}

// fixedIP parses subnet=...,ip-address=...
func fixedIP(s string) (f lb.FixedIPSpec, err error) {
	for pair := range strings.SplitSeq(s, ",") {
		key, v, _ := strings.Cut(pair, "=")
		switch key {
		case "subnet":
			f.SubnetID = lb.Some(lb.SubnetID(v))
		case "ip-address":
			a, err := address(v)
			if err != nil {
				return f, fmt.Errorf("ip-address: %w", err)
			}
			f.Address = lb.Some(a)
		default:
			return f, errors.New("use subnet=subnet, ip-address=address, or both separated by a comma")
		}
	}
	return f, nil
}

var securityGroupKind = kind[lb.SecurityGroup, lb.SecurityGroupSpec]{
	name:    lb.KindSecurityGroup,
	word:    "securitygroup",
	aliases: []string{"securitygroups", "sg"},
	long:    "A security group has rules that clients can look up. They are not enforced: what a\nlistener lets in are its allowed CIDRs.",
	columns: []string{"id", "name", "description", "rules"},
	of: func(c *admin.Client) admin.Collection[lb.SecurityGroup, lb.SecurityGroupSpec] {
		return c.SecurityGroups
	},
	under: "[NAME]",
	place: func(s *lb.SecurityGroupSpec, name string) { s.Name = lb.Some(name) },
	flags: func(fs *pflag.FlagSet, s *lb.SecurityGroupSpec, create bool) {
		ownerFlags(fs, &s.MetaSpec, create, true)
		optList(fs, &s.Rules, "rule", "direction=ingress,protocol=tcp,port=80,remote=prefix", "rule; replaces the rules that there are", securityGroupRule)
		if !create {
			none(fs, &s.Rules, "no-rule", "remove all rules")
		}
	},
	record: func(r admin.Resource[lb.SecurityGroup]) record {
		g := r.Value
		rules := []record{}
		for _, v := range g.Rules {
			rules = append(rules, record{
				{"id", v.ID},
				{"direction", v.Direction},
				{"ethertype", v.EtherType},
				{"protocol", optional(v.Protocol)},
				{"port_range_min", positive(v.PortMin)},
				{"port_range_max", positive(v.PortMax)},
				{"remote_ip_prefix", optionalPrefix(v.RemotePrefix)},
				{"remote_group_id", optional(v.RemoteGroupID)},
			})
		}
		return owned(string(g.ID), g.Meta, field{"description", g.Description}, field{"rules", rules})
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl securitygroup create --rule direction=ingress,protocol=tcp,port=80 web",
		"list":   "  amphoractl securitygroup list",
		"show":   "  amphoractl securitygroup show web",
		"set":    "  amphoractl securitygroup set --description web web",
		"delete": "  amphoractl securitygroup delete web",
	},
}

func optionalPrefix(p netip.Prefix) any {
	if !p.IsValid() {
		return nil
	}
	return p.String()
}

// securityGroupRule parses key=value,key=value.
func securityGroupRule(s string) (lb.SecurityGroupRule, error) {
	r := lb.SecurityGroupRule{ID: uuid.NewString(), Direction: "ingress", EtherType: "IPv4"}
	for pair := range strings.SplitSeq(s, ",") {
		key, v, _ := strings.Cut(pair, "=")
		var err error
		switch key {
		case "direction":
			r.Direction = v
		case "ethertype":
			r.EtherType = v
		case "protocol":
			r.Protocol = v
		case "port":
			low, high, isRange := strings.Cut(v, ":")
			if !isRange {
				high = low
			}
			var err1, err2 error
			r.PortMin, err1 = strconv.Atoi(low)
			r.PortMax, err2 = strconv.Atoi(high)
			err = errors.Join(err1, err2)
		case "remote":
			if r.RemotePrefix, err = netip.ParsePrefix(v); err == nil && r.RemotePrefix.Addr().Is6() {
				r.EtherType = "IPv6"
			}
		case "remote-group":
			r.RemoteGroupID = lb.SecurityGroupID(v)
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return r, fmt.Errorf("%s: use direction, ethertype, protocol, port=80 or port=80:90, remote=prefix, remote-group=id", pair)
		}
	}
	return r, nil
}

var qosPolicyKind = kind[lb.QoSPolicy, lb.QoSPolicySpec]{
	name:    lb.KindQoSPolicy,
	word:    "qos-policy",
	aliases: []string{"qos-policies"},
	long:    "A QoS policy is a name that load balancers and ports may refer to. Nothing is enforced.",
	columns: []string{"id", "name", "shared"},
	of:      func(c *admin.Client) admin.Collection[lb.QoSPolicy, lb.QoSPolicySpec] { return c.QoSPolicies },
	under:   "[NAME]",
	place:   func(s *lb.QoSPolicySpec, name string) { s.Name = lb.Some(name) },
	flags: func(fs *pflag.FlagSet, s *lb.QoSPolicySpec, create bool) {
		ownerFlags(fs, &s.MetaSpec, create, true)
		fixed(fs, &s.Shared, "share", "every project may use it", lb.Some(true))
		fixed(fs, &s.Shared, "no-share", "only its project may use it", lb.Some(false))
	},
	record: func(r admin.Resource[lb.QoSPolicy]) record {
		q := r.Value
		return owned(string(q.ID), q.Meta, field{"description", q.Description}, field{"shared", q.Shared})
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl qos-policy create gold",
		"list":   "  amphoractl qos-policy list",
		"show":   "  amphoractl qos-policy show gold",
		"set":    "  amphoractl qos-policy set --share gold",
		"delete": "  amphoractl qos-policy delete gold",
	},
}
