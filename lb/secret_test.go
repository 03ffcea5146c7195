package lb

import (
	"testing"
	"time"
)

func TestCreateSecretRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, SecretSpec) {
		return newWorld(t), SecretSpec{ContentType: Some("text/plain"), Sealed: Some([]byte("sealed")), Type: Some("certificate")}
	}
	meta := func(s *SecretSpec) *MetaSpec { return &s.MetaSpec }
	now := newWorld(t).stamp(nil).At
	checkRules(t, fresh, func(s SecretSpec) Op { return CreateSecret{Spec: s} }, append(metaRules(meta), []rule[SecretSpec]{
		{"no type", func(s *SecretSpec) { s.Type = Opt[string]{} }, nil, "", ""},
		{"unknown type", func(s *SecretSpec) { s.Type = Some("key") }, ErrInvalid, "secret_type", "opaque, symmetric, public, private, passphrase or certificate"},
		{"no content type", func(s *SecretSpec) { s.ContentType = Opt[string]{} }, ErrInvalid, "payload_content_type", "required with a payload"},
		{"no payload", func(s *SecretSpec) { s.Sealed = Opt[[]byte]{} }, nil, "", ""},
		{"largest payload", func(s *SecretSpec) { s.Sealed = Some(make([]byte, 64<<10+256)) }, nil, "", ""},
		{"payload too large", func(s *SecretSpec) { s.Sealed = Some(make([]byte, 64<<10+257)) }, ErrInvalid, "payload", "at most 65792"},
		{"negative bits", func(s *SecretSpec) { s.BitLength = Some(-1) }, ErrInvalid, "bit_length", "negative"},
		{"expires", func(s *SecretSpec) { s.Expires = Some(now.Add(time.Second)) }, nil, "", ""},
		{"expired", func(s *SecretSpec) { s.Expires = Some(now) }, ErrInvalid, "expiration", "in the future"},
	}...))
}

func TestUpdateSecretRules(t *testing.T) {
	var id SecretID
	fresh := func(t *testing.T) (*world, SecretSpec) {
		w := newWorld(t)
		id = w.secret("p")
		return w, SecretSpec{ContentType: Some("text/plain"), Sealed: Some([]byte("sealed"))}
	}
	op := func(s SecretSpec) Op { return UpdateSecret{ID: id, Spec: s} }
	checkRules(t, fresh, op, []rule[SecretSpec]{
		{"name", func(s *SecretSpec) { s.Name = Some("x") }, ErrInvalid, "name", "cannot be changed"},
		{"type", func(s *SecretSpec) { s.Type = Some("private") }, ErrInvalid, "secret_type", "cannot be changed"},
		{"same type", func(s *SecretSpec) { s.Type = Some("opaque") }, nil, "", ""},
		{"expiration", func(s *SecretSpec) { s.Expires = Some(time.Unix(1, 0)) }, ErrInvalid, "expiration", "cannot be changed"},
		{"tags", func(s *SecretSpec) { s.Tags = Some([]string{"a"}) }, nil, "", ""},
		{"no content type", func(s *SecretSpec) { s.ContentType = Opt[string]{} }, ErrInvalid, "payload_content_type", "required"},
	})
	w, s := fresh(t)
	w.do(op(s))
	w.refused(op(s), ErrConflict, "payload", "store a new secret")
	w.do(op(SecretSpec{MetaSpec: MetaSpec{Tags: Some([]string{"b", "a", "b"})}}))
	if got, _ := w.cfg.Secret(id); len(got.Tags) != 2 || string(got.Sealed) != "sealed" {
		t.Errorf("secret %+v", got)
	}
}

func TestSecretContainerRules(t *testing.T) {
	var cert, key, others, everybodys SecretID
	fresh := func(t *testing.T) (*world, SecretContainerSpec) {
		w := newWorld(t)
		cert, key, others, everybodys = w.secret("p"), w.secret("p"), w.secret("q"), w.secret("")
		return w, SecretContainerSpec{
			MetaSpec: MetaSpec{ProjectID: Some("p")}, Type: Some("certificate"),
			Secrets: Some([]ContainedSecret{{"certificate", cert}, {"private_key", key}}),
		}
	}
	has := func(s func() []ContainedSecret) func(*SecretContainerSpec) {
		return func(spec *SecretContainerSpec) { spec.Secrets = Some(s()) }
	}
	checkRules(t, fresh, func(s SecretContainerSpec) Op { return CreateSecretContainer{Spec: s} }, []rule[SecretContainerSpec]{
		{"no type", func(s *SecretContainerSpec) { s.Type = Opt[string]{} }, ErrInvalid, "type", "required"},
		{"unknown type", func(s *SecretContainerSpec) { s.Type = Some("pkcs") }, ErrInvalid, "type", "generic, certificate or rsa"},
		{"no certificate", has(func() []ContainedSecret { return []ContainedSecret{{"private_key", key}} }), ErrInvalid, "secret_refs", "must have a certificate"},
		{"no place", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", cert}, {"x", key}} }), ErrInvalid, "secret_refs", "has no place"},
		{"unknown secret", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", "x"}} }), ErrNotFound, "secret_refs", "does not exist"},
		{"of another project", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", others}} }), ErrNotFound, "secret_refs", "does not exist"},
		{"everybody's", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", everybodys}} }), nil, "", ""},
		{"same secret", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", cert}, {"private_key", cert}} }), ErrInvalid, "secret_refs", "twice"},
		{"same name", has(func() []ContainedSecret { return []ContainedSecret{{"certificate", cert}, {"certificate", key}} }), ErrInvalid, "secret_refs", "twice"},
		{"too many", has(func() []ContainedSecret { return make([]ContainedSecret, 65) }), ErrInvalid, "secret_refs", "at most 64"},
		{"empty and generic", func(s *SecretContainerSpec) { s.Type, s.Secrets = Some("generic"), Null[[]ContainedSecret]() }, nil, "", ""},
	})
	w, s := fresh(t)
	box := SecretContainerID(w.do(CreateSecretContainer{Spec: s}))
	w.refused(DeleteSecret{ID: cert}, ErrInUse, "", "delete that first")
	w.do(DeleteSecretContainer{ID: box})
	w.do(DeleteSecret{ID: cert})
}
