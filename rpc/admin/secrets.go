package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Sealer encrypts the payload of a secret with a key that no log has. It does not block,
// and is called from any number of goroutines.
type Sealer interface {
	// Seal encrypts payload for the secret with that id: it opens under no other.
	Seal(id string, payload []byte) ([]byte, error)
}

// maxPayload is the size of the largest payload of a secret in bytes, Barbican's limit
// with room for a certificate chain.
const maxPayload = 64 << 10

// SetPassword implements adminpb.ObjectsServer.
func (s *objectsService) SetPassword(ctx context.Context, req *adminpb.SetPasswordRequest) (*adminpb.ChangeResponse, error) {
	if req.Password == "" {
		return nil, invalid(lb.KindUser, "password", "is required")
	}
	hash, err := s.hasher.Hash(ctx, req.Password)
	switch {
	case errors.Is(err, password.ErrTooLong):
		return nil, invalid(lb.KindUser, "password", err.Error())
	case errors.Is(err, password.ErrBusy):
		return nil, &lb.Error{Kind: lb.ErrUnavailable, Resource: lb.KindUser, Msg: err.Error()}
	case err != nil:
		return nil, err
	}
	var op lb.Op
	if req.Create != nil {
		spec, err := req.Create.ToLB()
		if err != nil {
			return nil, err
		}
		spec.PasswordHash = lb.Some(hash)
		op = lb.CreateUser{Spec: spec}
	} else {
		if req.User == "" {
			return nil, invalid(lb.KindUser, "", "which one? Give its id or its name")
		}
		op = lb.UpdateUser{ID: req.User, Spec: lb.UserSpec{PasswordHash: lb.Some(hash)}}
	}
	if op, err = resolveOp(ctx, s.backend, op); err != nil {
		return nil, err
	}
	return s.commit(ctx, req.RequestId, op)
}

// errNoSealer tells that a node has no key to seal with.
var errNoSealer = errors.New("this node keeps no secrets: it has no key to seal them with")

// StoreSecrets implements adminpb.ObjectsServer. The ids are made here, as a payload is
// sealed for its id; a repeated request makes others, which are dropped with it.
func (s *objectsService) StoreSecrets(ctx context.Context, req *adminpb.StoreSecretsRequest) (*adminpb.ChangeResponse, error) {
	if s.sealer == nil {
		return nil, &lb.Error{Kind: lb.ErrImmutable, Resource: lb.KindSecret, Msg: errNoSealer.Error()}
	}
	if len(req.Secrets) == 0 {
		return nil, invalid(lb.KindSecret, "payload", "is required")
	}
	var ops []lb.Op
	var contained []lb.ContainedSecret
	for _, x := range req.Secrets {
		op, err := s.seal(x)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
		contained = append(contained, lb.ContainedSecret{Name: x.ContainedAs, SecretID: op.ID})
	}
	if req.Container != nil {
		spec, err := req.Container.ToLB()
		if err != nil {
			return nil, err
		}
		spec.Secrets = lb.Some(contained)
		ops = append(ops, lb.CreateSecretContainer{Spec: spec})
	}
	op := ops[0]
	if len(ops) > 1 {
		op = lb.Batch{Ops: ops}
	}
	op, err := resolveOp(ctx, s.backend, op)
	if err != nil {
		return nil, err
	}
	return s.commit(ctx, req.RequestId, op)
}

// seal makes the operation that creates a secret.
func (s *objectsService) seal(x *adminpb.NewSecret) (lb.CreateSecret, error) {
	spec, err := x.Spec.ToLB()
	if err != nil {
		return lb.CreateSecret{}, err
	}
	switch n := len(x.Payload); {
	case n == 0:
		return lb.CreateSecret{}, invalid(lb.KindSecret, "payload", "is required")
	case n > maxPayload:
		return lb.CreateSecret{}, invalid(lb.KindSecret, "payload", fmt.Sprintf("is too large, use at most %d bytes", maxPayload))
	}
	id := strings.ToLower(uuid.NewString())
	sealed, err := s.sealer.Seal(id, x.Payload)
	if err != nil {
		return lb.CreateSecret{}, fmt.Errorf("seal a secret: %w", err)
	}
	spec.Sealed = lb.Some(sealed)
	return lb.CreateSecret{ID: lb.SecretID(id), Spec: spec}, nil
}
