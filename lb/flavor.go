package lb

func (o CreateFlavor) apply(e *edit) (Result, error) {
	id := e.newID(string(o.ID))
	f, c := &Flavor{ID: FlavorID(id), Enabled: true}, &checker{kind: KindFlavor}
	c.newID(&e.Config, id)
	o.Spec.fill(c, &e.Config, f)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.refer(nil, []string{string(f.ProfileID)})
	return e.setFlavor(f), nil
}

func (o UpdateFlavor) apply(e *edit) (Result, error) {
	old, ok := e.flavors.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindFlavor, string(o.ID))
	}
	if err := precondition(KindFlavor, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	f, c := *old, &checker{kind: KindFlavor, id: string(o.ID)}
	o.Spec.fill(c, &e.Config, &f)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.flavorNames = e.flavorNames.Without(old.Name)
	return e.setFlavor(&f), nil
}

func (o DeleteFlavor) apply(e *edit) (Result, error) {
	f, ok := e.flavors.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindFlavor, string(o.ID))
	}
	if err := precondition(KindFlavor, string(o.ID), o.If, f.Revision); err != nil {
		return Result{}, err
	}
	c := &checker{kind: KindFlavor, id: string(o.ID)}
	if c.free(&e.Config, "Flavor", c.id); c.err() != nil {
		return Result{}, c.err()
	}
	e.refer([]string{string(f.ProfileID)}, nil)
	e.flavorNames = e.flavorNames.Without(f.Name)
	e.flavors = e.flavors.Without(o.ID)
	return e.deleted(KindFlavor, string(o.ID)), nil
}

func (e *edit) setFlavor(f *Flavor) Result {
	f.Revision = e.revision
	e.flavorNames = e.flavorNames.With(f.Name, f.ID)
	e.flavors = e.flavors.With(f.ID, f)
	return e.wrote(KindFlavor, string(f.ID), f)
}

func (spec FlavorSpec) fill(c *checker, cfg *Config, f *Flavor) {
	if required(c, "name", &f.Name, spec.Name) {
		c.text("name", f.Name, maxText)
		if other, ok := cfg.flavorNames.Get(f.Name); ok && other != f.ID {
			c.conflict("name", "A flavor of %s already exists.", f.Name)
		}
	}
	optional(&f.Description, spec.Description, "")
	c.text("description", f.Description, maxText)
	optional(&f.Enabled, spec.Enabled, true)
	if requiredFixed(c, "flavor_profile_id", &f.ProfileID, spec.ProfileID) && !cfg.flavorProfiles.Has(f.ProfileID) {
		c.missing("flavor_profile_id", KindFlavorProfile, string(f.ProfileID))
	}
}
