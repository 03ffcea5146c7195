package lb

import "slices"

// contents are the names that the secrets of a container of a type have: those that
// must be there, and those that may.
var contents = map[string]struct{ must, may []string }{
	"generic":     {},
	"certificate": {[]string{"certificate"}, []string{"private_key", "private_key_passphrase", "intermediates"}},
	"rsa":         {[]string{"public_key", "private_key"}, []string{"private_key_passphrase"}},
}

func (o CreateSecretContainer) apply(e *edit) (Result, error) {
	box := &SecretContainer{ID: SecretContainerID(e.newID(string(o.ID)))}
	box.AdminStateUp = true
	c := &checker{kind: KindSecretContainer}
	c.newID(&e.Config, string(box.ID))
	o.Spec.fill(c, &e.Config, box)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&box.Meta)
	e.containers = e.containers.With(box.ID, box)
	return e.wrote(KindSecretContainer, string(box.ID), box), nil
}

func (o DeleteSecretContainer) apply(e *edit) (Result, error) {
	box, ok := e.containers.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSecretContainer, string(o.ID))
	}
	if err := precondition(KindSecretContainer, string(o.ID), o.If, box.Revision); err != nil {
		return Result{}, err
	}
	e.containers = e.containers.Without(o.ID)
	return e.deleted(KindSecretContainer, string(o.ID)), nil
}

func (spec SecretContainerSpec) fill(c *checker, cfg *Config, box *SecretContainer) {
	spec.MetaSpec.fill(c, &box.Meta)
	spec.fillProject(c, &box.Meta)
	optional(&box.Secrets, spec.Secrets, nil)
	if len(box.Secrets) > maxContained {
		c.invalid("secret_refs", "has %d secrets, at most %d are allowed", len(box.Secrets), maxContained)
		return
	}
	if required(c, "type", &box.Type, spec.Type) && oneOf(c, "type", box.Type, "generic", "certificate", "rsa") {
		box.checkNames(c)
	}
	for i, s := range box.Secrets {
		secret, ok := cfg.Secret(s.SecretID)
		// A secret of another project is as good as none: a container must not be a way
		// to its payload. One of no project is everybody's.
		if !ok || secret.ProjectID != "" && secret.ProjectID != box.ProjectID {
			c.missing("secret_refs", KindSecret, string(s.SecretID))
		}
		for _, before := range box.Secrets[:i] {
			switch {
			case before.SecretID == s.SecretID:
				c.invalid("secret_refs", "has secret %s twice", s.SecretID)
			case before.Name == s.Name && s.Name != "":
				c.invalid("secret_refs", "has the name %q twice", s.Name)
			}
		}
		c.text("secret_refs", s.Name, maxText)
	}
}

func (box *SecretContainer) checkNames(c *checker) {
	allowed := contents[box.Type]
	if allowed.must == nil {
		return
	}
	for _, name := range allowed.must {
		if !slices.ContainsFunc(box.Secrets, func(s ContainedSecret) bool { return s.Name == name }) {
			c.invalid("secret_refs", "a container of type %s must have a %s", box.Type, name)
		}
	}
	names := slices.Concat(allowed.must, allowed.may)
	for _, s := range box.Secrets {
		if !slices.Contains(names, s.Name) {
			c.invalid("secret_refs", "%q has no place in a container of type %s, use %s", s.Name, box.Type, orList(names))
		}
	}
}

// has reports whether the secret is in the container.
func (box *SecretContainer) has(id SecretID) bool {
	return slices.ContainsFunc(box.Secrets, func(s ContainedSecret) bool { return s.SecretID == id })
}
