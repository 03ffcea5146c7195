package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

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
			opt(fs, &s.Protocol, "protocol", "protocol", "HTTP, HTTPS, TCP, UDP, SCTP, PROXY or PROXYV2 (required)", word[lb.Protocol])
		}
		opt(fs, &s.Algorithm, "lb-algorithm", "algorithm", "ROUND_ROBIN, LEAST_CONNECTIONS, SOURCE_IP or SOURCE_IP_PORT (required)", word[lb.Algorithm])
		poolTLSFlags(fs, s, create)
	},
	record: func(r admin.Resource[lb.Pool]) record {
		p := r.Value
		return resource(string(p.ID), p.Meta, r.Status,
			field{"description", p.Description},
			field{"loadbalancer_id", string(p.LoadBalancerID)},
			field{"protocol", string(p.Protocol)},
			field{"lb_algorithm", string(p.Algorithm)},
			field{"session_persistence", persistenceRecord(p.Persistence)},
			field{"tls_enabled", p.TLS.Enabled},
			field{"tls_container_ref", optional(p.TLS.Ref)},
			field{"ca_tls_container_ref", optional(p.TLS.CARef)},
			field{"crl_container_ref", optional(p.TLS.CRLRef)},
			field{"tls_ciphers", optional(p.TLS.Ciphers)},
			field{"tls_versions", list0(p.TLS.Versions)},
			field{"alpn_protocols", list0(p.TLS.ALPN)},
			field{"listeners", list0(r.ListenerIDs)},
			field{"members", list0(r.MemberIDs)},
			field{"healthmonitor_id", optional(r.HealthMonitorID)},
		)
	},
	examples: map[string]string{
		"create": "  amphoractl pool create --name p1 --lb-algorithm ROUND_ROBIN --listener l1 --protocol HTTP",
		"list":   "  amphoractl pool list --loadbalancer lb1",
		"show":   "  amphoractl pool show p1",
		"set":    "  amphoractl pool set --lb-algorithm LEAST_CONNECTIONS --session-persistence type=HTTP_COOKIE p1",
		"delete": "  amphoractl pool delete p1",
	},
}

// poolTLSFlags are about sessions, and how the pool speaks TLS to its members.
func poolTLSFlags(fs *pflag.FlagSet, s *lb.PoolSpec, create bool) {
	opt(fs, &s.Persistence, "session-persistence", "type=...,...", "what keeps a client at its member: type=SOURCE_IP, type=HTTP_COOKIE or type=APP_COOKIE,cookie_name=name; for UDP and SCTP also persistence_timeout=s and persistence_granularity=mask", persistence)
	fixed(fs, &s.TLSEnabled, "enable-tls", "speak TLS to the members", lb.Some(true))
	fixed(fs, &s.TLSEnabled, "disable-tls", "do not speak TLS to the members (default)", lb.Some(false))
	opt(fs, &s.TLSRef, "tls-container-ref", "url", "own certificate with its key", text[string])
	opt(fs, &s.CARef, "ca-tls-container-ref", "url", "authorities that sign the certificates of members", text[string])
	opt(fs, &s.CRLRef, "crl-container-ref", "url", "certificates of members that are revoked", text[string])
	tlsParamFlags(fs, &s.TLSParamsSpec, create)
	if !create {
		none(fs, &s.Persistence, "no-session-persistence", "keep no client at its member")
		none(fs, &s.TLSRef, "no-tls-container-ref", "show no certificate to members")
		none(fs, &s.CARef, "no-ca-tls-container-ref", "do not verify members")
		none(fs, &s.CRLRef, "no-crl-container-ref", "no certificate of a member is revoked")
	}
}

// persistence parses key=value,key=value.
func persistence(s string) (p lb.PersistenceSpec, err error) {
	for pair := range strings.SplitSeq(s, ",") {
		key, v, ok := strings.Cut(pair, "=")
		if !ok {
			return p, errors.New("use type=HTTP_COOKIE and its like, separated by commas")
		}
		switch key {
		case "type":
			p.Type = lb.Some(lb.PersistenceType(strings.ToUpper(v)))
		case "cookie_name":
			p.CookieName = lb.Some(v)
		case "persistence_timeout":
			d, err := duration(time.Second)(v)
			if err != nil {
				return p, fmt.Errorf("persistence_timeout: %w", err)
			}
			p.Timeout = lb.Some(d)
		case "persistence_granularity":
			a, err := address(v)
			if err != nil {
				return p, fmt.Errorf("persistence_granularity: %w", err)
			}
			p.Granularity = lb.Some(a)
		default:
			return p, fmt.Errorf("%s is unknown, use type, cookie_name, persistence_timeout or persistence_granularity", key)
		}
	}
	return p, nil
}

// persistenceRecord is what ties clients to members, nil for nothing.
func persistenceRecord(p *lb.Persistence) any {
	if p == nil {
		return nil
	}
	r := record{{"type", string(p.Type)}, {"cookie_name", optional(p.CookieName)}}
	if p.Timeout != 0 || p.Granularity.IsValid() {
		r = append(r, field{"persistence_timeout", seconds(p.Timeout)}, field{"persistence_granularity", ip(p.Granularity)})
	}
	return r
}
