package octavia

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/rpc/access"
)

// The bodies of minimal creates, to which rows add one attribute.
var minimal = map[string]string{
	"loadbalancer":  `"vip_subnet_id":"{subnet}"`,
	"listener":      `"loadbalancer_id":"{lb}","protocol":"HTTP","protocol_port":8080`,
	"pool":          `"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"`,
	"member":        `"address":"192.0.2.9","protocol_port":80`,
	"healthmonitor": `"pool_id":"{bare}","type":"HTTP","delay":5,"timeout":3,"max_retries":2`,
	"l7policy":      `"listener_id":"{listener}","action":"REJECT"`,
	"rule":          `"type":"PATH","compare_type":"STARTS_WITH","value":"/y"`,
}

var paths = map[string]string{
	"loadbalancer": "loadbalancers", "listener": "listeners", "pool": "pools", "member": "pools/{pool}/members",
	"healthmonitor": "healthmonitors", "l7policy": "l7policies", "rule": "l7policies/{l7policy}/rules",
}

var targets = map[string]string{
	"loadbalancer": "{lb}", "listener": "{listener}", "pool": "{pool}", "member": "{member}", "healthmonitor": "{monitor}",
	"l7policy": "{l7policy}", "rule": "{rule}",
}

// withBare is a world with a pool that has no monitor; it replaces {bare} in body.
func withBare(t *testing.T, body string) (*world, string) {
	w := newWorld(t)
	if strings.Contains(body, "{bare}") {
		body = strings.ReplaceAll(body, "{bare}", w.create("pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","name":"bare"}}`))
	}
	return w, body
}

// What a create stores of one attribute, by what the client wrote.
func TestCoercions(t *testing.T) {
	for _, tt := range []struct{ root, field, given, want string }{
		{"loadbalancer", "name", `"é"`, `"é"`},
		{"loadbalancer", "name", `null`, `""`},
		{"loadbalancer", "description", `"d"`, `"d"`},
		{"loadbalancer", "admin_state_up", `null`, `true`},
		{"loadbalancer", "admin_state_up", `"off"`, `false`},
		{"loadbalancer", "tags", `["b","a","b"]`, `["a","b"]`},
		{"loadbalancer", "vip_address", `"203.0.113.77"`, `"203.0.113.77"`},
		{"listener", "admin_state_up", `0`, `false`},
		{"listener", "admin_state_up", `"Yes"`, `true`},
		{"listener", "connection_limit", `"200"`, `200`},
		{"listener", "connection_limit", `-1`, `-1`},
		{"listener", "connection_limit", `null`, `-1`},
		{"listener", "insert_headers", `{"X-Forwarded-For":"true"}`, `{"X-Forwarded-For":"true"}`},
		{"listener", "insert_headers", `null`, `{}`},
		{"listener", "allowed_cidrs", `["10.1.2.3/8"]`, `["10.0.0.0/8"]`},
		{"listener", "allowed_cidrs", `[]`, `null`},
		{"listener", "timeout_client_data", `1`, `1`},
		{"listener", "timeout_member_connect", `"7"`, `7`},
		{"listener", "timeout_member_data", `2073600000`, `2073600000`},
		{"listener", "timeout_tcp_inspect", `null`, `0`},
		{"listener", "client_authentication", `null`, `"NONE"`},
		{"pool", "session_persistence", `{"type":"APP_COOKIE","cookie_name":"c"}`, `{"type":"APP_COOKIE","cookie_name":"c","persistence_timeout":null,"persistence_granularity":null}`},
		{"pool", "session_persistence", `null`, `null`},
		{"pool", "tls_enabled", `"true"`, `true`},
		{"member", "weight", `"5"`, `5`},
		{"member", "weight", `0`, `0`},
		{"member", "weight", `null`, `1`},
		{"member", "backup", `1`, `true`},
		{"member", "monitor_address", `"2001:DB8::1"`, `"2001:db8::1"`},
		{"member", "monitor_port", `"81"`, `81`},
		{"healthmonitor", "max_retries_down", `null`, `3`},
		{"healthmonitor", "http_version", `"1.1"`, `1.1`},
		{"healthmonitor", "http_version", `1`, `1`},
		{"healthmonitor", "expected_codes", `"200, 201"`, `"200, 201"`},
		{"healthmonitor", "url_path", `"/h?x=1"`, `"/h?x=1"`},
		{"healthmonitor", "http_method", `"HEAD"`, `"HEAD"`},
		{"l7policy", "position", `1`, `1`},
		{"l7policy", "position", `2147483647`, `2`},
		{"l7policy", "redirect_url", `"http://a.example/"`, `null`}, // the action is REJECT
		{"rule", "invert", `"on"`, `true`},
		{"rule", "tags", `["x"]`, `["x"]`},
	} {
		w, body := withBare(t, `{"`+tt.root+`":{`+minimal[tt.root]+`,"`+tt.field+`":`+tt.given+`}}`)
		a := w.ask("POST "+paths[tt.root], body)
		if a.Code != http.StatusCreated {
			t.Errorf("%s %s %s: %d %s", tt.root, tt.field, tt.given, a.Code, a.Body)
			continue
		}
		w.same(tt.root+" "+tt.field+" "+tt.given, a, tt.field, tt.want)
		if _, there := a.object(t)["operating_status"]; !there || a.object(t)["provisioning_status"] != "PENDING_CREATE" {
			t.Errorf("%s: statuses of the reply: %s", tt.root, a.Body)
		}
	}
}

// same compares one attribute of an answer.
func (w *world) same(what string, a answer, field, want string) {
	w.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(v, a.object(w.t)[field]); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// What a create refuses of one attribute, and how.
func TestRefusedValues(t *testing.T) {
	long := `"` + strings.Repeat("x", 256) + `"`
	for _, tt := range []struct{ root, field, given, want string }{
		{"loadbalancer", "name", `5`, "Value: '5'. Value should be string"},
		{"loadbalancer", "name", long, "Value should have a maximum character requirement of 255"},
		{"loadbalancer", "vip_subnet_id", `"x"`, "Value should be UUID format"},
		{"loadbalancer", "vip_network_id", `"x"`, "Value should be UUID format"},
		{"loadbalancer", "vip_port_id", `5`, "Value should be UUID format"},
		{"loadbalancer", "vip_address", `"x"`, "Value should be IPv4 or IPv6 format"},
		{"loadbalancer", "flavor_id", `"x"`, "Value should be UUID format"},
		{"loadbalancer", "vip_qos_policy_id", `"x"`, "Value should be UUID format"},
		{"loadbalancer", "vip_sg_ids", `["x"]`, "Value should be UUID format"},
		{"loadbalancer", "tags", `[1]`, "Value should be string"},
		{"loadbalancer", "tags", `"a"`, "Value not a valid list: a"},
		{"loadbalancer", "tags", `[` + long + `]`, "Value should have a maximum character requirement of 255"},
		{"loadbalancer", "admin_state_up", `"maybe"`, "Value not an unambiguous boolean: maybe"},
		{"loadbalancer", "project_id", `"` + strings.Repeat("x", 37) + `"`, "Value should have a maximum character requirement of 36"},
		{"loadbalancer", "provider", `"` + strings.Repeat("x", 65) + `"`, "Value should have a maximum character requirement of 64"},
		{"listener", "protocol", `"FOO"`, "Invalid input for field/attribute protocol. Value: 'FOO'. Value should be one of: "},
		{"listener", "protocol", `"PROXY"`, "Value should be one of: "},
		{"listener", "protocol_port", `0`, "Value should be greater or equal to 1"},
		{"listener", "protocol_port", `65536`, "Value should be lower or equal to 65535"},
		{"listener", "protocol_port", `"x"`, ""},
		{"listener", "loadbalancer_id", `"x"`, "Value should be UUID format"},
		{"listener", "connection_limit", `-2`, "Value should be greater or equal to -1"},
		{"listener", "connection_limit", `1e300`, "Value should be lower or equal to 2147483647"},
		{"listener", "insert_headers", `"x"`, "Value not a valid dict: x"},
		{"listener", "insert_headers", `{"X-Forwarded-For":true}`, "Value should be string"},
		{"listener", "insert_headers", `{"X":"true"}`, "is not a valid option for insert_headers"},
		{"listener", "allowed_cidrs", `["x"]`, "Value should be IPv4 or IPv6 CIDR format"},
		{"listener", "timeout_client_data", `-1`, "Value should be greater or equal to 0"},
		{"listener", "timeout_member_connect", `2073600001`, "Value should be lower or equal to 2073600000"},
		{"listener", "timeout_member_data", `-1`, "Value should be greater or equal to 0"},
		{"listener", "timeout_tcp_inspect", `-1`, "Value should be greater or equal to 0"},
		{"listener", "client_authentication", `"x"`, "Value should be one of: "},
		{"listener", "alpn_protocols", `["x"]`, "Value should be a valid ALPN protocol ID"},
		{"listener", "default_tls_container_ref", long, "Value should have a maximum character requirement of 255"},
		{"listener", "default_pool_id", `"x"`, "Value should be UUID format"},
		{"listener", "hsts_max_age", `-1`, "Value should be greater or equal to 0"},
		{"listener", "tls_ciphers", `"` + strings.Repeat("x", 2049) + `"`, "Value should have a maximum character requirement of 2048"},
		{"pool", "protocol", `"TERMINATED_HTTPS"`, "Value should be one of: "},
		{"pool", "lb_algorithm", `"X"`, "Value should be one of: "},
		{"pool", "session_persistence", `{"type":"X"}`, "Invalid input for field/attribute type. Value: 'X'. Value should be one of: "},
		{"pool", "session_persistence", `{}`, "Invalid input for field/attribute type. Value: 'None'. Mandatory field missing."},
		{"pool", "session_persistence", `{"type":"SOURCE_IP","bogus":1}`, "Unknown attribute for argument pool_.pool.session_persistence: bogus"},
		{"pool", "session_persistence", `{"type":"SOURCE_IP","persistence_granularity":"x"}`, "Value should be IPv4 or IPv6 format"},
		{"member", "address", `"x"`, "Value should be IPv4 or IPv6 format"},
		{"member", "protocol_port", `65536`, "Value should be lower or equal to 65535"},
		{"member", "weight", `257`, "Value should be lower or equal to 256"},
		{"member", "weight", `-1`, "Value should be greater or equal to 0"},
		{"member", "monitor_port", `0`, "Value should be greater or equal to 1"},
		{"member", "monitor_address", `"x"`, "Value should be IPv4 or IPv6 format"},
		{"member", "subnet_id", `"x"`, "Value should be UUID format"},
		{"member", "backup", `{}`, "Value not an unambiguous boolean"},
		{"healthmonitor", "type", `"X"`, "Value should be one of: "},
		{"healthmonitor", "type", `null`, "None is not a valid option for type"},
		{"healthmonitor", "delay", `-1`, "Value should be greater or equal to 0"},
		{"healthmonitor", "timeout", `-1`, "Value should be greater or equal to 0"},
		{"healthmonitor", "max_retries", `0`, "Value should be greater or equal to 1"},
		{"healthmonitor", "max_retries", `11`, "Value should be lower or equal to 10"},
		{"healthmonitor", "max_retries_down", `11`, "Value should be lower or equal to 10"},
		{"healthmonitor", "http_method", `"X"`, "Value should be one of: "},
		{"healthmonitor", "url_path", `"x"`, ""},
		{"healthmonitor", "expected_codes", `"x"`, "Value should match the pattern "},
		{"healthmonitor", "http_version", `2.0`, "Value should be one of: 1.0, 1.1"},
		{"healthmonitor", "http_version", `"x"`, ""},
		{"healthmonitor", "domain_name", `"a b"`, ""},
		{"l7policy", "action", `"X"`, "Value should be one of: "},
		{"l7policy", "position", `0`, "Value should be greater or equal to 1"},
		{"l7policy", "position", `2147483648`, "Value should be lower or equal to 2147483647"},
		{"l7policy", "redirect_url", `"x"`, "Value must be a valid URL string"},
		{"l7policy", "redirect_prefix", `"ftp://x"`, "Value must be a valid URL string"},
		{"l7policy", "redirect_http_code", `300`, "Value should be one of: 301, 302, 303, 307, 308"},
		{"l7policy", "redirect_pool_id", `"x"`, "Value should be UUID format"},
		{"rule", "type", `"X"`, "Value should be one of: "},
		{"rule", "compare_type", `"X"`, "Value should be one of: "},
		{"rule", "value", `"` + strings.Repeat("x", 256) + `"`, "Value should have a maximum character requirement of 255"},
		{"rule", "name", `"n"`, "Unknown attribute for argument rule_.rule: name"},
		{"rule", "description", `"n"`, "Unknown attribute for argument rule_.rule: description"},
		{"member", "description", `"n"`, "Unknown attribute for argument member_.member: description"},
		{"healthmonitor", "description", `"n"`, "Unknown attribute for argument health_monitor_.healthmonitor: description"},
		{"loadbalancer", "id", `"{none}"`, "Unknown attribute for argument load_balancer.loadbalancer: id"},
		{"loadbalancer", "additional_vips", `[{}]`, "Invalid input for field/attribute subnet_id. Value: 'None'. Mandatory field missing."},
	} {
		// The last of two attributes of one name counts.
		w, body := withBare(t, `{"`+tt.root+`":{`+minimal[tt.root]+`,"`+tt.field+`":`+tt.given+`}}`)
		before := w.b.Config()
		a := w.ask("POST "+paths[tt.root], body)
		if a.Code != http.StatusBadRequest || !strings.Contains(a.fault(), tt.want) || !strings.Contains(a.Body, `"faultcode":"Client"`) {
			t.Errorf("%s %s %s: %d %q, want %q", tt.root, tt.field, tt.given, a.Code, a.fault(), tt.want)
		}
		if w.b.Config() != before {
			t.Errorf("%s %s %s: something changed", tt.root, tt.field, tt.given)
		}
	}
}

// What an update does with null: it sets the default back, or refuses.
func TestNullInUpdate(t *testing.T) {
	for _, tt := range []struct{ root, field, want string }{
		{"loadbalancer", "name", `""`},
		{"loadbalancer", "description", `""`},
		{"loadbalancer", "admin_state_up", `true`},
		{"loadbalancer", "tags", `[]`},
		{"loadbalancer", "vip_qos_policy_id", `null`},
		{"loadbalancer", "vip_sg_ids", `[]`},
		{"listener", "name", `""`},
		{"listener", "admin_state_up", `true`},
		{"listener", "connection_limit", `-1`},
		{"listener", "default_pool_id", `null`},
		{"listener", "insert_headers", `{}`},
		{"listener", "allowed_cidrs", `null`},
		{"listener", "timeout_client_data", `50000`},
		{"listener", "timeout_member_connect", `5000`},
		{"listener", "timeout_member_data", `50000`},
		{"listener", "timeout_tcp_inspect", `0`},
		{"listener", "default_tls_container_ref", `null`},
		{"listener", "sni_container_refs", `[]`},
		{"listener", "client_authentication", `"NONE"`},
		{"listener", "client_ca_tls_container_ref", `null`},
		{"listener", "client_crl_container_ref", `null`},
		{"listener", "hsts_max_age", `null`},
		{"pool", "name", `""`},
		{"pool", "tags", `[]`},
		{"pool", "session_persistence", `null`},
		{"pool", "tls_enabled", `false`},
		{"pool", "tls_container_ref", `null`},
		{"pool", "ca_tls_container_ref", `null`},
		{"pool", "crl_container_ref", `null`},
		{"pool", "lb_algorithm", ``},
		{"member", "name", `""`},
		{"member", "weight", `1`},
		{"member", "backup", `false`},
		{"member", "monitor_address", `null`},
		{"member", "monitor_port", `null`},
		{"healthmonitor", "name", `""`},
		{"healthmonitor", "delay", ``},
		{"healthmonitor", "timeout", ``},
		{"healthmonitor", "max_retries", ``},
		{"healthmonitor", "max_retries_down", `3`},
		{"healthmonitor", "http_method", `"GET"`},
		{"healthmonitor", "url_path", `"/"`},
		{"healthmonitor", "expected_codes", `"200"`},
		{"healthmonitor", "http_version", `null`},
		{"healthmonitor", "domain_name", `null`},
		{"l7policy", "name", `""`},
		{"l7policy", "position", `1`},
		{"l7policy", "redirect_url", `null`},
		{"l7policy", "action", ``},
		{"rule", "key", `null`},
		{"rule", "invert", `false`},
		{"rule", "type", ``},
		{"rule", "compare_type", ``},
		{"rule", "value", ``},
	} {
		w := newWorld(t)
		a := w.ask("PUT "+paths[tt.root]+"/"+targets[tt.root], `{"`+tt.root+`":{"`+tt.field+`":null}}`)
		switch {
		case tt.want == "" && a.Code != http.StatusBadRequest:
			t.Errorf("%s %s: %d %s, want 400", tt.root, tt.field, a.Code, a.Body)
		case tt.want == "":
		case a.Code != http.StatusOK:
			t.Errorf("%s %s: %d %s", tt.root, tt.field, a.Code, a.Body)
		default:
			w.same(tt.root+" "+tt.field, a, tt.field, tt.want)
			if a.object(t)["provisioning_status"] != "PENDING_UPDATE" {
				t.Errorf("%s %s: %s", tt.root, tt.field, a.Body)
			}
		}
	}
}

// What cannot change is unknown to an update, and what every create needs is asked for.
func TestForms(t *testing.T) {
	for root, fields := range map[string]string{
		"loadbalancer": "vip_subnet_id vip_network_id vip_port_id vip_address provider flavor_id availability_zone additional_vips project_id tenant_id listeners pools bogus",
		"listener":     "loadbalancer_id protocol protocol_port project_id l7policies bogus", "pool": "loadbalancer_id listener_id protocol members healthmonitor bogus",
		"member": "address protocol_port subnet_id request_sriov project_id bogus", "healthmonitor": "pool_id type bogus",
		"l7policy": "listener_id rules bogus", "rule": "project_id name bogus",
	} {
		w := newWorld(t)
		for field := range strings.FieldsSeq(fields) {
			a := w.ask("PUT "+paths[root]+"/"+targets[root], `{"`+root+`":{"`+field+`":null}}`)
			if a.Code != http.StatusBadRequest || !strings.Contains(a.fault(), "Unknown attribute for argument ") || !strings.HasSuffix(a.fault(), "."+root+": "+field) {
				t.Errorf("PUT %s with %s: %d %s", root, field, a.Code, a.fault())
			}
		}
	}
	for root, fields := range map[string]string{
		"listener": "loadbalancer_id protocol protocol_port", "pool": "protocol lb_algorithm", "member": "address protocol_port",
		"healthmonitor": "pool_id type delay timeout max_retries", "l7policy": "listener_id action", "rule": "type compare_type value",
	} {
		for field := range strings.FieldsSeq(fields) {
			w, body := withBare(t, `{`+minimal[root]+`}`)
			var all map[string]any
			if err := json.Unmarshal([]byte(body), &all); err != nil {
				t.Fatal(err)
			}
			delete(all, field)
			b, _ := json.Marshal(map[string]any{root: all})
			a := w.ask("POST "+paths[root], string(b))
			if want := "Invalid input for field/attribute " + field + ". Value: 'None'. Mandatory field missing."; a.Code != http.StatusBadRequest || a.fault() != want {
				t.Errorf("POST %s without %s: %d %s", root, field, a.Code, a.fault())
			}
		}
	}
	w := newWorld(t)
	if a := w.ask("POST pools", `{"pool":{"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`); a.fault() != "Validation failure: Must provide at least one of: loadbalancer_id, listener_id" {
		t.Errorf("pool without a parent: %d %s", a.Code, a.fault())
	}
	if a := w.ask("PUT l7policies/{l7policy}", `{"l7policy":{}}`); a.Code != http.StatusBadRequest || !strings.Contains(a.fault(), "Invalid update options") {
		t.Errorf("empty update of a policy: %d %s", a.Code, a.fault())
	}
}

// What is not there is 404, in the form that Octavia has for it.
func TestMissing(t *testing.T) {
	w := newWorld(t)
	for request, want := range map[string]string{
		"GET loadbalancers/{none}":                     `"faultstring":"Load Balancer {none} not found."`,
		"DELETE listeners/junk":                        `"faultstring":"Listener junk not found."`,
		"GET pools/{none}":                             `"faultstring":"Pool {none} not found."`,
		"GET healthmonitors/{none}":                    `"faultstring":"Health Monitor {none} not found."`,
		"GET l7policies/{none}":                        `"faultstring":"L7 Policy {none} not found."`,
		"GET pools/{pool}/members/{none}":              `"faultstring":"Member {none} not found."`,
		"GET l7policies/{l7policy}/rules/{none}":       `"faultstring":"L7 Rule {none} not found."`,
		"GET pools/{none}/members":                     `"description":"Pool {none} not found."`,
		"GET pools/{none}/members/{member}":            `"description":"Pool {none} not found."`,
		"GET l7policies/{none}/rules":                  `"description":"L7Policy {none} not found."`,
		"GET loadbalancers/{none}/status":              `"faultstring":"Load Balancer {none} not found."`,
		"GET loadbalancers/{none}/stats":               `"faultstring":"Load Balancer {none} not found."`,
		"GET listeners/{none}/stats":                   `"faultstring":"Listener {none} not found."`,
		"GET listeners/{pool}":                         `"faultstring":"Listener {pool} not found."`,
		"DELETE pools/{listener}/members/{member}":     `"description":"Pool {listener} not found."`,
		"DELETE l7policies/{l7policy}/rules/{member}":  `"faultstring":"L7 Rule {member} not found."`,
		"GET loadbalancers/{lb}/nonsense":              `"code":404`,
		"GET pools/{pool}/members/{member}/of/a/third": `"code":404`,
	} {
		if a := w.ask(request, ""); a.Code != http.StatusNotFound || !strings.Contains(a.Body, w.ids(want)) {
			t.Errorf("%s: %d %s, want %s", request, a.Code, a.Body, w.ids(want))
		}
	}
	for path, body := range map[string]string{
		"listeners":            `{"listener":{"loadbalancer_id":"{none}","protocol":"HTTP","protocol_port":81}}`,
		"pools":                `{"pool":{"listener_id":"{none}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`,
		"healthmonitors":       `{"healthmonitor":{"pool_id":"{none}","type":"HTTP","delay":5,"timeout":3,"max_retries":2}}`,
		"l7policies":           `{"l7policy":{"listener_id":"{none}","action":"REJECT"}}`,
		"pools/{none}/members": `{"member":{"address":"192.0.2.1","protocol_port":1}}`,
	} {
		if a := w.ask("POST "+path, body); a.Code != http.StatusNotFound || !strings.Contains(a.Body, w.ids("{none} not found.")) {
			t.Errorf("POST %s: %d %s", path, a.Code, a.Body)
		}
	}
}

// Who may what: another project's objects are 403, a reader may not write, and lists show
// one's own.
func TestAccessToLoadBalancers(t *testing.T) {
	w := newWorld(t)
	reader := access.Caller{ProjectID: "p1", Roles: []string{access.RoleReader}}
	member := access.Caller{ProjectID: "p1", Roles: []string{access.RoleMember}}
	stranger := access.Caller{ProjectID: "p2", Roles: []string{access.RoleMember}}
	admin := access.Caller{ProjectID: "p3", Roles: []string{access.RoleAdmin}}
	for root, path := range paths {
		one := path + "/" + targets[root]
		put := `{"` + root + `":{"tags":["t"]}}`
		_, body := withBare(t, `{"`+root+`":{`+strings.ReplaceAll(minimal[root], "{bare}", "{pool}")+`}}`)
		for _, tt := range []struct {
			request, body                   string
			reader, member, stranger, admin int
		}{
			{"GET " + one, "", 200, 200, 403, 200},
			{"PUT " + one, put, 403, 200, 403, 200},
			{"POST " + path, body, 403, 0, 403, 0},
			{"DELETE " + one, "", 403, 0, 403, 0},
		} {
			for _, who := range []struct {
				caller access.Caller
				want   int
			}{{access.Caller{}, 403}, {reader, tt.reader}, {member, tt.member}, {stranger, tt.stranger}, {admin, tt.admin}} {
				if who.want == 0 || root == "loadbalancer" && tt.request == "POST "+path && who.want == 403 && who.caller.ProjectID == "p2" {
					continue // a stranger may create a load balancer of his own
				}
				method, path, _ := strings.Cut(w.ids(tt.request), " ")
				if a := ask(t, w.h, who.caller, method+" /v2/lbaas/"+path, w.ids(tt.body)); a.Code != who.want {
					t.Errorf("%s by %+v: %d %s, want %d", tt.request, who.caller, a.Code, a.Body, who.want)
				}
			}
		}
		list := ask(t, w.h, stranger, "GET /v2/lbaas/"+w.ids(path), "")
		if below := strings.Contains(path, "{"); below != (list.Code == http.StatusForbidden) || strings.Contains(list.Body, "p1") {
			t.Errorf("a stranger lists %s: %d %s", path, list.Code, list.Body)
		}
	}
	for request, want := range map[string]int{"PUT loadbalancers/{lb}/failover": 403, "GET loadbalancers/{lb}/status": 200, "GET listeners/{listener}/stats": 200} {
		method, path, _ := strings.Cut(w.ids(request), " ")
		if a := ask(t, w.h, member, method+" /v2/lbaas/"+path, ""); a.Code != want {
			t.Errorf("%s by a member: %d %s", request, a.Code, a.Body)
		}
	}
	if a := ask(t, w.h, member, "POST /v2/lbaas/loadbalancers", w.ids(`{"loadbalancer":{"vip_subnet_id":"{subnet}","project_id":"p2"}}`)); a.Code != http.StatusForbidden {
		t.Errorf("a create for another project: %d %s", a.Code, a.Body)
	}
	if a := ask(t, w.h, stranger, "PUT /v2/lbaas/"+w.ids("pools/{pool}/members"), `{"members":[]}`); a.Code != http.StatusForbidden {
		t.Errorf("a stranger's batch: %d %s", a.Code, a.Body)
	}
}
