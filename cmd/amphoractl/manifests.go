package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
)

// manifests are the kinds that a document may have, in the order in which they are made.
var manifests = []*manifest{networkManifest, subnetManifest, flavorProfileManifest, flavorManifest, quotaManifest, loadBalancerManifest}

func text0(fields map[string]*yaml.Node, name string) string {
	if n := fields[name]; n != nil {
		return n.Value
	}
	return ""
}

// byName is the key of what is known by its name.
func byName(fields map[string]*yaml.Node) string { return text0(fields, "name") }

func haveOf(id, key, parent string, m *lb.Meta, obj any) have {
	return have{id: id, name: m.Name, key: cmp.Or(key, m.Name, id), parent: parent, revision: m.Revision, tags: m.Tags, obj: obj}
}

var networkManifest = &manifest{
	word: "network", kind: lb.KindNetwork, tagged: true, key: byName,
	newSpec: func() any { return new(lb.NetworkSpec) },
	attrs: append(metaAttrs(func(s *lb.NetworkSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.Network) *lb.Meta { return &o.Meta }, true),
		attr("shared", func(s *lb.NetworkSpec) *lb.Opt[bool] { return &s.Shared }, func(o *lb.Network) bool { return o.Shared }, asBool),
		attr("router:external", func(s *lb.NetworkSpec) *lb.Opt[bool] { return &s.External }, func(o *lb.Network) bool { return o.External }, asBool),
	),
	create: func(id, _ string, s any) lb.Op {
		return lb.CreateNetwork{ID: lb.NetworkID(id), Spec: *s.(*lb.NetworkSpec)}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateNetwork{ID: lb.NetworkID(id), If: rev, Spec: *s.(*lb.NetworkSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteNetwork{ID: lb.NetworkID(id)} },
	describe: func(o any) have {
		v := o.(*lb.Network)
		return haveOf(string(v.ID), "", "", &v.Meta, o)
	},
}

var subnetManifest = &manifest{
	word: "subnet", kind: lb.KindSubnet, tagged: true, key: byName,
	newSpec: func() any { return new(lb.SubnetSpec) },
	attrs: append(metaAttrs(func(s *lb.SubnetSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.Subnet) *lb.Meta { return &o.Meta }, true),
		once(attr("network_id", func(s *lb.SubnetSpec) *lb.Opt[lb.NetworkID] { return &s.NetworkID }, func(o *lb.Subnet) lb.NetworkID { return o.NetworkID }, named[lb.NetworkID](lb.KindNetwork, false))),
		once(attr("cidr", func(s *lb.SubnetSpec) *lb.Opt[prefixOf] { return &s.CIDR }, func(o *lb.Subnet) prefixOf { return o.CIDR }, asPrefix)),
		attr("gateway_ip", func(s *lb.SubnetSpec) *lb.Opt[addrOf] { return &s.Gateway }, func(o *lb.Subnet) addrOf { return o.Gateway }, asAddr),
		attr("allocation_pools", func(s *lb.SubnetSpec) *lb.Opt[[]lb.Range] { return &s.Allocations }, func(o *lb.Subnet) []lb.Range { return o.Allocations }, listOf(asRange)),
	),
	create: func(id, _ string, s any) lb.Op {
		return lb.CreateSubnet{ID: lb.SubnetID(id), Spec: *s.(*lb.SubnetSpec)}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateSubnet{ID: lb.SubnetID(id), If: rev, Spec: *s.(*lb.SubnetSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteSubnet{ID: lb.SubnetID(id)} },
	describe: func(o any) have {
		v := o.(*lb.Subnet)
		return haveOf(string(v.ID), "", "", &v.Meta, o)
	},
}

// asRange is written as {start: address, end: address}.
var asRange = codec[lb.Range]{
	decode: func(n *yaml.Node, _ *plan, _ string) (lb.Range, error) {
		var x struct{ Start, End string }
		if err := n.Decode(&x); err != nil {
			return lb.Range{}, fmt.Errorf("use {start: address, end: address}")
		}
		return addressRange("start=" + x.Start + ",end=" + x.End)
	},
	equal: func(a, b lb.Range) bool { return a == b },
	show: func(r lb.Range, _ *plan) any {
		return record{{"start", r.First.String()}, {"end", r.Last.String()}}
	},
}

var flavorProfileManifest = &manifest{
	word: "flavorprofile", kind: lb.KindFlavorProfile, key: byName,
	newSpec: func() any { return new(lb.FlavorProfileSpec) },
	attrs: []attribute{
		attr("name", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.Name }, func(o *lb.FlavorProfile) string { return o.Name }, asText),
		attr("provider_name", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.ProviderName }, func(o *lb.FlavorProfile) string { return o.ProviderName }, asText),
		attr("flavor_data", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.Data }, func(o *lb.FlavorProfile) string { return o.Data }, asText),
	},
	create: func(id, _ string, s any) lb.Op {
		return lb.CreateFlavorProfile{ID: lb.FlavorProfileID(id), Spec: *s.(*lb.FlavorProfileSpec)}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateFlavorProfile{ID: lb.FlavorProfileID(id), If: rev, Spec: *s.(*lb.FlavorProfileSpec)}
	},
	describe: func(o any) have {
		v := o.(*lb.FlavorProfile)
		return have{id: string(v.ID), name: v.Name, key: v.Name, revision: v.Revision, obj: o}
	},
}

var flavorManifest = &manifest{
	word: "flavor", kind: lb.KindFlavor, key: byName,
	newSpec: func() any { return new(lb.FlavorSpec) },
	attrs: []attribute{
		attr("name", func(s *lb.FlavorSpec) *lb.Opt[string] { return &s.Name }, func(o *lb.Flavor) string { return o.Name }, asText),
		attr("description", func(s *lb.FlavorSpec) *lb.Opt[string] { return &s.Description }, func(o *lb.Flavor) string { return o.Description }, asText),
		attr("enabled", func(s *lb.FlavorSpec) *lb.Opt[bool] { return &s.Enabled }, func(o *lb.Flavor) bool { return o.Enabled }, asBool),
		once(attr("flavor_profile_id", func(s *lb.FlavorSpec) *lb.Opt[lb.FlavorProfileID] { return &s.ProfileID }, func(o *lb.Flavor) lb.FlavorProfileID { return o.ProfileID }, named[lb.FlavorProfileID](lb.KindFlavorProfile, false))),
	},
	create: func(id, _ string, s any) lb.Op {
		return lb.CreateFlavor{ID: lb.FlavorID(id), Spec: *s.(*lb.FlavorSpec)}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateFlavor{ID: lb.FlavorID(id), If: rev, Spec: *s.(*lb.FlavorSpec)}
	},
	describe: func(o any) have {
		v := o.(*lb.Flavor)
		return have{id: string(v.ID), name: v.Name, key: v.Name, revision: v.Revision, obj: o}
	},
}

var quotaManifest = &manifest{
	word: "quota", kind: lb.KindQuota,
	key:     func(fields map[string]*yaml.Node) string { return text0(fields, "project_id") },
	newSpec: func() any { return new(lb.QuotaSpec) },
	attrs: func() []attribute {
		all := []attribute{{
			name:    "project_id",
			decode:  func(any, *yaml.Node, *plan, string) error { return nil },
			differs: func(any, any) bool { return false },
			export:  func(obj any, _ *plan) any { return obj.(*lb.Quota).ProjectID },
		}}
		for _, l := range limits {
			all = append(all, attribute{
				name: l.name,
				decode: func(spec any, n *yaml.Node, p *plan, parent string) error {
					v, err := asInt.decode(n, p, parent)
					*l.spec(spec.(*lb.QuotaSpec)) = lb.Some(v)
					return err
				},
				differs: func(spec, obj any) bool {
					want, ok := l.spec(spec.(*lb.QuotaSpec)).Get()
					is := *l.value(&obj.(*lb.Quota).Limits)
					return ok && (is == nil || *is != want)
				},
				export: func(obj any, _ *plan) any { return number(*l.value(&obj.(*lb.Quota).Limits)) },
			})
		}
		return all
	}(),
	create: func(id, _ string, s any) lb.Op { return lb.SetQuota{ProjectID: id, Spec: *s.(*lb.QuotaSpec)} },
	update: func(id string, _ uint64, s any) lb.Op {
		return lb.SetQuota{ProjectID: id, Spec: *s.(*lb.QuotaSpec)}
	},
	describe: func(o any) have {
		v := o.(*lb.Quota)
		return have{id: v.ProjectID, key: v.ProjectID, revision: v.Revision, obj: o}
	},
}

var loadBalancerManifest = &manifest{
	word: "loadbalancer", kind: lb.KindLoadBalancer, tagged: true, key: byName,
	children: []*manifest{poolManifest, listenerManifest},
	newSpec:  func() any { return new(lb.LoadBalancerSpec) },
	attrs: append(metaAttrs(func(s *lb.LoadBalancerSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.LoadBalancer) *lb.Meta { return &o.Meta }, true),
		once(attr("vip_subnet_id", func(s *lb.LoadBalancerSpec) *lb.Opt[lb.SubnetID] { return &s.VIPSubnetID }, func(o *lb.LoadBalancer) lb.SubnetID { return o.VIPSubnetID }, named[lb.SubnetID](lb.KindSubnet, false))),
		once(attr("vip_address", func(s *lb.LoadBalancerSpec) *lb.Opt[addrOf] { return &s.VIPAddress }, func(o *lb.LoadBalancer) addrOf { return o.VIPAddress }, asAddr)),
		once(attr("flavor_id", func(s *lb.LoadBalancerSpec) *lb.Opt[lb.FlavorID] { return &s.FlavorID }, func(o *lb.LoadBalancer) lb.FlavorID { return o.FlavorID }, named[lb.FlavorID](lb.KindFlavor, false))),
		once(attr("availability_zone", func(s *lb.LoadBalancerSpec) *lb.Opt[string] { return &s.AvailabilityZone }, func(o *lb.LoadBalancer) string { return o.AvailabilityZone }, asText)),
		once(additionalVIPs),
	),
	create: func(id, _ string, s any) lb.Op {
		return lb.CreateLoadBalancer{ID: lb.LoadBalancerID(id), Spec: *s.(*lb.LoadBalancerSpec)}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(id), If: rev, Spec: *s.(*lb.LoadBalancerSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(id), Cascade: true} },
	describe: func(o any) have {
		v := o.(*lb.LoadBalancer)
		return haveOf(string(v.ID), "", "", &v.Meta, o)
	},
}

// additionalVIPs are a list of {subnet_id, ip_address}.
var additionalVIPs = attribute{
	name: "additional_vips",
	decode: func(spec any, n *yaml.Node, p *plan, _ string) error {
		var xs []struct {
			SubnetID  string `yaml:"subnet_id"`
			IPAddress string `yaml:"ip_address"`
		}
		if err := n.Decode(&xs); err != nil {
			return fmt.Errorf("use a list of {subnet_id: subnet, ip_address: address}")
		}
		all := []lb.AdditionalVIPSpec{}
		for _, x := range xs {
			id, err := p.find(lb.KindSubnet, "", x.SubnetID)
			if err != nil {
				return err
			}
			v := lb.AdditionalVIPSpec{SubnetID: lb.Some(lb.SubnetID(id))}
			if x.IPAddress != "" {
				if err := setTo(&v.Address, x.IPAddress, address); err != nil {
					return err
				}
			}
			all = append(all, v)
		}
		spec.(*lb.LoadBalancerSpec).AdditionalVIPs = lb.Some(all)
		return nil
	},
	differs: func(spec, obj any) bool {
		want, ok := spec.(*lb.LoadBalancerSpec).AdditionalVIPs.Get()
		is := obj.(*lb.LoadBalancer).AdditionalVIPs
		if !ok {
			return false
		}
		return !slices.EqualFunc(want, is, func(w lb.AdditionalVIPSpec, v lb.AdditionalVIP) bool {
			id, _ := w.SubnetID.Get()
			a, given := w.Address.Get()
			return id == v.SubnetID && (!given || a == v.Address)
		})
	},
	export: func(obj any, p *plan) any {
		var all []record
		for _, v := range obj.(*lb.LoadBalancer).AdditionalVIPs {
			all = append(all, record{{"subnet_id", p.nameOf(lb.KindSubnet, string(v.SubnetID))}, {"ip_address", v.Address.String()}})
		}
		if all == nil {
			return nil
		}
		return all
	},
}

var poolManifest = &manifest{
	word: "pool", kind: lb.KindPool, below: "pools", tagged: true, key: byName,
	children: []*manifest{memberManifest, monitorManifest},
	newSpec:  func() any { return new(lb.PoolSpec) },
	attrs: append(metaAttrs(func(s *lb.PoolSpec) *lb.MetaSpec { return &s.MetaSpec }, func(o *lb.Pool) *lb.Meta { return &o.Meta }, true),
		once(attr("protocol", func(s *lb.PoolSpec) *lb.Opt[lb.Protocol] { return &s.Protocol }, func(o *lb.Pool) lb.Protocol { return o.Protocol }, asWord[lb.Protocol]())),
		attr("lb_algorithm", func(s *lb.PoolSpec) *lb.Opt[lb.Algorithm] { return &s.Algorithm }, func(o *lb.Pool) lb.Algorithm { return o.Algorithm }, asWord[lb.Algorithm]()),
		sessionPersistence,
		attr("tls_enabled", func(s *lb.PoolSpec) *lb.Opt[bool] { return &s.TLSEnabled }, func(o *lb.Pool) bool { return o.TLS.Enabled }, asBool),
		attr("tls_container_ref", func(s *lb.PoolSpec) *lb.Opt[string] { return &s.TLSRef }, func(o *lb.Pool) string { return o.TLS.Ref }, asText),
		attr("ca_tls_container_ref", func(s *lb.PoolSpec) *lb.Opt[string] { return &s.CARef }, func(o *lb.Pool) string { return o.TLS.CARef }, asText),
		attr("crl_container_ref", func(s *lb.PoolSpec) *lb.Opt[string] { return &s.CRLRef }, func(o *lb.Pool) string { return o.TLS.CRLRef }, asText),
		attr("tls_ciphers", func(s *lb.PoolSpec) *lb.Opt[string] { return &s.Ciphers }, func(o *lb.Pool) string { return o.TLS.Ciphers }, asText),
		attr("tls_versions", func(s *lb.PoolSpec) *lb.Opt[[]string] { return &s.Versions }, func(o *lb.Pool) []string { return o.TLS.Versions }, asTexts),
		attr("alpn_protocols", func(s *lb.PoolSpec) *lb.Opt[[]string] { return &s.ALPN }, func(o *lb.Pool) []string { return o.TLS.ALPN }, asTexts),
	),
	create: func(id, parent string, s any) lb.Op {
		spec := s.(*lb.PoolSpec)
		spec.LoadBalancerID = lb.Some(lb.LoadBalancerID(parent))
		return lb.CreatePool{ID: lb.PoolID(id), Spec: *spec}
	},
	update: func(id string, rev uint64, s any) lb.Op {
		return lb.UpdatePool{ID: lb.PoolID(id), If: rev, Spec: *s.(*lb.PoolSpec)}
	},
	delete: func(id string) lb.Op { return lb.DeletePool{ID: lb.PoolID(id)} },
	describe: func(o any) have {
		v := o.(*lb.Pool)
		return haveOf(string(v.ID), "", string(v.LoadBalancerID), &v.Meta, o)
	},
}

// sessionPersistence is written as {type: ..., cookie_name: ...}.
var sessionPersistence = attribute{
	name: "session_persistence",
	decode: func(spec any, n *yaml.Node, _ *plan, _ string) error {
		var x struct {
			Type        string
			CookieName  string `yaml:"cookie_name"`
			Timeout     int    `yaml:"persistence_timeout"`
			Granularity string `yaml:"persistence_granularity"`
		}
		if err := n.Decode(&x); err != nil {
			return fmt.Errorf("use {type: HTTP_COOKIE} and its like")
		}
		p := lb.PersistenceSpec{Type: lb.Some(lb.PersistenceType(x.Type))}
		if x.CookieName != "" {
			p.CookieName = lb.Some(x.CookieName)
		}
		if x.Timeout != 0 {
			p.Timeout = lb.Some(time.Duration(x.Timeout) * time.Second)
		}
		spec.(*lb.PoolSpec).Persistence = lb.Some(p)
		if x.Granularity != "" {
			if err := setTo(&p.Granularity, x.Granularity, address); err != nil {
				return err
			}
			spec.(*lb.PoolSpec).Persistence = lb.Some(p)
		}
		return nil
	},
	differs: func(spec, obj any) bool {
		want, ok := spec.(*lb.PoolSpec).Persistence.Get()
		is := obj.(*lb.Pool).Persistence
		if !ok || is == nil {
			return ok
		}
		kind, _ := want.Type.Get()
		cookie, _ := want.CookieName.Get()
		timeout, _ := want.Timeout.Get()
		mask, _ := want.Granularity.Get()
		return kind != is.Type || cookie != is.CookieName || timeout != is.Timeout || mask != is.Granularity
	},
	export: func(obj any, _ *plan) any {
		p := obj.(*lb.Pool).Persistence
		if p == nil {
			return nil
		}
		r := record{{"type", string(p.Type)}}
		if p.CookieName != "" {
			r = append(r, field{"cookie_name", p.CookieName})
		}
		if p.Timeout != 0 {
			r = append(r, field{"persistence_timeout", seconds(p.Timeout)})
		}
		if p.Granularity.IsValid() {
			r = append(r, field{"persistence_granularity", p.Granularity.String()})
		}
		return r
	},
}
