package lbpb

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/lb"
)

// FromSecret encodes a secret.
func FromSecret(v *lb.Secret) *Secret {
	return &Secret{
		Id:                 string(v.ID),
		Meta:               fromMeta(v.Meta),
		SecretType:         v.Type,
		PayloadContentType: v.ContentType,
		Algorithm:          v.Algorithm,
		Mode:               v.Mode,
		BitLength:          int64(v.BitLength),
		Expiration:         formatTime(v.Expires),
		Sealed:             slices.Clone(v.Sealed),
	}
}

// ToLB decodes a secret.
func (x *Secret) ToLB() (*lb.Secret, error) {
	f := &faults{kind: lb.KindSecret, id: x.GetId()}
	return checked(f, &lb.Secret{
		ID:          lb.SecretID(x.GetId()),
		Meta:        x.GetMeta().toLB(f),
		Type:        x.GetSecretType(),
		ContentType: x.GetPayloadContentType(),
		Algorithm:   x.GetAlgorithm(),
		Mode:        x.GetMode(),
		BitLength:   parsed(f, "bit_length", x.GetBitLength(), parseInt),
		Expires:     parsed(f, "expiration", x.GetExpiration(), parseTime),
		Sealed:      slices.Clone(x.GetSealed()),
	})
}

// FromSecretContainer encodes a container of secrets.
func FromSecretContainer(v *lb.SecretContainer) *SecretContainer {
	return &SecretContainer{
		Id:         string(v.ID),
		Meta:       fromMeta(v.Meta),
		Type:       v.Type,
		SecretRefs: formatAll(v.Secrets, formatContainedSecret),
	}
}

// ToLB decodes a container of secrets.
func (x *SecretContainer) ToLB() (*lb.SecretContainer, error) {
	f := &faults{kind: lb.KindSecretContainer, id: x.GetId()}
	return checked(f, &lb.SecretContainer{
		ID:      lb.SecretContainerID(x.GetId()),
		Meta:    x.GetMeta().toLB(f),
		Type:    x.GetType(),
		Secrets: parsedList(f, "secret_refs", x.GetSecretRefs(), parseContainedSecret),
	})
}

// FromSecretSpec encodes the spec of a secret.
func FromSecretSpec(s lb.SecretSpec) *SecretSpec {
	var n nulls
	x := &SecretSpec{
		Meta:               fromMetaSpec(&n, s.MetaSpec),
		SecretType:         from(&n, "secret_type", s.Type, formatText),
		PayloadContentType: from(&n, "payload_content_type", s.ContentType, formatText),
		Algorithm:          from(&n, "algorithm", s.Algorithm, formatText),
		Mode:               from(&n, "mode", s.Mode, formatText),
		BitLength:          from(&n, "bit_length", s.BitLength, formatInt),
		Expiration:         from(&n, "expiration", s.Expires, timestamppb.New),
		Sealed:             from(&n, "sealed", s.Sealed, formatBytes),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a secret.
func (x *SecretSpec) ToLB() (lb.SecretSpec, error) {
	if x == nil {
		x = &SecretSpec{}
	}
	f := newFields(lb.KindSecret, x.NullFields)
	s := lb.SecretSpec{
		MetaSpec:    x.Meta.toLB(f),
		Type:        to(f, "secret_type", x.SecretType, parseText[string]),
		ContentType: to(f, "payload_content_type", x.PayloadContentType, parseText[string]),
		Algorithm:   to(f, "algorithm", x.Algorithm, parseText[string]),
		Mode:        to(f, "mode", x.Mode, parseText[string]),
		BitLength:   to(f, "bit_length", x.BitLength, parseIntField),
		Expires:     to(f, "expiration", x.Expiration, parseTime),
		Sealed:      to(f, "sealed", x.Sealed, parseBytes),
	}
	return s, f.done()
}

// FromSecretContainerSpec encodes the spec of a container of secrets.
func FromSecretContainerSpec(s lb.SecretContainerSpec) *SecretContainerSpec {
	var n nulls
	x := &SecretContainerSpec{
		Meta:       fromMetaSpec(&n, s.MetaSpec),
		Type:       from(&n, "type", s.Type, formatText),
		SecretRefs: from(&n, "secret_refs", s.Secrets, formatContainedSecrets),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a container of secrets.
func (x *SecretContainerSpec) ToLB() (lb.SecretContainerSpec, error) {
	if x == nil {
		x = &SecretContainerSpec{}
	}
	f := newFields(lb.KindSecretContainer, x.NullFields)
	s := lb.SecretContainerSpec{
		MetaSpec: x.Meta.toLB(f),
		Type:     to(f, "type", x.Type, parseText[string]),
		Secrets:  to(f, "secret_refs", x.SecretRefs, parseContainedSecrets),
	}
	return s, f.done()
}
