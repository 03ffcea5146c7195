package octavia

import (
	"iter"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// A zone's key is its name, which is why its id is.
var availabilityZones = &resource[*lb.AvailabilityZone, lb.AvailabilityZoneSpec]{
	kind: lb.KindAvailabilityZone, one: "availability_zone", many: "availability_zones", links: "availability_zones_links",
	arg: "availability_zone_", named: true,
	read: access.Read, write: access.Admin,
	id: func(z *lb.AvailabilityZone) string { return z.Name },
	attrs: []attribute[*lb.AvailabilityZone]{
		{"name", func(z *lb.AvailabilityZone) any { return z.Name }},
		{"description", func(z *lb.AvailabilityZone) any { return z.Description }},
		{"enabled", func(z *lb.AvailabilityZone) any { return z.Enabled }},
		{"availability_zone_profile_id", func(z *lb.AvailabilityZone) any { return string(z.ProfileID) }},
	},
	form: object[lb.AvailabilityZoneSpec]{
		field("name", func(s *lb.AvailabilityZoneSpec) *lb.Opt[string] { return &s.Name }, textOf(255)).must().create(),
		field("description", func(s *lb.AvailabilityZoneSpec) *lb.Opt[string] { return &s.Description }, textOf(255)),
		field("enabled", func(s *lb.AvailabilityZoneSpec) *lb.Opt[bool] { return &s.Enabled }, boolOf),
		field("availability_zone_profile_id", func(s *lb.AvailabilityZoneSpec) *lb.Opt[lb.AvailabilityZoneProfileID] { return &s.ProfileID },
			idOf[lb.AvailabilityZoneProfileID]).must().create(),
	},
	all: func(_ *call, s *snapshot) (iter.Seq[*lb.AvailabilityZone], error) {
		return s.cfg.AvailabilityZones(), nil
	},
	find: func(_ *call, s *snapshot, name string) (*lb.AvailabilityZone, bool, error) {
		z, ok := s.cfg.AvailabilityZone(name)
		return z, ok, nil
	},
	create: func(_ *call, _ *snapshot, s *lb.AvailabilityZoneSpec) (string, lb.Op, error) {
		return "", lb.CreateAvailabilityZone{Spec: *s}, nil
	},
	update: func(_ *call, z *lb.AvailabilityZone, s *lb.AvailabilityZoneSpec) (lb.Op, error) {
		return lb.UpdateAvailabilityZone{Name: z.Name, Spec: *s}, nil
	},
	remove: func(_ *call, z *lb.AvailabilityZone) (lb.Op, error) {
		return lb.DeleteAvailabilityZone{Name: z.Name}, nil
	},
}

var availabilityZoneProfiles = &resource[*lb.AvailabilityZoneProfile, lb.AvailabilityZoneProfileSpec]{
	kind: lb.KindAvailabilityZoneProfile, one: "availability_zone_profile", many: "availability_zone_profiles", links: "availability_zone_profile_links",
	arg:  "availability_zone_profile_",
	read: access.Admin, write: access.Admin,
	id: func(p *lb.AvailabilityZoneProfile) string { return string(p.ID) },
	attrs: []attribute[*lb.AvailabilityZoneProfile]{
		{"id", func(p *lb.AvailabilityZoneProfile) any { return string(p.ID) }},
		{"name", func(p *lb.AvailabilityZoneProfile) any { return p.Name }},
		{"provider_name", func(p *lb.AvailabilityZoneProfile) any { return p.ProviderName }},
		{"availability_zone_data", func(p *lb.AvailabilityZoneProfile) any { return p.Data }},
	},
	form: object[lb.AvailabilityZoneProfileSpec]{
		field("name", func(s *lb.AvailabilityZoneProfileSpec) *lb.Opt[string] { return &s.Name }, textOf(255)).must(),
		field("provider_name", func(s *lb.AvailabilityZoneProfileSpec) *lb.Opt[string] { return &s.ProviderName }, textOf(255)).must(),
		field("availability_zone_data", func(s *lb.AvailabilityZoneProfileSpec) *lb.Opt[string] { return &s.Data }, textOf(4096)).must(),
	},
	all: func(_ *call, s *snapshot) (iter.Seq[*lb.AvailabilityZoneProfile], error) {
		return s.cfg.AvailabilityZoneProfiles(), nil
	},
	find: func(_ *call, s *snapshot, id string) (*lb.AvailabilityZoneProfile, bool, error) {
		p, ok := s.cfg.AvailabilityZoneProfile(lb.AvailabilityZoneProfileID(id))
		return p, ok, nil
	},
	create: func(_ *call, _ *snapshot, s *lb.AvailabilityZoneProfileSpec) (string, lb.Op, error) {
		return "", lb.CreateAvailabilityZoneProfile{Spec: *s}, nil
	},
	update: func(_ *call, p *lb.AvailabilityZoneProfile, s *lb.AvailabilityZoneProfileSpec) (lb.Op, error) {
		return lb.UpdateAvailabilityZoneProfile{ID: p.ID, Spec: *s}, nil
	},
	remove: func(_ *call, p *lb.AvailabilityZoneProfile) (lb.Op, error) {
		return lb.DeleteAvailabilityZoneProfile{ID: p.ID}, nil
	},
}
