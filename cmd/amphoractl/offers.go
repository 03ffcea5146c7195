package main

import (
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var flavorProfileKind = kind[lb.FlavorProfile, lb.FlavorProfileSpec]{
	name:    lb.KindFlavorProfile,
	word:    "flavorprofile",
	aliases: []string{"flavorprofiles"},
	long:    "A flavor profile is what a flavor does, as a JSON object.",
	columns: []string{"id", "name", "provider_name"},
	of: func(c *admin.Client) admin.Collection[lb.FlavorProfile, lb.FlavorProfileSpec] {
		return c.FlavorProfiles
	},
	flags: func(fs *pflag.FlagSet, s *lb.FlavorProfileSpec, _ bool) {
		opt(fs, &s.Name, "name", "name", "name (required)", text[string])
		opt(fs, &s.ProviderName, "provider", "provider", "provider, such as amphora (required)", text[string])
		opt(fs, &s.Data, "flavor-data", "json", "what it does, a JSON object (required)", text[string])
	},
	record: func(r admin.Resource[lb.FlavorProfile]) record {
		p := r.Value
		return record{{"id", string(p.ID)}, {"name", p.Name}, {"provider_name", p.ProviderName}, {"flavor_data", p.Data}, {"revision", p.Revision}}
	},
	examples: map[string]string{
		"create": `  amphoractl flavorprofile create --name single --provider amphora --flavor-data '{"loadbalancer_topology":"SINGLE"}'`,
		"list":   "  amphoractl flavorprofile list",
		"show":   "  amphoractl flavorprofile show single",
		"set":    "  amphoractl flavorprofile set --name one single",
		"delete": "  amphoractl flavorprofile delete single",
	},
}

var flavorKind = kind[lb.Flavor, lb.FlavorSpec]{
	name:    lb.KindFlavor,
	word:    "flavor",
	aliases: []string{"flavors"},
	long:    "A flavor is a choice that is offered for load balancers.",
	columns: []string{"id", "name", "flavor_profile_id", "enabled"},
	of:      func(c *admin.Client) admin.Collection[lb.Flavor, lb.FlavorSpec] { return c.Flavors },
	flags: func(fs *pflag.FlagSet, s *lb.FlavorSpec, create bool) {
		opt(fs, &s.Name, "name", "name", "name (required)", text[string])
		opt(fs, &s.Description, "description", "text", "description", text[string])
		if create {
			opt(fs, &s.ProfileID, "flavorprofile", "flavorprofile", "what it does (required)", text[lb.FlavorProfileID])
		}
		fixed(fs, &s.Enabled, "enable", "offer it (default)", lb.Some(true))
		fixed(fs, &s.Enabled, "disable", "do not offer it", lb.Some(false))
	},
	record: func(r admin.Resource[lb.Flavor]) record {
		f := r.Value
		return record{
			{"id", string(f.ID)},
			{"name", f.Name},
			{"description", f.Description},
			{"flavor_profile_id", string(f.ProfileID)},
			{"enabled", f.Enabled},
			{"revision", f.Revision},
		}
	},
	examples: map[string]string{
		"create": "  amphoractl flavor create --name single --flavorprofile single",
		"list":   "  amphoractl flavor list",
		"show":   "  amphoractl flavor show single",
		"set":    "  amphoractl flavor set --disable single",
		"delete": "  amphoractl flavor delete single",
	},
}

var zoneProfileKind = kind[lb.AvailabilityZoneProfile, lb.AvailabilityZoneProfileSpec]{
	name:    lb.KindAvailabilityZoneProfile,
	word:    "availabilityzoneprofile",
	aliases: []string{"availabilityzoneprofiles"},
	long:    "An availability zone profile is what an availability zone means, as a JSON object.",
	columns: []string{"id", "name", "provider_name"},
	of: func(c *admin.Client) admin.Collection[lb.AvailabilityZoneProfile, lb.AvailabilityZoneProfileSpec] {
		return c.AvailabilityZoneProfiles
	},
	flags: func(fs *pflag.FlagSet, s *lb.AvailabilityZoneProfileSpec, _ bool) {
		opt(fs, &s.Name, "name", "name", "name (required)", text[string])
		opt(fs, &s.ProviderName, "provider", "provider", "provider, such as amphora (required)", text[string])
		opt(fs, &s.Data, "availability-zone-data", "json", "what it means, a JSON object (required)", text[string])
	},
	record: func(r admin.Resource[lb.AvailabilityZoneProfile]) record {
		p := r.Value
		return record{{"id", string(p.ID)}, {"name", p.Name}, {"provider_name", p.ProviderName}, {"availability_zone_data", p.Data}, {"revision", p.Revision}}
	},
	examples: map[string]string{
		"create": `  amphoractl availabilityzoneprofile create --name rack1 --provider amphora --availability-zone-data '{"compute_zone":"rack1"}'`,
		"list":   "  amphoractl availabilityzoneprofile list",
		"show":   "  amphoractl availabilityzoneprofile show rack1",
		"set":    "  amphoractl availabilityzoneprofile set --name rack-1 rack1",
		"delete": "  amphoractl availabilityzoneprofile delete rack1",
	},
}

var zoneKind = kind[lb.AvailabilityZone, lb.AvailabilityZoneSpec]{
	name:    lb.KindAvailabilityZone,
	word:    "availabilityzone",
	aliases: []string{"availabilityzones", "az"},
	long:    "An availability zone is a place that is offered for load balancers. Its name is its key.",
	columns: []string{"name", "availability_zone_profile_id", "enabled"},
	of: func(c *admin.Client) admin.Collection[lb.AvailabilityZone, lb.AvailabilityZoneSpec] {
		return c.AvailabilityZones
	},
	flags: func(fs *pflag.FlagSet, s *lb.AvailabilityZoneSpec, create bool) {
		if create {
			opt(fs, &s.Name, "name", "name", "name (required)", text[string])
			opt(fs, &s.ProfileID, "availabilityzoneprofile", "availabilityzoneprofile", "what it means (required)", text[lb.AvailabilityZoneProfileID])
		}
		opt(fs, &s.Description, "description", "text", "description", text[string])
		fixed(fs, &s.Enabled, "enable", "offer it (default)", lb.Some(true))
		fixed(fs, &s.Enabled, "disable", "do not offer it", lb.Some(false))
	},
	record: func(r admin.Resource[lb.AvailabilityZone]) record {
		z := r.Value
		return record{
			{"name", z.Name},
			{"description", z.Description},
			{"availability_zone_profile_id", string(z.ProfileID)},
			{"enabled", z.Enabled},
			{"revision", z.Revision},
		}
	},
	examples: map[string]string{
		"create": "  amphoractl availabilityzone create --name rack1 --availabilityzoneprofile rack1",
		"list":   "  amphoractl availabilityzone list",
		"show":   "  amphoractl availabilityzone show rack1",
		"set":    "  amphoractl availabilityzone set --disable rack1",
		"delete": "  amphoractl availabilityzone delete rack1",
	},
}

var quotaKind = kind[lb.Quota, lb.QuotaSpec]{
	name:     lb.KindQuota,
	word:     "quota",
	aliases:  []string{"quotas"},
	long:     "A quota is how many objects of each kind a project may have. What is not set has the\ndefault, which is no limit.",
	columns:  []string{"project_id", "loadbalancer", "listener", "pool", "member", "healthmonitor", "l7policy", "l7rule"},
	of:       func(c *admin.Client) admin.Collection[lb.Quota, lb.QuotaSpec] { return c.Quotas },
	without:  []string{"create", "delete"},
	argument: "PROJECT",
	flags: func(fs *pflag.FlagSet, s *lb.QuotaSpec, _ bool) {
		for _, l := range limits {
			opt(fs, l.spec(s), l.name, "number", "how many; -1 for no limit", integer)
			none(fs, l.spec(s), "no-"+l.name, "set "+l.name+" back to the default")
		}
	},
	record: func(r admin.Resource[lb.Quota]) record {
		all := record{{"project_id", r.Value.ProjectID}}
		for _, l := range limits {
			all = append(all, field{l.name, number(*l.value(&r.Value.Limits))})
		}
		return append(all, field{"revision", r.Value.Revision})
	},
	examples: map[string]string{
		"create": "  amphoractl quota set --loadbalancer 10 demo", // what the group shows
		"list":   "  amphoractl quota list",
		"show":   "  amphoractl quota show demo",
		"set":    "  amphoractl quota set --loadbalancer 10 --listener -1 demo",
	},
}

// limits are the kinds that a quota limits.
var limits = []struct {
	name  string
	spec  func(*lb.QuotaSpec) *lb.Opt[int]
	value func(*lb.Limits) **int
}{
	{"loadbalancer", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.LoadBalancer }, func(l *lb.Limits) **int { return &l.LoadBalancer }},
	{"listener", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Listener }, func(l *lb.Limits) **int { return &l.Listener }},
	{"pool", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Pool }, func(l *lb.Limits) **int { return &l.Pool }},
	{"member", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.Member }, func(l *lb.Limits) **int { return &l.Member }},
	{"healthmonitor", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.HealthMonitor }, func(l *lb.Limits) **int { return &l.HealthMonitor }},
	{"l7policy", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.L7Policy }, func(l *lb.Limits) **int { return &l.L7Policy }},
	{"l7rule", func(s *lb.QuotaSpec) *lb.Opt[int] { return &s.L7Rule }, func(l *lb.Limits) **int { return &l.L7Rule }},
}
