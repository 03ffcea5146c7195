package main

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
)

// Short names, for the tables of attributes.
type (
	prefixOf = netip.Prefix
	addrOf   = netip.Addr
)

var memberManifest = &manifest{
	word: "member", kind: lb.KindMember, below: "members", tagged: true,
	key: func(fields map[string]*yaml.Node) string {
		return net.JoinHostPort(text0(fields, "address"), text0(fields, "protocol_port"))
	},
	newSpec: func() any { return new(lb.MemberSpec) },
	attrs: append(metaAttrs(func(s *lb.MemberSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.Member) *lb.Meta { return &o.Meta }, false),
		once(attr("address", func(s *lb.MemberSpec) *lb.Opt[addrOf] { return &s.Address }, func(o *lb.Member) addrOf { return o.Address }, asAddr)),
		once(attr("protocol_port", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.ProtocolPort }, func(o *lb.Member) int { return int(o.ProtocolPort) }, asInt)),
		always(attr("weight", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.Weight }, func(o *lb.Member) int { return o.Weight }, asInt), func(o any) any { return o.(*lb.Member).Weight }),
		attr("backup", func(s *lb.MemberSpec) *lb.Opt[bool] { return &s.Backup }, func(o *lb.Member) bool { return o.Backup }, asBool),
		attr("monitor_address", func(s *lb.MemberSpec) *lb.Opt[addrOf] { return &s.MonitorAddress }, func(o *lb.Member) addrOf { return o.MonitorAddress }, asAddr),
		attr("monitor_port", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.MonitorPort }, func(o *lb.Member) int { return int(o.MonitorPort) }, asInt),
		once(attr("subnet_id", func(s *lb.MemberSpec) *lb.Opt[lb.SubnetID] { return &s.SubnetID }, func(o *lb.Member) lb.SubnetID { return o.SubnetID }, named[lb.SubnetID](lb.KindSubnet, false))),
	),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.MemberSpec)
		spec.PoolID = lb.Some(lb.PoolID(parent))
		return lb.CreateMember{ID: lb.MemberID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateMember{ID: lb.MemberID(id), If: rev, Spec: *s.(*lb.MemberSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteMember{ID: lb.MemberID(id)} },
	describe: func(o any) have {
		v := o.(*lb.Member)
		return haveOf(string(v.ID), net.JoinHostPort(v.Address.String(), strconv.Itoa(int(v.ProtocolPort))), string(v.PoolID), &v.Meta, o)
	},
}

// always is an attribute that is written although it may be zero.
func always(a attribute, of func(any) any) attribute {
	a.export = func(obj any, _ *plan) any { return of(obj) }
	return a
}

var monitorManifest = &manifest{
	word: "healthmonitor", kind: lb.KindHealthMonitor, below: "healthmonitor", one: true, tagged: true,
	key:     func(map[string]*yaml.Node) string { return "monitor" },
	newSpec: func() any { return new(lb.HealthMonitorSpec) },
	attrs: append(metaAttrs(func(s *lb.HealthMonitorSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.HealthMonitor) *lb.Meta { return &o.Meta }, false),
		once(attr("type", func(s *lb.HealthMonitorSpec) *lb.Opt[lb.MonitorType] { return &s.Type }, func(o *lb.HealthMonitor) lb.MonitorType { return o.Type }, asWord[lb.MonitorType]())),
		attr("delay", func(s *lb.HealthMonitorSpec) *lb.Opt[time.Duration] { return &s.Delay }, func(o *lb.HealthMonitor) time.Duration { return o.Delay }, asSeconds),
		attr("timeout", func(s *lb.HealthMonitorSpec) *lb.Opt[time.Duration] { return &s.Timeout }, func(o *lb.HealthMonitor) time.Duration { return o.Timeout }, asSeconds),
		attr("max_retries", func(s *lb.HealthMonitorSpec) *lb.Opt[int] { return &s.MaxRetries }, func(o *lb.HealthMonitor) int { return o.MaxRetries }, asInt),
		attr("max_retries_down", func(s *lb.HealthMonitorSpec) *lb.Opt[int] { return &s.MaxRetriesDown }, func(o *lb.HealthMonitor) int { return o.MaxRetriesDown }, asInt),
		attr("http_method", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.HTTPMethod }, func(o *lb.HealthMonitor) string { return o.HTTPMethod }, asWord[string]()),
		attr("url_path", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.URLPath }, func(o *lb.HealthMonitor) string { return o.URLPath }, asText),
		attr("expected_codes", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.ExpectedCodes }, func(o *lb.HealthMonitor) string { return o.ExpectedCodes }, asText),
		attr("http_version", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.HTTPVersion }, func(o *lb.HealthMonitor) string { return o.HTTPVersion }, asText),
		attr("domain_name", func(s *lb.HealthMonitorSpec) *lb.Opt[string] { return &s.DomainName }, func(o *lb.HealthMonitor) string { return o.DomainName }, asText),
	),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.HealthMonitorSpec)
		spec.PoolID = lb.Some(lb.PoolID(parent))
		return lb.CreateHealthMonitor{ID: lb.HealthMonitorID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateHealthMonitor{ID: lb.HealthMonitorID(id), If: rev, Spec: *s.(*lb.HealthMonitorSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteHealthMonitor{ID: lb.HealthMonitorID(id)} },
	describe: func(o any) have {
		v := o.(*lb.HealthMonitor)
		return haveOf(string(v.ID), "monitor", string(v.PoolID), &v.Meta, o)
	},
}

var listenerManifest = &manifest{
	word: "listener", kind: lb.KindListener, below: "listeners", tagged: true, key: byName,
	children: []*manifest{policyManifest},
	newSpec:  func() any { return new(lb.ListenerSpec) },
	attrs: append(append(metaAttrs(func(s *lb.ListenerSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.Listener) *lb.Meta { return &o.Meta }, true),
		once(attr("protocol", func(s *lb.ListenerSpec) *lb.Opt[lb.Protocol] { return &s.Protocol }, func(o *lb.Listener) lb.Protocol { return o.Protocol }, asWord[lb.Protocol]())),
		once(attr("protocol_port", func(s *lb.ListenerSpec) *lb.Opt[int] { return &s.ProtocolPort }, func(o *lb.Listener) int { return int(o.ProtocolPort) }, asInt)),
		attr("default_pool", func(s *lb.ListenerSpec) *lb.Opt[lb.PoolID] { return &s.DefaultPoolID }, func(o *lb.Listener) lb.PoolID { return o.DefaultPoolID }, named[lb.PoolID](lb.KindPool, true)),
		attr("connection_limit", func(s *lb.ListenerSpec) *lb.Opt[int] { return &s.ConnectionLimit }, func(o *lb.Listener) int { return o.ConnectionLimit }, asInt),
		attr("insert_headers", func(s *lb.ListenerSpec) *lb.Opt[map[string]string] { return &s.InsertHeaders }, func(o *lb.Listener) map[string]string { return insertHeaders(o.InsertHeaders) }, asHeaders),
		attr("allowed_cidrs", func(s *lb.ListenerSpec) *lb.Opt[[]prefixOf] { return &s.AllowedCIDRs }, func(o *lb.Listener) []prefixOf { return o.AllowedCIDRs }, listOf(asPrefix)),
		attr("timeout_client_data", func(s *lb.ListenerSpec) *lb.Opt[time.Duration] { return &s.TimeoutClientData }, func(o *lb.Listener) time.Duration { return o.TimeoutClientData }, asMillis),
		attr("timeout_member_connect", func(s *lb.ListenerSpec) *lb.Opt[time.Duration] { return &s.TimeoutMemberConnect }, func(o *lb.Listener) time.Duration { return o.TimeoutMemberConnect }, asMillis),
		attr("timeout_member_data", func(s *lb.ListenerSpec) *lb.Opt[time.Duration] { return &s.TimeoutMemberData }, func(o *lb.Listener) time.Duration { return o.TimeoutMemberData }, asMillis),
		attr("timeout_tcp_inspect", func(s *lb.ListenerSpec) *lb.Opt[time.Duration] { return &s.TimeoutTCPInspect }, func(o *lb.Listener) time.Duration { return o.TimeoutTCPInspect }, asMillis),
	), listenerTLSAttrs...),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.ListenerSpec)
		spec.LoadBalancerID = lb.Some(lb.LoadBalancerID(parent))
		return lb.CreateListener{ID: lb.ListenerID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateListener{ID: lb.ListenerID(id), If: rev, Spec: *s.(*lb.ListenerSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteListener{ID: lb.ListenerID(id)} },
	describe: func(o any) have {
		v := o.(*lb.Listener)
		return haveOf(string(v.ID), "", string(v.LoadBalancerID), &v.Meta, o)
	},
}

var listenerTLSAttrs = []attribute{
	attr("default_tls_container_ref", func(s *lb.ListenerSpec) *lb.Opt[string] { return &s.TLSDefaultRef }, func(o *lb.Listener) string { return o.TLS.DefaultRef }, asText),
	attr("sni_container_refs", func(s *lb.ListenerSpec) *lb.Opt[[]string] { return &s.SNIRefs }, func(o *lb.Listener) []string { return o.TLS.SNIRefs }, asTexts),
	attr("client_ca_tls_container_ref", func(s *lb.ListenerSpec) *lb.Opt[string] { return &s.ClientCARef }, func(o *lb.Listener) string { return o.TLS.ClientCARef }, asText),
	attr("client_crl_container_ref", func(s *lb.ListenerSpec) *lb.Opt[string] { return &s.ClientCRLRef }, func(o *lb.Listener) string { return o.TLS.ClientCRLRef }, asText),
	attr("client_authentication", func(s *lb.ListenerSpec) *lb.Opt[lb.ClientAuth] { return &s.ClientAuth }, func(o *lb.Listener) lb.ClientAuth { return o.TLS.ClientAuth }, asWord[lb.ClientAuth]()),
	attr("tls_ciphers", func(s *lb.ListenerSpec) *lb.Opt[string] { return &s.Ciphers }, func(o *lb.Listener) string { return o.TLS.Ciphers }, asText),
	attr("tls_versions", func(s *lb.ListenerSpec) *lb.Opt[[]string] { return &s.Versions }, func(o *lb.Listener) []string { return o.TLS.Versions }, asTexts),
	attr("alpn_protocols", func(s *lb.ListenerSpec) *lb.Opt[[]string] { return &s.ALPN }, func(o *lb.Listener) []string { return o.TLS.ALPN }, asTexts),
	always(attr("hsts_max_age", func(s *lb.ListenerSpec) *lb.Opt[int] { return &s.HSTSMaxAge }, func(o *lb.Listener) int {
		if o.HSTS.MaxAge == nil {
			return -1
		}
		return *o.HSTS.MaxAge
	}, asInt), func(o any) any { return number(o.(*lb.Listener).HSTS.MaxAge) }),
	attr("hsts_include_subdomains", func(s *lb.ListenerSpec) *lb.Opt[bool] { return &s.HSTSIncludeSubdomains }, func(o *lb.Listener) bool { return o.HSTS.IncludeSubdomains }, asBool),
	attr("hsts_preload", func(s *lb.ListenerSpec) *lb.Opt[bool] { return &s.HSTSPreload }, func(o *lb.Listener) bool { return o.HSTS.Preload }, asBool),
}

var policyManifest = &manifest{
	word: "l7policy", kind: lb.KindL7Policy, below: "l7policies", tagged: true, key: byName,
	children: []*manifest{ruleManifest},
	newSpec:  func() any { return new(lb.L7PolicySpec) },
	attrs: append(metaAttrs(func(s *lb.L7PolicySpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.L7Policy) *lb.Meta { return &o.Meta }, true),
		attr("action", func(s *lb.L7PolicySpec) *lb.Opt[lb.L7Action] { return &s.Action }, func(o *lb.L7Policy) lb.L7Action { return o.Action }, asWord[lb.L7Action]()),
		attr("position", func(s *lb.L7PolicySpec) *lb.Opt[int] { return &s.Position }, func(o *lb.L7Policy) int { return o.Position }, asInt),
		attr("redirect_pool", func(s *lb.L7PolicySpec) *lb.Opt[lb.PoolID] { return &s.RedirectPoolID }, func(o *lb.L7Policy) lb.PoolID { return o.RedirectPoolID }, named[lb.PoolID](lb.KindPool, true)),
		attr("redirect_url", func(s *lb.L7PolicySpec) *lb.Opt[string] { return &s.RedirectURL }, func(o *lb.L7Policy) string { return o.RedirectURL }, asText),
		attr("redirect_prefix", func(s *lb.L7PolicySpec) *lb.Opt[string] { return &s.RedirectPrefix }, func(o *lb.L7Policy) string { return o.RedirectPrefix }, asText),
		attr("redirect_http_code", func(s *lb.L7PolicySpec) *lb.Opt[int] { return &s.RedirectCode }, func(o *lb.L7Policy) int { return o.RedirectCode }, asInt),
	),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.L7PolicySpec)
		spec.ListenerID = lb.Some(lb.ListenerID(parent))
		return lb.CreateL7Policy{ID: lb.L7PolicyID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateL7Policy{ID: lb.L7PolicyID(id), If: rev, Spec: *s.(*lb.L7PolicySpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteL7Policy{ID: lb.L7PolicyID(id)} },
	describe: func(o any) have {
		v := o.(*lb.L7Policy)
		return haveOf(string(v.ID), "", string(v.ListenerID), &v.Meta, o)
	},
}

// ruleManifest: a rule has no name, so it is known by what it says. One that is changed is
// another one.
var ruleManifest = &manifest{
	word: "l7rule", kind: lb.KindL7Rule, below: "rules", tagged: true,
	key: func(f map[string]*yaml.Node) string {
		return ruleKey(text0(f, "type"), text0(f, "compare_type"), text0(f, "key"), text0(f, "value"), text0(f, "invert") == "true")
	},
	newSpec: func() any { return new(lb.L7RuleSpec) },
	attrs: append(metaAttrs(func(s *lb.L7RuleSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.L7Rule) *lb.Meta { return &o.Meta }, false)[1:],
		attr("type", func(s *lb.L7RuleSpec) *lb.Opt[lb.L7RuleType] { return &s.Type }, func(o *lb.L7Rule) lb.L7RuleType { return o.Type }, asWord[lb.L7RuleType]()),
		attr("compare_type", func(s *lb.L7RuleSpec) *lb.Opt[lb.L7Compare] { return &s.Compare }, func(o *lb.L7Rule) lb.L7Compare { return o.Compare }, asWord[lb.L7Compare]()),
		attr("key", func(s *lb.L7RuleSpec) *lb.Opt[string] { return &s.Key }, func(o *lb.L7Rule) string { return o.Key }, asText),
		attr("value", func(s *lb.L7RuleSpec) *lb.Opt[string] { return &s.Value }, func(o *lb.L7Rule) string { return o.Value }, asText),
		attr("invert", func(s *lb.L7RuleSpec) *lb.Opt[bool] { return &s.Invert }, func(o *lb.L7Rule) bool { return o.Invert }, asBool),
	),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.L7RuleSpec)
		spec.PolicyID = lb.Some(lb.L7PolicyID(parent))
		return lb.CreateL7Rule{ID: lb.L7RuleID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateL7Rule{ID: lb.L7RuleID(id), If: rev, Spec: *s.(*lb.L7RuleSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteL7Rule{ID: lb.L7RuleID(id)} },
	describe: func(o any) have {
		v := o.(*lb.L7Rule)
		return haveOf(string(v.ID), ruleKey(string(v.Type), string(v.Compare), v.Key, v.Value, v.Invert), string(v.PolicyID), &v.Meta, o)
	},
}

func ruleKey(kind, compare, key, value string, invert bool) string {
	text := kind + " " + compare + " " + strconv.Quote(value)
	if key != "" {
		text = kind + " " + key + " " + compare + " " + strconv.Quote(value)
	}
	if invert {
		return "not " + text
	}
	return text
}
