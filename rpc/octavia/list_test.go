package octavia

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// crowd is a node with load balancers lb0, lb1 ... of project p1, but for the last, which
// is of p2. Even ones have the tag even, every third one the tag third.
func crowd(tb testing.TB, n int) *backend {
	tb.Helper()
	b := newBackend(nil)
	subnet := b.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, CIDR: lb.Some(netip.MustParsePrefix("10.0.0.0/8")),
	}})
	for i := range n {
		tags, project := []string{}, "p1"
		if i%2 == 0 {
			tags = append(tags, "even")
		}
		if i%3 == 0 {
			tags = append(tags, "third")
		}
		if i == n-1 {
			project = "p2"
		}
		b.Must(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
			MetaSpec: lb.MetaSpec{
				ProjectID: lb.Some(project), Name: lb.Some(fmt.Sprint("lb", i)), Tags: lb.Some(tags),
				AdminStateUp: lb.Some(i != 1), Description: lb.Some(fmt.Sprint(i % 2)),
			},
			VIPSubnetID: lb.Some(lb.SubnetID(subnet)),
		}})
	}
	return b
}

func namesOf(t *testing.T, a answer) string {
	t.Helper()
	var names []string
	for _, row := range rowsOf(t, a, "loadbalancers") {
		names = append(names, strings.TrimPrefix(row["name"].(string), "lb"))
	}
	return strings.Join(names, " ")
}

func TestList(t *testing.T) {
	b := crowd(t, 7)
	h := New(Config{Backend: b})
	id := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n+2) } // lb0 is the second change
	for query, want := range map[string]string{
		"":                            "0 1 2 3 4 5 6",
		"sort=name:desc":              "6 5 4 3 2 1 0",
		"sort_key=name&sort_dir=desc": "6 5 4 3 2 1 0",
		"sort=description,name:desc":  "6 4 2 0 5 3 1",
		"sort_key=description,name&sort_dir=desc,desc": "5 3 1 6 4 2 0",
		"sort_key=description&sort_key=name":           "0 2 4 6 1 3 5",
		"sort=admin_state_up":                          "1 0 2 3 4 5 6",
		"sort=vip_address:desc&limit=2":                "6 5",
		"limit=2":                                      "0 1",
		"limit=0":                                      "0 1 2 3 4 5 6",
		"limit=-5":                                     "0 1 2 3 4 5 6",
		"limit=infinite":                               "0 1 2 3 4 5 6",
		"limit=2&marker=" + id(1):                      "2 3",
		"limit=2&marker=" + strings.ReplaceAll(id(1), "-", ""): "2 3",
		"marker=" + id(6): "",
		"limit=2&page_reverse=True&marker=" + id(4): "2 3",
		"limit=9&page_reverse=True&marker=" + id(1): "0",
		"name=lb3":                           "3",
		"id=" + id(3):                        "3",
		"name=nobody":                        "",
		"admin_state_up=false":               "1",
		"admin_state_up=True&description=1":  "3 5",
		"provisioning_status=ACTIVE&limit=1": "0",
		"provisioning_status=ERROR":          "",
		"operating_status=ONLINE&name=lb1":   "",
		"project_id=p2":                      "6",
		"tenant_id=p2":                       "6",
		"tags=even,third":                    "0 6",
		"tags=even&tags=third":               "0 6",
		"tags-any=even,third":                "0 2 3 4 6",
		"not-tags=even,third":                "1 2 3 4 5",
		"not-tags-any=even,third":            "1 5",
		"tags=even&not-tags=third":           "2 4",
	} {
		a := ask(t, h, everybody, "GET /v2/lbaas/loadbalancers?"+query, "")
		if a.Code != 200 {
			t.Errorf("%s: %d %s", query, a.Code, a.Body)
		} else if got := namesOf(t, a); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"limit=x":                   "Supplied pagination limit 'x' is not valid.",
		"marker=x":                  "Supplied pagination marker 'x' is not valid.",
		"sort=zebra":                "Supplied sort key 'zebra' is not valid.",
		"sort=listeners":            "Supplied sort key 'listeners' is not valid.",
		"sort=name:up":              "Supplied sort direction 'up' is not valid.",
		"sort_key=name&sort_dir=up": "Supplied sort direction 'up' is not valid.",
		"zebra=1":                   "One or more arguments are either duplicate or invalid",
		"name=a&name=b":             "One or more arguments are either duplicate or invalid",
		"listeners=x":               "One or more arguments are either duplicate or invalid",
	} {
		if a := ask(t, h, everybody, "GET /v2/lbaas/loadbalancers?"+query, ""); a.Code != 400 || a.fault() != want {
			t.Errorf("%s: %d %s", query, a.Code, a.Body)
		}
	}
}

func TestLinks(t *testing.T) {
	b := crowd(t, 5)
	id := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n+2) }
	const at = "http://example.com/v2/lbaas/loadbalancers?"
	for _, tt := range []struct {
		config         Config
		query          string
		previous, next string
	}{
		{Config{}, "", "", ""},
		{Config{}, "limit=2", "", at + "limit=2&marker=" + id(1)},
		{Config{}, "limit=2&marker=" + id(1), at + "limit=2&marker=" + id(2) + "&page_reverse=True", at + "limit=2&marker=" + id(3)},
		{Config{}, "limit=2&marker=" + id(3), at + "limit=2&marker=" + id(4) + "&page_reverse=True", ""},
		{Config{}, "limit=5", "", at + "limit=5&marker=" + id(4)},
		{Config{}, "limit=2&marker=" + id(4), "", ""},
		{Config{}, "limit=1&sort=name:desc&tags=even", "", at + "limit=1&sort=name%3Adesc&tags=even&marker=" + id(4)},
		{Config{PageLimit: 3}, "", "", at + "limit=3&marker=" + id(2)},
		{Config{PageLimit: 3}, "limit=infinite", "", at + "limit=3&marker=" + id(2)},
		{Config{BaseURI: "https://lb.example/load-balancer/"}, "limit=1", "", "https://lb.example/load-balancer/v2/lbaas/loadbalancers?limit=1&marker=" + id(0)},
	} {
		tt.config.Backend = b
		got := map[string]string{}
		for _, l := range rowsOf(t, ask(t, New(tt.config), everybody, "GET /v2/lbaas/loadbalancers?"+tt.query, ""), "loadbalancers_links") {
			got[l["rel"].(string)] = l["href"].(string)
		}
		if got["previous"] != tt.previous || got["next"] != tt.next {
			t.Errorf("%s: got %v\nwant previous %s\nnext %s", tt.query, got, tt.previous, tt.next)
		}
	}
}

func TestFields(t *testing.T) {
	b := crowd(t, 1)
	walk(t, b, everybody, []step{
		{"GET /v2/lbaas/loadbalancers?fields=name&fields=admin_state_up", "", 200, `{"loadbalancers":[{"name":"lb0","admin_state_up":true}],"loadbalancers_links":[]}`},
		{"GET /v2/lbaas/loadbalancers?fields=zebra", "", 200, `{"loadbalancers":[{}],"loadbalancers_links":[]}`},
		{"GET /v2/lbaas/loadbalancers/00000000-0000-4000-8000-000000000002?fields=name", "", 200, `{"loadbalancer":{"name":"lb0"}}`},
	})
}

// Who may see and change what: a stranger learns nothing, and a foreign object is
// forbidden where a missing one is not found.
func TestAccess(t *testing.T) {
	b := crowd(t, 3)
	const mine, foreign, none = "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000004", "22222222-2222-4222-8222-222222222222"
	caller := func(roles ...string) access.Caller { return access.Caller{ProjectID: "p1", Roles: roles} }
	const list = "GET /v2/lbaas/loadbalancers"
	for _, tt := range []struct {
		name                             string
		who                              access.Caller
		list, other, mine, foreign, none int
		put, putFor, del                 int
	}{
		{"nobody", access.Caller{}, 403, 403, 403, 403, 403, 403, 403, 403},
		{"no role", caller(), 403, 403, 403, 403, 403, 403, 403, 403},
		{"reader", caller(access.RoleReader), 200, 403, 200, 403, 404, 403, 403, 403},
		{"member", caller(access.RoleMember), 200, 403, 200, 403, 404, 200, 403, 404},
		{"global observer", caller(access.RoleGlobalObserver), 200, 200, 200, 200, 404, 403, 403, 403},
		{"admin", caller(access.RoleAdmin), 200, 200, 200, 200, 404, 200, 200, 404},
	} {
		h := New(Config{Backend: b})
		for request, want := range map[string]int{
			list: tt.list, list + "?project_id=p2": tt.other, list + "/" + mine: tt.mine, list + "/" + foreign: tt.foreign, list + "/" + none: tt.none,
			"PUT /v2/lbaas/loadbalancers/" + mine: tt.put, "PUT /v2/lbaas/loadbalancers/" + foreign: tt.putFor, "DELETE /v2/lbaas/loadbalancers/" + none: tt.del,
		} {
			if a := ask(t, h, tt.who, request, `{"loadbalancer":{}}`); a.Code != want {
				t.Errorf("%s: %s: %d %s, want %d", tt.name, request, a.Code, a.Body, want)
			}
		}
	}
	h := New(Config{Backend: b})
	for who, want := range map[string]string{access.RoleReader: "0 1", access.RoleMember: "0 1", access.RoleGlobalObserver: "0 1 2", access.RoleAdmin: "0 1 2"} {
		if got := namesOf(t, ask(t, h, caller(who), list, "")); got != want {
			t.Errorf("%s sees %s, want %s", who, got, want)
		}
	}
	body := func(project string) string {
		return `{"loadbalancer":{"vip_subnet_id":"00000000-0000-4000-8000-000000000001"` + project + `}}`
	}
	for _, tt := range []struct {
		who  access.Caller
		body string
		want int
	}{
		{caller(access.RoleMember), body(""), 201},
		{caller(access.RoleMember), body(`,"project_id":"p2"`), 403},
		{caller(access.RoleMember), body(`,"tenant_id":"p2"`), 403},
		{caller(access.RoleReader), body(""), 403},
		{caller(access.RoleReader), "{", 403},
		{caller(access.RoleAdmin), body(`,"project_id":"p2"`), 201},
		{access.Caller{Open: true}, body(""), 400},
	} {
		if a := ask(t, h, tt.who, "POST /v2/lbaas/loadbalancers", tt.body); a.Code != tt.want {
			t.Errorf("%+v creates %s: %d %s", tt.who, tt.body, a.Code, a.Body)
		}
	}
}

// A list of 1,000 load balancers, statuses and all.
func BenchmarkList(b *testing.B) {
	h := New(Config{Backend: crowd(b, 1000)})
	r, err := http.NewRequestWithContext(access.With(b.Context(), everybody), http.MethodGet, "/v2/lbaas/loadbalancers", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if a := send(h, r); a.Code != 200 {
			b.Fatal(a.Body)
		}
	}
}

// Load balancers of one second are listed as they were created, whatever their ids, and
// sort=created_at:desc turns that around.
func TestListKeepsTheOrderOfCreation(t *testing.T) {
	b := crowd(t, 0)
	subnet := slices.Collect(b.Config().Subnets())[0].ID
	for i := range 4 {
		b.Must(lb.Batch{Ops: []lb.Op{
			lb.CreateLoadBalancer{
				ID:   lb.LoadBalancerID(fmt.Sprintf("99999999-0000-4000-8000-%012d", 9-i)),
				Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some(fmt.Sprint("lb", 2*i))}, VIPSubnetID: lb.Some(subnet)},
			},
			lb.CreateLoadBalancer{
				ID:   lb.LoadBalancerID(fmt.Sprintf("88888888-0000-4000-8000-%012d", 9-i)),
				Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some(fmt.Sprint("lb", 2*i+1))}, VIPSubnetID: lb.Some(subnet)},
			},
		}})
	}
	h := New(Config{Backend: b})
	for query, want := range map[string]string{"": "0 1 2 3 4 5 6 7", "sort=created_at:desc": "7 6 5 4 3 2 1 0"} {
		if got := namesOf(t, ask(t, h, everybody, "GET /v2/lbaas/loadbalancers?"+query, "")); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
}
