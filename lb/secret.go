package lb

import "time"

const (
	maxSealed    = 64<<10 + 256 // bytes of a sealed payload: 64 KiB, and what sealing adds
	maxContained = 64           // secrets of one container
)

// secretTypes are Barbican's secret types; the first is the default.
var secretTypes = []string{"opaque", "symmetric", "public", "private", "passphrase", "certificate"}

func (o CreateSecret) apply(e *edit) (Result, error) {
	s := &Secret{ID: SecretID(e.newID(string(o.ID))), Type: secretTypes[0]}
	s.AdminStateUp = true
	c := &checker{kind: KindSecret}
	c.newID(&e.Config, string(s.ID))
	o.Spec.fill(c, e, s)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.created(&s.Meta)
	return e.setSecret(s), nil
}

func (o UpdateSecret) apply(e *edit) (Result, error) {
	old, ok := e.secrets.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSecret, string(o.ID))
	}
	if err := precondition(KindSecret, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	s, c := *old, &checker{kind: KindSecret, id: string(o.ID)}
	if len(old.Sealed) > 0 && (given(o.Spec.Sealed) || given(o.Spec.ContentType)) {
		c.conflict("payload", "is there already and cannot be changed: store a new secret")
		return Result{}, c.err()
	}
	o.Spec.fill(c, e, &s)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&s.Meta)
	return e.setSecret(&s), nil
}

func (o DeleteSecret) apply(e *edit) (Result, error) {
	s, ok := e.secrets.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindSecret, string(o.ID))
	}
	if err := precondition(KindSecret, string(o.ID), o.If, s.Revision); err != nil {
		return Result{}, err
	}
	for box := range e.SecretContainers() {
		if box.has(o.ID) {
			c := &checker{kind: KindSecret, id: string(o.ID)}
			c.add(ErrInUse, "", "is in secret container %s, delete that first", box.ID)
			return Result{}, c.err()
		}
	}
	e.secrets = e.secrets.Without(o.ID)
	return e.deleted(KindSecret, string(o.ID)), nil
}

func (e *edit) setSecret(s *Secret) Result {
	e.secrets = e.secrets.With(s.ID, s)
	return e.wrote(KindSecret, string(s.ID), s)
}

func (spec SecretSpec) fill(c *checker, e *edit, s *Secret) {
	if c.creating() {
		spec.MetaSpec.fill(c, &s.Meta)
		optional(&s.ContentType, spec.ContentType, "")
		optional(&s.Sealed, spec.Sealed, nil)
	} else {
		spec.fillLater(c, s)
	}
	spec.fillProject(c, &s.Meta)
	if c.creating() {
		optional(&s.Type, spec.Type, s.Type)
		oneOf(c, "secret_type", s.Type, secretTypes...)
	} else {
		fixed(c, "secret_type", &s.Type, spec.Type)
	}
	fixed(c, "algorithm", &s.Algorithm, spec.Algorithm)
	fixed(c, "mode", &s.Mode, spec.Mode)
	fixed(c, "bit_length", &s.BitLength, spec.BitLength)
	c.text("algorithm", s.Algorithm, maxText)
	c.text("mode", s.Mode, maxText)
	c.text("payload_content_type", s.ContentType, maxText)
	if s.BitLength < 0 {
		c.invalid("bit_length", "%d is negative", s.BitLength)
	}
	if at, ok := spec.Expires.Get(); ok && c.creating() {
		if s.Expires = at.UTC().Truncate(time.Second); !s.Expires.After(e.at) {
			c.invalid("expiration", "must be in the future")
		}
	} else if ok && !at.Equal(s.Expires) {
		c.invalid("expiration", "cannot be changed after creation")
	}
	switch {
	case len(s.Sealed) > maxSealed:
		c.invalid("payload", "has %d bytes when sealed, at most %d are allowed", len(s.Sealed), maxSealed)
	case len(s.Sealed) > 0 && s.ContentType == "":
		c.invalid("payload_content_type", "is required with a payload")
	}
}

// fillLater takes what may be given after creation: the payload, and tags.
func (spec SecretSpec) fillLater(c *checker, s *Secret) {
	fixed(c, "name", &s.Name, spec.Name)
	fixed(c, "description", &s.Description, spec.Description)
	fixed(c, "admin_state_up", &s.AdminStateUp, spec.AdminStateUp)
	if !spec.Tags.IsAbsent() {
		tags, _ := spec.Tags.Get()
		s.Tags = c.sortedTags(tags)
	}
	if v, ok := spec.ContentType.Get(); ok {
		s.ContentType = v
	}
	if v, ok := spec.Sealed.Get(); ok {
		s.Sealed = v
	}
}
