package lb

func (o CreateAvailabilityZone) apply(e *edit) (Result, error) {
	z, c := &AvailabilityZone{Enabled: true}, &checker{kind: KindAvailabilityZone}
	o.Spec.fill(c, &e.Config, z)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.refer(nil, []string{string(z.ProfileID)})
	return e.setZone(z), nil
}

func (o UpdateAvailabilityZone) apply(e *edit) (Result, error) {
	old, ok := e.zones.Get(o.Name)
	if !ok {
		return Result{}, notFound(KindAvailabilityZone, o.Name)
	}
	z, c := *old, &checker{kind: KindAvailabilityZone, id: o.Name}
	o.Spec.fill(c, &e.Config, &z)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setZone(&z), nil
}

func (o DeleteAvailabilityZone) apply(e *edit) (Result, error) {
	z, ok := e.zones.Get(o.Name)
	if !ok {
		return Result{}, notFound(KindAvailabilityZone, o.Name)
	}
	c := &checker{kind: KindAvailabilityZone, id: o.Name}
	if c.free(&e.Config, "Availability Zone", zoneRef(o.Name)); c.err() != nil {
		return Result{}, c.err()
	}
	e.refer([]string{string(z.ProfileID)}, nil)
	e.zones = e.zones.Without(o.Name)
	return e.deleted(KindAvailabilityZone, o.Name), nil
}

func (e *edit) setZone(z *AvailabilityZone) Result {
	z.Revision = e.revision
	e.zones = e.zones.With(z.Name, z)
	return e.wrote(KindAvailabilityZone, z.Name, z)
}

func (spec AvailabilityZoneSpec) fill(c *checker, cfg *Config, z *AvailabilityZone) {
	if requiredFixed(c, "name", &z.Name, spec.Name) && c.creating() {
		c.text("name", z.Name, maxZoneName)
		switch {
		case z.Name == "":
			c.invalid("name", "is required")
		case cfg.zones.Has(z.Name):
			c.conflict("name", "A availability zone of %s already exists.", z.Name)
		}
	}
	optional(&z.Description, spec.Description, "")
	c.text("description", z.Description, maxText)
	optional(&z.Enabled, spec.Enabled, true)
	if requiredFixed(c, "availability_zone_profile_id", &z.ProfileID, spec.ProfileID) && !cfg.zoneProfiles.Has(z.ProfileID) {
		c.missing("availability_zone_profile_id", KindAvailabilityZoneProfile, string(z.ProfileID))
	}
}
