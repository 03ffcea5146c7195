package lb

// identityBuilder sorts the stored resources of [identity].
type identityBuilder struct {
	projects    map[string]*Project
	users       map[string]*User
	roles       map[string]*Role
	assignments map[string]*Assignment
	revocations map[string]*Revocation
	secrets     map[SecretID]*Secret
	containers  map[SecretContainerID]*SecretContainer
}

func newIdentityBuilder() identityBuilder {
	return identityBuilder{
		map[string]*Project{},
		map[string]*User{},
		map[string]*Role{},
		map[string]*Assignment{},
		map[string]*Revocation{},
		map[SecretID]*Secret{},
		map[SecretContainerID]*SecretContainer{},
	}
}

// take takes a resource if it is of one of the kinds.
func (b *identityBuilder) take(object any) (taken bool, err error) {
	switch o := object.(type) {
	case *Project:
		return true, keep(b.projects, KindProject, o.ID, o)
	case *User:
		return true, keep(b.users, KindUser, o.ID, o)
	case *Role:
		return true, keep(b.roles, KindRole, o.ID, o)
	case *Assignment:
		return true, keep(b.assignments, KindAssignment, o.Key(), o)
	case *Revocation:
		return true, keep(b.revocations, KindRevocation, o.TokenID, o)
	case *Secret:
		return true, keep(b.secrets, KindSecret, o.ID, o)
	case *SecretContainer:
		return true, keep(b.containers, KindSecretContainer, o.ID, o)
	}
	return false, nil
}

func keep[K ~string, V any](all map[K]V, kind Kind, id K, o V) error {
	if _, twice := all[id]; twice {
		return damaged(kind, string(id), "is there twice")
	}
	all[id] = o
	return nil
}

// build links what was taken.
func (b *identityBuilder) build() (identity, error) {
	projects, users, roles := map[string]string{}, map[string]string{}, map[string]string{}
	for id, p := range b.projects {
		if err := keep(projects, KindProject, p.Name, id); err != nil {
			return identity{}, err
		}
	}
	for id, u := range b.users {
		if err := keep(users, KindUser, u.Name, id); err != nil {
			return identity{}, err
		}
	}
	for _, r := range builtInRoles {
		roles[r.Name] = r.ID // a stored role may not have that name
	}
	for id, r := range b.roles {
		if err := keep(roles, KindRole, r.Name, id); err != nil {
			return identity{}, err
		}
	}
	for _, r := range builtInRoles {
		delete(roles, r.Name)
	}
	if err := b.check(); err != nil {
		return identity{}, err
	}
	return identity{
		projects: newPmap(b.projects), users: newPmap(b.users), roles: newPmap(b.roles),
		assignments: newPmap(b.assignments), revocations: newPmap(b.revocations),
		secrets: newPmap(b.secrets), containers: newPmap(b.containers),
		projectNames: newPmap(projects), userNames: newPmap(users), roleNames: newPmap(roles),
	}, nil
}

// check finds references that lead nowhere.
func (b *identityBuilder) check() error {
	for key, a := range b.assignments {
		_, builtIn := builtInRole(a.RoleID)
		switch {
		case b.users[a.UserID] == nil:
			return damaged(KindAssignment, key, "its user is missing")
		case a.ProjectID != "" && b.projects[a.ProjectID] == nil:
			return damaged(KindAssignment, key, "its project is missing")
		case !builtIn && b.roles[a.RoleID] == nil:
			return damaged(KindAssignment, key, "its role is missing")
		}
	}
	for id, box := range b.containers {
		for _, s := range box.Secrets {
			if b.secrets[s.SecretID] == nil {
				return damaged(KindSecretContainer, string(id), "its secret %s is missing", s.SecretID)
			}
		}
	}
	return nil
}
