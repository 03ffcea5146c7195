package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/amphorae"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/apiversions"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavorprofiles"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/l7policies"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/quotas"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// gopher is gophercloud's client, logged in on one node, and what it has made.
type gopher struct {
	lb, network                                           *gophercloud.ServiceClient
	project, subnet                                       string
	lbID, listener, pool, member, monitor, policy, ruleID string
	profile, flavor                                       string
}

func newGopher(t *testing.T, p *pair, node string) *gopher {
	t.Helper()
	env := map[string]string{}
	for _, line := range p.openrc(t, node) {
		key, value, _ := strings.Cut(line, "=")
		env[key] = value
	}
	provider, err := openstack.NewClient(env["OS_AUTH_URL"])
	if err != nil {
		t.Fatal(err)
	}
	provider.HTTPClient = http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = p.Client().Do(func() (err error) {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}}}
	err = openstack.Authenticate(p.ctx, provider, gophercloud.AuthOptions{
		IdentityEndpoint: env["OS_AUTH_URL"], Username: adminUser, Password: adminPassword, DomainName: "Default", TenantName: adminProject, AllowReauth: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	region := gophercloud.EndpointOpts{Region: env["OS_REGION_NAME"]}
	g := &gopher{}
	if g.lb, err = openstack.NewLoadBalancerV2(provider, region); err != nil {
		t.Fatal(err)
	}
	if g.network, err = openstack.NewNetworkV2(provider, region); err != nil {
		t.Fatal(err)
	}
	return g
}

// step is one call, or what belongs together.
type step struct {
	name string
	do   func(context.Context) error
}

// id keeps the id of what a call made.
func id[T any](to *string, of func(*T) string) func(*T, error) error {
	return func(made *T, err error) error {
		if err == nil {
			*to = of(made)
		}
		return err
	}
}

// pages reads a list and wants at least one item.
func pages(ctx context.Context, pager pagination.Pager) error {
	page, err := pager.AllPages(ctx)
	if err != nil {
		return err
	}
	if empty, err := page.IsEmpty(); err != nil || empty {
		return errors.Join(errors.New("the list is empty"), err)
	}
	return nil
}

func second[T any](_ T, err error) error { return err }

func (g *gopher) firstHalf() []step {
	up, text := true, "d"
	return []step{
		{"versions", func(ctx context.Context) error { return pages(ctx, apiversions.List(g.lb)) }},
		{"subnets", func(ctx context.Context) error {
			page, err := subnets.List(g.network, subnets.ListOpts{Name: "public"}).AllPages(ctx)
			if err != nil {
				return err
			}
			all, err := subnets.ExtractSubnets(page)
			if err != nil || len(all) != 1 {
				return fmt.Errorf("%d subnets, %w", len(all), err)
			}
			g.subnet = all[0].ID
			return nil
		}},
		{"create flavor profile", func(ctx context.Context) error {
			return id(&g.profile, func(f *flavorprofiles.FlavorProfile) string { return f.ID })(flavorprofiles.Create(ctx, g.lb, flavorprofiles.CreateOpts{Name: "p", ProviderName: "amphora", FlavorData: "{}"}).Extract())
		}},
		{"create flavor", func(ctx context.Context) error {
			return id(&g.flavor, func(f *flavors.Flavor) string { return f.ID })(flavors.Create(ctx, g.lb, flavors.CreateOpts{Name: "f", FlavorProfileId: g.profile, Enabled: true}).Extract())
		}},
		{"create load balancer", func(ctx context.Context) error {
			return id(&g.lbID, func(l *loadbalancers.LoadBalancer) string { g.project = l.ProjectID; return l.ID })(
				loadbalancers.Create(ctx, g.lb, loadbalancers.CreateOpts{Name: "lb", VipSubnetID: g.subnet, FlavorID: g.flavor, Tags: []string{"a"}}).Extract())
		}},
		{"create listener", func(ctx context.Context) error {
			return id(&g.listener, func(l *listeners.Listener) string { return l.ID })(listeners.Create(ctx, g.lb, listeners.CreateOpts{LoadbalancerID: g.lbID, Protocol: listeners.ProtocolHTTP, ProtocolPort: 80}).Extract())
		}},
		{"create pool", func(ctx context.Context) error {
			return id(&g.pool, func(p *pools.Pool) string { return p.ID })(pools.Create(ctx, g.lb, pools.CreateOpts{ListenerID: g.listener, Protocol: pools.ProtocolHTTP, LBMethod: pools.LBMethodRoundRobin}).Extract())
		}},
		{"create member", func(ctx context.Context) error {
			return id(&g.member, func(m *pools.Member) string { return m.ID })(pools.CreateMember(ctx, g.lb, g.pool, pools.CreateMemberOpts{Address: "192.0.2.21", ProtocolPort: 80, SubnetID: g.subnet}).Extract())
		}},
		{"create monitor", func(ctx context.Context) error {
			return id(&g.monitor, func(m *monitors.Monitor) string { return m.ID })(monitors.Create(ctx, g.lb, monitors.CreateOpts{PoolID: g.pool, Type: monitors.TypeHTTP, Delay: 5, Timeout: 2, MaxRetries: 2, URLPath: "/"}).Extract())
		}},
		{"create policy", func(ctx context.Context) error {
			return id(&g.policy, func(p *l7policies.L7Policy) string { return p.ID })(l7policies.Create(ctx, g.lb, l7policies.CreateOpts{ListenerID: g.listener, Action: l7policies.ActionReject}).Extract())
		}},
		{"create rule", func(ctx context.Context) error {
			return id(&g.ruleID, func(r *l7policies.Rule) string { return r.ID })(l7policies.CreateRule(ctx, g.lb, g.policy, l7policies.CreateRuleOpts{RuleType: l7policies.TypePath, CompareType: l7policies.CompareTypeStartWith, Value: "/x"}).Extract())
		}},
		{"update load balancer", func(ctx context.Context) error {
			return second(loadbalancers.Update(ctx, g.lb, g.lbID, loadbalancers.UpdateOpts{Description: &text}).Extract())
		}},
		{"update listener", func(ctx context.Context) error {
			return second(listeners.Update(ctx, g.lb, g.listener, listeners.UpdateOpts{Description: &text}).Extract())
		}},
		{"update pool", func(ctx context.Context) error {
			return second(pools.Update(ctx, g.lb, g.pool, pools.UpdateOpts{Description: &text}).Extract())
		}},
		{"update flavor", func(ctx context.Context) error {
			return second(flavors.Update(ctx, g.lb, g.flavor, flavors.UpdateOpts{Name: "f2", Enabled: true}).Extract())
		}},
		{"update flavor profile", func(ctx context.Context) error {
			return second(flavorprofiles.Update(ctx, g.lb, g.profile, flavorprofiles.UpdateOpts{Name: "p2"}).Extract())
		}},
		{"update quota", func(ctx context.Context) error {
			many := 100
			return second(quotas.Update(ctx, g.lb, g.project, quotas.UpdateOpts{Member: &many}).Extract())
		}},
		{"enable", func(ctx context.Context) error {
			return second(loadbalancers.Update(ctx, g.lb, g.lbID, loadbalancers.UpdateOpts{AdminStateUp: &up}).Extract())
		}},
	}
}

func (g *gopher) secondHalf() []step {
	weight := 3
	name := "m"
	return []step{
		{"show load balancer", func(ctx context.Context) error { return second(loadbalancers.Get(ctx, g.lb, g.lbID).Extract()) }},
		{"list load balancers", func(ctx context.Context) error {
			return pages(ctx, loadbalancers.List(g.lb, loadbalancers.ListOpts{Name: "lb", Tags: []string{"a"}}))
		}},
		{"statuses", func(ctx context.Context) error { return second(loadbalancers.GetStatuses(ctx, g.lb, g.lbID).Extract()) }},
		{"stats", func(ctx context.Context) error { return second(loadbalancers.GetStats(ctx, g.lb, g.lbID).Extract()) }},
		{"listeners", func(ctx context.Context) error {
			return errors.Join(pages(ctx, listeners.List(g.lb, listeners.ListOpts{LoadbalancerID: g.lbID})), second(listeners.Get(ctx, g.lb, g.listener).Extract()), second(listeners.GetStats(ctx, g.lb, g.listener).Extract()))
		}},
		{"pools", func(ctx context.Context) error {
			return errors.Join(pages(ctx, pools.List(g.lb, pools.ListOpts{LoadbalancerID: g.lbID})), second(pools.Get(ctx, g.lb, g.pool).Extract()))
		}},
		{"members", func(ctx context.Context) error {
			return errors.Join(pages(ctx, pools.ListMembers(g.lb, g.pool, pools.ListMembersOpts{})), second(pools.GetMember(ctx, g.lb, g.pool, g.member).Extract()))
		}},
		{"update member", func(ctx context.Context) error {
			return second(pools.UpdateMember(ctx, g.lb, g.pool, g.member, pools.UpdateMemberOpts{Weight: &weight}).Extract())
		}},
		{"batch of members", func(ctx context.Context) error {
			return pools.BatchUpdateMembers(ctx, g.lb, g.pool, []pools.BatchUpdateMemberOpts{{Address: "192.0.2.21", ProtocolPort: 80, Name: &name}, {Address: "192.0.2.22", ProtocolPort: 80}}).ExtractErr()
		}},
		{"monitors", func(ctx context.Context) error {
			return errors.Join(pages(ctx, monitors.List(g.lb, monitors.ListOpts{PoolID: g.pool})), second(monitors.Get(ctx, g.lb, g.monitor).Extract()))
		}},
		{"update monitor", func(ctx context.Context) error {
			return second(monitors.Update(ctx, g.lb, g.monitor, monitors.UpdateOpts{Delay: 6, Timeout: 2, MaxRetries: 3}).Extract())
		}},
		{"policies", func(ctx context.Context) error {
			return errors.Join(pages(ctx, l7policies.List(g.lb, l7policies.ListOpts{ListenerID: g.listener})), second(l7policies.Get(ctx, g.lb, g.policy).Extract()))
		}},
		{"update policy", func(ctx context.Context) error {
			return second(l7policies.Update(ctx, g.lb, g.policy, l7policies.UpdateOpts{Name: &name}).Extract())
		}},
		{"rules", func(ctx context.Context) error {
			return errors.Join(pages(ctx, l7policies.ListRules(g.lb, g.policy, l7policies.ListRulesOpts{})), second(l7policies.GetRule(ctx, g.lb, g.policy, g.ruleID).Extract()))
		}},
		{"update rule", func(ctx context.Context) error {
			return second(l7policies.UpdateRule(ctx, g.lb, g.policy, g.ruleID, l7policies.UpdateRuleOpts{Value: "/y"}).Extract())
		}},
		{"flavors", func(ctx context.Context) error {
			return errors.Join(pages(ctx, flavors.List(g.lb, flavors.ListOpts{})), second(flavors.Get(ctx, g.lb, g.flavor).Extract()))
		}},
		{"flavor profiles", func(ctx context.Context) error {
			return errors.Join(pages(ctx, flavorprofiles.List(g.lb, flavorprofiles.ListOpts{})), second(flavorprofiles.Get(ctx, g.lb, g.profile).Extract()))
		}},
		{"providers", func(ctx context.Context) error {
			return errors.Join(pages(ctx, providers.List(g.lb, providers.ListOpts{})), second(providers.ListFlavorCapabilities(ctx, g.lb, "amphora", providers.ListFlavorCapabilitiesOpts{}).Extract()),
				second(providers.ListAvailabilityZoneCapabilities(ctx, g.lb, "amphora", providers.ListAvailabilityZoneCapabilitiesOpts{}).Extract()))
		}},
		{"quota", func(ctx context.Context) error { return second(quotas.Get(ctx, g.lb, g.project).Extract()) }},
		{"amphorae", func(ctx context.Context) error {
			page, err := amphorae.List(g.lb, amphorae.ListOpts{LoadbalancerID: g.lbID}).AllPages(ctx)
			if err != nil {
				return err
			}
			all, err := amphorae.ExtractAmphorae(page)
			if err != nil || len(all) != 2 {
				return fmt.Errorf("%d amphorae, want 2, %w", len(all), err)
			}
			return second(amphorae.Get(ctx, g.lb, all[0].ID).Extract())
		}},
	}
}

// moves moves the VIPs by both calls, and takes everything down.
func (g *gopher) last() []step {
	return []step{
		{"failover", func(ctx context.Context) error { return loadbalancers.Failover(ctx, g.lb, g.lbID).ExtractErr() }},
		{"failover of an amphora", func(ctx context.Context) error {
			page, err := amphorae.List(g.lb, amphorae.ListOpts{Role: "MASTER"}).AllPages(ctx)
			if err != nil {
				return err
			}
			all, err := amphorae.ExtractAmphorae(page)
			if err != nil || len(all) != 1 {
				return fmt.Errorf("%d amphorae hold the VIPs, want 1, %w", len(all), err)
			}
			return amphorae.Failover(ctx, g.lb, all[0].ID).ExtractErr()
		}},
		{"delete rule", func(ctx context.Context) error {
			return l7policies.DeleteRule(ctx, g.lb, g.policy, g.ruleID).ExtractErr()
		}},
		{"delete policy", func(ctx context.Context) error { return l7policies.Delete(ctx, g.lb, g.policy).ExtractErr() }},
		{"delete monitor", func(ctx context.Context) error { return monitors.Delete(ctx, g.lb, g.monitor).ExtractErr() }},
		{"delete member", func(ctx context.Context) error { return pools.DeleteMember(ctx, g.lb, g.pool, g.member).ExtractErr() }},
		{"delete pool", func(ctx context.Context) error { return pools.Delete(ctx, g.lb, g.pool).ExtractErr() }},
		{"delete listener", func(ctx context.Context) error { return listeners.Delete(ctx, g.lb, g.listener).ExtractErr() }},
		{"delete load balancer", func(ctx context.Context) error {
			return loadbalancers.Delete(ctx, g.lb, g.lbID, loadbalancers.DeleteOpts{Cascade: true}).ExtractErr()
		}},
		{"delete flavor", func(ctx context.Context) error { return flavors.Delete(ctx, g.lb, g.flavor).ExtractErr() }},
		{"delete flavor profile", func(ctx context.Context) error { return flavorprofiles.Delete(ctx, g.lb, g.profile).ExtractErr() }},
		{"reset quota", func(ctx context.Context) error { return quotas.Delete(ctx, g.lb, g.project).ExtractErr() }},
	}
}

// take makes a call, again while the node says that it cannot answer now. It returns how
// often that was.
func take(ctx context.Context, s step) (again int, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; again++ {
		err = s.do(ctx)
		if !gophercloud.ResponseCodeIs(err, http.StatusServiceUnavailable) || time.Now().After(deadline) {
			return again, err
		}
		<-tick.C
	}
}

// TestGophercloud makes every call of gophercloud's load balancer packages by way of a
// node, and kills the one that holds the VIPs in the middle.
func TestGophercloud(t *testing.T) {
	p := newPair(t)
	g := newGopher(t, p, "witness") // which has to ask the leader for everything
	run := func(steps []step) {
		t.Helper()
		for _, s := range steps {
			again, err := take(p.ctx, s)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if again > 0 {
				t.Logf("%s: done after %d answers that nobody can answer now", s.name, again)
			}
		}
	}
	run(g.firstHalf())
	shown, err := loadbalancers.Get(p.ctx, g.lb, g.lbID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	holder := p.holderOf(t, shown.VipAddress)
	if err := p.Kill(holder); err != nil {
		t.Fatal(err)
	}
	run(g.secondHalf())
	if err := p.Start(holder); err != nil {
		t.Fatal(err)
	}
	p.ready(t)
	run(g.last()[:1])
	p.ready(t)
	run(g.last()[1:2])
	p.ready(t)
	run(g.last()[2:])
}
