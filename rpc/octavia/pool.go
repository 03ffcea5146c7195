package octavia

import (
	"encoding/json"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// poolRow is a pool as a snapshot shows it.
type poolRow struct {
	placed
	*lb.Pool
	whole bool // with members and monitor, as a part of the answer to a fully populated create
}

func (r poolRow) meta() *lb.Meta { return &r.Meta }

var pools = owned(resource[poolRow, lb.PoolSpec]{
	kind: lb.KindPool, one: "pool", many: "pools", links: "pools_links", arg: "pool_",
	attrs: poolAttributes(),
	form: slices.Concat(poolForm(true), object[lb.PoolSpec]{
		field("loadbalancer_id", func(s *lb.PoolSpec) *lb.Opt[lb.LoadBalancerID] { return &s.LoadBalancerID }, idOf[lb.LoadBalancerID]).create(),
		field("listener_id", func(s *lb.PoolSpec) *lb.Opt[lb.ListenerID] { return &s.ListenerID }, idOf[lb.ListenerID]).create(),
	}),
	id: func(r poolRow) string { return string(r.ID) },
	all: func(_ *call, s *snapshot) (iter.Seq[poolRow], error) {
		return func(yield func(poolRow) bool) {
			for p := range s.placedAll() {
				for _, pool := range p.t.Pools {
					if !yield(poolRow{p, pool, false}) {
						return
					}
				}
			}
		}, nil
	},
	find: func(_ *call, s *snapshot, id string) (poolRow, bool, error) {
		r, ok := s.pool(id)
		return r, ok, nil
	},
	create: createPool,
	update: func(_ *call, r poolRow, spec *lb.PoolSpec) (lb.Op, error) {
		if p, ok := spec.Persistence.Get(); ok && p == (lb.PersistenceSpec{}) {
			spec.Persistence = lb.Null[lb.PersistenceSpec]() // {} removes it, too
		}
		return lb.UpdatePool{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r poolRow) (lb.Op, error) { return lb.DeletePool{ID: r.ID}, nil },
}, poolRow.meta, func(r poolRow) placed { return r.placed })

// createPool puts a pool below a load balancer, or below the listener whose default it
// becomes.
func createPool(_ *call, s *snapshot, spec *lb.PoolSpec) (string, lb.Op, error) {
	listener, below := spec.ListenerID.Get()
	id, ok := spec.LoadBalancerID.Get()
	var p placed
	switch {
	case below:
		l, found := s.listener(string(listener))
		if !found {
			return "", nil, missing(lb.KindListener, string(listener))
		}
		p = l.placed
	case ok:
		if p, ok = s.tree(string(id)); !ok {
			return "", nil, missing(lb.KindLoadBalancer, string(id))
		}
	default:
		return "", nil, validation("Must provide at least one of: loadbalancer_id, listener_id")
	}
	return p.child(&spec.MetaSpec), lb.CreatePool{Spec: *spec}, nil
}

func poolAttributes() []attribute[poolRow] {
	return slices.Concat(
		[]attribute[poolRow]{{"id", func(r poolRow) any { return string(r.ID) }}},
		nameAttributes(poolRow.meta),
		metaAttributes(poolRow.meta, func(r poolRow) lb.Status { return r.status(string(r.ID)) }),
		[]attribute[poolRow]{
			{"protocol", func(r poolRow) any { return string(r.Protocol) }},
			{"lb_algorithm", func(r poolRow) any { return string(r.Algorithm) }},
			{"session_persistence", func(r poolRow) any { return r.persistence() }},
			{"tls_enabled", func(r poolRow) any { return r.TLS.Enabled }},
			{"tls_container_ref", func(r poolRow) any { return orNull(r.TLS.Ref) }},
			{"ca_tls_container_ref", func(r poolRow) any { return orNull(r.TLS.CARef) }},
			{"crl_container_ref", func(r poolRow) any { return orNull(r.TLS.CRLRef) }},
			{"tls_ciphers", func(r poolRow) any { return orNull(r.TLS.Ciphers) }},
			{"tls_versions", func(r poolRow) any { return r.TLS.Versions }},
			{"alpn_protocols", func(r poolRow) any { return r.TLS.ALPN }},
			{"loadbalancers", func(r poolRow) any {
				if r.whole {
					return absent{}
				}
				return refs{string(r.LoadBalancerID)}
			}},
			{"listeners", func(r poolRow) any { return r.listeners() }},
			{"members", func(r poolRow) any { return r.members() }},
			{"healthmonitor_id", func(r poolRow) any {
				if r.Monitor == nil || r.whole {
					return absent{}
				}
				return string(r.Monitor.ID)
			}},
			{"healthmonitor", func(r poolRow) any { return r.monitor() }},
		},
	)
}

// persistence has all of its keys, or is null.
func (r poolRow) persistence() any {
	p := r.Persistence
	if p == nil {
		return nil
	}
	shown := struct {
		Type        lb.PersistenceType `json:"type"`
		CookieName  any                `json:"cookie_name"`
		Timeout     any                `json:"persistence_timeout"`
		Granularity any                `json:"persistence_granularity"`
	}{Type: p.Type, CookieName: orNull(p.CookieName)}
	if p.Timeout != 0 {
		shown.Timeout = int(p.Timeout / time.Second)
	}
	if p.Granularity.IsValid() {
		shown.Granularity = p.Granularity.String()
	}
	return shown
}

// listeners are those whose default it is, and those with a policy that can lead to it.
func (r poolRow) listeners() any {
	ids := refs{}
	for _, l := range r.t.Listeners {
		if slices.Contains(poolsOf(l), r.ID) {
			ids = append(ids, string(l.ID))
		}
	}
	return ids
}

// poolsOf are the pools that requests to a listener can reach: its default, and those
// of enabled policies that have rules.
func poolsOf(l *lb.Listener) []lb.PoolID {
	var ids []lb.PoolID
	add := func(id lb.PoolID) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	add(l.DefaultPoolID)
	for _, p := range l.L7Policies {
		if p.AdminStateUp && len(p.Rules) > 0 {
			add(p.RedirectPoolID)
		}
	}
	return ids
}

func (r poolRow) members() any {
	if r.whole {
		return wholes(memberAttributes, r.Members, func(m *lb.Member) memberRow { return memberRow{r.placed, m} })
	}
	ids := make(refs, len(r.Members))
	for i, m := range r.Members {
		ids[i] = string(m.ID)
	}
	return ids
}

func (r poolRow) monitor() any {
	switch {
	case !r.whole:
		return absent{}
	case r.Monitor == nil:
		return nil
	}
	return json.RawMessage(appendObject(nil, monitorAttributes, monitorRow{r.placed, r.Monitor}, nil))
}

// poolForm is what a request says of a pool, but for its parent. Alone: it is not a part
// of a fully populated create, where a pool may be no more than a name.
func poolForm(alone bool) object[lb.PoolSpec] {
	type S = lb.PoolSpec
	protocol := field("protocol", func(s *S) *lb.Opt[lb.Protocol] { return &s.Protocol }, oneOf(poolProtocols...)).create()
	algorithm := field("lb_algorithm", func(s *S) *lb.Opt[lb.Algorithm] { return &s.Algorithm },
		oneOf(lb.RoundRobin, lb.LeastConnections, lb.SourceIP, lb.SourceIPPort))
	protocol.required, algorithm.required = alone, alone
	return slices.Concat(
		nameForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		metaForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		tlsForm(func(s *S) *lb.TLSParamsSpec { return &s.TLSParamsSpec }),
		object[S]{
			protocol,
			algorithm,
			inner("session_persistence", func(s *S) *lb.Opt[lb.PersistenceSpec] { return &s.Persistence }, persistenceForm),
			field("tls_enabled", func(s *S) *lb.Opt[bool] { return &s.TLSEnabled }, boolOf),
			field("tls_container_ref", func(s *S) *lb.Opt[string] { return &s.TLSRef }, textOf(255)),
			field("ca_tls_container_ref", func(s *S) *lb.Opt[string] { return &s.CARef }, textOf(255)),
			field("crl_container_ref", func(s *S) *lb.Opt[string] { return &s.CRLRef }, textOf(255)),
			each("members", nested(memberForm), func(s *S, m lb.MemberSpec) error {
				s.Members = append(s.Members, m)
				return nil
			}).create(),
			{name: "healthmonitor", only: post, set: func(s *S, v any, in form) error {
				if v == nil {
					return nil
				}
				s.Monitor = new(lb.HealthMonitorSpec)
				return nested(monitorForm).decode(s.Monitor, v, in)
			}},
		},
	)
}

var poolProtocols = []lb.Protocol{
	lb.ProtocolHTTP, lb.ProtocolHTTPS, lb.ProtocolPROXY, lb.ProtocolPROXYV2, lb.ProtocolTCP, lb.ProtocolUDP, lb.ProtocolSCTP,
}

var persistenceForm = object[lb.PersistenceSpec]{
	field("type", func(s *lb.PersistenceSpec) *lb.Opt[lb.PersistenceType] { return &s.Type },
		oneOf(lb.PersistSourceIP, lb.PersistHTTPCookie, lb.PersistAppCookie)).must(),
	field("cookie_name", func(s *lb.PersistenceSpec) *lb.Opt[string] { return &s.CookieName }, textOf(255)),
	field("persistence_timeout", func(s *lb.PersistenceSpec) *lb.Opt[time.Duration] { return &s.Timeout }, durationOf(time.Second, 0, maxInt32)),
	field("persistence_granularity", func(s *lb.PersistenceSpec) *lb.Opt[netip.Addr] { return &s.Granularity }, addrOf),
}
