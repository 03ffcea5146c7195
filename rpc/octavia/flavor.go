package octavia

import (
	"iter"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

var flavors = &resource[*lb.Flavor, lb.FlavorSpec]{
	kind: lb.KindFlavor, one: "flavor", many: "flavors", links: "flavors_links", arg: "flavor_",
	read: access.Read, write: access.Admin,
	id: func(f *lb.Flavor) string { return string(f.ID) },
	attrs: []attribute[*lb.Flavor]{
		{"id", func(f *lb.Flavor) any { return string(f.ID) }},
		{"name", func(f *lb.Flavor) any { return f.Name }},
		{"description", func(f *lb.Flavor) any { return f.Description }},
		{"enabled", func(f *lb.Flavor) any { return f.Enabled }},
		{"flavor_profile_id", func(f *lb.Flavor) any { return string(f.ProfileID) }},
	},
	form: object[lb.FlavorSpec]{
		field("name", func(s *lb.FlavorSpec) *lb.Opt[string] { return &s.Name }, textOf(255)).must(),
		field("description", func(s *lb.FlavorSpec) *lb.Opt[string] { return &s.Description }, textOf(255)),
		field("enabled", func(s *lb.FlavorSpec) *lb.Opt[bool] { return &s.Enabled }, boolOf),
		field("flavor_profile_id", func(s *lb.FlavorSpec) *lb.Opt[lb.FlavorProfileID] { return &s.ProfileID }, idOf[lb.FlavorProfileID]).must().create(),
	},
	all: func(_ *call, s *snapshot) (iter.Seq[*lb.Flavor], error) { return s.cfg.Flavors(), nil },
	find: func(_ *call, s *snapshot, id string) (*lb.Flavor, bool, error) {
		f, ok := s.cfg.Flavor(lb.FlavorID(id))
		return f, ok, nil
	},
	create: func(_ *call, _ *snapshot, s *lb.FlavorSpec) (string, lb.Op, error) {
		return "", lb.CreateFlavor{Spec: *s}, nil
	},
	update: func(_ *call, f *lb.Flavor, s *lb.FlavorSpec) (lb.Op, error) {
		return lb.UpdateFlavor{ID: f.ID, Spec: *s}, nil
	},
	remove: func(_ *call, f *lb.Flavor) (lb.Op, error) { return lb.DeleteFlavor{ID: f.ID}, nil },
}

var flavorProfiles = &resource[*lb.FlavorProfile, lb.FlavorProfileSpec]{
	kind: lb.KindFlavorProfile, one: "flavorprofile", many: "flavorprofiles", links: "flavorprofile_links", arg: "flavor_profile_",
	read: access.Admin, write: access.Admin,
	id: func(p *lb.FlavorProfile) string { return string(p.ID) },
	attrs: []attribute[*lb.FlavorProfile]{
		{"id", func(p *lb.FlavorProfile) any { return string(p.ID) }},
		{"name", func(p *lb.FlavorProfile) any { return p.Name }},
		{"provider_name", func(p *lb.FlavorProfile) any { return p.ProviderName }},
		{"flavor_data", func(p *lb.FlavorProfile) any { return p.Data }},
	},
	form: object[lb.FlavorProfileSpec]{
		field("name", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.Name }, textOf(255)).must(),
		field("provider_name", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.ProviderName }, textOf(255)).must(),
		field("flavor_data", func(s *lb.FlavorProfileSpec) *lb.Opt[string] { return &s.Data }, textOf(4096)).must(),
	},
	all: func(_ *call, s *snapshot) (iter.Seq[*lb.FlavorProfile], error) { return s.cfg.FlavorProfiles(), nil },
	find: func(_ *call, s *snapshot, id string) (*lb.FlavorProfile, bool, error) {
		p, ok := s.cfg.FlavorProfile(lb.FlavorProfileID(id))
		return p, ok, nil
	},
	create: func(_ *call, _ *snapshot, s *lb.FlavorProfileSpec) (string, lb.Op, error) {
		return "", lb.CreateFlavorProfile{Spec: *s}, nil
	},
	update: func(_ *call, p *lb.FlavorProfile, s *lb.FlavorProfileSpec) (lb.Op, error) {
		return lb.UpdateFlavorProfile{ID: p.ID, Spec: *s}, nil
	},
	remove: func(_ *call, p *lb.FlavorProfile) (lb.Op, error) { return lb.DeleteFlavorProfile{ID: p.ID}, nil },
}
