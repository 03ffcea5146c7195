package octavia

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
)

// world is an API with a subnet, and one resource of each kind below a load balancer.
type world struct {
	t                                                      *testing.T
	b                                                      *backend
	h                                                      http.Handler
	subnet, lb, listener, pool, member, monitor, l7p, rule string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, b: newBackend(nil)}
	w.h = New(Config{Backend: w.b})
	w.subnet = w.b.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public"), ProjectID: lb.Some("p1")}, CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24")),
	}})
	w.lb = w.create("loadbalancers", `{"loadbalancer":{"vip_subnet_id":"`+w.subnet+`"}}`)
	w.listener = w.create("listeners", `{"listener":{"loadbalancer_id":"`+w.lb+`","protocol":"HTTP","protocol_port":80}}`)
	w.pool = w.create("pools", `{"pool":{"listener_id":"`+w.listener+`","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`)
	w.member = w.create("pools/"+w.pool+"/members", `{"member":{"address":"192.0.2.1","protocol_port":80}}`)
	w.monitor = w.create("healthmonitors", `{"healthmonitor":{"pool_id":"`+w.pool+`","type":"HTTP","delay":5,"timeout":3,"max_retries":2}}`)
	w.l7p = w.create("l7policies", `{"l7policy":{"listener_id":"`+w.listener+`","action":"REJECT"}}`)
	w.rule = w.create("l7policies/"+w.l7p+"/rules", `{"rule":{"type":"PATH","compare_type":"STARTS_WITH","value":"/x"}}`)
	return w
}

// ids replaces {lb}, {listener} and so on.
func (w *world) ids(s string) string {
	return strings.NewReplacer("{subnet}", w.subnet, "{lb}", w.lb, "{listener}", w.listener, "{pool}", w.pool, "{member}", w.member,
		"{monitor}", w.monitor, "{l7policy}", w.l7p, "{rule}", w.rule, "{none}", "22222222-2222-4222-8222-222222222222").Replace(s)
}

// ask is an administrator's request.
func (w *world) ask(request, body string) answer {
	w.t.Helper()
	method, path, _ := strings.Cut(w.ids(request), " ")
	return ask(w.t, w.h, everybody, method+" /v2/lbaas/"+path, w.ids(body))
}

func (w *world) create(path, body string) string {
	w.t.Helper()
	a := w.ask("POST "+path, body)
	if a.Code != http.StatusCreated {
		w.t.Fatalf("POST %s %s: %d %s", path, w.ids(body), a.Code, a.Body)
	}
	id, _ := a.object(w.t)["id"].(string)
	return id
}

// object is what is below the one root key of an answer.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var root map[string]map[string]any
	if err := json.Unmarshal([]byte(a.Body), &root); err != nil || len(root) != 1 {
		t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	for _, o := range root {
		return o
	}
	return nil
}

// What Octavia 11 answers to a minimal create of each kind, with the ids of this test and
// what later versions have added. {} is an id or a time of its own.
var created = map[string]string{
	"loadbalancers/{lb}": `{"listeners":[{"id":"{listener}"}],"pools":[{"id":"{pool}"}],"id":"{lb}","name":"","description":"","provisioning_status":"ACTIVE",
		"operating_status":"ONLINE","admin_state_up":true,"project_id":"p1","created_at":"{}","updated_at":"{}","vip_address":"203.0.113.2",
		"vip_port_id":"{}","vip_subnet_id":"{subnet}","vip_network_id":"{}","additional_vips":[],"provider":"amphora","flavor_id":null,
		"vip_qos_policy_id":null,"tags":[],"availability_zone":null,"tenant_id":"p1","vip_sg_ids":[],"vip_vnic_type":"normal"}`,
	"listeners/{listener}": `{"id":"{listener}","name":"","description":"","provisioning_status":"ACTIVE","operating_status":"ONLINE","admin_state_up":true,
		"protocol":"HTTP","protocol_port":80,"connection_limit":-1,"default_tls_container_ref":null,"sni_container_refs":[],"project_id":"p1",
		"default_pool_id":"{pool}","l7policies":[{"id":"{l7policy}"}],"insert_headers":{},"created_at":"{}","updated_at":"{}","loadbalancers":[{"id":"{lb}"}],
		"timeout_client_data":50000,"timeout_member_connect":5000,"timeout_member_data":50000,"timeout_tcp_inspect":0,"tags":[],
		"client_ca_tls_container_ref":null,"client_authentication":"NONE","client_crl_container_ref":null,"allowed_cidrs":null,"tls_ciphers":null,
		"tls_versions":[],"alpn_protocols":[],"tenant_id":"p1","hsts_max_age":null,"hsts_include_subdomains":false,"hsts_preload":false}`,
	"pools/{pool}": `{"id":"{pool}","name":"","description":"","provisioning_status":"ACTIVE","operating_status":"ONLINE","admin_state_up":true,
		"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","session_persistence":null,"project_id":"p1","loadbalancers":[{"id":"{lb}"}],
		"listeners":[{"id":"{listener}"}],"created_at":"{}","updated_at":"{}","members":[{"id":"{member}"}],"healthmonitor_id":"{monitor}","tags":[],
		"tls_container_ref":null,"ca_tls_container_ref":null,"crl_container_ref":null,"tls_enabled":false,"tls_ciphers":null,"tls_versions":[],
		"alpn_protocols":[],"tenant_id":"p1"}`,
	"pools/{pool}/members/{member}": `{"id":"{member}","name":"","operating_status":"OFFLINE","provisioning_status":"ACTIVE","admin_state_up":true,
		"address":"192.0.2.1","protocol_port":80,"weight":1,"backup":false,"subnet_id":null,"project_id":"p1","created_at":"{}","updated_at":"{}",
		"monitor_address":null,"monitor_port":null,"tags":[],"tenant_id":"p1","vnic_type":"normal"}`,
	"healthmonitors/{monitor}": `{"id":"{monitor}","name":"","type":"HTTP","delay":5,"timeout":3,"max_retries":2,"max_retries_down":3,"http_method":"GET",
		"url_path":"/","expected_codes":"200","admin_state_up":true,"project_id":"p1","pools":[{"id":"{pool}"}],"provisioning_status":"ACTIVE",
		"operating_status":"ONLINE","created_at":"{}","updated_at":"{}","tags":[],"http_version":null,"domain_name":null,"tenant_id":"p1"}`,
	"l7policies/{l7policy}": `{"id":"{l7policy}","name":"","description":"","provisioning_status":"ACTIVE","operating_status":"ONLINE","admin_state_up":true,
		"project_id":"p1","action":"REJECT","listener_id":"{listener}","redirect_pool_id":null,"redirect_url":null,"redirect_prefix":null,"position":1,
		"rules":[{"id":"{rule}"}],"created_at":"{}","updated_at":"{}","tags":[],"redirect_http_code":null,"tenant_id":"p1"}`,
	"l7policies/{l7policy}/rules/{rule}": `{"id":"{rule}","type":"PATH","compare_type":"STARTS_WITH","key":null,"value":"/x","invert":false,
		"provisioning_status":"ACTIVE","operating_status":"ONLINE","created_at":"{}","updated_at":"{}","project_id":"p1","admin_state_up":true,"tags":[],"tenant_id":"p1"}`,
}

// own blanks what has a value of its own in every run, where want says so.
func own(want, got map[string]any) {
	for k, v := range want {
		if _, there := got[k]; there && v == "{}" {
			got[k] = v
		}
	}
}

func TestShapes(t *testing.T) {
	w := newWorld(t)
	for _, path := range slices.Sorted(maps.Keys(created)) {
		var want map[string]any
		if err := json.Unmarshal([]byte(w.ids(created[path])), &want); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		a := w.ask("GET "+path, "")
		if a.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Code, a.Body)
			continue
		}
		got := a.object(t)
		own(want, got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		// A list shows the same.
		list := w.ask("GET "+path[:strings.LastIndex(path, "/")], "")
		var root map[string]json.RawMessage
		var rows []map[string]any
		if err := json.Unmarshal([]byte(list.Body), &root); err != nil || len(root) != 2 {
			t.Fatalf("list of %s: %d %s", path, list.Code, list.Body)
		}
		for k, v := range root {
			if strings.HasSuffix(k, "_links") {
				if string(v) != "[]" {
					t.Errorf("list of %s: links %s", path, v)
				}
			} else if err := json.Unmarshal(v, &rows); err != nil || len(rows) != 1 {
				t.Fatalf("list of %s: %s", path, v)
			}
		}
		own(want, rows[0])
		if diff := cmp.Diff(want, rows[0]); diff != "" {
			t.Errorf("list of %s (-want +got):\n%s", path, diff)
		}
	}
}
