package neutron_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
	"github.com/amphora-lb/amphora/rpc/neutron"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

const (
	mine   = "11111111111111111111111111111111"
	theirs = "22222222222222222222222222222222"
)

func caller(project string, roles ...string) access.Caller {
	return access.Caller{UserID: "u", ProjectID: project, Roles: roles}
}

// api is the API, called by whom the test says.
type api struct {
	t *testing.T
	*resttest.Backend
	handler http.Handler
	caller  access.Caller
}

func newAPI(t *testing.T) *api {
	a := &api{t: t, Backend: resttest.New(nil), caller: caller(mine, access.RoleMember)}
	inner := neutron.New(neutron.Config{Backend: a})
	a.handler = http.StripPrefix("/network", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(access.With(r.Context(), a.caller)))
	}))
	return a
}

// object is a JSON object.
type object = map[string]any

// call sends body and wants that status; it returns the body of the answer.
func (a *api) call(status int, method, path, body string, headers ...string) object {
	a.t.Helper()
	path = strings.TrimPrefix(path, "http://example.com/network")
	r := httptest.NewRequest(method, "/network"+path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Code != status {
		a.t.Errorf("%s %s answers %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	var out object
	if w.Body.Len() > 0 && json.Unmarshal(w.Body.Bytes(), &out) != nil {
		a.t.Errorf("%s %s answers %q, which is no JSON object", method, path, w.Body)
	}
	return out
}

// fault is call for an answer that must have that type of error and those words in it.
func (a *api) fault(status int, kind, words, method, path, body string, headers ...string) {
	a.t.Helper()
	got := a.call(status, method, path, body, headers...)
	e, _ := got["NeutronError"].(object)
	if msg, _ := e["message"].(string); e["type"] != kind || !strings.Contains(msg, words) || e["detail"] != "" {
		a.t.Errorf("%s %s %s answers %v, want %s with %q", method, path, body, got, kind, words)
	}
}

// create makes a resource and returns it.
func (a *api) create(path, name, body string) object {
	a.t.Helper()
	made, _ := a.call(http.StatusCreated, "POST", path, `{"`+name+`":`+body+`}`)[name].(object)
	if made["id"] == nil {
		a.t.Fatalf("POST %s %s makes %v", path, body, made)
	}
	return made
}

// ids lists the values of an attribute.
func (a *api) list(attribute, path, plural string) []string {
	a.t.Helper()
	got := []string{}
	all, ok := a.call(http.StatusOK, "GET", path, "")[plural].([]any)
	if !ok {
		a.t.Errorf("GET %s has no list of %s", path, plural)
	}
	for _, one := range all {
		got = append(got, fmt.Sprint(one.(object)[attribute]))
	}
	return got
}

func (a *api) network(name string) string {
	a.t.Helper()
	return a.create("/v2.0/networks", "network", `{"name":"`+name+`"}`)["id"].(string)
}

func (a *api) subnet(network, name, cidr string) string {
	a.t.Helper()
	return a.create("/v2.0/subnets", "subnet", fmt.Sprintf(`{"network_id":%q,"name":%q,"cidr":%q}`, network, name, cidr))["id"].(string)
}

func want(t *testing.T, got, want object) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNetworkAndSubnet(t *testing.T) {
	a := newAPI(t)
	network := a.create("/v2.0/networks", "network", `{"name":"net","admin_state_up":true,"tenant_id":"`+mine+`"}`)
	id := network["id"].(string)
	subnet := a.create("/v2.0/subnets.json", "subnet", `{"network_id":"`+strings.ToUpper(id)+`","name":"sub","ip_version":4,"cidr":"192.0.2.0/24",
		"gateway_ip":null,"enable_dhcp":true,"allocation_pools":[{"start":"192.0.2.10","end":"192.0.2.20"}],"dns_nameservers":[]}`)
	want(t, a.call(http.StatusOK, "GET", "/v2.0/networks/"+id, ""), object{"network": object{
		"id": id, "name": "net", "description": "", "project_id": mine, "tenant_id": mine, "tags": []any{},
		"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "revision_number": 1.0,
		"admin_state_up": true, "status": "ACTIVE", "shared": false, "router:external": false, "mtu": 1500.0,
		"subnets": []any{subnet["id"]}, "availability_zones": []any{}, "availability_zone_hints": []any{},
		"ipv4_address_scope": nil, "ipv6_address_scope": nil, "qos_policy_id": nil,
	}})
	want(t, a.call(http.StatusOK, "GET", "/v2.0/subnets/"+subnet["id"].(string), ""), object{"subnet": object{
		"id": subnet["id"], "name": "sub", "description": "", "project_id": mine, "tenant_id": mine, "tags": []any{},
		"created_at": "2026-01-02T03:04:06Z", "updated_at": "2026-01-02T03:04:06Z", "revision_number": 2.0,
		"network_id": id, "ip_version": 4.0, "cidr": "192.0.2.0/24", "gateway_ip": nil, "enable_dhcp": false,
		"allocation_pools": []any{object{"start": "192.0.2.10", "end": "192.0.2.20"}},
		"dns_nameservers":  []any{}, "host_routes": []any{}, "service_types": []any{},
		"ipv6_address_mode": nil, "ipv6_ra_mode": nil, "subnetpool_id": nil,
	}})
	path := "/v2.0/subnets/" + subnet["id"].(string)
	got := a.call(http.StatusOK, "PUT", path, `{"subnet":{"name":"new","gateway_ip":"192.0.2.1","description":"d"}}`)["subnet"].(object)
	if got["name"] != "new" || got["gateway_ip"] != "192.0.2.1" || got["updated_at"] == got["created_at"] {
		t.Errorf("updated to %v", got)
	}
	port := a.create("/v2.0/ports", "port", `{"network_id":"`+id+`"}`)["id"].(string)
	a.fault(http.StatusConflict, "NetworkInUse", "", "DELETE", "/v2.0/networks/"+id, "")
	a.fault(http.StatusConflict, "SubnetInUse", "", "DELETE", path, "")
	a.call(http.StatusNoContent, "DELETE", "/v2.0/ports/"+port, "")
	a.call(http.StatusNoContent, "DELETE", path, "")
	a.call(http.StatusNoContent, "DELETE", "/v2.0/networks/"+id, "")
	a.fault(http.StatusNotFound, "NetworkNotFound", "Network "+id+" could not be found.", "GET", "/v2.0/networks/"+id, "")
	a.fault(http.StatusNotFound, "SubnetNotFound", "", "DELETE", path, "")
}

func TestPort(t *testing.T) {
	a := newAPI(t)
	network := a.network("net")
	subnet := a.subnet(network, "sub", "192.0.2.0/24")
	group := a.create("/v2.0/security-groups", "security_group", `{"name":"web"}`)["id"].(string)
	port := a.create("/v2.0/ports", "port", fmt.Sprintf(`{"network_id":%q,"name":"p","fixed_ips":[{"subnet_id":%q,"ip_address":"192.0.2.50"}],
		"security_groups":[%q],"device_id":"vm","device_owner":"compute:nova"}`, network, subnet, group))
	mac, _ := port["mac_address"].(string)
	if !strings.HasPrefix(mac, "fa:16:3e:") {
		t.Errorf("mac_address is %q", mac)
	}
	id := port["id"].(string)
	want(t, a.call(http.StatusOK, "GET", "/v2.0/ports/"+id, ""), object{"port": object{
		"id": id, "name": "p", "description": "", "project_id": mine, "tenant_id": mine, "tags": []any{},
		"created_at": port["created_at"], "updated_at": port["created_at"], "revision_number": port["revision_number"],
		"admin_state_up": true, "status": "ACTIVE", "network_id": network, "mac_address": mac,
		"fixed_ips": []any{object{"subnet_id": subnet, "ip_address": "192.0.2.50"}},
		"device_id": "vm", "device_owner": "compute:nova", "security_groups": []any{group},
		"qos_policy_id": nil, "qos_network_policy_id": nil, "allowed_address_pairs": []any{}, "extra_dhcp_opts": []any{},
		"binding:vnic_type": "normal",
	}})
	for query, n := range map[string]int{
		"?fixed_ips=ip_address=192.0.2.50": 1, "?fixed_ips=ip_address%3D192.0.2.5": 0, "?fixed_ips=ip_address_substr%3D192.0.2.5": 1,
		"?fixed_ips=subnet_id=" + subnet + "&fixed_ips=ip_address=192.0.2.50": 1, "?device_id=vm&network_id=" + network: 1,
		"?security_groups=" + group: 1, "?mac_address=" + mac: 1, "?status=DOWN": 0, "?device_owner=Octavia": 0,
	} {
		if got := a.list("id", "/v2.0/ports"+query, "ports"); len(got) != n {
			t.Errorf("%s: %v", query, got)
		}
	}
	a.fault(http.StatusConflict, "SecurityGroupInUse", "", "DELETE", "/v2.0/security-groups/"+group, "")
	if got := a.call(http.StatusOK, "PUT", "/v2.0/ports/"+id, `{"port":{"security_groups":[],"device_id":""}}`)["port"].(object); len(got["security_groups"].([]any)) != 0 || got["status"] != "DOWN" {
		t.Errorf("updated to %v", got)
	}
	a.fault(http.StatusConflict, "IpAddressAlreadyAllocated", "192.0.2.50", "POST", "/v2.0/ports", fmt.Sprintf(`{"port":{"network_id":%q,"fixed_ips":[{"ip_address":"192.0.2.50"}]}}`, network))
	a.call(http.StatusNoContent, "DELETE", "/v2.0/ports/"+id, "")

	// A VIP is a port that cannot be deleted.
	vip := a.Must(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
		MetaSpec: lb.MetaSpec{ProjectID: lb.Some(mine)}, VIPSubnetID: lb.Some(lb.SubnetID(subnet)),
	}})
	tree, _ := a.Config().Tree(lb.LoadBalancerID(vip))
	vipPort := "/v2.0/ports/" + string(tree.LoadBalancer.VIPPortID)
	got := a.call(http.StatusOK, "GET", vipPort, "")["port"].(object)
	if got["device_owner"] != "Octavia" || got["device_id"] != "lb-"+vip || got["status"] != "ACTIVE" {
		t.Errorf("the VIP is %v", got)
	}
	a.fault(http.StatusConflict, "ServicePortInUse", "load balancer", "DELETE", vipPort, "")
	a.call(http.StatusOK, "PUT", vipPort, `{"port":{"security_groups":["`+group+`"]}}`)
	a.fault(http.StatusConflict, "SubnetInUse", "", "DELETE", "/v2.0/subnets/"+subnet, "")
}

func TestSecurityGroup(t *testing.T) {
	a := newAPI(t)
	group := a.create("/v2.0/security-groups", "security_group", `{"name":"web","description":"d"}`)
	id := group["id"].(string)
	if rules := group["security_group_rules"].([]any); len(rules) != 2 || rules[0].(object)["direction"] != "egress" {
		t.Errorf("a new group has %v", rules)
	}
	rule := a.create("/v2.0/security-group-rules", "security_group_rule", `{"security_group_id":"`+id+`","direction":"ingress","protocol":"TCP",
		"port_range_min":"80","port_range_max":443,"remote_ip_prefix":"198.51.100.7/24","ethertype":"ipv4"}`)
	for name, want := range map[string]any{
		"security_group_id": id, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 80.0, "port_range_max": 443.0,
		"remote_ip_prefix": "198.51.100.0/24", "remote_group_id": nil, "project_id": mine, "tenant_id": mine, "description": "",
	} {
		if rule[name] != want {
			t.Errorf("%s is %v, want %v", name, rule[name], want)
		}
	}
	path := "/v2.0/security-group-rules/" + rule["id"].(string)
	a.call(http.StatusOK, "GET", path, "")
	if got := a.list("id", "/v2.0/security-group-rules?direction=ingress&security_group_id="+id, "security_group_rules"); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	bulk := a.call(http.StatusCreated, "POST", "/v2.0/security-group-rules", `{"security_group_rules":[
		{"security_group_id":"`+id+`","direction":"ingress","protocol":"udp","port_range_min":53,"port_range_max":53},
		{"security_group_id":"`+id+`","direction":"ingress","protocol":"icmp"}]}`)
	if made, _ := bulk["security_group_rules"].([]any); len(made) != 2 {
		t.Errorf("made %v", bulk)
	}
	for attributes, words := range map[string]string{
		`"direction":"ingress","protocol":"tcp","port_range_min":9,"port_range_max":8`:         "port_range_min must be <=",
		`"direction":"ingress","port_range_min":9,"port_range_max":9`:                          "Must also specify protocol",
		`"direction":"ingress","protocol":"nonsense"`:                                          "not supported",
		`"direction":"ingress","remote_ip_prefix":"2001:db8::/64"`:                             "Conflicting value ethertype",
		`"direction":"ingress","remote_ip_prefix":"x"`:                                         "not a valid IP subnet",
		`"direction":"sideways"`:                                                               "ingress, egress",
		`"protocol":"tcp"`:                                                                     "Required attribute 'direction'",
		`"direction":"ingress","protocol":"icmp","port_range_min":256`:                         "ICMP",
		`"direction":"ingress","remote_ip_prefix":"10.0.0.0/8","remote_group_id":"` + id + `"`: "Only remote_ip_prefix",
	} {
		a.fault(http.StatusBadRequest, "HTTPBadRequest", words, "POST", "/v2.0/security-group-rules", `{"security_group_rule":{"security_group_id":"`+id+`",`+attributes+`}}`)
	}
	a.fault(http.StatusConflict, "SecurityGroupRuleExists", rule["id"].(string), "POST", "/v2.0/security-group-rules",
		`{"security_group_rule":{"security_group_id":"`+id+`","direction":"ingress","protocol":"tcp","port_range_min":80,"port_range_max":443,"remote_ip_prefix":"198.51.100.0/24"}}`)
	a.fault(http.StatusNotFound, "SecurityGroupNotFound", "does not exist", "POST", "/v2.0/security-group-rules",
		`{"security_group_rule":{"security_group_id":"`+resttest.ID(99)+`","direction":"ingress"}}`)

	a.caller = caller(theirs, access.RoleMember)
	a.fault(http.StatusNotFound, "SecurityGroupRuleNotFound", "does not exist", "DELETE", path, "")
	a.fault(http.StatusNotFound, "SecurityGroupNotFound", "", "GET", "/v2.0/security-groups/"+id, "")
	a.caller = caller(mine, access.RoleReader)
	a.fault(http.StatusForbidden, "PolicyNotAuthorized", "delete_security_group_rule", "DELETE", path, "")
	a.caller = caller(mine, access.RoleMember)
	a.call(http.StatusNoContent, "DELETE", path, "")
	a.fault(http.StatusNotFound, "SecurityGroupRuleNotFound", "", "GET", path, "")
	if got := a.list("id", "/v2.0/security-group-rules", "security_group_rules"); len(got) != 4 {
		t.Errorf("%d rules are left", len(got))
	}
	a.call(http.StatusOK, "PUT", "/v2.0/security-groups/"+id, `{"security_group":{"name":"new"}}`)
	a.call(http.StatusNoContent, "DELETE", "/v2.0/security-groups/"+id, "")
}

func TestQoSPolicy(t *testing.T) {
	a := newAPI(t)
	id := a.create("/v2.0/qos/policies", "policy", `{"name":"gold"}`)["id"].(string)
	shared := a.create("/v2.0/qos/policies", "policy", `{"name":"all","shared":true}`)["id"].(string)
	got := a.call(http.StatusOK, "PUT", "/v2.0/qos/policies/"+id, `{"policy":{"description":"d"}}`)["policy"].(object)
	if got["description"] != "d" || got["shared"] != false || got["is_default"] != false {
		t.Errorf("got %v", got)
	}
	a.caller = caller(theirs, access.RoleMember)
	if got := a.list("id", "/v2.0/qos/policies", "policies"); !cmp.Equal(got, []string{shared}) {
		t.Errorf("others see %v", got)
	}
	a.fault(http.StatusNotFound, "QosPolicyNotFound", "", "DELETE", "/v2.0/qos/policies/"+id, "")
	a.fault(http.StatusForbidden, "PolicyNotAuthorized", "delete_policy", "DELETE", "/v2.0/qos/policies/"+shared, "")
	a.caller = caller(mine, access.RoleMember)
	a.call(http.StatusNoContent, "DELETE", "/v2.0/qos/policies/"+id, "")
}

func TestRights(t *testing.T) {
	a := newAPI(t)
	network := a.network("net")
	subnet := a.subnet(network, "sub", "192.0.2.0/24")
	port := a.create("/v2.0/ports", "port", `{"network_id":"`+network+`"}`)["id"].(string)
	for name, tt := range map[string]struct {
		caller                           access.Caller
		list, network, port, create, del int
		foreign                          int // a subnet in the network of another project
	}{
		"nobody": {access.Caller{}, 403, 404, 404, 403, 404, 403},
		"reader": {caller(mine, access.RoleReader), 200, 200, 200, 403, 403, 403},
		"member": {caller(mine, access.RoleMember), 200, 200, 200, 201, 409, 201},
		"other":  {caller(theirs, access.RoleMember), 200, 200, 404, 201, 404, 403},
		"admin":  {caller(theirs, access.RoleAdmin), 200, 200, 200, 201, 409, 201},
	} {
		t.Run(name, func(t *testing.T) {
			b := *a
			b.t, a.caller = t, tt.caller
			b.call(tt.list, "GET", "/v2.0/networks", "")
			b.call(tt.network, "GET", "/v2.0/networks/"+network, "")
			b.call(tt.network, "GET", "/v2.0/subnets/"+subnet, "")
			b.call(tt.port, "GET", "/v2.0/ports/"+port, "")
			b.call(tt.create, "POST", "/v2.0/networks", `{"network":{"name":"n"}}`)
			if made := b.call(tt.foreign, "POST", "/v2.0/subnets", `{"subnet":{"network_id":"`+network+`","name":"`+name+`","cidr":"198.51.100.0/24"}}`); tt.foreign == 201 {
				b.call(http.StatusNoContent, "DELETE", "/v2.0/subnets/"+made["subnet"].(object)["id"].(string), "")
			}
			if tt.del != 409 {
				b.call(tt.del, "DELETE", "/v2.0/ports/"+port, "")
				b.call(tt.del, "PUT", "/v2.0/ports/"+port+"/tags", `{"tags":["x"]}`)
			} else {
				b.call(tt.del, "DELETE", "/v2.0/networks/"+network, "")
			}
		})
	}
	a.caller = caller(mine, access.RoleMember)
	a.fault(http.StatusForbidden, "PolicyNotAuthorized", "create_network", "POST", "/v2.0/networks", `{"network":{"project_id":"`+theirs+`"}}`)
}

func TestBadRequests(t *testing.T) {
	a := newAPI(t)
	network := a.network("net")
	a.subnet(network, "sub", "192.0.2.0/24")
	for _, tt := range []struct{ path, body, kind, words string }{
		{"/v2.0/networks", `x`, "HTTPBadRequest", "not valid JSON"},
		{"/v2.0/networks", `{}`, "HTTPBadRequest", "Unable to find 'network' in request body"},
		{"/v2.0/networks", `{"network":null}`, "HTTPBadRequest", "Unable to find"},
		{"/v2.0/networks", `{"networks":[]}`, "HTTPBadRequest", "Resources required"},
		{"/v2.0/networks", `{"network":{"name":5}}`, "HTTPBadRequest", "Invalid input for name"},
		{"/v2.0/networks", `{"network":{"shared":"perhaps"}}`, "HTTPBadRequest", "cannot be converted to boolean"},
		{"/v2.0/networks", `{"network":{"foo":1,"bar":2}}`, "HTTPBadRequest", "Unrecognized attribute(s) 'bar', 'foo'"},
		{"/v2.0/networks", `{"network":{"mtu":9000}}`, "HTTPBadRequest", "Invalid input for mtu"},
		{"/v2.0/networks", `{"network":{"name":"` + strings.Repeat("x", 256) + `"}}`, "InvalidInput", "name"},
		{"/v2.0/subnets", `{"subnet":{"cidr":"10.0.0.0/24"}}`, "HTTPBadRequest", "Required attribute 'network_id' not specified"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"x","cidr":"10.0.0.0/24"}}`, "HTTPBadRequest", "'x' is not a valid UUID"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"` + network + `","cidr":"10.0.0.0/33"}}`, "HTTPBadRequest", "not a valid IP subnet"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"` + network + `","cidr":"10.0.0.0/24","ip_version":6}}`, "HTTPBadRequest", "does not match the ip_version"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"` + network + `","cidr":"10.0.0.0/24","name":"s","gateway_ip":"10.1.0.1"}}`, "InvalidInput", "gateway_ip"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"` + network + `","cidr":"10.0.0.0/24","allocation_pools":[{"start":"10.0.0.1"}]}}`, "HTTPBadRequest", "Required attribute 'end'"},
		{"/v2.0/subnets", `{"subnet":{"network_id":"` + network + `","cidr":"10.0.0.0/24","dns_nameservers":["1.1.1.1"]}}`, "HTTPBadRequest", "dns_nameservers"},
		{"/v2.0/ports", `{"port":{}}`, "HTTPBadRequest", "Required attribute 'network_id'"},
		{"/v2.0/ports", `{"port":{"network_id":"` + network + `","fixed_ips":[{"foo":1}]}}`, "HTTPBadRequest", "Unrecognized attribute(s) 'foo'"},
		{"/v2.0/ports", `{"port":{"network_id":"` + network + `","allowed_address_pairs":[{}]}}`, "HTTPBadRequest", "allowed_address_pairs"},
	} {
		a.fault(http.StatusBadRequest, tt.kind, tt.words, "POST", tt.path, tt.body)
	}
	a.fault(http.StatusNotFound, "NetworkNotFound", resttest.ID(99), "POST", "/v2.0/ports", `{"port":{"network_id":"`+resttest.ID(99)+`"}}`)
	a.fault(http.StatusNotFound, "NetworkNotFound", resttest.ID(99), "POST", "/v2.0/subnets", `{"subnet":{"name":"s","network_id":"`+resttest.ID(99)+`","cidr":"10.0.0.0/24"}}`)
	a.call(http.StatusConflict, "POST", "/v2.0/subnets", `{"subnet":{"network_id":"`+network+`","name":"t","cidr":"192.0.2.128/25"}}`)
	a.call(http.StatusRequestEntityTooLarge, "POST", "/v2.0/networks", `{"network":{"name":"`+strings.Repeat("x", 200000)+`"}}`)
	for query, words := range map[string]string{
		"limit=x": "Limit must be an integer", "limit=-1": "Limit", "foo=1": "['foo'] is invalid attribute for filtering",
		"sort_key=foo": "sort keys", "sort_key=name&sort_dir=up": "sort direction", "sort_key=name&sort_dir=asc&sort_dir=asc": "must be same",
	} {
		a.fault(http.StatusBadRequest, "HTTPBadRequest", words, "GET", "/v2.0/networks?"+query, "")
	}
	a.fault(http.StatusBadRequest, "HTTPBadRequest", "read-only", "PUT", "/v2.0/networks/"+network, `{"network":{"project_id":"`+theirs+`"}}`)
	a.fault(http.StatusBadRequest, "HTTPBadRequest", "Unrecognized attribute(s) 'cidr'", "PUT", "/v2.0/networks/"+network, `{"network":{"cidr":"10.0.0.0/8"}}`)
}

func TestLists(t *testing.T) {
	a := newAPI(t)
	for i := range 5 {
		a.network(fmt.Sprintf("n%d", i))
	}
	v6 := a.subnet(a.network("six"), "six", "2001:db8::/64")
	for query, want := range map[string][]string{
		"?name=n3":                                      {"n3"},
		"?name=n3&name=n1&sort_key=name":                {"n1", "n3"},
		"?name=n3&admin_state_up=False":                 {},
		"?sort_key=name&sort_dir=desc&limit=2":          {"six", "n4"},
		"?sort_key=created_at&limit=3":                  {"n0", "n1", "n2"},
		"?project_id=" + theirs:                         {},
		"?tenant_id=" + mine + "&name=n0&status=ACTIVE": {"n0"},
		"?id=" + resttest.ID(99):                        {},
		"?router:external=true":                         {},
	} {
		if got := a.list("name", "/v2.0/networks"+query, "networks"); !cmp.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if got := a.list("id", "/v2.0/subnets?ip_version=6&enable_dhcp=0", "subnets"); !cmp.Equal(got, []string{v6}) {
		t.Errorf("of version 6: %v", got)
	}
	one := a.call(http.StatusOK, "GET", "/v2.0/networks?name=n0&fields=id&fields=name", "")["networks"].([]any)[0].(object)
	if len(one) != 2 || one["name"] != "n0" {
		t.Errorf("two fields: %v", one)
	}
	if got := a.call(http.StatusOK, "GET", "/v2.0/networks/"+one["id"].(string)+"?fields=name", "")["network"]; !cmp.Equal(got, object{"name": "n0"}) {
		t.Errorf("one field: %v", got)
	}

	// All pages forward, then one back.
	var seen []string
	page := a.call(http.StatusOK, "GET", "/v2.0/networks?limit=4&sort_key=name", "")
	for {
		for _, n := range page["networks"].([]any) {
			seen = append(seen, n.(object)["name"].(string))
		}
		next := linkOf(page, "next")
		if next == "" {
			break
		}
		page = a.call(http.StatusOK, "GET", next, "")
	}
	if want := []string{"n0", "n1", "n2", "n3", "n4", "six"}; !cmp.Equal(seen, want) {
		t.Errorf("pages have %v", seen)
	}
	back := a.list("name", linkOf(page, "previous"), "networks")
	if want := []string{"n0", "n1", "n2", "n3"}; !cmp.Equal(back, want) {
		t.Errorf("the page before has %v", back)
	}
	a.fault(http.StatusNotFound, "NetworkNotFound", "", "GET", "/v2.0/networks?limit=1&marker="+resttest.ID(99), "")
}

func linkOf(page object, rel string) string {
	links, _ := page["networks_links"].([]any)
	for _, l := range links {
		if l.(object)["rel"] == rel {
			return l.(object)["href"].(string)
		}
	}
	return ""
}

func TestTags(t *testing.T) {
	a := newAPI(t)
	one, two := "/v2.0/networks/"+a.network("one"), "/v2.0/networks/"+a.network("two")
	want(t, a.call(http.StatusOK, "PUT", one+"/tags", `{"tags":["b","a"]}`), object{"tags": []any{"a", "b"}})
	a.call(http.StatusCreated, "PUT", two+"/tags/a", "")
	a.call(http.StatusCreated, "PUT", two+"/tags/c", "")
	a.call(http.StatusCreated, "PUT", two+"/tags/c", "")
	want(t, a.call(http.StatusOK, "GET", two+"/tags", ""), object{"tags": []any{"a", "c"}})
	a.call(http.StatusNoContent, "GET", two+"/tags/c", "")
	a.fault(http.StatusNotFound, "TagNotFound", "Tag b could not be found.", "GET", two+"/tags/b", "")
	for query, want := range map[string][]string{
		"tags=a": {"one", "two"}, "tags=a,b": {"one"}, "tags-any=b,c": {"one", "two"}, "not-tags=a,b": {"two"}, "not-tags-any=b,c": {}, "not-tags-any=b": {"two"},
	} {
		if got := a.list("name", "/v2.0/networks?sort_key=name&"+query, "networks"); !cmp.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	a.call(http.StatusNoContent, "DELETE", two+"/tags/c", "")
	a.fault(http.StatusNotFound, "TagNotFound", "", "DELETE", two+"/tags/c", "")
	a.call(http.StatusNoContent, "DELETE", two+"/tags", "")
	want(t, a.call(http.StatusOK, "GET", two+"/tags", ""), object{"tags": []any{}})
	a.fault(http.StatusBadRequest, "HTTPBadRequest", "Invalid tags body", "PUT", one+"/tags", `{}`)
	a.call(http.StatusNotFound, "GET", "/v2.0/networks/"+resttest.ID(99)+"/tags", "")
}

func TestRevision(t *testing.T) {
	a := newAPI(t)
	path := "/v2.0/networks/" + a.network("net")
	a.fault(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed", "", "PUT", path, `{"network":{"name":"x"}}`, "If-Match: revision_number=7")
	a.fault(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed", "", "DELETE", path, "", "If-Match: revision_number=7")
	a.fault(http.StatusBadRequest, "HTTPBadRequest", "If-Match", "PUT", path, `{"network":{}}`, `If-Match: "7"`)
	a.call(http.StatusOK, "PUT", path, `{"network":{"name":"x"}}`, "If-Match: revision_number=1")
	a.call(http.StatusNoContent, "DELETE", path, "", "If-Match: revision_number=2")
}

func TestBulk(t *testing.T) {
	a := newAPI(t)
	got := a.call(http.StatusCreated, "POST", "/v2.0/networks", `{"networks":[{"name":"a"},{"name":"b"}]}`)["networks"].([]any)
	if len(got) != 2 || got[1].(object)["name"] != "b" {
		t.Errorf("made %v", got)
	}
	a.call(http.StatusBadRequest, "POST", "/v2.0/networks", `{"networks":[{"name":"c"},{"name":5}]}`)
	if names := a.list("name", "/v2.0/networks", "networks"); len(names) != 2 {
		t.Errorf("there are %v", names)
	}
}

func TestDocuments(t *testing.T) {
	a := newAPI(t)
	version := a.call(http.StatusOK, "GET", "/", "")["versions"].([]any)[0].(object)
	if version["id"] != "v2.0" || version["links"].([]any)[0].(object)["href"] != "http://example.com/network/v2.0/" {
		t.Errorf("version %v", version)
	}
	for _, resource := range a.call(http.StatusOK, "GET", "/v2.0/", "")["resources"].([]any) {
		a.call(http.StatusOK, "GET", resource.(object)["links"].([]any)[0].(object)["href"].(string), "")
	}
	aliases := a.list("alias", "/v2.0/extensions", "extensions")
	if len(aliases) < 5 {
		t.Errorf("extensions %v", aliases)
	}
	for _, alias := range aliases {
		a.call(http.StatusOK, "GET", "/v2.0/extensions/"+alias, "")
	}
	a.fault(http.StatusNotFound, "ExtensionNotFound", "router", "GET", "/v2.0/extensions/router", "")
	a.fault(http.StatusNotFound, "HTTPNotFound", "", "GET", "/v2.0/routers", "")
	a.call(http.StatusMethodNotAllowed, "PATCH", "/v2.0/networks", "")
}

func TestBackendFails(t *testing.T) {
	a := newAPI(t)
	a.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("s")}, CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24"))}})
	a.Fail(&lb.Error{Kind: lb.ErrUnavailable, Msg: "no quorum"})
	a.fault(http.StatusServiceUnavailable, "HTTPServiceUnavailable", "no quorum", "GET", "/v2.0/subnets", "")
	a.fault(http.StatusServiceUnavailable, "HTTPServiceUnavailable", "no quorum", "POST", "/v2.0/networks", `{"network":{}}`)
	a.Fail(errors.New("disk on fire"))
	a.fault(http.StatusInternalServerError, "HTTPInternalServerError", "internal server error", "GET", "/v2.0/subnets", "")
}
