package lb

import (
	"strings"
	"time"
)

// bcryptLen is the length of bcrypt's text in all its versions.
const bcryptLen = 60

func (o CreateUser) apply(e *edit) (Result, error) {
	u := &User{ID: e.hexID(o.ID), Enabled: true}
	c := &checker{kind: KindUser}
	c.newHexID(&e.Config, u.ID)
	o.Spec.fill(c, e, u)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setUser("", u), nil
}

func (o UpdateUser) apply(e *edit) (Result, error) {
	old, ok := e.users.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindUser, o.ID)
	}
	if err := precondition(KindUser, o.ID, o.If, old.Revision); err != nil {
		return Result{}, err
	}
	u, c := *old, &checker{kind: KindUser, id: o.ID}
	o.Spec.fill(c, e, &u)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setUser(old.Name, &u), nil
}

// A user takes its assignments with it. Tokens need no revocation: they are void without
// their user.
func (o DeleteUser) apply(e *edit) (Result, error) {
	u, ok := e.users.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindUser, o.ID)
	}
	if err := precondition(KindUser, o.ID, o.If, u.Revision); err != nil {
		return Result{}, err
	}
	// The old Config yields, the new one loses them.
	before := e.Config
	for a := range before.AssignmentsOf(o.ID) {
		e.unassign(a)
	}
	e.users = e.users.Without(o.ID)
	e.userNames = e.userNames.Without(u.Name)
	return e.deleted(KindUser, o.ID), nil
}

func (e *edit) setUser(oldName string, u *User) Result {
	u.Revision = e.revision
	e.users = e.users.With(u.ID, u)
	e.userNames = renamed(e.userNames, oldName, u.Name, u.ID)
	return e.wrote(KindUser, u.ID, u)
}

func (spec UserSpec) fill(c *checker, e *edit, u *User) {
	if required(c, "name", &u.Name, spec.Name) {
		c.word(u.Name, maxText)
		c.unique(e.userNames, u.Name, u.ID)
	}
	optional(&u.Description, spec.Description, "")
	c.text("description", u.Description, maxText)
	optional(&u.Email, spec.Email, "")
	c.text("email", u.Email, maxText)
	optional(&u.Enabled, spec.Enabled, true)
	optional(&u.DefaultProjectID, spec.DefaultProjectID, "")
	if given(spec.DefaultProjectID) && u.DefaultProjectID != "" && !e.projects.Has(u.DefaultProjectID) {
		c.missing("default_project_id", KindProject, u.DefaultProjectID)
	}
	if spec.PasswordHash.IsAbsent() {
		return
	}
	optional(&u.PasswordHash, spec.PasswordHash, "")
	u.PasswordAt = e.at
	switch {
	case u.PasswordHash == "":
		u.PasswordAt = time.Time{}
	case len(u.PasswordHash) != bcryptLen || !strings.HasPrefix(u.PasswordHash, "$2"):
		c.invalid("password", "was not hashed by bcrypt")
	}
}
