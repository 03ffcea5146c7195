package lb

import (
	"crypto/sha256"
	"encoding/hex"
)

// builtInRoles exist always: Keystone's defaults, and those that Octavia's policies know.
var builtInRoles = func() []*Role {
	names := []string{
		"reader", "member", "admin", "load-balancer_observer", "load-balancer_global_observer",
		"load-balancer_member", "load-balancer_admin", "load-balancer_quota_admin",
	}
	roles := make([]*Role, len(names))
	for i, name := range names {
		// The id follows from the name, so that it is the same in every cluster.
		sum := sha256.Sum256([]byte("amphora role " + name))
		roles[i] = &Role{ID: hex.EncodeToString(sum[:16]), Name: name}
	}
	return roles
}()

func builtInRole(id string) (*Role, bool) {
	for _, r := range builtInRoles {
		if r.ID == id {
			return r, true
		}
	}
	return nil, false
}

func (o CreateRole) apply(e *edit) (Result, error) {
	r := &Role{ID: e.hexID(o.ID)}
	c := &checker{kind: KindRole}
	c.newHexID(&e.Config, r.ID)
	if required(c, "name", &r.Name, o.Spec.Name) {
		c.word(r.Name, maxText)
		if other, ok := e.RoleByName(r.Name); ok {
			c.conflict("name", "%q is the name of role %s, which must be unique", r.Name, other.ID)
		}
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	r.Revision = e.revision
	e.roles = e.roles.With(r.ID, r)
	e.roleNames = e.roleNames.With(r.Name, r.ID)
	return e.wrote(KindRole, r.ID, r), nil
}

// A role takes its assignments with it.
func (o DeleteRole) apply(e *edit) (Result, error) {
	if r, ok := builtInRole(o.ID); ok {
		return Result{}, &Error{Kind: ErrImmutable, Resource: KindRole, ID: o.ID, Msg: r.Name + " is built in and cannot be deleted"}
	}
	r, ok := e.roles.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindRole, o.ID)
	}
	if err := precondition(KindRole, o.ID, o.If, r.Revision); err != nil {
		return Result{}, err
	}
	for a := range e.Assignments() {
		if a.RoleID == o.ID {
			e.unassign(a)
		}
	}
	e.roles = e.roles.Without(o.ID)
	e.roleNames = e.roleNames.Without(r.Name)
	return e.deleted(KindRole, o.ID), nil
}

// Key is the id of an assignment: user/project/role.
func (a Assignment) Key() string { return a.UserID + "/" + a.ProjectID + "/" + a.RoleID }

// Giving a role that is there already is no error, as with Keystone.
func (o Assign) apply(e *edit) (Result, error) {
	a := o.Assignment
	c := &checker{kind: KindAssignment}
	if !e.users.Has(a.UserID) {
		c.missing("user_id", KindUser, a.UserID)
	}
	if a.ProjectID != "" && !e.projects.Has(a.ProjectID) {
		c.missing("project_id", KindProject, a.ProjectID)
	}
	if _, ok := e.Role(a.RoleID); !ok {
		c.missing("role_id", KindRole, a.RoleID)
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	a.Revision = e.revision
	e.assignments = e.assignments.With(a.Key(), &a)
	return e.wrote(KindAssignment, a.Key(), &a), nil
}

func (o Unassign) apply(e *edit) (Result, error) {
	a, ok := e.assignments.Get(o.Assignment.Key())
	if !ok {
		return Result{}, notFound(KindAssignment, o.Assignment.Key())
	}
	return e.unassign(a), nil
}

func (e *edit) unassign(a *Assignment) Result {
	e.assignments = e.assignments.Without(a.Key())
	return e.deleted(KindAssignment, a.Key())
}
