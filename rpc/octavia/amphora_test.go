package octavia

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// balance makes a load balancer of project p1.
func balance(b *backend) string {
	subnet := b.Must(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public")}, CIDR: lb.Some(netip.MustParsePrefix("198.51.100.0/24")),
	}})
	return b.Must(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{
		MetaSpec: lb.MetaSpec{ProjectID: lb.Some("p1"), Name: lb.Some("web")}, VIPSubnetID: lb.Some(lb.SubnetID(subnet)),
	}})
}

// pair is a node with one load balancer in a cluster of two amphorae.
func pair(t *testing.T) (b *backend, balancer string) {
	t.Helper()
	b = newBackend(nil)
	balancer = balance(b)
	b.nodes = []Node{
		{ID: "node-a", Address: "192.0.2.1", Holder: true, Alive: true, Interface: "eth1"},
		{ID: "node-b", Address: "192.0.2.2", Alive: true},
	}
	return b, balancer
}

func onlyBalancer(b *backend) lb.LoadBalancerID {
	for t := range b.Config().Trees() {
		return t.LoadBalancer.ID
	}
	return ""
}

// rowsOf reads a list of an answer.
func rowsOf(t *testing.T, a answer, key string) []map[string]any {
	t.Helper()
	var all map[string]json.RawMessage
	var rows []map[string]any
	if err := json.Unmarshal([]byte(a.Body), &all); err != nil {
		t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	if err := json.Unmarshal(all[key], &rows); err != nil {
		t.Fatalf("%d %s: no list %s: %v", a.Code, a.Body, key, err)
	}
	return rows
}

func TestAmphorae(t *testing.T) {
	b, balancer := pair(t)
	h := New(Config{Backend: b})
	rows := rowsOf(t, ask(t, h, everybody, "GET /v2/octavia/amphorae?sort_key=role", ""), "amphorae")
	if len(rows) != 2 {
		t.Fatalf("got %v", rows)
	}
	backup, master := rows[0], rows[1]
	for key, want := range map[string]any{
		"role": "MASTER", "status": "ALLOCATED", "loadbalancer_id": balancer, "lb_network_ip": "192.0.2.1", "vrrp_priority": 100.0,
		"vrrp_interface": "eth1", "cert_busy": false, "cert_expiration": nil, "image_id": nil,
	} {
		if master[key] != want {
			t.Errorf("master: %s is %v, want %v", key, master[key], want)
		}
	}
	if len(master) != 20 || backup["role"] != "BACKUP" || backup["vrrp_interface"] != nil {
		t.Errorf("got %v and %v", master, backup)
	}

	path := "/v2.0/octavia/amphorae/" + master["id"].(string)
	other := "/v2.0/octavia/amphorae/" + backup["id"].(string)
	for _, tt := range []struct {
		request string
		code    int
		fault   string
	}{
		{"GET " + path, 200, ""},
		{"GET /v2/octavia/amphorae/" + strings.ReplaceAll(master["id"].(string), "-", ""), 200, ""},
		{"GET /v2/octavia/amphorae/nonsense", 404, "Amphora nonsense not found."},
		{"PUT " + path + "/config", 202, ""},
		{"PUT " + other + "/failover", 202, ""},
		{"PUT " + path + "/failover", 202, ""},
		{"PUT /v2/octavia/amphorae/nonsense/failover", 404, "Amphora nonsense not found."},
		{"DELETE " + path, 409, "Amphora " + master["id"].(string) + " is immutable and cannot be updated."},
		{"GET " + path + "/stats", 404, "Amphora stats for " + master["id"].(string) + " not found."},
		{"POST /v2/octavia/amphorae", 405, "The method POST is not allowed for this resource."},
	} {
		a := ask(t, h, everybody, tt.request, "")
		if a.Code != tt.code || tt.fault != "" && a.fault() != tt.fault {
			t.Errorf("%s: %d %s", tt.request, a.Code, a.Body)
		}
	}
	if !slices.Equal(b.moved, []string{"node-a"}) {
		t.Errorf("moved away from %v, want only from the holder", b.moved)
	}
	for filter, want := range map[string]int{
		"loadbalancer_id=" + balancer: 2, "role=MASTER": 1, "status=ERROR": 0, "project_id=p1": 2, "project_id=p2": 0, "loadbalancer_id=x": 0,
	} {
		if rows := rowsOf(t, ask(t, h, everybody, "GET /v2/octavia/amphorae?"+filter, ""), "amphorae"); len(rows) != want {
			t.Errorf("%s: %d amphorae, want %d", filter, len(rows), want)
		}
	}
	member := access.Caller{ProjectID: "p1", Roles: []string{access.RoleMember}}
	for _, request := range []string{"GET /v2/octavia/amphorae", "GET " + path, "GET /v2/octavia/amphorae/nonsense", "PUT " + path + "/failover"} {
		if a := ask(t, h, member, request, ""); a.Code != 403 {
			t.Errorf("%s by a member: %d %s", request, a.Code, a.Body)
		}
	}
}

func TestAmphoraSilent(t *testing.T) {
	b, _ := pair(t)
	b.nodes = []Node{{ID: "node-a"}}
	h := New(Config{Backend: b})
	a := rowsOf(t, ask(t, h, everybody, "GET /v2/octavia/amphorae", ""), "amphorae")[0]
	if a["status"] != "ERROR" || a["role"] != "STANDALONE" || a["vrrp_priority"] != nil {
		t.Errorf("got %v", a)
	}
	if got := ask(t, h, everybody, "DELETE /v2/octavia/amphorae/"+a["id"].(string), ""); got.Code != 501 || !strings.Contains(got.fault(), "node-a") {
		t.Errorf("delete: %d %s", got.Code, got.Body)
	}
}

func TestAmphoraStats(t *testing.T) {
	b, balancer := pair(t)
	listener := b.Must(lb.CreateListener{Spec: lb.ListenerSpec{
		LoadBalancerID: lb.Some(lb.LoadBalancerID(balancer)), Protocol: lb.Some(lb.ProtocolTCP), ProtocolPort: lb.Some(80),
	}})
	b.Count(map[string]map[lb.ListenerID]lb.Stats{"node-a": {
		lb.ListenerID(listener): {ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5}, "gone": {},
	}})
	id := amphoraID(lb.LoadBalancerID(balancer), "node-a")
	a := ask(t, New(Config{Backend: b}), everybody, "GET /v2/octavia/amphorae/"+id+"/stats", "")
	want := `{"amphora_stats":[{"active_connections":1,"bytes_in":3,"bytes_out":4,"id":"` + id + `","listener_id":"` + listener +
		`","loadbalancer_id":"` + balancer + `","request_errors":5,"total_connections":2}]}`
	if a.Code != 200 || a.Body != want {
		t.Errorf("got %d %s\nwant %s", a.Code, a.Body, want)
	}
}
