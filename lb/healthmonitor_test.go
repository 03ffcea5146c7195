package lb

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func monitorRules() []rule[HealthMonitorSpec] {
	set := func(f func(*HealthMonitorSpec)) func(*HealthMonitorSpec) { return f }
	path := func(v string) func(*HealthMonitorSpec) { return func(s *HealthMonitorSpec) { s.URLPath = Some(v) } }
	codes := func(v string) func(*HealthMonitorSpec) {
		return func(s *HealthMonitorSpec) { s.ExpectedCodes = Some(v) }
	}
	domain := func(v string) func(*HealthMonitorSpec) {
		return func(s *HealthMonitorSpec) { s.HTTPVersion, s.DomainName = Some("1.1"), Some(v) }
	}
	label := strings.Repeat("a", 63)
	longest := strings.Join([]string{label, label, label, label[:61]}, ".")
	meta := func(s *HealthMonitorSpec) *MetaSpec { return &s.MetaSpec }
	rules := slices.Concat(metaRules(meta), undescribedRules(meta), []rule[HealthMonitorSpec]{
		{"null retries down", set(func(s *HealthMonitorSpec) { s.MaxRetriesDown = Null[int]() }), nil, "", ""},
		{"method", set(func(s *HealthMonitorSpec) { s.HTTPMethod = Some("HEAD") }), nil, "", ""},
		{"unknown method", set(func(s *HealthMonitorSpec) { s.HTTPMethod = Some("get") }), ErrInvalid, "http_method", "Value should be one of: GET, HEAD"},
		{"null method", set(func(s *HealthMonitorSpec) { s.HTTPMethod = Null[string]() }), nil, "", ""},
		{"path", path("/a/b?c=d&e=%20"), nil, "", ""},
		{"longest path", path("/" + strings.Repeat("x", 254)), nil, "", ""},
		{"path too long", path("/" + strings.Repeat("x", 255)), ErrInvalid, "url_path", "at most 255"},
		{"empty path", path(""), ErrInvalid, "url_path", "starts with one /"},
		{"relative path", path("healthz"), ErrInvalid, "url_path", "starts with one /"},
		{"path with a host", path("//host/x"), ErrInvalid, "url_path", "starts with one /"},
		{"path with a space", path("/a b"), ErrInvalid, "url_path", "spaces"},
		{"path that ends the line", path("/ HTTP/1.1\r\nX: y"), ErrInvalid, "url_path", "control"},
		{"path with a fragment", path("/health#top"), ErrInvalid, "url_path", "no fragment"},
		{"path not ASCII", path("/é"), ErrInvalid, "url_path", "non-ASCII"},
		{"null path", set(func(s *HealthMonitorSpec) { s.URLPath = Null[string]() }), nil, "", ""},
		{"code list", codes("200, 202 ,204"), nil, "", ""},
		{"code range", codes("200-204"), nil, "", ""},
		{"no codes", codes(""), ErrInvalid, "expected_codes", "a code (200), a list (200,202) or a range (200-204)"},
		{"short code", codes("20"), ErrInvalid, "expected_codes", "a list"},
		{"list and range", codes("200,202-204"), ErrInvalid, "expected_codes", "a list"},
		{"trailing comma", codes("200,"), ErrInvalid, "expected_codes", "a list"},
		{"trailing line end", codes("200\n"), ErrInvalid, "expected_codes", "a list"},
		{"range backwards", codes("204-200"), ErrInvalid, "expected_codes", "ends before"},
		{"null codes", set(func(s *HealthMonitorSpec) { s.ExpectedCodes = Null[string]() }), nil, "", ""},
		{"version 1.0", set(func(s *HealthMonitorSpec) { s.HTTPVersion = Some("1.0") }), nil, "", ""},
		{"version 2", set(func(s *HealthMonitorSpec) { s.HTTPVersion = Some("2") }), ErrInvalid, "http_version", "Value should be one of: 1.0, 1.1"},
		{"domain", domain("a-b._tcp.example.com"), nil, "", ""},
		{"longest domain", domain(longest), nil, "", ""},
		{"domain too long", domain(longest + "aa"), ErrInvalid, "domain_name", "253"},
		{"label too long", domain(label + "a.example.com"), ErrInvalid, "domain_name", "1 to 63"},
		{"empty label", domain("a..b"), ErrInvalid, "domain_name", "1 to 63"},
		{"label with a dash in front", domain("-a.example.com"), ErrInvalid, "domain_name", "letters"},
		{"domain with a port", domain("example.com:80"), ErrInvalid, "domain_name", "letters"},
		{"domain that ends the line", domain("a\r\nX: y"), ErrInvalid, "domain_name", "letters"},
		{
			"domain without version", set(func(s *HealthMonitorSpec) { s.DomainName = Some("example.com") }), ErrInvalid, "domain_name",
			"Validation failure: 'http_version' must be specified when 'domain_name' is provided.",
		},
		{"domain with version 1.0", set(func(s *HealthMonitorSpec) {
			s.HTTPVersion, s.DomainName = Some("1.0"), Some("example.com")
		}), ErrInvalid, "domain_name", "http_version 1.0 is not a valid option for health monitors HTTP 1.1 domain name health check"},
	})
	for field, retries := range map[string]func(*HealthMonitorSpec) *Opt[int]{
		"max_retries":      func(s *HealthMonitorSpec) *Opt[int] { return &s.MaxRetries },
		"max_retries_down": func(s *HealthMonitorSpec) *Opt[int] { return &s.MaxRetriesDown },
	} {
		with := func(n int) func(*HealthMonitorSpec) {
			return func(s *HealthMonitorSpec) { *retries(s) = Some(n) }
		}
		rules = append(rules, []rule[HealthMonitorSpec]{
			{field + " 1", with(1), nil, "", ""},
			{field + " 10", with(10), nil, "", ""},
			{field + " 0", with(0), ErrInvalid, field, "use 1 to 10"},
			{field + " 11", with(11), ErrInvalid, field, "use 1 to 10"},
		}...)
	}
	for field, seconds := range map[string]func(*HealthMonitorSpec) *Opt[time.Duration]{
		"delay":   func(s *HealthMonitorSpec) *Opt[time.Duration] { return &s.Delay },
		"timeout": func(s *HealthMonitorSpec) *Opt[time.Duration] { return &s.Timeout },
	} {
		with := func(d time.Duration) func(*HealthMonitorSpec) {
			return func(s *HealthMonitorSpec) { *seconds(s) = Some(d) }
		}
		rules = append(rules, []rule[HealthMonitorSpec]{
			{field + " one second", with(time.Second), nil, "", ""},
			{field + " zero", with(0), nil, "", ""},
			{field + " negative", with(-time.Second), ErrInvalid, field, "use 0 to 2073600 seconds"},
			{field + " too long", with(2073601 * time.Second), ErrInvalid, field, "use 0 to 2073600 seconds"},
			{field + " too fine", with(1500 * time.Millisecond), ErrInvalid, field, "whole number of seconds"},
		}...)
	}
	return rules
}

// monitorWorld has one pool with an HTTP monitor, one with a TCP monitor and
// one with none.
func monitorWorld(t *testing.T) (w *world, http, tcp HealthMonitorID, taken, free PoolID) {
	w = newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	taken, free = w.pool(b, ProtocolHTTP), w.pool(b, ProtocolTCP)
	http, tcp = w.monitor(taken, MonitorHTTP), w.monitor(w.pool(b, ProtocolTCP), MonitorTCP)
	return w, http, tcp, taken, free
}

func TestCreateHealthMonitorRules(t *testing.T) {
	_, _, _, taken, free := monitorWorld(t)
	fresh := func(t *testing.T) (*world, HealthMonitorSpec) {
		w, _, _, _, _ := monitorWorld(t)
		return w, monitorSpec(free, MonitorHTTP)
	}
	kind := func(v MonitorType) func(*HealthMonitorSpec) {
		return func(s *HealthMonitorSpec) { s.Type = Some(v) }
	}
	op := func(s HealthMonitorSpec) Op { return CreateHealthMonitor{Spec: s} }
	checkRules(t, fresh, op, slices.Concat(monitorRules(), []rule[HealthMonitorSpec]{
		{"no pool", func(s *HealthMonitorSpec) { s.PoolID = Opt[PoolID]{} }, ErrInvalid, "pool_id", "required"},
		{"unknown pool", func(s *HealthMonitorSpec) { s.PoolID = Some(PoolID(testID(99))) }, ErrNotFound, "pool_id", "does not exist"},
		{"second monitor", func(s *HealthMonitorSpec) { s.PoolID = Some(taken) }, ErrConflict, "pool_id", "This pool already has a health monitor"},
		{"no type", func(s *HealthMonitorSpec) { s.Type = Opt[MonitorType]{} }, ErrInvalid, "type", "required"},
		{"TCP", kind(MonitorTCP), nil, "", ""},
		{"unknown type", kind("LDAP"), ErrInvalid, "type", "Value should be one of: HTTP, HTTPS, PING, TCP, TLS-HELLO, UDP-CONNECT, SCTP"},
		{"no delay", func(s *HealthMonitorSpec) { s.Delay = Opt[time.Duration]{} }, ErrInvalid, "delay", "required"},
		{"null timeout", func(s *HealthMonitorSpec) { s.Timeout = Null[time.Duration]() }, ErrInvalid, "timeout", "None is not a valid option for timeout"},
		{"no retries", func(s *HealthMonitorSpec) { s.MaxRetries = Opt[int]{} }, ErrInvalid, "max_retries", "required"},
		{"delay shorter than timeout", func(s *HealthMonitorSpec) { s.Delay = Some(time.Second) }, nil, "", ""},
		{"nulls on TCP", func(s *HealthMonitorSpec) {
			s.Type = Some(MonitorTCP)
			s.HTTPMethod, s.URLPath, s.ExpectedCodes = Null[string](), Null[string](), Null[string]()
			s.HTTPVersion, s.DomainName = Null[string](), Null[string]()
		}, nil, "", ""},
	}))
}

func TestUpdateHealthMonitorRules(t *testing.T) {
	_, http, _, taken, free := monitorWorld(t)
	fresh := func(t *testing.T) (*world, HealthMonitorSpec) {
		w, _, _, _, _ := monitorWorld(t)
		return w, HealthMonitorSpec{}
	}
	op := func(s HealthMonitorSpec) Op { return UpdateHealthMonitor{ID: http, Spec: s} }
	checkRules(t, fresh, op, slices.Concat(monitorRules(), []rule[HealthMonitorSpec]{
		{"same pool", func(s *HealthMonitorSpec) { s.PoolID = Some(taken) }, nil, "", ""},
		{"other pool", func(s *HealthMonitorSpec) { s.PoolID = Some(free) }, ErrInvalid, "pool_id", "cannot be changed"},
		{"other type", func(s *HealthMonitorSpec) { s.Type = Some(MonitorTCP) }, ErrInvalid, "type", "cannot be changed"},
		{"null delay", func(s *HealthMonitorSpec) { s.Delay = Null[time.Duration]() }, ErrInvalid, "delay", "None is not a valid option for delay"},
		{"null timeout", func(s *HealthMonitorSpec) { s.Timeout = Null[time.Duration]() }, ErrInvalid, "timeout", "None is not a valid option for timeout"},
		{"null retries", func(s *HealthMonitorSpec) { s.MaxRetries = Null[int]() }, ErrInvalid, "max_retries", "None is not a valid option for max_retries"},
		{"project", func(s *HealthMonitorSpec) { s.ProjectID = Some("x") }, ErrInvalid, "project_id", "cannot be changed"},
	}))
}

func TestTCPMonitorHasNoHTTPFields(t *testing.T) {
	fields := map[string]func(*HealthMonitorSpec) *Opt[string]{
		"http_method":    func(s *HealthMonitorSpec) *Opt[string] { return &s.HTTPMethod },
		"url_path":       func(s *HealthMonitorSpec) *Opt[string] { return &s.URLPath },
		"expected_codes": func(s *HealthMonitorSpec) *Opt[string] { return &s.ExpectedCodes },
	}
	valid := map[string]string{"http_method": "GET", "url_path": "/", "expected_codes": "200"}
	for field, of := range fields {
		t.Run(field, func(t *testing.T) {
			want := field + " is not a valid option for health monitors of type TCP"
			w, http, tcp, _, free := monitorWorld(t)
			var spec HealthMonitorSpec
			*of(&spec) = Some(valid[field])
			w.do(UpdateHealthMonitor{ID: http, Spec: spec})
			_, _, _, err := Apply(w.cfg, w.stamp(UpdateHealthMonitor{ID: tcp, Spec: spec}))
			checkError(t, err, ErrInvalid, field, want)

			create := monitorSpec(free, MonitorTCP)
			*of(&create) = Some(valid[field])
			_, _, _, err = Apply(w.cfg, w.stamp(CreateHealthMonitor{Spec: create}))
			checkError(t, err, ErrInvalid, field, want)

			*of(&spec) = Null[string]()
			_, _, _, err = Apply(w.cfg, w.stamp(UpdateHealthMonitor{ID: tcp, Spec: spec}))
			checkError(t, err, ErrInvalid, field, want)
		})
	}
	t.Run("as in Octavia a host is taken", func(t *testing.T) {
		w, _, tcp, _, _ := monitorWorld(t)
		w.do(UpdateHealthMonitor{ID: tcp, Spec: HealthMonitorSpec{HTTPVersion: Some("1.1"), DomainName: Some("example.com")}})
	})
}

// TestMonitorTypesByPool is Octavia's matrix.
func TestMonitorTypesByPool(t *testing.T) {
	stream := []MonitorType{MonitorHTTP, MonitorHTTPS, MonitorPing, MonitorTCP, MonitorTLSHello}
	datagram := []MonitorType{MonitorHTTP, MonitorTCP, MonitorUDPConnect, MonitorSCTP}
	w := newWorld(t)
	b := w.loadBalancer(w.subnet("public", "192.0.2.0/24"))
	for _, protocol := range poolProtocols {
		p, allowed := w.pool(b, protocol), stream
		if protocol == ProtocolUDP || protocol == ProtocolSCTP {
			allowed = datagram
		}
		for _, kind := range monitorTypes {
			_, _, _, err := Apply(w.cfg, w.stamp(CreateHealthMonitor{Spec: monitorSpec(p, kind)}))
			switch {
			case slices.Contains(allowed, kind):
				if err != nil {
					t.Errorf("%s monitor of a %s pool: %v", kind, protocol, err)
				}
			case protocol == ProtocolUDP || protocol == ProtocolSCTP:
				checkError(t, err, ErrInvalid, "type", "Validation failure: The associated pool protocol is "+string(protocol)+
					", so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.")
			default:
				checkError(t, err, ErrInvalid, "type",
					"Validation failure: The "+string(kind)+" type is only supported for pools of type UDP/SCTP.")
			}
		}
	}
	p := w.pool(b, ProtocolUDP)
	spec := monitorSpec(p, MonitorUDPConnect)
	spec.Delay = Some(2 * time.Second)
	_, _, _, err := Apply(w.cfg, w.stamp(CreateHealthMonitor{Spec: spec}))
	checkError(t, err, ErrInvalid, "delay", "Validation failure: The request delay value 2 should be larger than 3 for UDP-CONNECT health monitor type.")
}

func TestMonitorVersionCannotLeaveItsDomain(t *testing.T) {
	w, http, _, _, _ := monitorWorld(t)
	w.do(UpdateHealthMonitor{ID: http, Spec: HealthMonitorSpec{HTTPVersion: Some("1.1"), DomainName: Some("example.com")}})
	for want, version := range map[string]Opt[string]{
		"http_version 1.0 is not a valid option": Some("1.0"), "'http_version' must be specified": Null[string](),
	} {
		_, _, _, err := Apply(w.cfg, w.stamp(UpdateHealthMonitor{ID: http, Spec: HealthMonitorSpec{HTTPVersion: version}}))
		checkError(t, err, ErrInvalid, "domain_name", want)
	}
	w.do(UpdateHealthMonitor{ID: http, Spec: HealthMonitorSpec{HTTPVersion: Null[string](), DomainName: Null[string]()}})
}

func TestHealthMonitorDefaults(t *testing.T) {
	w, http, tcp, _, _ := monitorWorld(t)
	h, _ := w.cfg.HealthMonitor(http)
	if h.HTTPMethod != "GET" || h.URLPath != "/" || h.ExpectedCodes != "200" || h.HTTPVersion != "" || h.MaxRetriesDown != 3 {
		t.Errorf("HTTP monitor %+v", h)
	}
	h, _ = w.cfg.HealthMonitor(tcp)
	if h.HTTPMethod != "" || h.URLPath != "" || h.ExpectedCodes != "" || h.MaxRetriesDown != 3 {
		t.Errorf("TCP monitor %+v", h)
	}
	w.do(DeleteHealthMonitor{ID: tcp})
	if _, ok := w.cfg.HealthMonitor(tcp); ok {
		t.Errorf("monitor %s is still there", tcp)
	}
}
