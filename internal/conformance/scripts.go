package conformance

import (
	"net/http"
	"slices"
)

const lbs = "/lbaas/loadbalancers"

// setUp makes what the other scripts hang their objects on.
func setUp() []call {
	return []call{
		post("loadbalancer", lbs, object{"vip_subnet_id": subnet4, "name": "lb"}, "lb"),
		{method: http.MethodPost, path: lbs, body: object{"loadbalancer": object{"vip_subnet_id": subnet4, "name": "other"}}, save: "other", apart: true},
		post("pool", "/lbaas/pools", object{"loadbalancer_id": "{lb}", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "name": "pool"}, "pool"),
		post("pool", "/lbaas/pools", object{"loadbalancer_id": "{lb}", "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"}, "tcppool"),
		post("pool", "/lbaas/pools", object{"loadbalancer_id": "{lb}", "protocol": "UDP", "lb_algorithm": "SOURCE_IP"}, "udppool"),
		post("pool", "/lbaas/pools", object{"loadbalancer_id": "{other}", "protocol": "HTTP", "lb_algorithm": "LEAST_CONNECTIONS"}, "otherpool"),
		post("listener", "/lbaas/listeners", object{"loadbalancer_id": "{lb}", "protocol": "HTTP", "protocol_port": 80, "name": "web"}, "web"),
		post("listener", "/lbaas/listeners", object{"loadbalancer_id": "{lb}", "protocol": "TCP", "protocol_port": 81}, "tcp"),
		post("l7policy", "/lbaas/l7policies", object{"listener_id": "{web}", "action": "REJECT", "name": "reject"}, "policy"),
		post("member", "/lbaas/pools/{pool}/members", object{"address": "192.0.2.10", "protocol_port": 80}, "member"),
	}
}

var loadBalancer = resource{
	root: "loadbalancer", list: lbs, update: true,
	base: object{"vip_subnet_id": subnet4},
	values: []field{
		tries("vip_address", "192.0.2.77", "not an address", "2001:db8::7"),
		tries("vip_subnet_id", "x", ""),
		tries("vip_network_id", "x"),
		tries("vip_port_id", "x"),
		tries("vip_qos_policy_id", "x", nil),
		tries("provider", "amphora", "octavia", "nobody", text256, nil),
		tries("flavor_id", nobody, "x", nil),
		tries("availability_zone", "nowhere", text256, nil),
		tries("project_id", "another", text256),
		tries("listeners", []any{}, "x"),
	},
}

var listener = resource{
	root: "listener", list: "/lbaas/listeners", update: true,
	base: object{"loadbalancer_id": "{lb}", "protocol": "HTTP", "protocol_port": 8080},
	values: []field{
		tries("loadbalancer_id", nobody, "x"),
		tries("protocol", "TCP", "HTTPS", "UDP", "SCTP", "TERMINATED_HTTPS", "PROMETHEUS", "http", "PROXY", 5),
		tries("protocol_port", 1, 65535, 0, 65536, -1, "8081", "x", 80, 1.5),
		tries("connection_limit", -1, 0, 100, "200", -2, "x", nil),
		tries("default_pool_id", "{pool}", "{tcppool}", "{udppool}", "{otherpool}", nobody, "x", nil),
		tries("insert_headers", object{}, nil, object{"X-Forwarded-For": "true", "X-Forwarded-Port": "true", "X-Forwarded-Proto": "True"},
			object{"X-Forwarded-For": "maybe"}, object{"X-Nonsense": "true"}, object{"X-SSL-Client-DN": "true"}, "x"),
		tries("timeout_client_data", 0, 1, 2073600000, 2073600001, -1, "5000", "x", nil),
		tries("timeout_member_connect", 1000, -1, nil),
		tries("timeout_member_data", 1000, -1, nil),
		tries("timeout_tcp_inspect", 1000, -1, nil),
		tries("allowed_cidrs", []string{"192.0.2.0/24", "198.51.100.7/24"}, []string{}, nil, []string{"2001:db8::/32"}, []string{"x"}, []string{"192.0.2.1"}),
		tries("default_tls_container_ref", "http://example.com/secret", nil),
		tries("sni_container_refs", []string{"http://example.com/secret"}, []string{}, nil),
		tries("client_ca_tls_container_ref", "http://example.com/secret", nil),
		tries("client_authentication", "NONE", "OPTIONAL", "MANDATORY", "MAYBE", nil),
		tries("tls_versions", []string{"TLSv1.2"}, []string{}, []string{"TLSv9"}, nil),
		tries("tls_ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "bad cipher;", nil),
		tries("alpn_protocols", []string{"http/1.1"}, []string{"h2", "http/1.1"}, []string{"spdy"}, nil),
		tries("l7policies", []any{}),
	},
}

var pool = resource{
	root: "pool", list: "/lbaas/pools", update: true,
	base: object{"loadbalancer_id": "{lb}", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"},
	values: []field{
		tries("loadbalancer_id", nobody, "x"),
		tries("listener_id", "{tcp}", nobody),
		tries("protocol", "HTTPS", "PROXY", "PROXYV2", "TCP", "UDP", "SCTP", "TERMINATED_HTTPS", "PROMETHEUS"),
		tries("lb_algorithm", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT", "RANDOM"),
		tries("session_persistence", nil, object{}, object{"type": "SOURCE_IP"}, object{"type": "HTTP_COOKIE"}, object{"type": "APP_COOKIE"},
			object{"type": "APP_COOKIE", "cookie_name": "sid"}, object{"type": "APP_COOKIE", "cookie_name": "a b"}, object{"type": "SOURCE_IP", "cookie_name": "sid"},
			object{"type": "NONE"}, object{"type": "SOURCE_IP", "persistence_timeout": 5}, object{"type": "SOURCE_IP", "persistence_granularity": "255.255.0.0"},
			object{"cookie_name": "sid"}, object{"type": "SOURCE_IP", "nonsense": 1}, "x"),
		tries("tls_enabled", true, "true", nil),
		tries("tls_container_ref", "http://example.com/secret", nil),
		tries("ca_tls_container_ref", "http://example.com/secret", nil),
		tries("crl_container_ref", "http://example.com/secret", nil),
		tries("tls_versions", []string{"TLSv1.2"}, []string{}, []string{"TLSv9"}, nil),
		tries("tls_ciphers", "ECDHE-RSA-AES128-GCM-SHA256", "bad cipher;", nil),
		tries("alpn_protocols", []string{"http/1.1"}, []string{"spdy"}, nil),
	},
}

var member = resource{
	root: "member", list: "/lbaas/pools/{pool}/members", update: true,
	base: object{"address": "192.0.2.20", "protocol_port": 80},
	values: []field{
		tries("address", "2001:db8::20", "x", "192.0.2.10", "169.254.169.254", "0.0.0.0"),
		tries("protocol_port", 1, 65535, 0, 65536, "80", "x"),
		tries("weight", 0, 1, 256, 257, -1, "5", "x", nil),
		tries("backup", true, "false", nil),
		tries("subnet_id", subnet4, "x", nil),
		tries("monitor_address", "192.0.2.21", "x", nil),
		tries("monitor_port", 8080, 0, 65536, nil),
		tries("project_id", "another"),
	},
}

var monitor = resource{
	root: "healthmonitor", list: "/lbaas/healthmonitors", update: true,
	base: object{"pool_id": "{pool}", "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
	values: []field{
		tries("pool_id", nobody, "x"),
		tries("type", "HTTPS", "PING", "TCP", "TLS-HELLO", "UDP-CONNECT", "SCTP", "HTTP2"),
		tries("delay", 0, 1, -1, "7", "x"),
		tries("timeout", 0, 1, 10, -1, "7", "x"),
		tries("max_retries", 1, 10, 0, 11, "3"),
		tries("max_retries_down", 1, 10, 0, 11, nil),
		tries("http_method", "GET", "HEAD", "POST", "get", "NONSENSE", nil),
		tries("url_path", "/", "/health?x=1", "health", "/with space", nil),
		tries("expected_codes", "200", "200,201", "200-204", "200, 201", "x", "20", "200-", nil),
		tries("http_version", 1.0, 1.1, "1.1", 2.0, nil),
		tries("domain_name", "example.com", "-bad", nil),
	},
}

var policy = resource{
	root: "l7policy", list: "/lbaas/l7policies", update: true,
	base: object{"listener_id": "{web}", "action": "REDIRECT_TO_URL", "redirect_url": "http://example.com/"},
	values: []field{
		tries("listener_id", nobody, "x"),
		tries("action", "REJECT", "REDIRECT_TO_POOL", "REDIRECT_PREFIX", "DROP"),
		tries("position", 1, 2, 100, 2147483647, 0, -1, 2147483648, "1"),
		tries("redirect_pool_id", "{pool}", "{tcppool}", "{otherpool}", nobody, nil),
		tries("redirect_url", "https://example.com/x?y", "example.com", "ftp://example.com/", "http://exa mple.com/", nil),
		tries("redirect_prefix", "https://example.com", "x", nil),
		tries("redirect_http_code", 301, 302, 303, 307, 308, 304, 200, "301", nil),
	},
}

var rule = resource{
	root: "rule", list: "/lbaas/l7policies/{policy}/rules", update: true,
	base: object{"type": "PATH", "compare_type": "STARTS_WITH", "value": "/x"},
	values: []field{
		tries("type", "HOST_NAME", "FILE_TYPE", "HEADER", "COOKIE", "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD", "METHOD"),
		tries("compare_type", "REGEX", "ENDS_WITH", "CONTAINS", "EQUAL_TO", "LIKE"),
		tries("value", "/y", "", "with space", "\"quoted text\"", text256, "new\nline", "(", "é"),
		tries("key", "X-Header", "bad key", text256, nil),
		tries("invert", true, "true", nil),
	},
}

// combined are calls that try fields together, and what goes beyond one object.
func combined() []call {
	header := object{"type": "HEADER", "compare_type": "EQUAL_TO", "key": "X-A", "value": "b"}
	rules, healthmonitors := "/lbaas/l7policies/{policy}/rules", "/lbaas/healthmonitors"
	graph := object{
		"vip_subnet_id": subnet4, "name": "graph",
		"listeners": []any{object{
			"name": "l1", "protocol": "HTTP", "protocol_port": 80,
			"default_pool": object{
				"name": "p1", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
				"members":       []any{object{"address": "192.0.2.30", "protocol_port": 80}, object{"address": "192.0.2.31", "protocol_port": 80, "weight": 2}},
				"healthmonitor": object{"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2},
			},
			"l7policies": []any{object{"action": "REDIRECT_TO_POOL", "redirect_pool": object{"name": "p1"}, "rules": []any{object{"type": "PATH", "compare_type": "EQUAL_TO", "value": "/"}}}},
		}},
	}
	return slices.Concat([]call{
		post("rule", rules, header, "header"), get(rules + "/{header}"), put("rule", rules+"/{header}", object{"value": "c", "invert": true}),
		put("rule", rules+"/{header}", object{"type": "COOKIE"}), put("rule", rules+"/{header}", object{"key": nil}), get(rules),
		post("rule", rules, with(header, object{"type": "COOKIE", "value": "a;b"}), ""),
		post("rule", rules, object{"type": "FILE_TYPE", "compare_type": "EQUAL_TO", "value": "jpg"}, ""),
		post("rule", rules, object{"type": "SSL_CONN_HAS_CERT", "compare_type": "EQUAL_TO", "value": "true"}, ""),
		post("rule", rules, object{"type": "SSL_VERIFY_RESULT", "compare_type": "EQUAL_TO", "value": "-1"}, ""),
		post("rule", rules, object{"type": "SSL_DN_FIELD", "compare_type": "EQUAL_TO", "key": "CN", "value": "x"}, ""),
		get("/lbaas/l7policies/{policy}"), remove("/lbaas/l7policies/{policy}"), get("/lbaas/l7policies"),

		post("healthmonitor", healthmonitors, object{"pool_id": "{udppool}", "type": "UDP-CONNECT", "delay": 5, "timeout": 3, "max_retries": 2}, "udpmonitor"),
		post("healthmonitor", healthmonitors, object{"pool_id": "{udppool}", "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2}, ""),
		remove(healthmonitors + "/{udpmonitor}"),
		post("healthmonitor", healthmonitors, object{"pool_id": "{udppool}", "type": "PING", "delay": 5, "timeout": 3, "max_retries": 2}, ""),
		post("healthmonitor", healthmonitors, object{"pool_id": "{udppool}", "type": "UDP-CONNECT", "delay": 2, "timeout": 1, "max_retries": 2}, ""),
		post("healthmonitor", healthmonitors, object{"pool_id": "{tcppool}", "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 2, "url_path": "/"}, ""),
		post("healthmonitor", healthmonitors, object{"pool_id": "{pool}", "type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2, "domain_name": "example.com", "http_version": 1.1}, "domain"),
		put("healthmonitor", healthmonitors+"/{domain}", object{"http_version": 1.0}), put("healthmonitor", healthmonitors+"/{domain}", object{"domain_name": nil}),
		get("/lbaas/pools/{pool}"), get("/lbaas/pools/{pool}/members/{member}"), remove(healthmonitors + "/{domain}"),
	}, []call{
		remove("/lbaas/pools/{pool}/members/" + nobody), get("/lbaas/pools/" + nobody + "/members"), remove("/lbaas/pools/{pool}/members/{member}"),

		put("listener", "/lbaas/listeners/{web}", object{"default_pool_id": "{pool}"}), get("/lbaas/listeners/{web}"), get("/lbaas/pools/{pool}"),
		post("pool", "/lbaas/pools", object{"listener_id": "{web}", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}, ""),
		put("pool", "/lbaas/pools/{pool}", object{"session_persistence": object{"type": "APP_COOKIE", "cookie_name": "sid"}}),
		put("pool", "/lbaas/pools/{pool}", object{"session_persistence": object{"cookie_name": "sid2"}}),
		put("pool", "/lbaas/pools/{pool}", object{"session_persistence": nil}),
		get(lbs + "/{lb}/status"), get(lbs + "/{lb}/statuses"), get(lbs + "/{lb}/stats"), get("/lbaas/listeners/{web}/stats"), get("/lbaas/pools/{pool}/stats"),
		remove(lbs + "/{lb}"), get(lbs + "/{lb}"),

		post("loadbalancer", lbs, graph, "graph"), get(lbs + "/{graph}"), remove(lbs + "/{graph}?cascade=true"),
		post("loadbalancer", lbs, with(graph, object{"pools": []any{object{"name": "p1", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}}}), ""),
		post("loadbalancer", lbs, with(graph, object{"pools": []any{object{"name": "p2", "protocol": "HTTP"}}}), ""),
		post("loadbalancer", lbs, with(graph, object{"listeners": []any{object{"name": "l", "protocol": "HTTP", "protocol_port": 80, "default_pool": object{"name": "unknown"}}}}), ""),
		post("loadbalancer", lbs, with(graph, object{"listeners": []any{object{"name": "l", "protocol": "HTTP", "protocol_port": 80}, object{"name": "m", "protocol": "TCP", "protocol_port": 80}}}), ""),
		post("loadbalancer", lbs, object{"name": "no VIP"}, ""), post("loadbalancer", lbs, object{"vip_address": "192.0.2.9"}, ""),
	}, batches(), asked(), administered())
}

// asked are lists and questions that go wrong.
func asked() (script []call) {
	for _, query := range []string{
		"", "?limit=1", "?limit=0", "?limit=x", "?limit=-1", "?marker=" + nobody, "?limit=1&marker={lb}", "?limit=1&marker={other}&page_reverse=True", "?sort=name:desc", "?sort=name,id:asc",
		"?sort_key=name&sort_dir=desc", "?sort_key=name,id&sort_dir=desc,asc", "?sort=nonsense", "?sort=name:up", "?sort_key=name&sort_dir=up", "?name=lb", "?name=nobody", "?id={lb}",
		"?admin_state_up=true", "?admin_state_up=false", "?project_id=" + projectID, "?project_id=another", "?nonsense=1", "?fields=name", "?fields=name&fields=id", "?fields=nonsense",
		"?provisioning_status=ACTIVE", "?vip_subnet_id=" + subnet4, "?tags=a", "?tags-any=a,b", "?not-tags=a", "?not-tags-any=a", "?provider=amphora", "?name=lb&name=other",
	} {
		script = append(script, get(lbs+query))
	}
	for _, kind := range []string{"listeners", "pools", "healthmonitors", "l7policies"} {
		script = append(script, get("/lbaas/"+kind), get("/lbaas/"+kind+"?limit=1&name=nobody"), get("/lbaas/"+kind+"?fields=id"), get("/lbaas/"+kind+"/"+nobody), remove("/lbaas/"+kind+"/"+nobody), get("/lbaas/"+kind+"/x"))
	}
	return append(script,
		get("/lbaas"), get(""), get("/lbaas/nonsense"), get("/nonsense"), get("/loadbalancers"), get(lbs+"/{lb}?fields=id"), get(lbs+"/{lb}?nonsense=1"), get(lbs+"/x"), get(lbs+".json"),
		call{method: "PATCH", path: lbs}, call{method: "PUT", path: lbs}, call{method: "DELETE", path: lbs}, call{method: "POST", path: lbs + "/{lb}"},
		call{method: "POST", path: lbs, body: "not JSON"}, call{method: "POST", path: lbs, body: "[]"}, call{method: "POST", path: lbs, body: "{}"}, call{method: "POST", path: lbs, body: `{"loadbalancer":[]}`},
		call{method: "POST", path: lbs, body: `{"listener":{}}`}, call{method: "POST", path: lbs, body: `{"loadbalancer":{},"more":{}}`}, call{method: "POST", path: lbs, body: ""},
	)
}

// administered are quotas, flavors, zones, providers and amphorae.
func administered() []call {
	quota := func(body object) call {
		return call{method: "PUT", path: "/lbaas/quotas/" + projectID, body: object{"quota": body}}
	}
	profiles, flavors := "/lbaas/flavorprofiles", "/lbaas/flavors"
	zoneProfiles, zones := "/lbaas/availabilityzoneprofiles", "/lbaas/availabilityzones"
	return []call{
		get("/lbaas/quotas"), get("/lbaas/quotas/" + projectID), get("/lbaas/quotas/" + projectID + "/default"), get("/lbaas/quotas/defaults"), remove("/lbaas/quotas/" + projectID),
		quota(object{"loadbalancer": 5}), quota(object{"load_balancer": 6, "health_monitor": 7}), quota(object{"loadbalancer": -2}), quota(object{"loadbalancer": "x"}), quota(object{"nonsense": 1}),
		quota(object{"pool": nil}), quota(object{"member": 2000000001}), quota(object{}), get("/lbaas/quotas/" + projectID), get("/lbaas/quotas"), remove("/lbaas/quotas/" + projectID), get("/lbaas/quotas/" + projectID),

		post("flavorprofile", profiles, object{"name": "fp", "provider_name": "amphora", "flavor_data": `{"loadbalancer_topology": "SINGLE"}`}, "fp"),
		post("flavorprofile", profiles, object{"name": "fp2", "provider_name": "amphora", "flavor_data": `not JSON`}, ""),
		post("flavorprofile", profiles, object{"name": "fp2", "provider_name": "nobody", "flavor_data": `{}`}, ""),
		post("flavorprofile", profiles, object{"name": "fp2", "provider_name": "amphora", "flavor_data": `{"nonsense": 1}`}, ""),
		post("flavorprofile", profiles, object{"name": "fp2", "provider_name": "amphora"}, ""), get(profiles), get(profiles + "/{fp}"), get(profiles + "/" + nobody),
		put("flavorprofile", profiles+"/{fp}", object{"name": "renamed"}),
		post("flavor", flavors, object{"name": "f", "flavor_profile_id": "{fp}", "description": "d"}, "f"), post("flavor", flavors, object{"name": "f", "flavor_profile_id": "{fp}"}, ""),
		post("flavor", flavors, object{"name": "g", "flavor_profile_id": nobody}, ""), post("flavor", flavors, object{"name": "g"}, ""), get(flavors), get(flavors + "/{f}"), get(flavors + "?name=f"),
		put("flavor", flavors+"/{f}", object{"enabled": false, "description": "off"}), put("flavor", flavors+"/{f}", object{"flavor_profile_id": "{fp}"}),
		post("loadbalancer", lbs, object{"vip_subnet_id": subnet4, "flavor_id": "{f}"}, ""), put("flavor", flavors+"/{f}", object{"enabled": true}),
		post("loadbalancer", lbs, object{"vip_subnet_id": subnet4, "flavor_id": "{f}"}, "flavored"), remove(flavors + "/{f}"), remove(profiles + "/{fp}"), remove(lbs + "/{flavored}"),
		put("flavorprofile", profiles+"/{fp}", object{"flavor_data": "{}"}),

		post("availability_zone_profile", zoneProfiles, object{"name": "zp", "provider_name": "amphora", "availability_zone_data": `{"compute_zone": "nova"}`}, "zp"),
		post("availability_zone_profile", zoneProfiles, object{"name": "zp2", "provider_name": "amphora", "availability_zone_data": `{"nonsense": 1}`}, ""), get(zoneProfiles), get(zoneProfiles + "/{zp}"),
		post("availability_zone", zones, object{"name": "z", "availability_zone_profile_id": "{zp}"}, ""), post("availability_zone", zones, object{"name": "z", "availability_zone_profile_id": "{zp}"}, ""),
		get(zones), get(zones + "/z"), get(zones + "/nowhere"), put("availability_zone", zones+"/z", object{"description": "d", "enabled": false}), put("availability_zone", zones+"/z", object{"name": "y"}),
		post("loadbalancer", lbs, object{"vip_subnet_id": subnet4, "availability_zone": "z"}, ""), remove(zoneProfiles + "/{zp}"), remove(zones + "/z"), remove(zoneProfiles + "/{zp}"),

		get("/lbaas/providers"), get("/lbaas/providers?fields=name"), get("/lbaas/providers/amphora/flavor_capabilities"), get("/lbaas/providers/amphora/availability_zone_capabilities"), get("/lbaas/providers/nobody/flavor_capabilities"),
		get("/octavia/amphorae/" + nobody), remove("/octavia/amphorae/" + nobody),
		{method: "PUT", path: "/octavia/amphorae/" + nobody + "/failover"},
		{method: "PUT", path: lbs + "/" + nobody + "/failover"},
	}
}
