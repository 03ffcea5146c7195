package lb

import (
	"iter"
	"slices"
	"strings"
)

// identity is who may do what, and secrets. It is a part of [Config] and as immutable.
type identity struct {
	projects    pmap[string, *Project]
	users       pmap[string, *User]
	roles       pmap[string, *Role]       // without the built-in ones
	assignments pmap[string, *Assignment] // by key: those of a user are neighbours
	revocations pmap[string, *Revocation]
	secrets     pmap[SecretID, *Secret]
	containers  pmap[SecretContainerID, *SecretContainer]

	// What follows is derived: names to ids.

	projectNames, userNames, roleNames pmap[string, string]
}

// objects yields every stored resource, such that what is referred to comes first.
func (c *identity) objects(yield func(any) bool) bool {
	return each(c.projects.Values(), yield) && each(c.users.Values(), yield) && each(c.roles.Values(), yield) &&
		each(c.assignments.Values(), yield) && each(c.revocations.Values(), yield) &&
		each(c.secrets.Values(), yield) && each(c.containers.Values(), yield)
}

func each[T any](all iter.Seq[T], yield func(any) bool) bool {
	for v := range all {
		if !yield(v) {
			return false
		}
	}
	return true
}

// hasIdentity reports whether a project, user, role, secret or container has that id.
func (c *identity) hasIdentity(id string) bool {
	_, builtIn := builtInRole(id)
	return builtIn || c.projects.Has(id) || c.users.Has(id) || c.roles.Has(id) ||
		c.secrets.Has(SecretID(id)) || c.containers.Has(SecretContainerID(id))
}

// Projects yields every project in order of id.
func (c *Config) Projects() iter.Seq[*Project] { return c.projects.Values() }

// Project returns the project with that id. Resources may belong to projects that are
// not among these: another Keystone may know them.
func (c *Config) Project(id string) (*Project, bool) { return c.projects.Get(id) }

// ProjectByName returns the project with that name.
func (c *Config) ProjectByName(name string) (*Project, bool) {
	id, _ := c.projectNames.Get(name)
	return c.projects.Get(id)
}

// Users yields every user in order of id.
func (c *Config) Users() iter.Seq[*User] { return c.users.Values() }

// User returns the user with that id.
func (c *Config) User(id string) (*User, bool) { return c.users.Get(id) }

// UserByName returns the user with that name.
func (c *Config) UserByName(name string) (*User, bool) {
	id, _ := c.userNames.Get(name)
	return c.users.Get(id)
}

// Roles yields every role: the built-in ones, then the others in order of id.
func (c *Config) Roles() iter.Seq[*Role] {
	return func(yield func(*Role) bool) {
		for _, r := range builtInRoles {
			if !yield(r) {
				return
			}
		}
		for r := range c.roles.Values() {
			if !yield(r) {
				return
			}
		}
	}
}

// Role returns the role with that id.
func (c *Config) Role(id string) (*Role, bool) {
	if r, ok := builtInRole(id); ok {
		return r, true
	}
	return c.roles.Get(id)
}

// RoleByName returns the role with that name.
func (c *Config) RoleByName(name string) (*Role, bool) {
	for _, r := range builtInRoles {
		if r.Name == name {
			return r, true
		}
	}
	id, _ := c.roleNames.Get(name)
	return c.roles.Get(id)
}

// Assignments yields every assignment: those of a user one after the other.
func (c *Config) Assignments() iter.Seq[*Assignment] { return c.assignments.Values() }

// AssignmentsOf yields what is assigned to one user.
func (c *Config) AssignmentsOf(user string) iter.Seq[*Assignment] {
	return func(yield func(*Assignment) bool) {
		prefix := user + "/"
		for i := c.assignments.Rank(prefix); i < c.assignments.Len(); i++ {
			key := c.assignments.At(i)
			if !strings.HasPrefix(key, prefix) {
				return
			}
			if a, _ := c.assignments.Get(key); !yield(a) {
				return
			}
		}
	}
}

// RolesIn returns the names, sorted, of the roles that a user has in a project, or in
// the system if project is "".
func (c *Config) RolesIn(user, project string) []string {
	var names []string
	for a := range c.AssignmentsOf(user) {
		if a.ProjectID == project {
			r, _ := c.Role(a.RoleID)
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Revocations yields every revoked token in order of id.
func (c *Config) Revocations() iter.Seq[*Revocation] { return c.revocations.Values() }

// Revoked reports whether the token with that id is void.
func (c *Config) Revoked(token string) bool { return c.revocations.Has(token) }

// Secrets yields every secret in order of id.
func (c *Config) Secrets() iter.Seq[*Secret] { return c.secrets.Values() }

// Secret returns the secret with that id.
func (c *Config) Secret(id SecretID) (*Secret, bool) { return c.secrets.Get(id) }

// SecretContainers yields every container in order of id.
func (c *Config) SecretContainers() iter.Seq[*SecretContainer] { return c.containers.Values() }

// SecretContainer returns the container with that id.
func (c *Config) SecretContainer(id SecretContainerID) (*SecretContainer, bool) {
	return c.containers.Get(id)
}
