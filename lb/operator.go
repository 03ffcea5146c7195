package lb

import "iter"

// operator is what operators set and offer. It is a part of [Config] and as immutable.
type operator struct {
	quotas         pmap[string, *Quota] // by project
	flavorProfiles pmap[FlavorProfileID, *FlavorProfile]
	flavors        pmap[FlavorID, *Flavor]
	zoneProfiles   pmap[AvailabilityZoneProfileID, *AvailabilityZoneProfile]
	zones          pmap[string, *AvailabilityZone] // by name

	flavorNames pmap[string, FlavorID] // derived
}

// objects yields every stored resource, such that what is referred to comes first.
func (c *operator) objects(yield func(any) bool) bool {
	return each(c.quotas.Values(), yield) && each(c.flavorProfiles.Values(), yield) && each(c.flavors.Values(), yield) &&
		each(c.zoneProfiles.Values(), yield) && each(c.zones.Values(), yield)
}

// hasOperator reports whether a flavor or a profile has that id.
func (c *operator) hasOperator(id string) bool {
	return c.flavorProfiles.Has(FlavorProfileID(id)) || c.flavors.Has(FlavorID(id)) ||
		c.zoneProfiles.Has(AvailabilityZoneProfileID(id))
}

// Quotas yields what operators have set for projects, in order of project.
func (c *Config) Quotas() iter.Seq[*Quota] { return c.quotas.Values() }

// Quota returns what an operator has set for a project; false if nobody ever did.
func (c *Config) Quota(project string) (*Quota, bool) { return c.quotas.Get(project) }

// FlavorProfiles yields every flavor profile in order of id.
func (c *Config) FlavorProfiles() iter.Seq[*FlavorProfile] { return c.flavorProfiles.Values() }

// FlavorProfile returns the flavor profile with that id.
func (c *Config) FlavorProfile(id FlavorProfileID) (*FlavorProfile, bool) {
	return c.flavorProfiles.Get(id)
}

// Flavors yields every flavor in order of id.
func (c *Config) Flavors() iter.Seq[*Flavor] { return c.flavors.Values() }

// Flavor returns the flavor with that id.
func (c *Config) Flavor(id FlavorID) (*Flavor, bool) { return c.flavors.Get(id) }

// AvailabilityZoneProfiles yields every availability zone profile in order of id.
func (c *Config) AvailabilityZoneProfiles() iter.Seq[*AvailabilityZoneProfile] {
	return c.zoneProfiles.Values()
}

// AvailabilityZoneProfile returns the availability zone profile with that id.
func (c *Config) AvailabilityZoneProfile(id AvailabilityZoneProfileID) (*AvailabilityZoneProfile, bool) {
	return c.zoneProfiles.Get(id)
}

// AvailabilityZones yields every availability zone in order of name.
func (c *Config) AvailabilityZones() iter.Seq[*AvailabilityZone] { return c.zones.Values() }

// AvailabilityZone returns the availability zone with that name.
func (c *Config) AvailabilityZone(name string) (*AvailabilityZone, bool) { return c.zones.Get(name) }

// zoneRef is what refs counts the load balancers of an availability zone by: names are
// not unique among ids.
func zoneRef(name string) string { return "availability zone " + name }
