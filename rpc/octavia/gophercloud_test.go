package octavia

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/l7policies"
	gclisteners "github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	gcpools "github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// cloud is gophercloud's client of a world.
type cloud struct {
	*world
	*gophercloud.ServiceClient
}

func newCloud(t *testing.T) cloud {
	w := newWorld(t)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.h.ServeHTTP(rw, r.WithContext(access.With(r.Context(), everybody)))
	}))
	t.Cleanup(srv.Close)
	return cloud{w, &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{HTTPClient: *srv.Client()}, Endpoint: srv.URL + "/v2.0/", ResourceBase: srv.URL + "/v2.0/",
	}}
}

// is compares one thing that gophercloud decoded.
func is[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// ok stops the test on an error of gophercloud's.
func ok[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// listed returns all pages of a list.
func listed[T any](t *testing.T, pager pagination.Pager, extract func(pagination.Page) ([]T, error)) []T {
	t.Helper()
	page := ok(pager.AllPages(t.Context()))(t)
	return ok(extract(page))(t)
}

func ptr[T any](v T) *T { return &v }

func gone(t *testing.T, err error) {
	t.Helper()
	if !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("%v, want 404", err)
	}
}

func TestGophercloudLoadBalancers(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	b := ok(loadbalancers.Create(ctx, c.ServiceClient, loadbalancers.CreateOpts{
		Name: "web", Description: "d", VipSubnetID: c.subnet, VipAddress: "203.0.113.50",
		AdminStateUp: ptr(true), Tags: []string{"t2", "t1"},
	}).Extract())(t)
	is(t, "created", []any{b.Name, b.Description, b.VipAddress, b.VipSubnetID, b.AdminStateUp, b.Tags, b.ProvisioningStatus, b.OperatingStatus, b.Provider, b.ProjectID},
		[]any{"web", "d", "203.0.113.50", c.subnet, true, []string{"t1", "t2"}, "PENDING_CREATE", "OFFLINE", "amphora", "p1"})
	if b.CreatedAt.IsZero() || !b.UpdatedAt.IsZero() {
		t.Errorf("created at %v, updated at %v", b.CreatedAt, b.UpdatedAt)
	}
	got := ok(loadbalancers.Get(ctx, c.ServiceClient, b.ID).Extract())(t)
	is(t, "status", got.ProvisioningStatus, "ACTIVE")
	if got.UpdatedAt.IsZero() {
		t.Error("active, but never updated")
	}
	b = ok(loadbalancers.Update(ctx, c.ServiceClient, b.ID, loadbalancers.UpdateOpts{Name: ptr("renamed"), AdminStateUp: ptr(false), Tags: &[]string{}}).Extract())(t)
	is(t, "updated", []any{b.Name, b.Description, b.AdminStateUp, b.Tags, b.ProvisioningStatus}, []any{"renamed", "d", false, []string{}, "PENDING_UPDATE"})
	is(t, "by name", len(listed(t, loadbalancers.List(c.ServiceClient, loadbalancers.ListOpts{Name: "renamed"}), loadbalancers.ExtractLoadBalancers)), 1)
	is(t, "all, one on a page", len(listed(t, loadbalancers.List(c.ServiceClient, loadbalancers.ListOpts{Limit: 1, SortKey: "name", SortDir: "desc"}), loadbalancers.ExtractLoadBalancers)), 2)
	tree := ok(loadbalancers.GetStatuses(ctx, c.ServiceClient, c.lb).Extract())(t)
	l := tree.Loadbalancer.Listeners[0]
	is(t, "status tree", []string{tree.Loadbalancer.ID, l.ID, l.Pools[0].ID, l.Pools[0].Monitor.ID, l.Pools[0].Members[0].Address, l.L7Policies[0].ID, l.L7Policies[0].Rules[0].ID},
		[]string{c.lb, c.listener, c.pool, c.monitor, "192.0.2.1", c.l7p, c.rule})
	c.b.Count(map[string]map[lb.ListenerID]lb.Stats{"n": {lb.ListenerID(c.listener): {ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5}}})
	is(t, "stats", *ok(loadbalancers.GetStats(ctx, c.ServiceClient, c.lb).Extract())(t),
		loadbalancers.Stats{ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5})
	is(t, "listener stats", *ok(gclisteners.GetStats(ctx, c.ServiceClient, c.listener).Extract())(t),
		gclisteners.Stats{ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5})
	is(t, "failover", loadbalancers.Failover(ctx, c.ServiceClient, c.lb).ExtractErr(), nil)
	is(t, "delete", loadbalancers.Delete(ctx, c.ServiceClient, b.ID, nil).ExtractErr(), nil)
	if err := loadbalancers.Delete(ctx, c.ServiceClient, c.lb, nil).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusBadRequest) {
		t.Errorf("delete with children: %v", err)
	}
	is(t, "cascade", loadbalancers.Delete(ctx, c.ServiceClient, c.lb, loadbalancers.DeleteOpts{Cascade: true}).ExtractErr(), nil)
	_, err := loadbalancers.Get(ctx, c.ServiceClient, c.lb).Extract()
	gone(t, err)
}

func TestGophercloudFullyPopulated(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	b := ok(loadbalancers.Create(ctx, c.ServiceClient, loadbalancers.CreateOpts{VipSubnetID: c.subnet, Name: "full", Listeners: []gclisteners.CreateOpts{{
		Protocol: gclisteners.ProtocolHTTP, ProtocolPort: 8080, Name: "l",
		DefaultPool: &gcpools.CreateOpts{
			Name: "web", Protocol: gcpools.ProtocolHTTP, LBMethod: gcpools.LBMethodRoundRobin,
			Members: []gcpools.CreateMemberOpts{{Address: "192.0.2.51", ProtocolPort: 80}, {Address: "192.0.2.52", ProtocolPort: 80, Weight: ptr(2)}},
			Monitor: monitors.CreateOpts{Name: "m", Type: monitors.TypeHTTP, Delay: 3, Timeout: 2, MaxRetries: 2, HTTPVersion: "1.1"},
		},
		L7Policies: []l7policies.CreateOpts{{
			Name: "p", Action: l7policies.ActionRedirectToURL, RedirectURL: "http://www.example.com",
			Rules: []l7policies.CreateRuleOpts{{RuleType: l7policies.TypePath, CompareType: l7policies.CompareTypeRegex, Value: "/images*"}},
		}},
	}}}).Extract())(t)
	if len(b.Pools) != 1 || len(b.Listeners) != 1 || len(b.Pools[0].Members) != 2 || len(b.Listeners[0].L7Policies) != 1 {
		t.Fatalf("%+v", b)
	}
	is(t, "default pool", b.Listeners[0].DefaultPoolID, b.Pools[0].ID)
	m := b.Pools[0].Monitor
	is(t, "monitor", []any{m.Name, m.Delay, m.HTTPVersion}, []any{"m", 3, "1.1"})
	p := b.Listeners[0].L7Policies[0]
	is(t, "policy", []any{p.Name, p.RedirectURL, p.RedirectHttpCode, p.Position, len(p.Rules)}, []any{"p", "http://www.example.com", int32(302), int32(1), 1})
}

func TestGophercloudListeners(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	l := ok(gclisteners.Create(ctx, c.ServiceClient, gclisteners.CreateOpts{
		LoadbalancerID: c.lb, Name: "l", Protocol: gclisteners.ProtocolTCP, ProtocolPort: 3306, DefaultPoolID: "",
		ConnLimit: ptr(2000), TimeoutClientData: ptr(1), AllowedCIDRs: []string{"192.0.2.0/24"}, Tags: []string{"t"},
	}).Extract())(t)
	is(t, "created", []any{l.Name, l.Protocol, l.ProtocolPort, l.ConnLimit, l.TimeoutClientData, l.TimeoutMemberData, l.AllowedCIDRs, l.Tags, l.Loadbalancers[0].ID, l.ProvisioningStatus},
		[]any{"l", "TCP", 3306, 2000, 1, 50000, []string{"192.0.2.0/24"}, []string{"t"}, c.lb, "PENDING_CREATE"})
	l = ok(gclisteners.Update(ctx, c.ServiceClient, l.ID, gclisteners.UpdateOpts{Name: ptr("n"), ConnLimit: ptr(-1), AllowedCIDRs: &[]string{}}).Extract())(t)
	is(t, "updated", []any{l.Name, l.ConnLimit, len(l.AllowedCIDRs)}, []any{"n", -1, 0})
	h := ok(gclisteners.Update(ctx, c.ServiceClient, c.listener, gclisteners.UpdateOpts{DefaultPoolID: ptr(""), InsertHeaders: &map[string]string{"X-Forwarded-For": "true"}}).Extract())(t)
	is(t, "detached", []any{h.DefaultPoolID, h.InsertHeaders}, []any{"", map[string]string{"X-Forwarded-For": "true"}})
	is(t, "got", ok(gclisteners.Get(ctx, c.ServiceClient, l.ID).Extract())(t).Name, "n")
	is(t, "by load balancer and port", len(listed(t, gclisteners.List(c.ServiceClient, gclisteners.ListOpts{ProtocolPort: 3306, Name: "n"}), gclisteners.ExtractListeners)), 1)
	is(t, "all", len(listed(t, gclisteners.List(c.ServiceClient, gclisteners.ListOpts{Limit: 1}), gclisteners.ExtractListeners)), 2)
	is(t, "delete", gclisteners.Delete(ctx, c.ServiceClient, l.ID).ExtractErr(), nil)
	gone(t, gclisteners.Delete(ctx, c.ServiceClient, l.ID).ExtractErr())
}

func TestGophercloudPools(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	p := ok(gcpools.Create(ctx, c.ServiceClient, gcpools.CreateOpts{
		LoadbalancerID: c.lb, Name: "p", Protocol: gcpools.ProtocolHTTP, LBMethod: gcpools.LBMethodLeastConnections,
		Persistence: &gcpools.SessionPersistence{Type: "APP_COOKIE", CookieName: "c"},
	}).Extract())(t)
	is(t, "created", []any{p.Name, p.Protocol, p.LBMethod, p.Persistence, p.MonitorID, p.Loadbalancers[0].ID, p.ProvisioningStatus},
		[]any{"p", "HTTP", "LEAST_CONNECTIONS", gcpools.SessionPersistence{Type: "APP_COOKIE", CookieName: "c"}, "", c.lb, "PENDING_CREATE"})
	p = ok(gcpools.Update(ctx, c.ServiceClient, p.ID, gcpools.UpdateOpts{LBMethod: gcpools.LBMethodSourceIp, Persistence: &gcpools.SessionPersistence{}}).Extract())(t)
	is(t, "updated", []any{p.LBMethod, p.Persistence}, []any{"SOURCE_IP", gcpools.SessionPersistence{}})
	is(t, "monitor", ok(gcpools.Get(ctx, c.ServiceClient, c.pool).Extract())(t).MonitorID, c.monitor)
	is(t, "by name", len(listed(t, gcpools.List(c.ServiceClient, gcpools.ListOpts{Name: "p", LBMethod: "SOURCE_IP"}), gcpools.ExtractPools)), 1)

	m := ok(gcpools.CreateMember(ctx, c.ServiceClient, p.ID, gcpools.CreateMemberOpts{Name: "m", Address: "192.0.2.61", ProtocolPort: 80, Weight: ptr(0), Backup: ptr(true), MonitorPort: ptr(81)}).Extract())(t)
	is(t, "member", []any{m.Name, m.Address, m.ProtocolPort, m.Weight, m.Backup, m.MonitorPort, m.OperatingStatus}, []any{"m", "192.0.2.61", 80, 0, true, 81, "NO_MONITOR"})
	m = ok(gcpools.UpdateMember(ctx, c.ServiceClient, p.ID, m.ID, gcpools.UpdateMemberOpts{Name: ptr("n"), Weight: ptr(4)}).Extract())(t)
	is(t, "updated member", []any{m.Name, m.Weight, m.Backup}, []any{"n", 4, true})
	is(t, "member status", ok(gcpools.GetMember(ctx, c.ServiceClient, p.ID, m.ID).Extract())(t).OperatingStatus, "NO_MONITOR")
	is(t, "batch", gcpools.BatchUpdateMembers(ctx, c.ServiceClient, p.ID, []gcpools.BatchUpdateMemberOpts{
		{Address: "192.0.2.61", ProtocolPort: 80, Name: ptr("kept"), Weight: ptr(20)}, {Address: "192.0.2.62", ProtocolPort: 80},
	}).ExtractErr(), nil)
	all := listed(t, gcpools.ListMembers(c.ServiceClient, p.ID, gcpools.ListMembersOpts{SortKey: "address", SortDir: "asc"}), gcpools.ExtractMembers)
	if len(all) != 2 || all[0].ID != m.ID || all[0].Name != "kept" || all[0].Backup || all[1].Weight != 1 {
		t.Errorf("after the batch: %+v", all)
	}
	is(t, "empty batch", gcpools.BatchUpdateMembers(ctx, c.ServiceClient, p.ID, []gcpools.BatchUpdateMemberOpts{{Address: "192.0.2.62", ProtocolPort: 80}}).ExtractErr(), nil)
	gone(t, gcpools.DeleteMember(ctx, c.ServiceClient, p.ID, m.ID).ExtractErr())
	is(t, "delete member", gcpools.DeleteMember(ctx, c.ServiceClient, p.ID, all[1].ID).ExtractErr(), nil)
	is(t, "delete", gcpools.Delete(ctx, c.ServiceClient, p.ID).ExtractErr(), nil)
	_, err := gcpools.Get(ctx, c.ServiceClient, p.ID).Extract()
	gone(t, err)
}

func TestGophercloudMonitors(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	is(t, "delete", monitors.Delete(ctx, c.ServiceClient, c.monitor).ExtractErr(), nil)
	h := ok(monitors.Create(ctx, c.ServiceClient, monitors.CreateOpts{
		PoolID: c.pool, Name: "h", Type: monitors.TypeHTTP, Delay: 20, Timeout: 10, MaxRetries: 5, MaxRetriesDown: 4,
		URLPath: "/check", ExpectedCodes: "200-299", HTTPMethod: "HEAD", HTTPVersion: "1.1", DomainName: "a.example",
	}).Extract())(t)
	is(t, "created", []any{h.Name, h.Type, h.Delay, h.Timeout, h.MaxRetries, h.MaxRetriesDown, h.URLPath, h.ExpectedCodes, h.HTTPMethod, h.HTTPVersion, h.DomainName, h.Pools[0].ID},
		[]any{"h", "HTTP", 20, 10, 5, 4, "/check", "200-299", "HEAD", "1.1", "a.example", c.pool})
	h = ok(monitors.Update(ctx, c.ServiceClient, h.ID, monitors.UpdateOpts{Name: ptr("i"), Delay: 3, Timeout: 2, DomainName: ptr("")}).Extract())(t)
	is(t, "updated", []any{h.Name, h.Delay, h.Timeout, h.MaxRetries, h.DomainName, h.HTTPVersion}, []any{"i", 3, 2, 5, "", "1.1"})
	is(t, "got", ok(monitors.Get(ctx, c.ServiceClient, h.ID).Extract())(t).ProvisioningStatus, "ACTIVE")
	is(t, "listed", len(listed(t, monitors.List(c.ServiceClient, monitors.ListOpts{Name: "i", Type: "HTTP", Delay: 3}), monitors.ExtractMonitors)), 1)
}

func TestGophercloudL7Policies(t *testing.T) {
	c, ctx := newCloud(t), t.Context()
	p := ok(l7policies.Create(ctx, c.ServiceClient, l7policies.CreateOpts{ListenerID: c.listener, Name: "p", Action: l7policies.ActionRedirectToURL, RedirectURL: "http://a.example/", Position: 1}).Extract())(t)
	is(t, "created", []any{p.Name, p.ListenerID, p.Action, p.RedirectURL, p.RedirectHttpCode, p.Position}, []any{"p", c.listener, "REDIRECT_TO_URL", "http://a.example/", int32(302), int32(1)})
	is(t, "shifted", ok(l7policies.Get(ctx, c.ServiceClient, c.l7p).Extract())(t).Position, int32(2))
	p = ok(l7policies.Update(ctx, c.ServiceClient, p.ID, l7policies.UpdateOpts{Action: l7policies.ActionReject, RedirectURL: ptr("")}).Extract())(t)
	is(t, "null redirect URL", []any{p.Action, p.RedirectURL}, []any{"REJECT", ""})
	p = ok(l7policies.Update(ctx, c.ServiceClient, p.ID, l7policies.UpdateOpts{Name: ptr("q"), Action: l7policies.ActionRedirectPrefix, RedirectPrefix: ptr("https://b.example"), RedirectHttpCode: 308}).Extract())(t)
	is(t, "updated", []any{p.Name, p.Action, p.RedirectPrefix, p.RedirectHttpCode}, []any{"q", "REDIRECT_PREFIX", "https://b.example", int32(308)})
	is(t, "listed", len(listed(t, l7policies.List(c.ServiceClient, l7policies.ListOpts{ListenerID: c.listener, Name: "q"}), l7policies.ExtractL7Policies)), 1)

	r := ok(l7policies.CreateRule(ctx, c.ServiceClient, p.ID, l7policies.CreateRuleOpts{RuleType: l7policies.TypeHeader, CompareType: l7policies.CompareTypeContains, Key: "X-A", Value: "b", Invert: true}).Extract())(t)
	is(t, "rule", []any{r.RuleType, r.CompareType, r.Key, r.Value, r.Invert}, []any{"HEADER", "CONTAINS", "X-A", "b", true})
	r = ok(l7policies.UpdateRule(ctx, c.ServiceClient, p.ID, r.ID, l7policies.UpdateRuleOpts{RuleType: l7policies.TypePath, CompareType: l7policies.CompareTypeEqual, Value: "/p", Key: ptr(""), Invert: ptr(false)}).Extract())(t)
	is(t, "updated rule", []any{r.RuleType, r.CompareType, r.Key, r.Value, r.Invert}, []any{"PATH", "EQUAL_TO", "", "/p", false})
	is(t, "got rule", ok(l7policies.GetRule(ctx, c.ServiceClient, p.ID, r.ID).Extract())(t).ID, r.ID)
	is(t, "listed rules", len(listed(t, l7policies.ListRules(c.ServiceClient, p.ID, l7policies.ListRulesOpts{Value: "/p"}), l7policies.ExtractRules)), 1)
	is(t, "delete rule", l7policies.DeleteRule(ctx, c.ServiceClient, p.ID, r.ID).ExtractErr(), nil)
	gone(t, l7policies.DeleteRule(ctx, c.ServiceClient, p.ID, r.ID).ExtractErr())
	is(t, "delete", l7policies.Delete(ctx, c.ServiceClient, p.ID).ExtractErr(), nil)
	is(t, "closed gap", ok(l7policies.Get(ctx, c.ServiceClient, c.l7p).Extract())(t).Position, int32(1))
	if _, err := l7policies.Create(ctx, c.ServiceClient, l7policies.CreateOpts{ListenerID: c.listener, Action: l7policies.ActionRedirectToURL}).Extract(); err == nil ||
		!strings.Contains(err.Error(), "redirect_url must not be None") {
		t.Errorf("without a URL: %v", err)
	}
}
