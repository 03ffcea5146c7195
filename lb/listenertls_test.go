package lb

import (
	"slices"
	"strings"
	"testing"
)

func TestListenerTLSRules(t *testing.T) {
	_, b, _, http, _, _ := listenerWorld(t)
	fresh := func(t *testing.T) (*world, ListenerSpec) {
		w, _, _, _, _, _ := listenerWorld(t)
		s := listenerSpec(b, ProtocolTerminatedHTTPS, 443)
		s.TLSDefaultRef = Some("http://secrets/1")
		return w, s
	}
	set := func(f func(*ListenerSpec)) func(*ListenerSpec) { return f }
	as := func(p Protocol, f func(*ListenerSpec)) func(*ListenerSpec) {
		return func(s *ListenerSpec) {
			s.Protocol, s.TLSDefaultRef = Some(p), Opt[string]{}
			f(s)
		}
	}
	cert := func(s *ListenerSpec) { s.TLSDefaultRef = Some("http://secrets/1") }
	long := strings.Repeat("x", 256)
	checkRules(t, fresh, func(s ListenerSpec) Op { return CreateListener{Spec: s} }, []rule[ListenerSpec]{
		{"HTTP pool", set(func(s *ListenerSpec) { s.DefaultPoolID = Some(http) }), nil, "", ""},
		{
			"no certificate", set(func(s *ListenerSpec) { s.TLSDefaultRef = Null[string]() }), ErrInvalid, "default_tls_container_ref",
			"Validation failure: An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.",
		},
		{"SNI alone", set(func(s *ListenerSpec) { s.TLSDefaultRef, s.SNIRefs = Null[string](), Some([]string{"a", "b"}) }), nil, "", ""},
		{"reference too long", set(func(s *ListenerSpec) { s.TLSDefaultRef = Some(long) }), ErrInvalid, "default_tls_container_ref", "at most 255"},
		{"SNI reference too long", set(func(s *ListenerSpec) { s.SNIRefs = Some([]string{long}) }), ErrInvalid, "sni_container_refs", "at most 255"},
		{
			"certificate on HTTP", as(ProtocolHTTP, cert), ErrInvalid, "default_tls_container_ref",
			"Certificate container references are not allowed on HTTP protocol listeners.",
		},
		{
			"certificate on UDP", as(ProtocolUDP, cert), ErrInvalid, "default_tls_container_ref",
			"UDP protocol listener does not support TLS or header insertion.",
		},
		{"certificate on PROMETHEUS", as(ProtocolPrometheus, cert), nil, "", ""},
		{
			"client CA without certificate", as(ProtocolPrometheus, func(s *ListenerSpec) { s.ClientCARef = Some("ca") }), ErrInvalid, "client_ca_tls_container_ref",
			"An SNI or default certificate container reference must be provided with a client CA container reference.",
		},
		{"client CA", set(func(s *ListenerSpec) { s.ClientCARef, s.ClientAuth = Some("ca"), Some(ClientAuthMandatory) }), nil, "", ""},
		{
			"client authentication without CA", set(func(s *ListenerSpec) { s.ClientAuth = Some(ClientAuthOptional) }), ErrInvalid, "client_authentication",
			"Client authentication setting OPTIONAL requires a client CA container reference.",
		},
		{
			"unknown client authentication", set(func(s *ListenerSpec) { s.ClientCARef, s.ClientAuth = Some("ca"), Some[ClientAuth]("MAYBE") }), ErrInvalid, "client_authentication",
			"Value should be one of: NONE, OPTIONAL, MANDATORY",
		},
		{
			"CRL without CA", set(func(s *ListenerSpec) { s.ClientCRLRef = Some("crl") }), ErrInvalid, "client_crl_container_ref",
			"A client authentication CA reference is required to specify a client authentication revocation list.",
		},
		{"ciphers", set(func(s *ListenerSpec) { s.Ciphers = Some("ECDHE+AESGCM:!aNULL:@SECLEVEL=2") }), nil, "", ""},
		{"cipher characters", set(func(s *ListenerSpec) { s.Ciphers = Some("A\nB") }), ErrInvalid, "tls_ciphers", "Invalid characters in cipher string."},
		{"ciphers too long", set(func(s *ListenerSpec) { s.Ciphers = Some(strings.Repeat("A", 2049)) }), ErrInvalid, "tls_ciphers", "at most 2048"},
		{"old version", set(func(s *ListenerSpec) { s.Versions = Some([]string{"SSLv3", "TLSv1", "TLSv1.1"}) }), nil, "", ""},
		{"no version", set(func(s *ListenerSpec) { s.Versions = Some([]string{}) }), ErrInvalid, "tls_versions", "Validation failure: Empty TLS version list."},
		{"unknown version", set(func(s *ListenerSpec) { s.Versions = Some([]string{"TLSv1.2", "TLSv2", "x"}) }), ErrInvalid, "tls_versions", "Validation failure: Invalid TLS versions: TLSv2, x"},
		{"no ALPN", set(func(s *ListenerSpec) { s.ALPN = Some([]string{}) }), ErrInvalid, "alpn_protocols", "Empty ALPN protocol list."},
		{"unknown ALPN", set(func(s *ListenerSpec) { s.ALPN = Some([]string{"h3"}) }), ErrInvalid, "alpn_protocols", "Invalid ALPN protocol: h3"},
		{"certificate header", set(func(s *ListenerSpec) {
			s.InsertHeaders = Some(map[string]string{"X-SSL-Client-CN": "true", "X-Forwarded-For": "true"})
		}), nil, "", ""},
		{"HSTS", set(func(s *ListenerSpec) {
			s.HSTSMaxAge, s.HSTSPreload, s.HSTSIncludeSubdomains = Some(0), Some(true), Some(true)
		}), nil, "", ""},
		{"HSTS below 0", set(func(s *ListenerSpec) { s.HSTSMaxAge = Some(-1) }), ErrInvalid, "hsts_max_age", "use 0 to"},
		{
			"HSTS without age", set(func(s *ListenerSpec) { s.HSTSPreload = Some(true) }), ErrInvalid, "hsts_max_age",
			"HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.",
		},
		{
			"HSTS on HTTP", as(ProtocolHTTP, func(s *ListenerSpec) { s.HSTSMaxAge = Some(1) }), ErrInvalid, "hsts_max_age",
			"HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.",
		},
		{
			"default pool of PROMETHEUS", as(ProtocolPrometheus, func(s *ListenerSpec) { s.DefaultPoolID = Some(http) }), ErrInvalid, "default_pool_id",
			"Protocol PROMETHEUS listeners cannot have child objects.",
		},
	})
}

func TestListenerTLSDefaults(t *testing.T) {
	w, b, plain, _, _, _ := listenerWorld(t)
	spec := listenerSpec(b, ProtocolTerminatedHTTPS, 443)
	spec.TLSDefaultRef, spec.Versions, spec.HSTSMaxAge = Some("x"), Some([]string{"TLSv1.3"}), Some(0)
	id := ListenerID(w.do(CreateListener{Spec: spec}))
	check := func(want TLSParams, id ListenerID) {
		t.Helper()
		l, _ := w.cfg.Listener(id)
		got := l.TLS.TLSParams
		if got.Ciphers != want.Ciphers || !slices.Equal(got.Versions, want.Versions) || !slices.Equal(got.ALPN, want.ALPN) {
			t.Errorf("%s listener has %+v, want %+v", l.Protocol, got, want)
		}
	}
	check(TLSParams{Ciphers: defaultCiphers, Versions: []string{"TLSv1.3"}, ALPN: []string{"h2", "http/1.1", "http/1.0"}}, id)
	check(TLSParams{}, plain)
	if l, _ := w.cfg.Listener(id); l.HSTS.MaxAge == nil || *l.HSTS.MaxAge != 0 || l.TLS.ClientAuth != ClientAuthNone {
		t.Errorf("HSTS %+v, TLS %+v", l.HSTS, l.TLS)
	}
	w.do(UpdateListener{ID: id, Spec: ListenerSpec{
		TLSParamsSpec: TLSParamsSpec{Ciphers: Some("A"), Versions: Null[[]string](), ALPN: Some([]string{"h2"})},
		HSTSMaxAge:    Null[int](), ClientAuth: Null[ClientAuth](),
	}})
	check(TLSParams{Ciphers: "A", Versions: []string{"TLSv1.2", "TLSv1.3"}, ALPN: []string{"h2"}}, id)
	w.do(UpdateListener{ID: id, Spec: ListenerSpec{TLSParamsSpec: TLSParamsSpec{Ciphers: Null[string](), ALPN: Null[[]string]()}}})
	check(defaultTLSParams, id)
	if l, _ := w.cfg.Listener(id); l.HSTS.MaxAge != nil {
		t.Errorf("HSTS is still on: %d", *l.HSTS.MaxAge)
	}
	_, _, _, err := Apply(w.cfg, w.stamp(UpdateListener{ID: id, Spec: ListenerSpec{TLSDefaultRef: Null[string]()}}))
	checkError(t, err, ErrInvalid, "default_tls_container_ref", "must be provided for TERMINATED_HTTPS")
}

// TestListenerPoolProtocols is Octavia's VALID_LISTENER_POOL_PROTOCOL_MAP, both ways to
// join a listener and a pool.
func TestListenerPoolProtocols(t *testing.T) {
	allowed := map[Protocol]string{
		ProtocolTCP: "HTTP HTTPS PROXY PROXYV2 TCP", ProtocolHTTP: "HTTP PROXY PROXYV2", ProtocolHTTPS: "HTTPS PROXY PROXYV2 TCP",
		ProtocolTerminatedHTTPS: "HTTP PROXY PROXYV2", ProtocolUDP: "UDP", ProtocolSCTP: "SCTP", ProtocolPrometheus: "",
	}
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	for i, lp := range listenerProtocols {
		spec := listenerSpec(b, lp, 8000+i)
		if lp == ProtocolTerminatedHTTPS {
			spec.TLSDefaultRef = Some("x")
		}
		l := ListenerID(w.do(CreateListener{Spec: spec}))
		for _, pp := range poolProtocols {
			want := slices.Contains(strings.Fields(allowed[lp]), string(pp))
			msg := "Validation failure: The pool protocol '" + string(pp) + "' is invalid while the listener protocol is '" + string(lp) + "'."
			if lp == ProtocolPrometheus {
				msg = "Protocol PROMETHEUS listeners cannot have child objects."
			}
			p := w.pool(b, pp)
			for field, op := range map[string]Op{
				"default_pool_id": UpdateListener{ID: l, Spec: ListenerSpec{DefaultPoolID: Some(p)}},
				"protocol":        CreatePool{Spec: PoolSpec{ListenerID: Some(l), Protocol: Some(pp), Algorithm: Some(RoundRobin)}},
			} {
				_, _, _, err := Apply(w.cfg, w.stamp(op))
				if want && err != nil {
					t.Errorf("%s to %s by %s: %v", lp, pp, field, err)
				} else if !want {
					checkError(t, err, ErrInvalid, field, msg)
				}
			}
		}
	}
}
