package admin

import (
	"iter"
	"net/netip"
	"strings"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// object is a stored object of any kind with what the generic calls ask of it. Of kinds
// without an lb.Meta, meta has the name alone.
type object struct {
	kind     lb.Kind
	id       string
	meta     lb.Meta
	alias    string // what else it may be called
	parents  []string
	revision uint64
	value    any
}

// kindOf returns the kind of a stored object, "" if it is none that clients may see.
func kindOf(o any) lb.Kind {
	switch o.(type) {
	case *lb.Subnet:
		return lb.KindSubnet
	case *lb.LoadBalancer:
		return lb.KindLoadBalancer
	case *lb.Listener:
		return lb.KindListener
	case *lb.Pool:
		return lb.KindPool
	case *lb.Member:
		return lb.KindMember
	case *lb.HealthMonitor:
		return lb.KindHealthMonitor
	case *lb.L7Policy:
		return lb.KindL7Policy
	case *lb.L7Rule:
		return lb.KindL7Rule
	case *lb.Network:
		return lb.KindNetwork
	case *lb.Port:
		return lb.KindPort
	case *lb.SecurityGroup:
		return lb.KindSecurityGroup
	case *lb.QoSPolicy:
		return lb.KindQoSPolicy
	case *lb.Quota:
		return lb.KindQuota
	case *lb.FlavorProfile:
		return lb.KindFlavorProfile
	case *lb.Flavor:
		return lb.KindFlavor
	case *lb.AvailabilityZoneProfile:
		return lb.KindAvailabilityZoneProfile
	case *lb.AvailabilityZone:
		return lb.KindAvailabilityZone
	case *lb.Project:
		return lb.KindProject
	case *lb.User:
		return lb.KindUser
	case *lb.Role:
		return lb.KindRole
	case *lb.Assignment:
		return lb.KindAssignment
	case *lb.Secret:
		return lb.KindSecret
	case *lb.SecretContainer:
		return lb.KindSecretContainer
	}
	return ""
}

// describe says what the generic calls ask of an object whose kind kindOf knows.
func describe(o any) *object {
	d := &object{kind: kindOf(o), value: o}
	full := func(id string, m lb.Meta, parents ...string) {
		d.id, d.meta, d.parents, d.revision = id, m, parents, m.Revision
	}
	named := func(id, name string, revision uint64, parents ...string) {
		d.id, d.meta.Name, d.parents, d.revision = id, name, parents, revision
	}
	switch v := o.(type) {
	case *lb.Subnet:
		full(string(v.ID), v.Meta, string(v.NetworkID))
	case *lb.LoadBalancer:
		full(string(v.ID), v.Meta)
	case *lb.Listener:
		full(string(v.ID), v.Meta, string(v.LoadBalancerID))
	case *lb.Pool:
		full(string(v.ID), v.Meta, string(v.LoadBalancerID))
	case *lb.Member:
		full(string(v.ID), v.Meta, string(v.PoolID))
		d.alias = netip.AddrPortFrom(v.Address, v.ProtocolPort).String()
	case *lb.HealthMonitor:
		full(string(v.ID), v.Meta, string(v.PoolID))
	case *lb.L7Policy:
		full(string(v.ID), v.Meta, string(v.ListenerID))
	case *lb.L7Rule:
		full(string(v.ID), v.Meta, string(v.PolicyID))
	case *lb.Network:
		full(string(v.ID), v.Meta)
	case *lb.Port:
		full(string(v.ID), v.Meta, string(v.NetworkID), v.DeviceID)
	case *lb.SecurityGroup:
		full(string(v.ID), v.Meta)
	case *lb.QoSPolicy:
		full(string(v.ID), v.Meta)
	case *lb.Quota:
		named(v.ProjectID, "", v.Revision)
		d.meta.ProjectID = v.ProjectID
	case *lb.FlavorProfile:
		named(string(v.ID), v.Name, v.Revision)
	case *lb.Flavor:
		named(string(v.ID), v.Name, v.Revision, string(v.ProfileID))
	case *lb.AvailabilityZoneProfile:
		named(string(v.ID), v.Name, v.Revision)
	case *lb.AvailabilityZone:
		named(v.Name, v.Name, v.Revision, string(v.ProfileID))
	case *lb.Project:
		named(v.ID, v.Name, v.Revision)
		d.meta.ProjectID = v.ID
	case *lb.User:
		named(v.ID, v.Name, v.Revision)
		d.meta.ProjectID = v.DefaultProjectID
	case *lb.Role:
		named(v.ID, v.Name, v.Revision)
	case *lb.Assignment:
		named(assignmentID(*v), "", v.Revision, v.UserID, v.RoleID)
		d.meta.ProjectID = v.ProjectID
	case *lb.Secret:
		full(string(v.ID), v.Meta)
	case *lb.SecretContainer:
		full(string(v.ID), v.Meta)
	}
	if d.alias == "" {
		d.alias = d.id
	}
	return d
}

// assignmentID names a role assignment.
func assignmentID(a lb.Assignment) string {
	return strings.Join([]string{a.UserID, a.ProjectID, a.RoleID}, "/")
}

// objectsOf are the objects of a kind.
func objectsOf(name lb.Kind) kind[object, adminpb.Item] {
	all := func(c *lb.Config) iter.Seq[*object] {
		return func(yield func(*object) bool) {
			if name == lb.KindRole { // some are built in, and stored nowhere
				for r := range c.Roles() {
					if !yield(describe(r)) {
						return
					}
				}
				return
			}
			for o := range c.Objects() {
				if kindOf(o) == name && !yield(describe(o)) {
					return
				}
			}
		}
	}
	return kind[object, adminpb.Item]{
		name: name,
		id:   func(o *object) string { return o.id },
		meta: func(o *object) *lb.Meta { return &o.meta },
		get: func(c *lb.Config, id string) (*object, bool) {
			for o := range all(c) {
				if o.id == id {
					return o, true
				}
			}
			return nil, false
		},
		all:   all,
		alias: func(o *object) string { return o.alias },
		show: func(s *snapshot, o *object) *adminpb.Item {
			x, _ := lbpb.FromObject(withoutSecrets(o.value)) // it knows every kind that kindOf knows
			return &adminpb.Item{Object: x, Status: s.statusOf(o)}
		},
	}
}

// knownKind refuses a kind of which there are no objects to be seen.
func knownKind(name string) (lb.Kind, error) {
	for _, o := range examples {
		if k := kindOf(o); string(k) == name {
			return k, nil
		}
	}
	return "", invalid("", "kind", "there is no kind of object named "+name)
}

// examples has one object of each kind.
var examples = []any{
	&lb.Subnet{}, &lb.LoadBalancer{}, &lb.Listener{}, &lb.Pool{}, &lb.Member{}, &lb.HealthMonitor{}, &lb.L7Policy{}, &lb.L7Rule{},
	&lb.Network{}, &lb.Port{}, &lb.SecurityGroup{}, &lb.QoSPolicy{}, &lb.Quota{}, &lb.FlavorProfile{}, &lb.Flavor{},
	&lb.AvailabilityZoneProfile{}, &lb.AvailabilityZone{}, &lb.Project{}, &lb.User{}, &lb.Role{}, &lb.Assignment{},
	&lb.Secret{}, &lb.SecretContainer{},
}

// withoutSecrets is o as a client may see it: sealed payloads and hashes of passwords
// are of no use to anybody but the nodes.
func withoutSecrets(o any) any {
	switch v := o.(type) {
	case *lb.User:
		bare := *v
		bare.PasswordHash = ""
		return &bare
	case *lb.Secret:
		bare := *v
		bare.Sealed = nil
		return &bare
	}
	return o
}

// statusOf is the status of an object, nil if its kind has none.
func (s *snapshot) statusOf(o *object) *adminpb.Status {
	if o.kind == lb.KindLoadBalancer {
		t, _ := s.cfg.Tree(lb.LoadBalancerID(o.id))
		return s.status(t, o.id)
	}
	if t, ok := s.cfg.TreeOf(o.id); ok {
		return s.status(t, o.id)
	}
	return nil
}

// parseAssignment undoes assignmentID.
func parseAssignment(id string) lb.Assignment {
	parts := append(strings.SplitN(id, "/", 3), "", "")
	return lb.Assignment{UserID: parts[0], ProjectID: parts[1], RoleID: parts[2]}
}
