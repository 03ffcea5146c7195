package main

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var healthMonitorKind = kind[lb.HealthMonitor, lb.HealthMonitorSpec]{
	name:    lb.KindHealthMonitor,
	word:    "healthmonitor",
	aliases: []string{"hm", "healthmonitors"},
	long:    "A health monitor says how the members of a pool are checked. A pool has at most one.",
	columns: []string{"id", "name", "pool_id", "type", "delay", "timeout", "provisioning_status", "operating_status"},
	of: func(c *admin.Client) admin.Collection[lb.HealthMonitor, lb.HealthMonitorSpec] {
		return c.HealthMonitors
	},
	under:  "POOL",
	place:  func(s *lb.HealthMonitorSpec, ref string) { s.PoolID = lb.Some(lb.PoolID(ref)) },
	filter: "loadbalancer",
	flags:  healthMonitorFlags,
	record: func(r admin.Resource[lb.HealthMonitor]) record {
		m := r.Value
		return resource(string(m.ID), m.Meta, r.Status,
			field{"pool_id", string(m.PoolID)},
			field{"type", string(m.Type)},
			field{"delay", seconds(m.Delay)},
			field{"timeout", seconds(m.Timeout)},
			field{"max_retries", m.MaxRetries},
			field{"max_retries_down", m.MaxRetriesDown},
			field{"http_method", optional(m.HTTPMethod)},
			field{"url_path", optional(m.URLPath)},
			field{"expected_codes", optional(m.ExpectedCodes)},
			field{"http_version", optional(m.HTTPVersion)},
			field{"domain_name", optional(m.DomainName)},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl healthmonitor create --delay 5 --timeout 3 --max-retries 3 --type HTTP --url-path /health p1",
		"list":   "  amphoractl healthmonitor list",
		"show":   "  amphoractl healthmonitor show hm1",
		"set":    "  amphoractl healthmonitor set --delay 10 hm1",
		"delete": "  amphoractl healthmonitor delete hm1",
	},
}

// The --timeout flag is the monitor's here and hides the global one, as the
// OpenStack client spells it so.
func healthMonitorFlags(fs *pflag.FlagSet, s *lb.HealthMonitorSpec, create bool) {
	metaFlags(fs, &s.MetaSpec, create, false)
	if create {
		opt(fs, &s.Type, "type", "type", "HTTP, HTTPS, TCP, PING, TLS-HELLO, UDP-CONNECT or SCTP (required)", word[lb.MonitorType])
	}
	opt(fs, &s.Delay, "delay", "s", "time between two checks of one member (required)", duration(time.Second))
	opt(fs, &s.Timeout, "timeout", "s", "time that one check may take (required)", duration(time.Second))
	opt(fs, &s.MaxRetries, "max-retries", "number", "successes in a row that make a member healthy, 1 to 10 (required)", integer)
	opt(fs, &s.MaxRetriesDown, "max-retries-down", "number", "failures in a row that make it unhealthy, 1 to 10", integer)
	opt(fs, &s.HTTPMethod, "http-method", "method", "method of the request", word[string])
	opt(fs, &s.URLPath, "url-path", "path", "path of the request", text[string])
	opt(fs, &s.ExpectedCodes, "expected-codes", "codes", "answers that count as healthy: 200, 200,202 or 200-204", text[string])
	opt(fs, &s.HTTPVersion, "http-version", "version", "1.0 or 1.1", text[string])
	opt(fs, &s.DomainName, "domain-name", "host", "host to ask for; it needs HTTP version 1.1", text[string])
	if !create {
		none(fs, &s.DomainName, "no-domain-name", "ask for no host")
	}
}

func seconds(d time.Duration) any {
	if d%time.Second == 0 {
		return int64(d / time.Second)
	}
	return d.Seconds()
}
