package octavia

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// callers are those whose rights differ. The world's load balancer belongs to p1.
var callers = map[string]access.Caller{
	"nobody":          {},
	"no-role":         {ProjectID: "p1"},
	"reader":          {ProjectID: "p1", Roles: []string{access.RoleReader}},
	"observer":        {ProjectID: "p1", Roles: []string{access.RoleObserver}},
	"member":          {ProjectID: "p1", Roles: []string{access.RoleMember}},
	"lb-member":       {ProjectID: "p1", Roles: []string{access.RoleLBMember}},
	"other-reader":    {ProjectID: "p2", Roles: []string{access.RoleReader}},
	"other-member":    {ProjectID: "p2", Roles: []string{access.RoleMember}},
	"system-reader":   {Roles: []string{access.RoleReader}},
	"system-member":   {Roles: []string{access.RoleMember}},
	"global-observer": {ProjectID: "p3", Roles: []string{access.RoleGlobalObserver}},
	"quota-admin":     {ProjectID: "p3", Roles: []string{access.RoleQuotaAdmin}},
	"lb-admin":        {ProjectID: "p3", Roles: []string{access.RoleLBAdmin}},
	"admin":           {ProjectID: "p3", Roles: []string{access.RoleAdmin}},
	"system-admin":    {Roles: []string{access.RoleAdmin}},
	"open":            {Open: true, ProjectID: "default"},
}

// Those who may, by rule. All others get 403, and nothing changes.
const (
	admins       = "lb-admin admin system-admin open"
	owners       = "member lb-member " + admins
	viewers      = "reader observer member lb-member global-observer " + admins
	everyReader  = viewers + " other-reader other-member system-reader system-member"
	projectUsers = viewers + " other-reader other-member" // whose list is of their own project
	creators     = "member lb-member other-member lb-admin admin open"
	quotaReaders = viewers + " quota-admin"
	quotaWriters = "quota-admin " + admins
)

// accessRules is every call of the API: who may make it, and the status that they get.
var accessRules = []struct {
	request, body, who string
	status             int
}{
	{"GET loadbalancers", "", projectUsers + " system-admin", 200},
	{"GET loadbalancers?project_id=p1", "", viewers, 200},
	{"GET loadbalancers?tenant_id=p1", "", viewers, 200},
	{"GET loadbalancers/{lb}", "", viewers, 200},
	{"GET loadbalancers/{lb}/status", "", viewers, 200},
	{"GET loadbalancers/{lb}/statuses", "", viewers, 200},
	{"GET loadbalancers/{lb}/stats", "", viewers, 200},
	{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","project_id":"p1"}}`, owners, 201},
	{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","tenant_id":"p1"}}`, owners, 201},
	{"PUT loadbalancers/{lb}", `{"loadbalancer":{"name":"x"}}`, owners, 200},
	{"PUT loadbalancers/{lb}/failover", "", admins, 202},
	{"DELETE loadbalancers/{lb}?cascade=true", "", owners, 204},

	{"GET loadbalancers/{free}", "", everyReader, 200},
	{"GET loadbalancers/{free}/status", "", everyReader, 200},
	{"PUT loadbalancers/{free}", `{"loadbalancer":{"name":"x"}}`, admins, 200},
	{"DELETE loadbalancers/{free}", "", admins, 204},
	{"POST listeners", `{"listener":{"loadbalancer_id":"{free}","protocol":"TCP","protocol_port":81}}`, admins, 201},

	{"GET listeners", "", projectUsers + " system-admin", 200},
	{"GET listeners/{listener}", "", viewers, 200},
	{"GET listeners/{listener}/stats", "", viewers, 200},
	{"POST listeners", `{"listener":{"loadbalancer_id":"{lb}","protocol":"TCP","protocol_port":81}}`, owners, 201},
	{"POST listeners", `{"listener":{"loadbalancer_id":"{lb}","protocol":"TCP","protocol_port":81,"project_id":"p2"}}`, owners, 201},
	{"PUT listeners/{listener}", `{"listener":{"name":"x"}}`, owners, 200},
	{"DELETE listeners/{listener}", "", owners, 204},

	{"GET pools", "", projectUsers + " system-admin", 200},
	{"GET pools/{pool}", "", viewers, 200},
	{"POST pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, owners, 201},
	{"POST pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","tenant_id":"p2"}}`, owners, 201},
	{"PUT pools/{pool}", `{"pool":{"name":"x"}}`, owners, 200},
	{"DELETE pools/{pool}", "", owners, 204},

	{"GET pools/{pool}/members", "", viewers, 200},
	{"GET pools/{pool}/members/{member}", "", viewers, 200},
	{"POST pools/{pool}/members", `{"member":{"address":"192.0.2.9","protocol_port":80}}`, owners, 201},
	{"PUT pools/{pool}/members", `{"members":[]}`, owners, 202},
	{"PUT pools/{pool}/members?additive_only=true", `{"members":[{"address":"192.0.2.9","protocol_port":80}]}`, owners, 202},
	{"PUT pools/{pool}/members/{member}", `{"member":{"weight":2}}`, owners, 200},
	{"DELETE pools/{pool}/members/{member}", "", owners, 204},

	{"GET healthmonitors", "", projectUsers + " system-admin", 200},
	{"GET healthmonitors/{monitor}", "", viewers, 200},
	{"POST healthmonitors", `{"healthmonitor":{"pool_id":"{bare}","type":"TCP","delay":5,"timeout":3,"max_retries":2}}`, owners, 201},
	{"PUT healthmonitors/{monitor}", `{"healthmonitor":{"delay":9}}`, owners, 200},
	{"DELETE healthmonitors/{monitor}", "", owners, 204},

	{"GET l7policies", "", projectUsers + " system-admin", 200},
	{"GET l7policies/{l7policy}", "", viewers, 200},
	{"POST l7policies", `{"l7policy":{"listener_id":"{listener}","action":"REJECT"}}`, owners, 201},
	{"PUT l7policies/{l7policy}", `{"l7policy":{"name":"x"}}`, owners, 200},
	{"DELETE l7policies/{l7policy}", "", owners, 204},
	{"GET l7policies/{l7policy}/rules", "", viewers, 200},
	{"GET l7policies/{l7policy}/rules/{rule}", "", viewers, 200},
	{"POST l7policies/{l7policy}/rules", `{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/y"}}`, owners, 201},
	{"PUT l7policies/{l7policy}/rules/{rule}", `{"rule":{"type":"PATH","compare_type":"EQUAL_TO","value":"/y"}}`, owners, 200},
	{"DELETE l7policies/{l7policy}/rules/{rule}", "", owners, 204},

	{"GET quotas", "", quotaReaders + " other-reader other-member", 200},
	{"GET quotas?project_id=p1", "", quotaReaders, 200},
	{"GET quotas/p1", "", quotaReaders, 200},
	{"GET quotas/p1/default", "", quotaReaders, 200},
	{"PUT quotas/p1", `{"quota":{"pool":5}}`, quotaWriters, 202},
	{"DELETE quotas/p1", "", quotaWriters, 202},

	{"GET flavors", "", everyReader, 200},
	{"GET flavors/{flavor}", "", everyReader, 200},
	{"POST flavors", `{"flavor":{"name":"new","flavor_profile_id":"{profile}"}}`, admins, 201},
	{"PUT flavors/{flavor}", `{"flavor":{"name":"x"}}`, admins, 200},
	{"DELETE flavors/{flavor}", "", admins, 204},
	{"GET flavorprofiles", "", admins, 200},
	{"GET flavorprofiles/{profile}", "", admins, 200},
	{"POST flavorprofiles", `{"flavorprofile":{"name":"new","provider_name":"amphora","flavor_data":"{}"}}`, admins, 201},
	{"PUT flavorprofiles/{profile}", `{"flavorprofile":{"name":"x"}}`, admins, 200},
	{"DELETE flavorprofiles/{spare}", "", admins, 204},
	{"GET availabilityzones", "", everyReader, 200},
	{"GET availabilityzones/az", "", everyReader, 200},
	{"POST availabilityzones", `{"availability_zone":{"name":"new","availability_zone_profile_id":"{zoneprofile}"}}`, admins, 201},
	{"PUT availabilityzones/az", `{"availability_zone":{"description":"x"}}`, admins, 200},
	{"DELETE availabilityzones/az", "", admins, 204},
	{"GET availabilityzoneprofiles", "", admins, 200},
	{"GET availabilityzoneprofiles/{zoneprofile}", "", admins, 200},
	{"POST availabilityzoneprofiles", `{"availability_zone_profile":{"name":"new","provider_name":"amphora","availability_zone_data":"{}"}}`, admins, 201},
	{"PUT availabilityzoneprofiles/{zoneprofile}", `{"availability_zone_profile":{"name":"x"}}`, admins, 200},
	{"DELETE availabilityzoneprofiles/{zonespare}", "", admins, 204},

	{"GET providers", "", everyReader, 200},
	{"GET providers/amphora/flavor_capabilities", "", admins, 200},
	{"GET providers/amphora/availability_zone_capabilities", "", admins, 200},

	{"GET octavia/amphorae", "", admins, 200},
	{"GET octavia/amphorae/{amphora}", "", admins, 200},
	{"GET octavia/amphorae/{amphora}/stats", "", admins, 404}, // nothing counted
	{"PUT octavia/amphorae/{amphora}/config", "", admins, 202},
	{"PUT octavia/amphorae/{amphora}/failover", "", admins, 202},
	{"DELETE octavia/amphorae/{amphora}", "", admins, 409},
	{"GET octavia/watch", "", projectUsers + " system-admin", 200},

	// What a port, a security group or a QoS policy of p1 is good for.
	{"POST loadbalancers", `{"loadbalancer":{"vip_port_id":"{port}","project_id":"p1"}}`, owners, 201},
	{"PUT loadbalancers/{lb}", `{"loadbalancer":{"vip_sg_ids":["{group}"],"vip_qos_policy_id":"{qos}"}}`, owners, 200},
}

// accessWorld is a world with one of what the rules name besides.
func accessWorld(t *testing.T) (*world, func(string) string) {
	t.Helper()
	w := newWorld(t)
	w.b.nodes = []Node{{ID: "n1", Alive: true}}
	w.b.Must(lb.SetQuota{ProjectID: "p1", Spec: lb.QuotaSpec{Pool: lb.Some(9)}})
	free := w.b.Must(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{VIPSubnetID: lb.Some(lb.SubnetID(w.subnet))}})
	profile := w.create("flavorprofiles", `{"flavorprofile":{"name":"p","provider_name":"amphora","flavor_data":"{}"}}`)
	zone := w.create("availabilityzoneprofiles", `{"availability_zone_profile":{"name":"z","provider_name":"amphora","availability_zone_data":"{}"}}`)
	a := w.ask("POST availabilityzones", `{"availability_zone":{"name":"az","availability_zone_profile_id":"`+zone+`"}}`)
	if a.Code != http.StatusCreated {
		t.Fatal(a.Body)
	}
	more := strings.NewReplacer(
		"{free}", free, "{profile}", profile, "{zoneprofile}", zone,
		"{flavor}", w.create("flavors", `{"flavor":{"name":"f","flavor_profile_id":"`+profile+`"}}`),
		"{spare}", w.create("flavorprofiles", `{"flavorprofile":{"name":"s","provider_name":"amphora","flavor_data":"{}"}}`),
		"{zonespare}", w.create("availabilityzoneprofiles", `{"availability_zone_profile":{"name":"s","provider_name":"amphora","availability_zone_data":"{}"}}`),
		"{bare}", w.create("pools", `{"pool":{"loadbalancer_id":"`+w.lb+`","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`),
		"{amphora}", amphoraID(lb.LoadBalancerID(w.lb), "n1"),
		"{port}", w.port("p1"), "{group}", w.group("p1"), "{qos}", w.qos("p1"),
	)
	return w, func(s string) string { return w.ids(more.Replace(s)) }
}

func (w *world) port(project string) string {
	subnet, _ := w.b.Config().Subnet(lb.SubnetID(w.subnet))
	return w.b.Must(lb.CreatePort{Spec: lb.PortSpec{MetaSpec: lb.MetaSpec{ProjectID: lb.Some(project)}, NetworkID: lb.Some(subnet.NetworkID)}})
}

func (w *world) group(project string) string {
	return w.b.Must(lb.CreateSecurityGroup{Spec: lb.SecurityGroupSpec{MetaSpec: lb.MetaSpec{ProjectID: lb.Some(project), Name: lb.Some("g")}}})
}

func (w *world) qos(project string) string {
	return w.b.Must(lb.CreateQoSPolicy{Spec: lb.QoSPolicySpec{MetaSpec: lb.MetaSpec{ProjectID: lb.Some(project), Name: lb.Some("q")}}})
}

func TestAccessRules(t *testing.T) {
	for _, rule := range accessRules {
		for name, who := range callers {
			want, may := http.StatusForbidden, slices.Contains(strings.Fields(rule.who), name)
			if may {
				want = rule.status
			}
			w, ids := accessWorld(t)
			before := w.b.Config().Revision()
			method, path, _ := strings.Cut(ids(rule.request), " ")
			a := ask(t, w.h, who, method+" /v2/lbaas/"+path, ids(rule.body))
			if a.Code != want {
				t.Errorf("%s %s by %s: %d %s, want %d", rule.request, rule.body, name, a.Code, a.Body, want)
			}
			if after := w.b.Config().Revision(); !may && after != before {
				t.Errorf("%s %s by %s changes something", rule.request, rule.body, name)
			}
		}
	}
}

// Lists show what the caller may see and nothing else, whatever is filtered by.
func TestListsShowOnesOwn(t *testing.T) {
	w, ids := accessWorld(t)
	for _, path := range []string{"loadbalancers", "listeners", "pools", "healthmonitors", "l7policies", "quotas"} {
		for _, filter := range []string{"", "?name=", "?id={lb}", "?project_id=", "?tenant_id=p2", "?loadbalancer_id={lb}", "?tags=x&sort=id&fields=id"} {
			if path == "quotas" && (strings.Contains(filter, "name") || strings.Contains(filter, "id={lb}") || strings.Contains(filter, "tags")) {
				continue // quotas have none of these
			}
			for _, name := range []string{"other-reader", "other-member"} {
				a := ask(t, w.h, callers[name], "GET /v2/lbaas/"+ids(path+filter), "")
				if a.Code != http.StatusOK || !strings.Contains(a.Body, `"`+path+`":[]`) {
					t.Errorf("%s lists %s%s: %d %s", name, path, filter, a.Code, a.Body)
				}
			}
		}
	}
	// A marker of another project is as good as none.
	if a := ask(t, w.h, callers["other-reader"], "GET /v2/lbaas/"+ids("loadbalancers?marker={lb}"), ""); a.Code != http.StatusBadRequest {
		t.Errorf("a foreign marker: %d %s", a.Code, a.Body)
	}
}

// References within a request do not reach into another project. It has the ids, and is
// told what it would be told of ids that nobody has.
func TestForeignReferences(t *testing.T) {
	w, ids := accessWorld(t)
	stranger := callers["other-member"]
	create := func(path, body string) string {
		a := ask(t, w.h, stranger, "POST /v2/lbaas/"+path, ids(body))
		if a.Code != http.StatusCreated {
			t.Fatalf("POST %s: %d %s", path, a.Code, a.Body)
		}
		return a.object(t)["id"].(string)
	}
	mine := create("loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}"}}`)
	listener := create("listeners", `{"listener":{"loadbalancer_id":"`+mine+`","protocol":"HTTP","protocol_port":80}}`)
	pool := create("pools", `{"pool":{"loadbalancer_id":"`+mine+`","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`)
	all := strings.NewReplacer("{mine}", mine, "{mylistener}", listener, "{mypool}", pool)
	before := w.b.Config().Revision()
	for _, tt := range []struct {
		request, body string
		status        int
		text          string
	}{
		{"POST loadbalancers", `{"loadbalancer":{"vip_port_id":"{port}"}}`, 400, "Port {port} not found."},
		{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","vip_sg_ids":["{group}"]}}`, 400, "Security Group {group} not found."},
		{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","vip_qos_policy_id":"{qos}"}}`, 400, "qos_policy {qos} not found."},
		{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","additional_vips":[{"subnet_id":"{subnet}","port_id":"{port}"}]}}`, 400, "Port {port} not found."},
		{"PUT loadbalancers/{mine}", `{"loadbalancer":{"vip_sg_ids":["{group}"]}}`, 400, "Security Group {group} not found."},
		{"PUT loadbalancers/{mine}", `{"loadbalancer":{"vip_qos_policy_id":"{qos}"}}`, 400, "qos_policy {qos} not found."},
		{"POST listeners", `{"listener":{"loadbalancer_id":"{mine}","protocol":"HTTP","protocol_port":81,"default_pool_id":"{bare}"}}`, 404, "Pool {bare} not found."},
		{"PUT listeners/{mylistener}", `{"listener":{"default_pool_id":"{bare}"}}`, 404, "Pool {bare} not found."},
		{"POST l7policies", `{"l7policy":{"listener_id":"{mylistener}","action":"REDIRECT_TO_POOL","redirect_pool_id":"{bare}"}}`, 404, "Pool {bare} not found."},
		{"POST pools", `{"pool":{"listener_id":"{mylistener}","loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 400, ""},
		{"POST pools", `{"pool":{"listener_id":"{listener}","loadbalancer_id":"{mine}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, 403, ""},
		{"GET pools/{mypool}/members/{member}", "", 404, ""},
		{"PUT pools/{mypool}/members/{member}", `{"member":{"weight":0}}`, 404, ""},
		{"DELETE pools/{mypool}/members/{member}", "", 404, ""},
	} {
		method, path, _ := strings.Cut(ids(all.Replace(tt.request)), " ")
		a := ask(t, w.h, stranger, method+" /v2/lbaas/"+path, ids(all.Replace(tt.body)))
		if a.Code != tt.status || !strings.Contains(a.fault(), ids(tt.text)) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.request, tt.body, a.Code, a.Body, tt.status, tt.text)
		}
	}
	if after := w.b.Config().Revision(); after != before {
		t.Error("something has changed")
	}
}

// Members on loopback would show the amphora's own services to whoever may make one: to
// its administrators only.
func TestMembersOnLoopback(t *testing.T) {
	for _, tt := range []struct{ request, body string }{
		{"POST pools/{pool}/members", `{"member":{"address":"127.0.0.1","protocol_port":9876}}`},
		{"POST pools/{pool}/members", `{"member":{"address":"::1","protocol_port":9876}}`},
		{"POST pools/{pool}/members", `{"member":{"address":"192.0.2.9","protocol_port":80,"monitor_address":"127.1.2.3"}}`},
		{"PUT pools/{pool}/members/{member}", `{"member":{"monitor_address":"127.0.0.1"}}`},
		{"PUT pools/{pool}/members", `{"members":[{"address":"192.0.2.9","protocol_port":80},{"address":"127.0.0.1","protocol_port":22}]}`},
		{"POST pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[{"address":"127.0.0.1","protocol_port":22}]}}`},
		{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","project_id":"p1","pools":[{"name":"p","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN",
			"members":[{"address":"127.0.0.1","protocol_port":22}]}]}}`},
	} {
		for name, ok := range map[string]bool{"member": false, "lb-member": false, "admin": true, "open": true} {
			w, ids := accessWorld(t)
			method, path, _ := strings.Cut(ids(tt.request), " ")
			a := ask(t, w.h, callers[name], method+" /v2/lbaas/"+path, ids(tt.body))
			refused := a.Code == http.StatusBadRequest && strings.Contains(a.fault(), "is not a valid option for")
			if ok != (a.Code < 300) || ok == refused {
				t.Errorf("%s %s by %s: %d %s", tt.request, tt.body, name, a.Code, a.Body)
			}
		}
	}
}
