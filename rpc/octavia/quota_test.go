package octavia

import (
	"testing"

	"github.com/amphora-lb/amphora/rpc/access"
)

// step is a request and what it must answer: a status, and a fault or a body if not "".
type step struct {
	request, body string
	code          int
	want          string
}

func walk(t *testing.T, b *backend, who access.Caller, steps []step) {
	t.Helper()
	h := New(Config{Backend: b})
	for _, s := range steps {
		a := ask(t, h, who, s.request, s.body)
		got := a.Body
		if a.Code >= 400 {
			got = a.fault()
		}
		if a.Code != s.code || s.want != "" && got != s.want {
			t.Errorf("%s %s: %d %s\nwant %d %s", s.request, s.body, a.Code, got, s.code, s.want)
		}
	}
}

func TestQuotas(t *testing.T) {
	const unlimited = `{"quota":{"project_id":"q","loadbalancer":-1,"load_balancer":-1,"listener":-1,"member":-1,"pool":-1,"healthmonitor":-1,"health_monitor":-1,"l7policy":-1,"l7rule":-1}}`
	walk(t, newBackend(nil), everybody, []step{
		{"GET /v2.0/quotas/q", "", 200, unlimited},
		{"GET /v2/lbaas/quotas/q/default", "", 200, unlimited},
		{"GET /v2/lbaas/quotas", "", 200, `{"quotas":[],"quotas_links":[]}`},
		{"DELETE /v2/lbaas/quotas/q", "", 404, "Quotas q not found."},
		{
			"PUT /v2/lbaas/quotas/q", `{"quota":{"load_balancer":1,"healthmonitor":"2","pool":3.0}}`, 202,
			`{"quota":{"project_id":"q","loadbalancer":1,"load_balancer":1,"listener":-1,"member":-1,"pool":3,"healthmonitor":2,"health_monitor":2,"l7policy":-1,"l7rule":-1}}`,
		},
		{"GET /v2/lbaas/quotas?fields=project_id&fields=pool", "", 200, `{"quotas":[{"project_id":"q","pool":3}],"quotas_links":[]}`},
		{"GET /v2/lbaas/quotas?project_id=other", "", 200, `{"quotas":[],"quotas_links":[]}`},
		{"GET /v2/lbaas/quotas/q/default", "", 200, unlimited},
		{"PUT /v2/lbaas/quotas/q", `{"quota":{"pool":-2}}`, 400, "Invalid input for field/attribute pool. Value: '-2'. Value should be greater or equal to -1"},
		{"PUT /v2/lbaas/quotas/q", `{"quota":{"pool":2000000001}}`, 400, "Invalid input for field/attribute pool. Value: '2000000001'. Value should be lower or equal to 2000000000"},
		{"PUT /v2/lbaas/quotas/q", `{"quota":{"zebra":1}}`, 400, "Unknown attribute for argument quotas.quota: zebra"},
		{"PUT /v2/lbaas/quotas/q", `{"quota":{"pool":null}}`, 202, ""},
		{"GET /v2/lbaas/quotas/q?fields=pool", "", 200, `{"quota":{"pool":-1}}`},
		{"DELETE /v2/lbaas/quotas/q", "", 202, ""},
		{"GET /v2/lbaas/quotas/q", "", 200, unlimited},
		{"POST /v2/lbaas/quotas", "{}", 405, ""},
	})
	mine := access.Caller{ProjectID: "q", Roles: []string{access.RoleMember}}
	walk(t, newBackend(nil), mine, []step{
		{"GET /v2/lbaas/quotas/q", "", 200, unlimited},
		{"GET /v2/lbaas/quotas", "", 200, ""},
		{"GET /v2/lbaas/quotas/other", "", 403, "Policy does not allow this request to be performed."},
		{"GET /v2/lbaas/quotas?project_id=other", "", 403, ""},
		{"GET /v2/lbaas/quotas/other/default", "", 403, ""},
		{"PUT /v2/lbaas/quotas/q", `{"quota":{}}`, 403, ""},
		{"DELETE /v2/lbaas/quotas/q", "", 403, ""},
	})
	walk(t, newBackend(nil), access.Caller{ProjectID: "ops", Roles: []string{access.RoleQuotaAdmin}}, []step{
		{"PUT /v2/lbaas/quotas/q", `{"quota":{"pool":1}}`, 202, ""},
		{"GET /v2/lbaas/quotas/q", "", 200, ""},
		{"GET /v2/lbaas/quotas?project_id=q&fields=pool", "", 200, `{"quotas":[{"pool":1}],"quotas_links":[]}`},
	})
}

func TestFlavors(t *testing.T) {
	b := newBackend(nil)
	profile, flavor := "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	one := `{"id":"` + flavor + `","name":"f","description":"","enabled":true,"flavor_profile_id":"` + profile + `"}`
	data := `"flavor_data":"{\"loadbalancer_topology\":\"SINGLE\"}"`
	walk(t, b, everybody, []step{
		{"POST /v2/lbaas/flavorprofiles", `{"flavorprofile":{"name":"p","provider_name":"amphora",` + data + `}}`, 201, ""},
		{"POST /v2/lbaas/flavors", `{"flavor":{"name":"f","flavor_profile_id":"` + profile + `"}}`, 201, `{"flavor":` + one + `}`},
		{"GET /v2/lbaas/flavors/" + flavor, "", 200, `{"flavor":` + one + `}`},
		{"GET /v2/lbaas/flavors?name=f", "", 200, `{"flavors":[` + one + `],"flavors_links":[]}`},
		{"GET /v2/lbaas/flavors?enabled=false", "", 200, `{"flavors":[],"flavors_links":[]}`},
		{"GET /v2/lbaas/flavors?tags=ignored&fields=name", "", 200, `{"flavors":[{"name":"f"}],"flavors_links":[]}`},
		{"GET /v2/lbaas/flavors/00000000-0000-0000-0000-000000000000", "", 404, "Flavor 00000000-0000-0000-0000-000000000000 not found."},
		{"GET /v2/lbaas/flavorprofiles", "", 200, `{"flavorprofiles":[{"id":"` + profile + `","name":"p","provider_name":"amphora",` + data + `}],"flavorprofile_links":[]}`},
		{"POST /v2/lbaas/flavors", `{"flavor":{"name":"f","flavor_profile_id":"` + profile + `"}}`, 409, ""},
		{"POST /v2/lbaas/flavors", `{"flavor":{"name":"g"}}`, 400, "Invalid input for field/attribute flavor_profile_id. Value: 'None'. Mandatory field missing."},
		{"POST /v2/lbaas/flavors", `{"flavor":{"name":"g","flavor_profile_id":"x"}}`, 400, "Invalid input for field/attribute flavor_profile_id. Value: 'x'. Value should be UUID format"},
		{"PUT /v2/lbaas/flavors/" + flavor, `{"flavor":{"flavor_profile_id":"` + profile + `"}}`, 400, "Unknown attribute for argument flavor_.flavor: flavor_profile_id"},
		{"PUT /v2/lbaas/flavors/" + flavor, `{"flavor":{"enabled":"no"}}`, 200, ""},
		{"GET /v2/lbaas/flavors/" + flavor + "?fields=enabled", "", 200, `{"flavor":{"enabled":false}}`},
		{"POST /v2/lbaas/flavorprofiles", `{"flavorprofile":{"name":"p","provider_name":"amphora","flavor_data":"{"}}`, 400, ""},
		{"POST /v2/lbaas/flavorprofiles", `{"flavorprofile":{"name":"p","provider_name":"amphora","flavor_data":"{\"zebra\":1}"}}`, 501, ""},
		{"DELETE /v2/lbaas/flavorprofiles/" + profile, "", 409, ""},
		{"DELETE /v2/lbaas/flavors/" + flavor, "", 204, ""},
		{"DELETE /v2/lbaas/flavors/" + flavor, "", 404, "Flavor " + flavor + " not found."},
		{"DELETE /v2/lbaas/flavorprofiles/" + profile, "", 204, ""},
	})
	walk(t, b, access.Caller{ProjectID: "p", Roles: []string{access.RoleMember}}, []step{
		{"GET /v2/lbaas/flavors", "", 200, ""},
		{"POST /v2/lbaas/flavors", `{}`, 403, ""},
		{"GET /v2/lbaas/flavorprofiles", "", 403, ""},
	})
}

func TestAvailabilityZones(t *testing.T) {
	b := newBackend(nil)
	profile := "00000000-0000-4000-8000-000000000001"
	// A name that reads like a UUID is a name.
	const name = "0123456789abcdef0123456789abcdef"
	one := `{"name":"` + name + `","description":"","enabled":true,"availability_zone_profile_id":"` + profile + `"}`
	walk(t, b, everybody, []step{
		{"POST /v2/lbaas/availabilityzoneprofiles", `{"availability_zone_profile":{"name":"p","provider_name":"amphora","availability_zone_data":"{\"compute_zone\":\"x\"}"}}`, 201, ""},
		{"POST /v2/lbaas/availabilityzones", `{"availability_zone":{"name":"` + name + `","availability_zone_profile_id":"` + profile + `"}}`, 201, `{"availability_zone":` + one + `}`},
		{"POST /v2/lbaas/availabilityzones", `{"availability_zone":{"name":"` + name + `","availability_zone_profile_id":"` + profile + `"}}`, 409, ""},
		{"GET /v2/lbaas/availabilityzones/" + name, "", 200, `{"availability_zone":` + one + `}`},
		{"GET /v2/lbaas/availabilityzones/no", "", 404, "Availability Zone no not found."},
		{"GET /v2/lbaas/availabilityzones", "", 200, `{"availability_zones":[` + one + `],"availability_zones_links":[]}`},
		{"PUT /v2/lbaas/availabilityzones/" + name, `{"availability_zone":{"name":"x"}}`, 400, "Unknown attribute for argument availability_zone_.availability_zone: name"},
		{"PUT /v2/lbaas/availabilityzones/" + name, `{"availability_zone":{"description":"d"}}`, 200, ""},
		{"GET /v2/lbaas/availabilityzoneprofiles?fields=name", "", 200, `{"availability_zone_profiles":[{"name":"p"}],"availability_zone_profile_links":[]}`},
		{"DELETE /v2/lbaas/availabilityzoneprofiles/" + profile, "", 409, ""},
		{"DELETE /v2/lbaas/availabilityzones/" + name, "", 204, ""},
		{"DELETE /v2/lbaas/availabilityzoneprofiles/" + profile, "", 204, ""},
	})
}

func TestProviders(t *testing.T) {
	walk(t, newBackend(nil), everybody, []step{
		{"GET /v2/lbaas/providers", "", 200, `{"providers":[{"name":"amphora","description":"The Octavia Amphora driver."},{"name":"octavia","description":"Deprecated alias of the Octavia Amphora driver."}]}`},
		{"GET /v2/lbaas/providers/amphora/flavor_capabilities?name=compute_flavor", "", 200, `{"flavor_capabilities":[{"name":"compute_flavor","description":"The compute driver flavor ID."}]}`},
		{"GET /v2/lbaas/providers/amphora/availability_zone_capabilities?fields=name&name=volume_zone", "", 200, `{"availability_zone_capabilities":[{"name":"volume_zone"}]}`},
		{"GET /v2/lbaas/providers/other/flavor_capabilities", "", 400, "Provider 'other' is not enabled."},
	})
	walk(t, newBackend(nil), access.Caller{ProjectID: "p", Roles: []string{access.RoleMember}}, []step{
		{"GET /v2/lbaas/providers", "", 200, ""},
		{"GET /v2/lbaas/providers/amphora/flavor_capabilities", "", 403, ""},
	})
}
