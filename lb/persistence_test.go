package lb

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestPersistenceRules(t *testing.T) {
	_, b, _, _, _, _ := listenerWorld(t)
	sp := func(kind PersistenceType, f func(*PersistenceSpec)) func(*PoolSpec) {
		return func(s *PoolSpec) {
			p := PersistenceSpec{Type: Some(kind)}
			if f != nil {
				f(&p)
			}
			s.Persistence = Some(p)
		}
	}
	cookie := func(name string) func(*PersistenceSpec) {
		return func(p *PersistenceSpec) { p.CookieName = Some(name) }
	}
	timeout := func(p *PersistenceSpec) { p.Timeout = Some(time.Minute) }
	mask := func(p *PersistenceSpec) { p.Granularity = Some(netip.MustParseAddr("255.255.255.0")) }
	onlyUDP := "Validation failure: persistence_timeout and persistence_granularity is only for UDP and SCTP protocol pools."
	const field = "session_persistence"
	for protocol, rules := range map[Protocol][]rule[PoolSpec]{
		ProtocolHTTP: {
			{"source", sp(PersistSourceIP, nil), nil, "", ""},
			{"HTTP cookie", sp(PersistHTTPCookie, nil), nil, "", ""},
			{"app cookie", sp(PersistAppCookie, cookie("session.id")), nil, "", ""},
			{"none", func(s *PoolSpec) { s.Persistence = Some(PersistenceSpec{}) }, nil, "", ""},
			{"unknown type", sp("IP_HASH", nil), ErrInvalid, field, "Value should be one of: SOURCE_IP, HTTP_COOKIE, APP_COOKIE"},
			{"no type", func(s *PoolSpec) { s.Persistence = Some(PersistenceSpec{CookieName: Some("x")}) }, ErrInvalid, field, "Mandatory field missing."},
			{
				"app cookie without name", sp(PersistAppCookie, nil), ErrInvalid, field,
				`Validation failure: Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.`,
			},
			{
				"name without app cookie", sp(PersistHTTPCookie, cookie("x")), ErrInvalid, field,
				`Validation failure: Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".`,
			},
			{"name with a space", sp(PersistAppCookie, cookie("a b")), ErrInvalid, field, "Value should match the pattern"},
			{"name with a semicolon", sp(PersistAppCookie, cookie("a;b")), ErrInvalid, field, "Value should match the pattern"},
			{"name with a bracket", sp(PersistAppCookie, cookie("a[b")), ErrInvalid, field, `Validation failure: Supplied "cookie_name" is invalid.`},
			{"name too long", sp(PersistAppCookie, cookie(strings.Repeat("x", 256))), ErrInvalid, field, "at most 255"},
			{"timeout", sp(PersistSourceIP, timeout), ErrInvalid, field, onlyUDP},
			{"granularity", sp(PersistSourceIP, mask), ErrInvalid, field, onlyUDP},
		},
		ProtocolUDP: {
			{"source", sp(PersistSourceIP, func(p *PersistenceSpec) { timeout(p); mask(p) }), nil, "", ""},
			{"negative timeout", sp(PersistSourceIP, func(p *PersistenceSpec) { p.Timeout = Some(-time.Second) }), ErrInvalid, field, "out of range"},
			{"HTTP cookie", sp(PersistHTTPCookie, nil), ErrInvalid, field, "Session persistence of type HTTP_COOKIE is not supported for UDP/SCTP protocol pools."},
			{"app cookie", sp(PersistAppCookie, cookie("x")), ErrInvalid, field, "Cookie names are not supported for UDP/SCTP pools."},
			{"source with a name", sp(PersistSourceIP, cookie("x")), ErrInvalid, field, "only accepts: type, persistence_timeout, persistence_granularity."},
		},
	} {
		t.Run(string(protocol), func(t *testing.T) {
			fresh := func(t *testing.T) (*world, PoolSpec) {
				w, _, _, _, _, _ := listenerWorld(t)
				return w, poolSpec(b, protocol)
			}
			checkRules(t, fresh, func(s PoolSpec) Op { return CreatePool{Spec: s} }, rules)
		})
	}
}

func TestPersistenceUpdate(t *testing.T) {
	w, _, _, p, _, _ := listenerWorld(t)
	for i, step := range []struct {
		spec Opt[PersistenceSpec]
		want *Persistence
	}{
		{Some(PersistenceSpec{Type: Some(PersistAppCookie), CookieName: Some("a")}), &Persistence{Type: PersistAppCookie, CookieName: "a"}},
		{Opt[PersistenceSpec]{}, &Persistence{Type: PersistAppCookie, CookieName: "a"}},
		{Some(PersistenceSpec{CookieName: Some("b")}), &Persistence{Type: PersistAppCookie, CookieName: "b"}},
		{Some(PersistenceSpec{Type: Some(PersistSourceIP)}), &Persistence{Type: PersistSourceIP}},
		{Some(PersistenceSpec{}), nil},
		{Some(PersistenceSpec{Type: Some(PersistHTTPCookie)}), &Persistence{Type: PersistHTTPCookie}},
		{Null[PersistenceSpec](), nil},
	} {
		w.do(UpdatePool{ID: p, Spec: PoolSpec{Persistence: step.spec}})
		pool, _ := w.cfg.Pool(p)
		got := pool.Persistence
		if (got == nil) != (step.want == nil) || got != nil && *got != *step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

func TestPoolTLS(t *testing.T) {
	w, _, _, p, _, _ := listenerWorld(t)
	w.do(UpdatePool{ID: p, Spec: PoolSpec{TLSParamsSpec: TLSParamsSpec{Ciphers: Some("A")}}})
	if pool, _ := w.cfg.Pool(p); pool.TLS.Ciphers != "" {
		t.Errorf("a pool without TLS has ciphers %q", pool.TLS.Ciphers)
	}
	w.do(UpdatePool{ID: p, Spec: PoolSpec{TLSEnabled: Some(true), CARef: Some("ca"), CRLRef: Some("crl"), TLSRef: Some("own")}})
	if pool, _ := w.cfg.Pool(p); pool.TLS.Ciphers != defaultCiphers || len(pool.TLS.Versions) != 2 || len(pool.TLS.ALPN) != 3 || pool.TLS.Ref != "own" {
		t.Errorf("a pool with TLS has %+v", pool.TLS)
	}
	for _, r := range []struct {
		spec       PoolSpec
		field, msg string
	}{
		{PoolSpec{CARef: Null[string]()}, "ca_tls_container_ref", "Validation failure: A CA reference cannot be removed when a certificate revocation list is present."},
		{PoolSpec{TLSRef: Some(strings.Repeat("x", 256))}, "tls_container_ref", "at most 255"},
		{PoolSpec{TLSParamsSpec: TLSParamsSpec{Versions: Some([]string{})}}, "tls_versions", "Empty TLS version list."},
		{PoolSpec{TLSParamsSpec: TLSParamsSpec{ALPN: Some([]string{"x"})}}, "alpn_protocols", "Invalid ALPN protocol: x"},
	} {
		_, _, _, err := Apply(w.cfg, w.stamp(UpdatePool{ID: p, Spec: r.spec}))
		checkError(t, err, ErrInvalid, r.field, r.msg)
	}
	w.do(UpdatePool{ID: p, Spec: PoolSpec{TLSEnabled: Null[bool](), CARef: Null[string](), CRLRef: Null[string]()}})
	_, _, _, err := Apply(w.cfg, w.stamp(UpdatePool{ID: p, Spec: PoolSpec{CRLRef: Some("crl")}}))
	checkError(t, err, ErrInvalid, "crl_container_ref", "A CA reference is required to specify a certificate revocation list.")
}

func TestDatagramPoolNeedsTheFamilyOfAVIP(t *testing.T) {
	w := newWorld(t)
	p := w.pool(w.loadBalancer(w.subnet("public", "192.0.2.0/24")), ProtocolUDP)
	w.member(p, "10.0.0.1", 53)
	_, _, _, err := Apply(w.cfg, w.stamp(CreateMember{Spec: memberSpec(p, "2001:db8::1", 53)}))
	checkError(t, err, ErrUnsupported, "address", "This provider doesn't support mixing IPv4 and IPv6 addresses for its VIP and members in UDP load balancers.")
}
