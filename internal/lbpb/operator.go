package lbpb

import (
	"github.com/amphora-lb/amphora/lb"
)

// FromQuota encodes the limits of a project.
func FromQuota(v *lb.Quota) *Quota {
	return &Quota{
		ProjectId:     v.ProjectID,
		Revision:      v.Revision,
		LoadBalancer:  formatLimit(v.LoadBalancer),
		Listener:      formatLimit(v.Listener),
		Pool:          formatLimit(v.Pool),
		Member:        formatLimit(v.Member),
		HealthMonitor: formatLimit(v.HealthMonitor),
		L7Policy:      formatLimit(v.L7Policy),
		L7Rule:        formatLimit(v.L7Rule),
	}
}

// ToLB decodes the limits of a project.
func (x *Quota) ToLB() (*lb.Quota, error) {
	f := &faults{kind: lb.KindQuota, id: x.GetProjectId()}
	return checked(f, &lb.Quota{
		ProjectID: x.GetProjectId(),
		Revision:  x.GetRevision(),
		Limits: lb.Limits{
			LoadBalancer:  parseLimit(f, "load_balancer", x.LoadBalancer),
			Listener:      parseLimit(f, "listener", x.Listener),
			Pool:          parseLimit(f, "pool", x.Pool),
			Member:        parseLimit(f, "member", x.Member),
			HealthMonitor: parseLimit(f, "health_monitor", x.HealthMonitor),
			L7Policy:      parseLimit(f, "l7policy", x.L7Policy),
			L7Rule:        parseLimit(f, "l7rule", x.L7Rule),
		},
	})
}

// FromFlavorProfile encodes a flavor profile.
func FromFlavorProfile(v *lb.FlavorProfile) *FlavorProfile {
	return &FlavorProfile{
		Id:           string(v.ID),
		Revision:     v.Revision,
		Name:         v.Name,
		ProviderName: v.ProviderName,
		FlavorData:   v.Data,
	}
}

// ToLB decodes a flavor profile.
func (x *FlavorProfile) ToLB() (*lb.FlavorProfile, error) {
	f := &faults{kind: lb.KindFlavorProfile, id: x.GetId()}
	return checked(f, &lb.FlavorProfile{
		ID:           lb.FlavorProfileID(x.GetId()),
		Revision:     x.GetRevision(),
		Name:         x.GetName(),
		ProviderName: x.GetProviderName(),
		Data:         x.GetFlavorData(),
	})
}

// FromFlavor encodes a flavor.
func FromFlavor(v *lb.Flavor) *Flavor {
	return &Flavor{
		Id:              string(v.ID),
		Revision:        v.Revision,
		Name:            v.Name,
		Description:     v.Description,
		Enabled:         v.Enabled,
		FlavorProfileId: string(v.ProfileID),
	}
}

// ToLB decodes a flavor.
func (x *Flavor) ToLB() (*lb.Flavor, error) {
	f := &faults{kind: lb.KindFlavor, id: x.GetId()}
	return checked(f, &lb.Flavor{
		ID:          lb.FlavorID(x.GetId()),
		Revision:    x.GetRevision(),
		Name:        x.GetName(),
		Description: x.GetDescription(),
		Enabled:     x.GetEnabled(),
		ProfileID:   lb.FlavorProfileID(x.GetFlavorProfileId()),
	})
}

// FromAvailabilityZoneProfile encodes an availability zone profile.
func FromAvailabilityZoneProfile(v *lb.AvailabilityZoneProfile) *AvailabilityZoneProfile {
	return &AvailabilityZoneProfile{
		Id:                   string(v.ID),
		Revision:             v.Revision,
		Name:                 v.Name,
		ProviderName:         v.ProviderName,
		AvailabilityZoneData: v.Data,
	}
}

// ToLB decodes an availability zone profile.
func (x *AvailabilityZoneProfile) ToLB() (*lb.AvailabilityZoneProfile, error) {
	f := &faults{kind: lb.KindAvailabilityZoneProfile, id: x.GetId()}
	return checked(f, &lb.AvailabilityZoneProfile{
		ID:           lb.AvailabilityZoneProfileID(x.GetId()),
		Revision:     x.GetRevision(),
		Name:         x.GetName(),
		ProviderName: x.GetProviderName(),
		Data:         x.GetAvailabilityZoneData(),
	})
}

// FromAvailabilityZone encodes an availability zone.
func FromAvailabilityZone(v *lb.AvailabilityZone) *AvailabilityZone {
	return &AvailabilityZone{
		Name:                      v.Name,
		Revision:                  v.Revision,
		Description:               v.Description,
		Enabled:                   v.Enabled,
		AvailabilityZoneProfileId: string(v.ProfileID),
	}
}

// ToLB decodes an availability zone.
func (x *AvailabilityZone) ToLB() (*lb.AvailabilityZone, error) {
	f := &faults{kind: lb.KindAvailabilityZone, id: x.GetName()}
	return checked(f, &lb.AvailabilityZone{
		Name:        x.GetName(),
		Revision:    x.GetRevision(),
		Description: x.GetDescription(),
		Enabled:     x.GetEnabled(),
		ProfileID:   lb.AvailabilityZoneProfileID(x.GetAvailabilityZoneProfileId()),
	})
}

// FromQuotaSpec encodes the spec of the limits of a project.
func FromQuotaSpec(s lb.QuotaSpec) *QuotaSpec {
	var n nulls
	x := &QuotaSpec{
		LoadBalancer:  from(&n, "load_balancer", s.LoadBalancer, formatInt),
		Listener:      from(&n, "listener", s.Listener, formatInt),
		Pool:          from(&n, "pool", s.Pool, formatInt),
		Member:        from(&n, "member", s.Member, formatInt),
		HealthMonitor: from(&n, "health_monitor", s.HealthMonitor, formatInt),
		L7Policy:      from(&n, "l7policy", s.L7Policy, formatInt),
		L7Rule:        from(&n, "l7rule", s.L7Rule, formatInt),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of the limits of a project.
func (x *QuotaSpec) ToLB() (lb.QuotaSpec, error) {
	if x == nil {
		x = &QuotaSpec{}
	}
	f := newFields(lb.KindQuota, x.NullFields)
	s := lb.QuotaSpec{
		LoadBalancer:  to(f, "load_balancer", x.LoadBalancer, parseIntField),
		Listener:      to(f, "listener", x.Listener, parseIntField),
		Pool:          to(f, "pool", x.Pool, parseIntField),
		Member:        to(f, "member", x.Member, parseIntField),
		HealthMonitor: to(f, "health_monitor", x.HealthMonitor, parseIntField),
		L7Policy:      to(f, "l7policy", x.L7Policy, parseIntField),
		L7Rule:        to(f, "l7rule", x.L7Rule, parseIntField),
	}
	return s, f.done()
}

// FromFlavorProfileSpec encodes the spec of a flavor profile.
func FromFlavorProfileSpec(s lb.FlavorProfileSpec) *FlavorProfileSpec {
	var n nulls
	x := &FlavorProfileSpec{
		Name:         from(&n, "name", s.Name, formatText),
		ProviderName: from(&n, "provider_name", s.ProviderName, formatText),
		FlavorData:   from(&n, "flavor_data", s.Data, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a flavor profile.
func (x *FlavorProfileSpec) ToLB() (lb.FlavorProfileSpec, error) {
	if x == nil {
		x = &FlavorProfileSpec{}
	}
	f := newFields(lb.KindFlavorProfile, x.NullFields)
	s := lb.FlavorProfileSpec{
		Name:         to(f, "name", x.Name, parseText[string]),
		ProviderName: to(f, "provider_name", x.ProviderName, parseText[string]),
		Data:         to(f, "flavor_data", x.FlavorData, parseText[string]),
	}
	return s, f.done()
}

// FromFlavorSpec encodes the spec of a flavor.
func FromFlavorSpec(s lb.FlavorSpec) *FlavorSpec {
	var n nulls
	x := &FlavorSpec{
		Name:            from(&n, "name", s.Name, formatText),
		Description:     from(&n, "description", s.Description, formatText),
		Enabled:         from(&n, "enabled", s.Enabled, formatBool),
		FlavorProfileId: from(&n, "flavor_profile_id", s.ProfileID, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a flavor.
func (x *FlavorSpec) ToLB() (lb.FlavorSpec, error) {
	if x == nil {
		x = &FlavorSpec{}
	}
	f := newFields(lb.KindFlavor, x.NullFields)
	s := lb.FlavorSpec{
		Name:        to(f, "name", x.Name, parseText[string]),
		Description: to(f, "description", x.Description, parseText[string]),
		Enabled:     to(f, "enabled", x.Enabled, parseBool),
		ProfileID:   to(f, "flavor_profile_id", x.FlavorProfileId, parseText[lb.FlavorProfileID]),
	}
	return s, f.done()
}

// FromAvailabilityZoneProfileSpec encodes the spec of an availability zone profile.
func FromAvailabilityZoneProfileSpec(s lb.AvailabilityZoneProfileSpec) *AvailabilityZoneProfileSpec {
	var n nulls
	x := &AvailabilityZoneProfileSpec{
		Name:                 from(&n, "name", s.Name, formatText),
		ProviderName:         from(&n, "provider_name", s.ProviderName, formatText),
		AvailabilityZoneData: from(&n, "availability_zone_data", s.Data, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of an availability zone profile.
func (x *AvailabilityZoneProfileSpec) ToLB() (lb.AvailabilityZoneProfileSpec, error) {
	if x == nil {
		x = &AvailabilityZoneProfileSpec{}
	}
	f := newFields(lb.KindAvailabilityZoneProfile, x.NullFields)
	s := lb.AvailabilityZoneProfileSpec{
		Name:         to(f, "name", x.Name, parseText[string]),
		ProviderName: to(f, "provider_name", x.ProviderName, parseText[string]),
		Data:         to(f, "availability_zone_data", x.AvailabilityZoneData, parseText[string]),
	}
	return s, f.done()
}

// FromAvailabilityZoneSpec encodes the spec of an availability zone.
func FromAvailabilityZoneSpec(s lb.AvailabilityZoneSpec) *AvailabilityZoneSpec {
	var n nulls
	x := &AvailabilityZoneSpec{
		Name:                      from(&n, "name", s.Name, formatText),
		Description:               from(&n, "description", s.Description, formatText),
		Enabled:                   from(&n, "enabled", s.Enabled, formatBool),
		AvailabilityZoneProfileId: from(&n, "availability_zone_profile_id", s.ProfileID, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of an availability zone.
func (x *AvailabilityZoneSpec) ToLB() (lb.AvailabilityZoneSpec, error) {
	if x == nil {
		x = &AvailabilityZoneSpec{}
	}
	f := newFields(lb.KindAvailabilityZone, x.NullFields)
	s := lb.AvailabilityZoneSpec{
		Name:        to(f, "name", x.Name, parseText[string]),
		Description: to(f, "description", x.Description, parseText[string]),
		Enabled:     to(f, "enabled", x.Enabled, parseBool),
		ProfileID:   to(f, "availability_zone_profile_id", x.AvailabilityZoneProfileId, parseText[lb.AvailabilityZoneProfileID]),
	}
	return s, f.done()
}
