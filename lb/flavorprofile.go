package lb

func (o CreateFlavorProfile) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	p, c := &FlavorProfile{ID: FlavorProfileID(id)}, &checker{kind: KindFlavorProfile}
	c.newID(&e.Config, id)
	o.Spec.fill(c, p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setFlavorProfile(p), nil
}

func (o UpdateFlavorProfile) apply(e *edit) (Result, error) {
	old, ok := e.flavorProfiles.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindFlavorProfile, string(o.ID))
	}
	if err := precondition(KindFlavorProfile, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	p, c := *old, &checker{kind: KindFlavorProfile, id: string(o.ID)}
	o.Spec.fill(c, &p)
	if p.ProviderName != old.ProviderName || p.Data != old.Data {
		c.free(&e.Config, "Flavor profile", c.id)
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setFlavorProfile(&p), nil
}

func (o DeleteFlavorProfile) apply(e *edit) (Result, error) {
	p, ok := e.flavorProfiles.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindFlavorProfile, string(o.ID))
	}
	if err := precondition(KindFlavorProfile, string(o.ID), o.If, p.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindFlavorProfile, id: string(o.ID)}
	if c.free(&e.Config, "Flavor profile", c.id); c.err() != nil {
		return Result{}, c.err()
	}
	e.flavorProfiles = e.flavorProfiles.Without(o.ID)
	return e.deleted(KindFlavorProfile, string(o.ID)), nil
}

func (e *edit) setFlavorProfile(p *FlavorProfile) Result {
	p.Revision = e.revision
	e.flavorProfiles = e.flavorProfiles.With(p.ID, p)
	return e.wrote(KindFlavorProfile, string(p.ID), p)
}

// free refuses to change or delete what something refers to, in Octavia's words.
func (c *checker) free(cfg *Config, name, ref string) {
	if cfg.referred(ref) > 0 {
		c.add(ErrInUse, "", "%s %s is in use and cannot be modified.", name, c.id)
	}
}

func (spec FlavorProfileSpec) fill(c *checker, p *FlavorProfile) {
	c.profile(profileSpec{spec.Name, spec.ProviderName, spec.Data}, &p.Name, &p.ProviderName, &p.Data, "flavor_data", flavorCapabilities)
}

// profileSpec is what flavor profiles and those of availability zones have in common.
type profileSpec struct{ name, provider, data Opt[string] }

func (c *checker) profile(spec profileSpec, name, provider, data *string, field string, known []Capability) {
	if required(c, "name", name, spec.name) {
		c.text("name", *name, maxText)
	}
	ok := required(c, "provider_name", provider, spec.provider) && c.provider("provider_name", *provider)
	if required(c, field, data, spec.data) && ok {
		c.profileData(field, *provider, *data, known)
	}
}
