package octavia

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// listenerRow is a listener as a snapshot shows it.
type listenerRow struct {
	placed
	*lb.Listener
	whole bool // with its policies, as a part of the answer to a fully populated create
}

func (r listenerRow) meta() *lb.Meta { return &r.Meta }

var listeners = owned(resource[listenerRow, lb.ListenerSpec]{
	kind: lb.KindListener, one: "listener", many: "listeners", links: "listeners_links", arg: "listener_",
	attrs: listenerAttributes(),
	form: slices.Concat(listenerForm(), object[lb.ListenerSpec]{
		each("l7policies", policyForm(), func(s *lb.ListenerSpec, p lb.L7PolicySpec) error {
			s.L7Policies = append(s.L7Policies, p)
			return nil
		}).create(),
	}, ofParent("loadbalancer_id", func(s *lb.ListenerSpec) *lb.Opt[lb.LoadBalancerID] { return &s.LoadBalancerID })),
	id: func(r listenerRow) string { return string(r.ID) },
	all: func(_ *call, s *snapshot) (iter.Seq[listenerRow], error) {
		return func(yield func(listenerRow) bool) {
			for p := range s.placedAll() {
				for _, l := range p.t.Listeners {
					if !yield(listenerRow{p, l, false}) {
						return
					}
				}
			}
		}, nil
	},
	find: func(_ *call, s *snapshot, id string) (listenerRow, bool, error) {
		r, ok := s.listener(id)
		return r, ok, nil
	},
	create: func(_ *call, s *snapshot, spec *lb.ListenerSpec) (string, lb.Op, error) {
		id := valueOf(spec.LoadBalancerID)
		p, ok := s.tree(string(id))
		if !ok {
			return "", nil, missing(lb.KindLoadBalancer, string(id))
		}
		return p.child(&spec.MetaSpec), lb.CreateListener{Spec: *spec}, nil
	},
	update: func(_ *call, r listenerRow, spec *lb.ListenerSpec) (lb.Op, error) {
		return lb.UpdateListener{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r listenerRow) (lb.Op, error) { return lb.DeleteListener{ID: r.ID}, nil },
}, listenerRow.meta, func(r listenerRow) placed { return r.placed })

// listenerAttributes are those of an answer. A function, because a listener has policies,
// which have attributes of their own.
func listenerAttributes() []attribute[listenerRow] {
	millis := func(at func(*lb.Listener) time.Duration) func(listenerRow) any {
		return func(r listenerRow) any { return int(at(r.Listener) / time.Millisecond) }
	}
	return slices.Concat(
		[]attribute[listenerRow]{{"id", func(r listenerRow) any { return string(r.ID) }}},
		nameAttributes(listenerRow.meta),
		metaAttributes(listenerRow.meta, func(r listenerRow) lb.Status { return r.status(string(r.ID)) }),
		[]attribute[listenerRow]{
			{"protocol", func(r listenerRow) any { return string(r.Protocol) }},
			{"protocol_port", func(r listenerRow) any { return int(r.ProtocolPort) }},
			{"connection_limit", func(r listenerRow) any { return r.ConnectionLimit }},
			{"default_pool_id", func(r listenerRow) any { return orNull(r.DefaultPoolID) }},
			{"l7policies", func(r listenerRow) any { return r.policies() }},
			{"insert_headers", func(r listenerRow) any {
				if r.InsertHeaders.Given == nil {
					return map[string]string{}
				}
				return r.InsertHeaders.Given
			}},
			{"allowed_cidrs", func(r listenerRow) any { return textsOrNull(r.AllowedCIDRs) }},
			{"timeout_client_data", millis(func(l *lb.Listener) time.Duration { return l.TimeoutClientData })},
			{"timeout_member_connect", millis(func(l *lb.Listener) time.Duration { return l.TimeoutMemberConnect })},
			{"timeout_member_data", millis(func(l *lb.Listener) time.Duration { return l.TimeoutMemberData })},
			{"timeout_tcp_inspect", millis(func(l *lb.Listener) time.Duration { return l.TimeoutTCPInspect })},
			{"default_tls_container_ref", func(r listenerRow) any { return orNull(r.TLS.DefaultRef) }},
			{"sni_container_refs", func(r listenerRow) any { return r.TLS.SNIRefs }},
			{"client_ca_tls_container_ref", func(r listenerRow) any { return orNull(r.TLS.ClientCARef) }},
			{"client_crl_container_ref", func(r listenerRow) any { return orNull(r.TLS.ClientCRLRef) }},
			{"client_authentication", func(r listenerRow) any { return cmpOr(r.TLS.ClientAuth, lb.ClientAuthNone) }},
			{"tls_ciphers", func(r listenerRow) any { return orNull(r.TLS.Ciphers) }},
			{"tls_versions", func(r listenerRow) any { return r.TLS.Versions }},
			{"alpn_protocols", func(r listenerRow) any { return r.TLS.ALPN }},
			{"hsts_max_age", func(r listenerRow) any {
				if r.HSTS.MaxAge == nil {
					return nil
				}
				return *r.HSTS.MaxAge
			}},
			{"hsts_include_subdomains", func(r listenerRow) any { return r.HSTS.IncludeSubdomains }},
			{"hsts_preload", func(r listenerRow) any { return r.HSTS.Preload }},
			{"loadbalancers", func(r listenerRow) any {
				if r.whole {
					return absent{}
				}
				return refs{string(r.LoadBalancerID)}
			}},
		},
	)
}

// policies are ids, or whole.
func (r listenerRow) policies() any {
	if r.whole {
		return wholes(policyAttributes(), r.L7Policies, func(p *lb.L7Policy) policyRow { return policyRow{r.placed, p, true} })
	}
	ids := make(refs, len(r.L7Policies))
	for i, p := range r.L7Policies {
		ids[i] = string(p.ID)
	}
	return ids
}

// maxTimeout is that of a listener: 24 days, in milliseconds.
const maxTimeout = 24 * 24 * 60 * 60 * 1000

// listenerForm is what a request says of a listener, but for its load balancer.
func listenerForm() object[lb.ListenerSpec] {
	type S = lb.ListenerSpec
	timeout := durationOf(time.Millisecond, 0, maxTimeout)
	return slices.Concat(
		nameForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		metaForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		tlsForm(func(s *S) *lb.TLSParamsSpec { return &s.TLSParamsSpec }),
		object[S]{
			field("protocol", func(s *S) *lb.Opt[lb.Protocol] { return &s.Protocol }, oneOf(listenerProtocols...)).must().create(),
			field("protocol_port", func(s *S) *lb.Opt[int] { return &s.ProtocolPort }, intOf(1, 65535)).must().create(),
			field("connection_limit", func(s *S) *lb.Opt[int] { return &s.ConnectionLimit }, intOf(-1, maxInt32)),
			field("default_pool_id", func(s *S) *lb.Opt[lb.PoolID] { return &s.DefaultPoolID }, idOf[lb.PoolID]),
			field("insert_headers", func(s *S) *lb.Opt[map[string]string] { return &s.InsertHeaders }, headersOf),
			field("allowed_cidrs", func(s *S) *lb.Opt[[]netip.Prefix] { return &s.AllowedCIDRs }, listOf(prefixOf)),
			field("timeout_client_data", func(s *S) *lb.Opt[time.Duration] { return &s.TimeoutClientData }, timeout),
			field("timeout_member_connect", func(s *S) *lb.Opt[time.Duration] { return &s.TimeoutMemberConnect }, timeout),
			field("timeout_member_data", func(s *S) *lb.Opt[time.Duration] { return &s.TimeoutMemberData }, timeout),
			field("timeout_tcp_inspect", func(s *S) *lb.Opt[time.Duration] { return &s.TimeoutTCPInspect }, timeout),
			field("default_tls_container_ref", func(s *S) *lb.Opt[string] { return &s.TLSDefaultRef }, textOf(255)),
			field("sni_container_refs", func(s *S) *lb.Opt[[]string] { return &s.SNIRefs }, listOf(textOf(255))),
			field("client_ca_tls_container_ref", func(s *S) *lb.Opt[string] { return &s.ClientCARef }, textOf(255)),
			field("client_crl_container_ref", func(s *S) *lb.Opt[string] { return &s.ClientCRLRef }, textOf(255)),
			field("client_authentication", func(s *S) *lb.Opt[lb.ClientAuth] { return &s.ClientAuth },
				oneOf(lb.ClientAuthNone, lb.ClientAuthOptional, lb.ClientAuthMandatory)),
			field("hsts_max_age", func(s *S) *lb.Opt[int] { return &s.HSTSMaxAge }, intOf(0, maxInt32)),
			field("hsts_include_subdomains", func(s *S) *lb.Opt[bool] { return &s.HSTSIncludeSubdomains }, boolOf),
			field("hsts_preload", func(s *S) *lb.Opt[bool] { return &s.HSTSPreload }, boolOf),
		},
	)
}

var listenerProtocols = []lb.Protocol{
	lb.ProtocolHTTP, lb.ProtocolHTTPS, lb.ProtocolTCP, lb.ProtocolTerminatedHTTPS, lb.ProtocolUDP, lb.ProtocolSCTP, lb.ProtocolPrometheus,
}
