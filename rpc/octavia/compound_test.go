package octavia

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
)

const wholeTree = `{"loadbalancer":{"vip_subnet_id":"{subnet}","name":"full",
	"listeners":[{"name":"l","protocol":"HTTP","protocol_port":80,"default_pool":{"name":"web"},
		"l7policies":[{"name":"policy","action":"REDIRECT_TO_POOL",
			"redirect_pool":{"name":"other","protocol":"HTTP","lb_algorithm":"SOURCE_IP","members":[{"address":"192.0.2.5","protocol_port":80}]},
			"rules":[{"type":"PATH","compare_type":"STARTS_WITH","value":"/x"}]}]}],
	"pools":[{"name":"web","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","members":[{"address":"192.0.2.4","protocol_port":80,"weight":"7"}],
		"healthmonitor":{"type":"HTTP","delay":5,"timeout":3,"max_retries":2,"http_version":"1.1","domain_name":"a.example"}}]}}`

// A fully populated create answers with the tree, and what it made can be asked for.
func TestFullyPopulatedCreate(t *testing.T) {
	w := newWorld(t)
	a := w.ask("POST loadbalancers", wholeTree)
	if a.Code != http.StatusCreated {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	type monitor struct {
		ID          string
		HTTPVersion float64 `json:"http_version"`
	}
	type object struct {
		ID, Name    string
		Status      string `json:"provisioning_status"`
		Operating   string `json:"operating_status"`
		DefaultPool string `json:"default_pool_id"`
		Redirect    string `json:"redirect_pool_id"`
		Address     string
		Weight      int
		Monitor     *monitor `json:"healthmonitor"`
		Members     []object
		L7Policies  []object
		Rules       []object
		Listeners   []object
		Pools       []object
	}
	var root struct{ Loadbalancer object }
	if err := json.Unmarshal([]byte(a.Body), &root); err != nil {
		t.Fatal(err)
	}
	b := root.Loadbalancer
	if len(b.Pools) != 2 || len(b.Listeners) != 1 || len(b.Listeners[0].L7Policies) != 1 || len(b.Listeners[0].L7Policies[0].Rules) != 1 {
		t.Fatalf("not whole: %s", a.Body)
	}
	web, other := b.Pools[0], b.Pools[1]
	if web.Name != "web" {
		web, other = other, web
	}
	l := b.Listeners[0]
	if l.DefaultPool != web.ID || l.L7Policies[0].Redirect != other.ID {
		t.Errorf("default pool %s, redirect pool %s, want %s and %s", l.DefaultPool, l.L7Policies[0].Redirect, web.ID, other.ID)
	}
	if len(web.Members) != 1 || web.Members[0].Weight != 7 || web.Members[0].Operating != "OFFLINE" || len(other.Members) != 1 || other.Members[0].Operating != "NO_MONITOR" {
		t.Errorf("members %+v and %+v", web.Members, other.Members)
	}
	if web.Monitor == nil || web.Monitor.HTTPVersion != 1.1 || other.Monitor != nil {
		t.Errorf("monitors %+v and %+v", web.Monitor, other.Monitor)
	}
	for _, o := range []object{b, l, l.L7Policies[0], l.L7Policies[0].Rules[0], web, other, web.Members[0]} {
		if o.Status != "PENDING_CREATE" || o.ID == "" {
			t.Errorf("%s %s is %s", o.Name, o.ID, o.Status)
		}
	}
	for _, path := range []string{
		"loadbalancers/" + b.ID, "listeners/" + l.ID, "pools/" + web.ID, "pools/" + other.ID + "/members/" + other.Members[0].ID,
		"healthmonitors/" + web.Monitor.ID, "l7policies/" + l.L7Policies[0].ID + "/rules/" + l.L7Policies[0].Rules[0].ID,
	} {
		if a := w.ask("GET "+path, ""); a.Code != http.StatusOK || !strings.Contains(a.Body, `"ACTIVE"`) {
			t.Errorf("%s: %d %s", path, a.Code, a.Body)
		}
	}
	if a := w.ask("DELETE loadbalancers/"+b.ID, ""); a.Code != http.StatusBadRequest || !strings.Contains(a.fault(), "has children") {
		t.Errorf("delete with children: %d %s", a.Code, a.fault())
	}
	if a := w.ask("DELETE loadbalancers/"+b.ID+"?cascade=True", ""); a.Code != http.StatusNoContent || a.Body != "" {
		t.Errorf("cascade: %d %s", a.Code, a.Body)
	}
	if a := w.ask("GET listeners/"+l.ID, ""); a.Code != http.StatusNotFound {
		t.Errorf("listener after the cascade: %d", a.Code)
	}
}

// What is wrong with a fully populated create is told in Octavia's words, and nothing is made.
func TestFullyPopulatedCreateRefused(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"unnamed definition": {`"pools":[{"name":"web",`, `"pools":[{`, "Pools must be named when creating a fully populated loadbalancer."},
		"unnamed reference":  {`"default_pool":{"name":"web"}`, `"default_pool":{}`, "Pools must be named when creating a fully populated loadbalancer."},
		"name twice":         {`"redirect_pool":{"name":"other"`, `"redirect_pool":{"name":"web"`, "Pool names must be unique when creating a fully populated loadbalancer."},
		"no definition":      {`"default_pool":{"name":"web"}`, `"default_pool":{"name":"nowhere","tls_enabled":false}`, "Pool 'nowhere' was referenced but no full definition was found."},
		"no algorithm":       {`"lb_algorithm":"ROUND_ROBIN",`, ``, "Pool definition for 'web' missing required attribute: lb_algorithm"},
		"no protocol":        {`"name":"web","protocol":"HTTP",`, `"name":"web",`, "Pool definition for 'web' missing required attribute: protocol"},
		"bad regex":          {`"STARTS_WITH","value":"/x"`, `"REGEX","value":"["`, "Error parsing L7Rule: "},
		"unknown attribute":  {`"weight":"7"`, `"bogus":1`, "Unknown attribute for argument load_balancer.loadbalancer.pools.members: bogus"},
		"bad member":         {`"weight":"7"`, `"weight":257`, "Invalid input for field/attribute weight. Value: '257'. Value should be lower or equal to 256"},
		"project of a child": {`"name":"l",`, `"name":"l","project_id":"p2",`, "Unknown attribute for argument load_balancer.loadbalancer.listeners: project_id"},
	} {
		w := newWorld(t)
		before := w.b.Config()
		if !strings.Contains(wholeTree, tt.old) {
			t.Fatalf("%s: nothing to replace", name)
		}
		a := w.ask("POST loadbalancers", strings.Replace(wholeTree, tt.old, tt.new, 1))
		if a.Code != http.StatusBadRequest || !strings.Contains(a.fault(), tt.want) {
			t.Errorf("%s: %d %q, want %q", name, a.Code, a.fault(), tt.want)
		}
		if w.b.Config() != before {
			t.Errorf("%s: something changed", name)
		}
	}
}

func TestBatchMembers(t *testing.T) {
	w := newWorld(t)
	put := func(query, members string) answer {
		t.Helper()
		return w.ask("PUT pools/{pool}/members"+query, `{"members":[`+members+`]}`)
	}
	is := func(want map[string]int) {
		t.Helper()
		p, _ := w.b.Config().Pool(lb.PoolID(w.pool))
		got := map[string]int{}
		for _, m := range p.Members {
			got[m.Address.String()] = m.Weight
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members and weights (-want +got):\n%s", diff)
		}
	}
	w.ask("PUT pools/{pool}/members/{member}", `{"member":{"weight":9,"name":"first","backup":true,"monitor_port":81}}`)
	if a := put("?additive_only=true", `{"address":"192.0.2.2","protocol_port":80,"weight":5}`); a.Code != http.StatusAccepted || a.Body != "" {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	is(map[string]int{"192.0.2.1": 9, "192.0.2.2": 5})
	put("", `{"address":"192.0.2.1","protocol_port":80},{"address":"192.0.2.3","protocol_port":"80"}`)
	is(map[string]int{"192.0.2.1": 1, "192.0.2.3": 1})
	if m, _ := w.b.Config().Member(lb.MemberID(w.member)); m.Name != "first" || m.Backup || m.MonitorPort != 0 {
		t.Errorf("what a POST defaults is reset and the rest stays: %+v", m)
	}
	before := w.b.Config()
	for name, tt := range map[string]struct {
		members string
		code    int
		want    string
	}{
		"known twice": {`{"address":"192.0.2.1","protocol_port":80},{"address":"192.0.2.1","protocol_port":80}`, 400, "Member must be updated only once in the same request."},
		"new twice":   {`{"address":"192.0.2.9","protocol_port":80},{"address":"192.0.2.9","protocol_port":80}`, 409, "192.0.2.9"},
		"no address":  {`{"protocol_port":80}`, 400, "Invalid input for field/attribute address. Value: 'None'. Mandatory field missing."},
		"unknown":     {`{"address":"192.0.2.1","protocol_port":80,"bogus":1}`, 400, "Unknown attribute for argument members_.members: bogus"},
		"no object":   {`5`, 400, "Invalid input for field/attribute members."},
		"reserved":    {`{"address":"169.254.169.254","protocol_port":80}`, 400, "is not a valid option for member address"},
	} {
		if a := put("", tt.members); a.Code != tt.code || !strings.Contains(a.fault(), tt.want) {
			t.Errorf("%s: %d %q, want %d %q", name, a.Code, a.fault(), tt.code, tt.want)
		}
	}
	if a := w.ask("PUT pools/{pool}/members", `{}`); a.Code != http.StatusBadRequest {
		t.Errorf("without a list: %d %s", a.Code, a.Body)
	}
	if a := w.ask("PUT pools/{none}/members", `{"members":[]}`); a.Code != http.StatusNotFound || !strings.Contains(a.Body, `"code":404`) {
		t.Errorf("unknown pool: %d %s", a.Code, a.Body)
	}
	if w.b.Config() != before {
		t.Error("a refused batch changed something")
	}
	put("", "")
	is(map[string]int{})
}

func TestStatusTree(t *testing.T) {
	w := newWorld(t)
	w.create("pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","name":"unused"}}`)
	const status = `"operating_status":"ONLINE","provisioning_status":"ACTIVE"`
	monitor := `{"id":"{monitor}","name":"","type":"HTTP",` + status + `}`
	var want any
	if err := json.Unmarshal([]byte(w.ids(`{"statuses":{"loadbalancer":{"id":"{lb}","name":"",`+status+`,"listeners":[{"id":"{listener}","name":"",`+status+`,
		"l7policies":[{"id":"{l7policy}","name":"",`+status+`,"action":"REJECT","rules":[{"id":"{rule}","name":"",`+status+`,"type":"PATH"}]}],
		"pools":[{"id":"{pool}","name":"",`+status+`,"health_monitor":`+monitor+`,"healthmonitor":`+monitor+`,
		"members":[{"id":"{member}","name":"","operating_status":"OFFLINE","provisioning_status":"ACTIVE","address":"192.0.2.1","protocol_port":80}]}]}]}}}`)), &want); err != nil {
		t.Fatal(err)
	}
	for _, alias := range []string{"status", "statuses"} {
		a := w.ask("GET loadbalancers/{lb}/"+alias, "")
		var got any
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", alias, a.Code, a.Body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", alias, diff)
		}
	}
	alone := w.create("loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}"}}`)
	if a := w.ask("GET loadbalancers/"+alone+"/status", ""); !strings.Contains(a.Body, `"listeners":[]`) {
		t.Errorf("without listeners: %s", a.Body)
	}
}

func TestStats(t *testing.T) {
	w := newWorld(t)
	second := w.create("listeners", `{"listener":{"loadbalancer_id":"{lb}","protocol":"TCP","protocol_port":81}}`)
	w.b.Count(map[string]map[lb.ListenerID]lb.Stats{
		"a": {lb.ListenerID(w.listener): {ActiveConnections: 1, TotalConnections: 10, BytesIn: 100, BytesOut: 1000, RequestErrors: 2}},
		"b": {
			lb.ListenerID(w.listener): {TotalConnections: 5, BytesIn: 50, BytesOut: 500},
			lb.ListenerID(second):     {ActiveConnections: 4, TotalConnections: 4, BytesIn: 4, BytesOut: 4, RequestErrors: 4},
			"another":                 {TotalConnections: 1 << 60},
		},
	})
	for path, want := range map[string]string{
		"loadbalancers/{lb}":   `{"stats":{"bytes_in":154,"bytes_out":1504,"active_connections":5,"total_connections":19,"request_errors":6}}`,
		"listeners/{listener}": `{"stats":{"bytes_in":150,"bytes_out":1500,"active_connections":1,"total_connections":15,"request_errors":2}}`,
	} {
		if a := w.ask("GET "+path+"/stats", ""); a.Code != http.StatusOK || a.Body != want {
			t.Errorf("%s: %d %s, want %s", path, a.Code, a.Body, want)
		}
	}
}

func TestFailover(t *testing.T) {
	w := newWorld(t)
	if a := w.ask("PUT loadbalancers/{lb}/failover", ""); a.Code != http.StatusAccepted || a.Body != "" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if diff := cmp.Diff([]string{""}, w.b.moved); diff != "" {
		t.Errorf("asked to move (-want +got):\n%s", diff)
	}
	if a := w.ask("PUT loadbalancers/{none}/failover", ""); a.Code != http.StatusNotFound {
		t.Errorf("unknown: %d %s", a.Code, a.Body)
	}
}

// Every change needs a quorum, and says so when there is none.
func TestUnavailable(t *testing.T) {
	w := newWorld(t)
	w.b.Fail(&lb.Error{Kind: lb.ErrUnavailable, Msg: "there is no leader"})
	if a := w.ask("PUT pools/{pool}/members", `{"members":[]}`); a.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	w.b.Fail(errors.New("disk on fire"))
	if a := w.ask("PUT listeners/{listener}", `{"listener":{}}`); a.Code != http.StatusInternalServerError || strings.Contains(a.Body, "disk") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}
