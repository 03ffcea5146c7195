package octavia

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// loadBalancerRow is a load balancer as a snapshot shows it.
type loadBalancerRow struct {
	placed
	*lb.LoadBalancer
	whole bool // with all that is below it, as the answer to a create
}

func (r loadBalancerRow) meta() *lb.Meta { return &r.Meta }

var loadBalancers = owned(resource[loadBalancerRow, lb.LoadBalancerSpec]{
	kind: lb.KindLoadBalancer, one: "loadbalancer", many: "loadbalancers", links: "loadbalancers_links", arg: "load_balancer",
	attrs: loadBalancerAttributes(),
	form:  loadBalancerForm(),
	id:    func(r loadBalancerRow) string { return string(r.ID) },
	all: func(_ *call, s *snapshot) (iter.Seq[loadBalancerRow], error) {
		return func(yield func(loadBalancerRow) bool) {
			for p := range s.placedAll() {
				if !yield(loadBalancerRow{p, p.t.LoadBalancer, false}) {
					return
				}
			}
		}, nil
	},
	find: func(c *call, s *snapshot, id string) (loadBalancerRow, bool, error) {
		p, ok := s.tree(id)
		if !ok {
			return loadBalancerRow{}, false, nil
		}
		return loadBalancerRow{p, p.t.LoadBalancer, c.r.Method == http.MethodPost}, true, nil
	},
	create: func(c *call, _ *snapshot, spec *lb.LoadBalancerSpec) (string, lb.Op, error) {
		project, err := c.owner(&spec.MetaSpec)
		return project, lb.CreateLoadBalancer{Spec: *spec}, err
	},
	update: func(_ *call, r loadBalancerRow, spec *lb.LoadBalancerSpec) (lb.Op, error) {
		return lb.UpdateLoadBalancer{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(c *call, r loadBalancerRow) (lb.Op, error) {
		return lb.DeleteLoadBalancer{ID: r.ID, Cascade: c.flag("cascade")}, nil
	},
}, loadBalancerRow.meta, func(r loadBalancerRow) placed { return r.placed })

// loadBalancerRoutes are the calls about load balancers and what is below them.
func loadBalancerRoutes() []route {
	return slices.Concat(
		collection("/loadbalancers", loadBalancers),
		collection("/listeners", listeners),
		collection("/pools", pools),
		collection("/pools/{}/members", members),
		collection("/healthmonitors", healthMonitors),
		collection("/l7policies", l7Policies),
		collection("/l7policies/{}/rules", l7Rules),
		[]route{
			{http.MethodPut, "/pools/{}/members", putMembers},
			{http.MethodGet, "/loadbalancers/{}/status", statusTree},
			{http.MethodGet, "/loadbalancers/{}/statuses", statusTree},
			{http.MethodGet, "/loadbalancers/{}/stats", loadBalancerStats},
			{http.MethodPut, "/loadbalancers/{}/failover", failoverLoadBalancer},
			{http.MethodGet, "/listeners/{}/stats", statsOfListener},
		},
	)
}

// failoverLoadBalancer moves the VIPs to another amphora: those of all load balancers,
// which go together.
func failoverLoadBalancer(c *call) error {
	if _, _, err := loadBalancers.found(c, access.Admin); err != nil {
		return err
	}
	if err := c.api.Backend.Failover(c.ctx(), ""); err != nil {
		return err
	}
	return c.accepted()
}

func loadBalancerAttributes() []attribute[loadBalancerRow] {
	return slices.Concat(
		[]attribute[loadBalancerRow]{{"id", func(r loadBalancerRow) any { return string(r.ID) }}},
		nameAttributes(loadBalancerRow.meta),
		metaAttributes(loadBalancerRow.meta, func(r loadBalancerRow) lb.Status { return r.status(string(r.ID)) }),
		[]attribute[loadBalancerRow]{
			{"vip_address", func(r loadBalancerRow) any { return r.VIPAddress.String() }},
			{"vip_port_id", func(r loadBalancerRow) any { return orNull(r.VIPPortID) }},
			{"vip_subnet_id", func(r loadBalancerRow) any { return orNull(r.VIPSubnetID) }},
			{"vip_network_id", func(r loadBalancerRow) any { return orNull(r.VIPNetworkID) }},
			{"additional_vips", func(r loadBalancerRow) any { return r.additionalVIPs() }},
			{"vip_qos_policy_id", func(r loadBalancerRow) any { return orNull(r.VIPQoSPolicyID) }},
			{"vip_sg_ids", func(r loadBalancerRow) any { return texts(r.VIPSecurityGroupIDs) }},
			{"vip_vnic_type", func(r loadBalancerRow) any { return r.s.cfg.VNICType(r.LoadBalancer) }},
			{"provider", func(r loadBalancerRow) any { return cmpOr(r.Provider, "amphora") }},
			{"flavor_id", func(r loadBalancerRow) any { return orNull(r.FlavorID) }},
			{"availability_zone", func(r loadBalancerRow) any { return orNull(r.AvailabilityZone) }},
			{"listeners", func(r loadBalancerRow) any { return r.listeners() }},
			{"pools", func(r loadBalancerRow) any { return r.pools() }},
		},
	)
}

// additionalVIPs are objects of their own form.
func (r loadBalancerRow) additionalVIPs() any {
	type vip struct {
		SubnetID  any    `json:"subnet_id"`
		IPAddress string `json:"ip_address"`
		PortID    any    `json:"port_id"`
	}
	all := make([]vip, len(r.AdditionalVIPs))
	for i, v := range r.AdditionalVIPs {
		all[i] = vip{orNull(v.SubnetID), v.Address.String(), orNull(v.PortID)}
	}
	return all
}

// listeners are ids, or whole.
func (r loadBalancerRow) listeners() any {
	if r.whole {
		return wholes(listenerAttributes(), r.t.Listeners, func(l *lb.Listener) listenerRow { return listenerRow{r.placed, l, true} })
	}
	ids := make(refs, len(r.t.Listeners))
	for i, l := range r.t.Listeners {
		ids[i] = string(l.ID)
	}
	return ids
}

// pools are ids, or whole.
func (r loadBalancerRow) pools() any {
	if r.whole {
		return wholes(poolAttributes(), r.t.Pools, func(p *lb.Pool) poolRow { return poolRow{r.placed, p, true} })
	}
	ids := make(refs, len(r.t.Pools))
	for i, p := range r.t.Pools {
		ids[i] = string(p.ID)
	}
	return ids
}

func loadBalancerForm() object[lb.LoadBalancerSpec] {
	type S = lb.LoadBalancerSpec
	return slices.Concat(
		nameForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		metaForm(func(s *S) *lb.MetaSpec { return &s.MetaSpec }),
		object[S]{
			field("vip_port_id", func(s *S) *lb.Opt[lb.PortID] { return &s.VIPPortID }, idOf[lb.PortID]).create(),
			field("vip_subnet_id", func(s *S) *lb.Opt[lb.SubnetID] { return &s.VIPSubnetID }, idOf[lb.SubnetID]).create(),
			field("vip_network_id", func(s *S) *lb.Opt[lb.NetworkID] { return &s.VIPNetworkID }, idOf[lb.NetworkID]).create(),
			field("vip_address", func(s *S) *lb.Opt[netip.Addr] { return &s.VIPAddress }, addrOf).create(),
			field("vip_qos_policy_id", func(s *S) *lb.Opt[lb.QoSPolicyID] { return &s.VIPQoSPolicyID }, idOf[lb.QoSPolicyID]),
			field("vip_sg_ids", func(s *S) *lb.Opt[[]lb.SecurityGroupID] { return &s.VIPSecurityGroupIDs }, listOf(idOf[lb.SecurityGroupID])),
			each("additional_vips", additionalVIPForm, func(s *S, v lb.AdditionalVIPSpec) error {
				s.AdditionalVIPs = lb.Some(append(valueOf(s.AdditionalVIPs), v))
				return nil
			}).create(),
			field("provider", func(s *S) *lb.Opt[string] { return &s.Provider }, textOf(64)).create(),
			field("flavor_id", func(s *S) *lb.Opt[lb.FlavorID] { return &s.FlavorID }, idOf[lb.FlavorID]).create(),
			field("availability_zone", func(s *S) *lb.Opt[string] { return &s.AvailabilityZone }, textOf(255)).create(),
			each("pools", nested(poolForm(false)), func(s *S, p lb.PoolSpec) error {
				s.Pools = append(s.Pools, p)
				return nil
			}).create(),
			each("listeners", nestedListenerForm(), func(s *S, l nestedListener) error {
				s.Pools = append(s.Pools, l.pools...)
				s.Listeners = append(s.Listeners, l.ListenerSpec)
				return nil
			}).create(),
		},
	)
}

var additionalVIPForm = object[lb.AdditionalVIPSpec]{
	field("subnet_id", func(s *lb.AdditionalVIPSpec) *lb.Opt[lb.SubnetID] { return &s.SubnetID }, idOf[lb.SubnetID]).must(),
	field("ip_address", func(s *lb.AdditionalVIPSpec) *lb.Opt[netip.Addr] { return &s.Address }, addrOf),
	field("port_id", func(s *lb.AdditionalVIPSpec) *lb.Opt[lb.PortID] { return &s.PortID }, idOf[lb.PortID]),
}

// texts are ids as plain texts.
func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return all
}
