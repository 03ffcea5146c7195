package main

import (
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var memberKind = kind[lb.Member, lb.MemberSpec]{
	name:    lb.KindMember,
	word:    "member",
	aliases: []string{"members"},
	long:    "A member is an address that serves a pool's traffic. It is named within its pool,\nby id, name, or address and port.",
	columns: []string{"id", "name", "address", "protocol_port", "weight", "provisioning_status", "operating_status"},
	of:      func(c *admin.Client) admin.Collection[lb.Member, lb.MemberSpec] { return c.Members },
	within:  "POOL",
	under:   "POOL",
	place:   func(s *lb.MemberSpec, ref string) { s.PoolID = lb.Some(lb.PoolID(ref)) },
	flags:   memberFlags,
	record: func(r admin.Resource[lb.Member]) record {
		m := r.Value
		return resource(string(m.ID), m.Meta, r.Status,
			field{"pool_id", string(m.PoolID)},
			field{"address", ip(m.Address)},
			field{"protocol_port", m.ProtocolPort},
			field{"weight", m.Weight},
			field{"backup", m.Backup},
			field{"monitor_address", ip(m.MonitorAddress)},
			field{"monitor_port", portNumber(m.MonitorPort)},
			field{"subnet_id", optional(m.SubnetID)},
			field{"request_sriov", m.SRIOV},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl member create --address 10.0.0.11 --protocol-port 80 p1",
		"list":   "  amphoractl member list p1",
		"show":   "  amphoractl member show p1 10.0.0.11:80",
		"set":    "  amphoractl member set --weight 0 p1 10.0.0.11:80",
		"delete": "  amphoractl member delete p1 10.0.0.11:80",
	},
}

func memberFlags(fs *pflag.FlagSet, s *lb.MemberSpec, create bool) {
	metaFlags(fs, &s.MetaSpec, create, false)
	if create {
		opt(fs, &s.Address, "address", "address", "address that traffic is sent to (required)", address)
		opt(fs, &s.ProtocolPort, "protocol-port", "number", "port that traffic is sent to, 1 to 65535 (required)", integer)
		opt(fs, &s.SubnetID, "subnet-id", "subnet", "subnet that it is reached from", text[lb.SubnetID])
		fixed(fs, &s.SRIOV, "request-sriov", "its port is to be a virtual function", lb.Some(true))
	}
	opt(fs, &s.Weight, "weight", "weight", "share relative to the other members, 0 to 256; 0 drains it", integer)
	opt(fs, &s.MonitorAddress, "monitor-address", "address", "address that health checks go to", address)
	opt(fs, &s.MonitorPort, "monitor-port", "number", "port that health checks go to", integer)
	fixed(fs, &s.Backup, "enable-backup", "use it only when every other member is down", lb.Some(true))
	fixed(fs, &s.Backup, "disable-backup", "use it like the others (default)", lb.Some(false))
	if !create {
		none(fs, &s.MonitorAddress, "no-monitor-address", "check the member's own address")
		none(fs, &s.MonitorPort, "no-monitor-port", "check the member's own port")
	}
}
