package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var listenerKind = kind[lb.Listener, lb.ListenerSpec]{
	name:    lb.KindListener,
	word:    "listener",
	aliases: []string{"listeners"},
	long:    "A listener is a port of a load balancer's virtual IP.",
	columns: []string{"id", "name", "protocol", "protocol_port", "default_pool_id", "provisioning_status", "operating_status"},
	of:      func(c *admin.Client) admin.Collection[lb.Listener, lb.ListenerSpec] { return c.Listeners },
	under:   "LOADBALANCER",
	place:   func(s *lb.ListenerSpec, ref string) { s.LoadBalancerID = lb.Some(lb.LoadBalancerID(ref)) },
	filter:  "loadbalancer",
	flags:   listenerFlags,
	record: func(r admin.Resource[lb.Listener]) record {
		l := r.Value
		cidrs := []string{}
		for _, c := range l.AllowedCIDRs {
			cidrs = append(cidrs, c.String())
		}
		return resource(string(l.ID), l.Meta, r.Status,
			field{"description", l.Description},
			field{"loadbalancer_id", string(l.LoadBalancerID)},
			field{"protocol", string(l.Protocol)},
			field{"protocol_port", l.ProtocolPort},
			field{"connection_limit", l.ConnectionLimit},
			field{"default_pool_id", optional(l.DefaultPoolID)},
			field{"insert_headers", insertHeaders(l.InsertHeaders)},
			field{"allowed_cidrs", cidrs},
			field{"timeout_client_data", l.TimeoutClientData.Milliseconds()},
			field{"timeout_member_connect", l.TimeoutMemberConnect.Milliseconds()},
			field{"timeout_member_data", l.TimeoutMemberData.Milliseconds()},
			field{"timeout_tcp_inspect", l.TimeoutTCPInspect.Milliseconds()},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl listener create --name l1 --protocol HTTP --protocol-port 80 lb1",
		"list":   "  amphoractl listener list --loadbalancer lb1",
		"show":   "  amphoractl listener show l1",
		"set":    "  amphoractl listener set --insert-headers X-Forwarded-For=true --timeout-client-data 30000 l1",
		"delete": "  amphoractl listener delete l1",
	},
}

func listenerFlags(fs *pflag.FlagSet, s *lb.ListenerSpec, create bool) {
	metaFlags(fs, &s.MetaSpec, create, true)
	if create {
		opt(fs, &s.Protocol, "protocol", "protocol", "HTTP or TCP (required)", word[lb.Protocol])
		opt(fs, &s.ProtocolPort, "protocol-port", "port", "port, 1 to 65535 (required)", integer)
	}
	opt(fs, &s.ConnectionLimit, "connection-limit", "number", "concurrent client connections; -1 for the default", integer)
	opt(fs, &s.DefaultPoolID, "default-pool", "pool", "pool that serves it", text[lb.PoolID])
	opt(fs, &s.InsertHeaders, "insert-headers", "header=true,...", "request headers to add: X-Forwarded-For, X-Forwarded-Port, X-Forwarded-Proto", headers)
	optList(fs, &s.AllowedCIDRs, "allowed-cidr", "prefix", "prefix that clients may come from", prefix)
	millis := duration(time.Millisecond)
	opt(fs, &s.TimeoutClientData, "timeout-client-data", "ms", "how long a client may be idle", millis)
	opt(fs, &s.TimeoutMemberConnect, "timeout-member-connect", "ms", "how long a connection to a member may take to establish", millis)
	opt(fs, &s.TimeoutMemberData, "timeout-member-data", "ms", "how long a member may be idle", millis)
	opt(fs, &s.TimeoutTCPInspect, "timeout-tcp-inspect", "ms", "how long to wait for the first bytes", millis)
	if !create {
		none(fs, &s.DefaultPoolID, "no-default-pool", "detach the default pool")
		none(fs, &s.InsertHeaders, "no-insert-headers", "add no request headers")
		none(fs, &s.AllowedCIDRs, "no-allowed-cidr", "let every client in")
	}
}

// headerSwitches are the request headers that are added, as the API has them.
type headerSwitches map[string]string

// String is how a table shows them.
func (h headerSwitches) String() string {
	return strings.Join(slices.Sorted(maps.Keys(h)), ", ")
}

func insertHeaders(h lb.InsertHeaders) headerSwitches {
	on := headerSwitches{}
	for name, set := range map[string]bool{
		"X-Forwarded-For":   h.XForwardedFor,
		"X-Forwarded-Port":  h.XForwardedPort,
		"X-Forwarded-Proto": h.XForwardedProto,
	} {
		if set {
			on[name] = "true"
		}
	}
	return on
}
