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
			field{"default_tls_container_ref", optional(l.TLS.DefaultRef)},
			field{"sni_container_refs", list0(l.TLS.SNIRefs)},
			field{"client_ca_tls_container_ref", optional(l.TLS.ClientCARef)},
			field{"client_crl_container_ref", optional(l.TLS.ClientCRLRef)},
			field{"client_authentication", optional(l.TLS.ClientAuth)},
			field{"tls_ciphers", optional(l.TLS.Ciphers)},
			field{"tls_versions", list0(l.TLS.Versions)},
			field{"alpn_protocols", list0(l.TLS.ALPN)},
			field{"hsts_max_age", number(l.HSTS.MaxAge)},
			field{"hsts_include_subdomains", l.HSTS.IncludeSubdomains},
			field{"hsts_preload", l.HSTS.Preload},
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
		opt(fs, &s.Protocol, "protocol", "protocol", "HTTP, HTTPS, TCP, UDP, SCTP, TERMINATED_HTTPS or PROMETHEUS (required)", word[lb.Protocol])
		opt(fs, &s.ProtocolPort, "protocol-port", "number", "port, 1 to 65535 (required)", integer)
	}
	opt(fs, &s.ConnectionLimit, "connection-limit", "number", "concurrent client connections; -1 for the default", integer)
	opt(fs, &s.DefaultPoolID, "default-pool", "pool", "pool that serves it", text[lb.PoolID])
	opt(fs, &s.InsertHeaders, "insert-headers", "header=true,...", "request headers to add, such as X-Forwarded-For=true", headers)
	optList(fs, &s.AllowedCIDRs, "allowed-cidr", "prefix", "prefix that clients may come from", prefix)
	millis := duration(time.Millisecond)
	opt(fs, &s.TimeoutClientData, "timeout-client-data", "ms", "how long a client may be idle", millis)
	opt(fs, &s.TimeoutMemberConnect, "timeout-member-connect", "ms", "how long a connection to a member may take to establish", millis)
	opt(fs, &s.TimeoutMemberData, "timeout-member-data", "ms", "how long a member may be idle", millis)
	opt(fs, &s.TimeoutTCPInspect, "timeout-tcp-inspect", "ms", "how long to wait for the first bytes", millis)
	listenerTLSFlags(fs, s, create)
	if !create {
		none(fs, &s.DefaultPoolID, "no-default-pool", "detach the default pool")
		none(fs, &s.InsertHeaders, "no-insert-headers", "add no request headers")
		none(fs, &s.AllowedCIDRs, "no-allowed-cidr", "let every client in")
	}
}

// listenerTLSFlags are about what TERMINATED_HTTPS and PROMETHEUS listeners show to
// clients and ask of them.
func listenerTLSFlags(fs *pflag.FlagSet, s *lb.ListenerSpec, create bool) {
	opt(fs, &s.TLSDefaultRef, "default-tls-container-ref", "url", "certificate with its key: reference of a secret or a container of secrets", text[string])
	optList(fs, &s.SNIRefs, "sni-container-refs", "url", "certificate for another server name", text[string])
	opt(fs, &s.ClientCARef, "client-ca-tls-container-ref", "url", "authorities that sign the certificates of clients", text[string])
	opt(fs, &s.ClientCRLRef, "client-crl-container-ref", "url", "certificates of clients that are revoked", text[string])
	opt(fs, &s.ClientAuth, "client-authentication", "clientauth", "NONE, OPTIONAL or MANDATORY", word[lb.ClientAuth])
	tlsParamFlags(fs, &s.TLSParamsSpec, create)
	opt(fs, &s.HSTSMaxAge, "hsts-max-age", "s", "seconds that clients shall insist on TLS (Strict-Transport-Security)", integer)
	fixed(fs, &s.HSTSIncludeSubdomains, "hsts-include-subdomains", "that holds for subdomains too", lb.Some(true))
	fixed(fs, &s.HSTSPreload, "hsts-preload", "browsers may know it in advance", lb.Some(true))
	if !create {
		none(fs, &s.TLSDefaultRef, "no-default-tls-container-ref", "show no certificate by default")
		none(fs, &s.SNIRefs, "no-sni-container-refs", "no certificates for other server names")
		none(fs, &s.ClientCARef, "no-client-ca-tls-container-ref", "verify no clients")
		none(fs, &s.ClientCRLRef, "no-client-crl-container-ref", "no certificate of a client is revoked")
		none(fs, &s.HSTSMaxAge, "no-hsts-max-age", "no Strict-Transport-Security")
		fixed(fs, &s.HSTSIncludeSubdomains, "no-hsts-include-subdomains", "that does not hold for subdomains", lb.Some(false))
		fixed(fs, &s.HSTSPreload, "no-hsts-preload", "browsers may not know it in advance", lb.Some(false))
	}
}

// tlsParamFlags are about how TLS is spoken.
func tlsParamFlags(fs *pflag.FlagSet, s *lb.TLSParamsSpec, create bool) {
	opt(fs, &s.Ciphers, "tls-ciphers", "ciphers", "ciphers in OpenSSL's notation, separated by colons", text[string])
	optList(fs, &s.Versions, "tls-version", "version", "TLSv1.2 or TLSv1.3", text[string])
	optList(fs, &s.ALPN, "alpn-protocol", "alpn", "h2 or http/1.1, the preferred one first", text[string])
	if !create {
		none(fs, &s.Ciphers, "no-tls-ciphers", "the default ciphers")
		none(fs, &s.Versions, "no-tls-version", "the default versions")
		none(fs, &s.ALPN, "no-alpn-protocol", "the default protocols")
	}
}

// number is nil for what is not there.
func number(n *int) any {
	if n == nil {
		return nil
	}
	return *n
}

// headerSwitches are the request headers that are added, as the API has them.
type headerSwitches map[string]string

// String is how a table shows them.
func (h headerSwitches) String() string {
	return strings.Join(slices.Sorted(maps.Keys(h)), ", ")
}

// insertHeaders are those that were given, or, of listeners from before all were kept,
// those that are on.
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
	maps.Copy(on, h.Given)
	return on
}
