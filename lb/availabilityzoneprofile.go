package lb

func (o CreateAvailabilityZoneProfile) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	p, c := &AvailabilityZoneProfile{ID: AvailabilityZoneProfileID(id)}, &checker{kind: KindAvailabilityZoneProfile}
	c.newID(&e.Config, id)
	o.Spec.fill(c, p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setAvailabilityZoneProfile(p), nil
}

func (o UpdateAvailabilityZoneProfile) apply(e *edit) (Result, error) {
	old, ok := e.zoneProfiles.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindAvailabilityZoneProfile, string(o.ID))
	}
	if err := precondition(KindAvailabilityZoneProfile, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	p, c := *old, &checker{kind: KindAvailabilityZoneProfile, id: string(o.ID)}
	o.Spec.fill(c, &p)
	if p.ProviderName != old.ProviderName || p.Data != old.Data {
		c.free(&e.Config, "Availability Zone Profile", c.id)
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setAvailabilityZoneProfile(&p), nil
}

func (o DeleteAvailabilityZoneProfile) apply(e *edit) (Result, error) {
	p, ok := e.zoneProfiles.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindAvailabilityZoneProfile, string(o.ID))
	}
	if err := precondition(KindAvailabilityZoneProfile, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindAvailabilityZoneProfile, id: string(o.ID)}
	if c.free(&e.Config, "Availability Zone Profile", c.id); c.err() != nil {
		return Result{}, c.err()
	}
	e.zoneProfiles = e.zoneProfiles.Without(o.ID)
	return e.deleted(KindAvailabilityZoneProfile, string(o.ID)), nil
}

func (e *edit) setAvailabilityZoneProfile(p *AvailabilityZoneProfile) Result {
	p.Revision = e.revision
	e.zoneProfiles = e.zoneProfiles.With(p.ID, p)
	return e.wrote(KindAvailabilityZoneProfile, string(p.ID), p)
}

func (spec AvailabilityZoneProfileSpec) fill(c *checker, p *AvailabilityZoneProfile) {
	c.profile(profileSpec{spec.Name, spec.ProviderName, spec.Data}, &p.Name, &p.ProviderName, &p.Data, "availability_zone_data", zoneCapabilities)
}
