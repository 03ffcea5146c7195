package lbpb

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amphora-lb/amphora/lb"
)

// Kinds are the kinds of resource that there is an encoding for, in the order of the
// fields of Object.
func Kinds() []lb.Kind {
	return []lb.Kind{
		lb.KindSubnet, lb.KindLoadBalancer, lb.KindListener, lb.KindPool, lb.KindMember, lb.KindHealthMonitor,
		lb.KindL7Policy, lb.KindL7Rule,
		lb.KindNetwork, lb.KindPort, lb.KindSecurityGroup, lb.KindQoSPolicy,
		lb.KindQuota, lb.KindFlavorProfile, lb.KindFlavor, lb.KindAvailabilityZoneProfile, lb.KindAvailabilityZone,
		lb.KindProject, lb.KindUser, lb.KindRole, lb.KindAssignment, lb.KindRevocation,
		lb.KindSecret, lb.KindSecretContainer,
	}
}

// fieldName is the name that a kind has in Object and Spec.
func fieldName(kind lb.Kind) protoreflect.Name {
	return protoreflect.Name(strings.ReplaceAll(strings.ToLower(string(kind)), " ", "_"))
}

// kindOf is the inverse of fieldName.
var kindOf = func() map[protoreflect.Name]lb.Kind {
	all := map[protoreflect.Name]lb.Kind{}
	for _, kind := range Kinds() {
		all[fieldName(kind)] = kind
	}
	return all
}()

// NewObject returns an Object with an empty resource of that kind, to decode into.
func NewObject(kind lb.Kind) (*Object, error) {
	x := &Object{}
	r := x.ProtoReflect()
	field := r.Descriptor().Fields().ByName(fieldName(kind))
	if field == nil {
		return nil, fmt.Errorf("no encoding for a %q", kind)
	}
	r.Set(field, r.NewField(field))
	return x, nil
}

// Target is what an operation is about: the kind of the resource and its id, or its name
// where it has no id yet. It is "" for a batch.
func (x *Op) Target() (lb.Kind, string) {
	switch o := x.GetOp().(type) {
	case *Op_Create:
		kind, name := o.Create.GetSpec().subject()
		if id := o.Create.GetId(); id != "" {
			return kind, id
		}
		return kind, name
	case *Op_Update:
		kind, _ := o.Update.GetSpec().subject()
		return kind, o.Update.GetId()
	case *Op_Delete:
		return lb.Kind(o.Delete.GetKind()), o.Delete.GetId()
	case *Op_SetMembers:
		return lb.KindPool, o.SetMembers.GetPoolId()
	case *Op_SetQuota:
		return lb.KindQuota, o.SetQuota.GetProjectId()
	case *Op_ResetQuota:
		return lb.KindQuota, o.ResetQuota.GetProjectId()
	case *Op_Assign:
		return lb.KindAssignment, o.Assign.GetRoleAssignment().key()
	case *Op_Unassign:
		return lb.KindAssignment, o.Unassign.GetRoleAssignment().key()
	case *Op_Revoke:
		return lb.KindRevocation, o.Revoke.GetTokenId()
	}
	return "", ""
}

func (x *RoleAssignment) key() string {
	return x.GetUserId() + "/" + x.GetProjectId() + "/" + x.GetRoleId()
}

// subject is the kind that a spec is of, and the name in it.
func (x *Spec) subject() (lb.Kind, string) {
	r := x.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().Get(0))
	if field == nil {
		return "", ""
	}
	spec := r.Get(field).Message()
	kind := kindOf[field.Name()]
	if meta := spec.Descriptor().Fields().ByName("meta"); meta != nil {
		spec = spec.Get(meta).Message()
	}
	name := spec.Descriptor().Fields().ByName("name")
	return kind, spec.Get(name).String()
}
