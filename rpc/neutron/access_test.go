package neutron_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// What an operator made for nobody in particular is seen by everybody, and changed by
// administrators.
func TestNobodysResources(t *testing.T) {
	roles := map[string]access.Caller{
		"member": caller(mine, access.RoleMember), "system": {Roles: []string{access.RoleMember}}, "admin": caller(mine, access.RoleAdmin),
	}
	for request, status := range map[string]int{
		"GET /v2.0/networks/{network}": 200, "GET /v2.0/subnets/{subnet}": 200, "GET /v2.0/security-groups/{group}": 200, "GET /v2.0/ports/{port}": 200,
		`PUT /v2.0/networks/{network} {"network":{"name":"x"}}`:                                                                          200,
		`PUT /v2.0/subnets/{subnet} {"subnet":{"name":"x"}}`:                                                                             200,
		`PUT /v2.0/ports/{port} {"port":{"name":"x"}}`:                                                                                   200,
		`PUT /v2.0/networks/{network}/tags {"tags":["x"]}`:                                                                               200,
		`POST /v2.0/subnets {"subnet":{"network_id":"{network}","name":"s","cidr":"198.51.100.0/24"}}`:                                   201,
		`POST /v2.0/networks {"network":{"name":"n","project_id":""}}`:                                                                   201,
		`POST /v2.0/security-group-rules {"security_group_rule":{"security_group_id":"{group}","direction":"ingress","protocol":"tcp"}}`: 201,
		"DELETE /v2.0/ports/{port}":                                                                                                      204, "DELETE /v2.0/security-groups/{group}": 204, "DELETE /v2.0/subnets/{subnet}": 204,
	} {
		for name, who := range roles {
			a := newAPI(t)
			network := a.Must(lb.CreateNetwork{Spec: lb.NetworkSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("lan")}}})
			subnet := a.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{
				MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, NetworkID: lb.Some(lb.NetworkID(network)), CIDR: lb.Some(netip.MustParsePrefix("192.0.2.0/24")),
			}})
			ids := strings.NewReplacer("{network}", network, "{subnet}", subnet,
				"{group}", a.Must(lb.CreateSecurityGroup{Spec: lb.SecurityGroupSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("g")}}}),
				"{port}", a.Must(lb.CreatePort{Spec: lb.PortSpec{NetworkID: lb.Some(lb.NetworkID(a.Must(lb.CreateNetwork{Spec: lb.NetworkSpec{}})))}}))
			before := a.Config().Revision()
			parts := append(strings.SplitN(request, " ", 3), "")
			want := status
			if name != "admin" && parts[0] != "GET" {
				want = http.StatusForbidden
			}
			a.caller = who
			a.call(want, parts[0], ids.Replace(parts[1]), ids.Replace(parts[2]))
			if want == http.StatusForbidden && a.Config().Revision() != before {
				t.Errorf("%s by %s changes something", request, name)
			}
		}
	}
}

// A port or a rule does not refer to what belongs to another project.
func TestForeignReferences(t *testing.T) {
	a := newAPI(t)
	network := a.network("net")
	group := a.create("/v2.0/security-groups", "security_group", `{"name":"g"}`)["id"].(string)
	policy := a.Must(lb.CreateQoSPolicy{Spec: lb.QoSPolicySpec{MetaSpec: lb.MetaSpec{Name: lb.Some("q"), ProjectID: lb.Some(mine)}}})
	shared := a.Must(lb.CreateQoSPolicy{Spec: lb.QoSPolicySpec{MetaSpec: lb.MetaSpec{Name: lb.Some("s"), ProjectID: lb.Some(mine)}, Shared: lb.Some(true)}})
	a.caller = caller(theirs, access.RoleMember)
	port := a.create("/v2.0/ports", "port", `{"network_id":"`+network+`"}`)["id"].(string)
	own := a.create("/v2.0/security-groups", "security_group", `{"name":"o"}`)["id"].(string)
	for _, ref := range []string{`"security_groups":["` + group + `"]`, `"qos_policy_id":"` + policy + `"`} {
		a.call(http.StatusNotFound, "POST", "/v2.0/ports", `{"port":{"network_id":"`+network+`",`+ref+`}}`)
		a.call(http.StatusNotFound, "POST", "/v2.0/ports", `{"ports":[{"network_id":"`+network+`"},{"network_id":"`+network+`",`+ref+`}]}`)
		a.call(http.StatusNotFound, "PUT", "/v2.0/ports/"+port, `{"port":{`+ref+`}}`)
	}
	a.call(http.StatusNotFound, "POST", "/v2.0/security-group-rules",
		`{"security_group_rule":{"security_group_id":"`+own+`","direction":"ingress","remote_group_id":"`+group+`"}}`)
	a.call(http.StatusOK, "PUT", "/v2.0/ports/"+port, `{"port":{"qos_policy_id":"`+shared+`"}}`)
}
