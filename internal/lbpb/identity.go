package lbpb

import (
	"slices"

	"github.com/amphora-lb/amphora/lb"
)

// FromProject encodes a project.
func FromProject(v *lb.Project) *Project {
	return &Project{
		Id:          v.ID,
		Revision:    v.Revision,
		Name:        v.Name,
		Description: v.Description,
		Enabled:     v.Enabled,
		Tags:        slices.Clone(v.Tags),
	}
}

// ToLB decodes a project.
func (x *Project) ToLB() (*lb.Project, error) {
	f := &faults{kind: lb.KindProject, id: x.GetId()}
	return checked(f, &lb.Project{
		ID:          x.GetId(),
		Revision:    x.GetRevision(),
		Name:        x.GetName(),
		Description: x.GetDescription(),
		Enabled:     x.GetEnabled(),
		Tags:        slices.Clone(x.GetTags()),
	})
}

// FromUser encodes a user.
func FromUser(v *lb.User) *User {
	return &User{
		Id:               v.ID,
		Revision:         v.Revision,
		Name:             v.Name,
		Description:      v.Description,
		Email:            v.Email,
		Enabled:          v.Enabled,
		DefaultProjectId: v.DefaultProjectID,
		PasswordHash:     v.PasswordHash,
		PasswordAt:       formatTime(v.PasswordAt),
	}
}

// ToLB decodes a user.
func (x *User) ToLB() (*lb.User, error) {
	f := &faults{kind: lb.KindUser, id: x.GetId()}
	return checked(f, &lb.User{
		ID:               x.GetId(),
		Revision:         x.GetRevision(),
		Name:             x.GetName(),
		Description:      x.GetDescription(),
		Email:            x.GetEmail(),
		Enabled:          x.GetEnabled(),
		DefaultProjectID: x.GetDefaultProjectId(),
		PasswordHash:     x.GetPasswordHash(),
		PasswordAt:       parsed(f, "password_at", x.GetPasswordAt(), parseTime),
	})
}

// FromRole encodes a role.
func FromRole(v *lb.Role) *Role {
	return &Role{
		Id:       v.ID,
		Revision: v.Revision,
		Name:     v.Name,
	}
}

// ToLB decodes a role.
func (x *Role) ToLB() (*lb.Role, error) {
	f := &faults{kind: lb.KindRole, id: x.GetId()}
	return checked(f, &lb.Role{
		ID:       x.GetId(),
		Revision: x.GetRevision(),
		Name:     x.GetName(),
	})
}

// FromRoleAssignment encodes a role that a user has.
func FromRoleAssignment(v *lb.Assignment) *RoleAssignment {
	return &RoleAssignment{
		UserId:    v.UserID,
		Revision:  v.Revision,
		ProjectId: v.ProjectID,
		RoleId:    v.RoleID,
	}
}

// ToLB decodes a role that a user has.
func (x *RoleAssignment) ToLB() (*lb.Assignment, error) {
	f := &faults{kind: lb.KindAssignment, id: x.GetUserId()}
	return checked(f, &lb.Assignment{
		UserID:    x.GetUserId(),
		Revision:  x.GetRevision(),
		ProjectID: x.GetProjectId(),
		RoleID:    x.GetRoleId(),
	})
}

// FromRevokedToken encodes a revoked token.
func FromRevokedToken(v *lb.Revocation) *RevokedToken {
	return &RevokedToken{
		TokenId:   v.TokenID,
		Revision:  v.Revision,
		ExpiresAt: formatTime(v.Expires),
	}
}

// ToLB decodes a revoked token.
func (x *RevokedToken) ToLB() (*lb.Revocation, error) {
	f := &faults{kind: lb.KindRevocation, id: x.GetTokenId()}
	return checked(f, &lb.Revocation{
		TokenID:  x.GetTokenId(),
		Revision: x.GetRevision(),
		Expires:  parsed(f, "expires_at", x.GetExpiresAt(), parseTime),
	})
}

// FromProjectSpec encodes the spec of a project.
func FromProjectSpec(s lb.ProjectSpec) *ProjectSpec {
	var n nulls
	x := &ProjectSpec{
		Name:        from(&n, "name", s.Name, formatText),
		Description: from(&n, "description", s.Description, formatText),
		Enabled:     from(&n, "enabled", s.Enabled, formatBool),
		Tags:        from(&n, "tags", s.Tags, formatStrings),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a project.
func (x *ProjectSpec) ToLB() (lb.ProjectSpec, error) {
	if x == nil {
		x = &ProjectSpec{}
	}
	f := newFields(lb.KindProject, x.NullFields)
	s := lb.ProjectSpec{
		Name:        to(f, "name", x.Name, parseText[string]),
		Description: to(f, "description", x.Description, parseText[string]),
		Enabled:     to(f, "enabled", x.Enabled, parseBool),
		Tags:        to(f, "tags", x.Tags, parseStrings),
	}
	return s, f.done()
}

// FromUserSpec encodes the spec of a user.
func FromUserSpec(s lb.UserSpec) *UserSpec {
	var n nulls
	x := &UserSpec{
		Name:             from(&n, "name", s.Name, formatText),
		Description:      from(&n, "description", s.Description, formatText),
		Email:            from(&n, "email", s.Email, formatText),
		Enabled:          from(&n, "enabled", s.Enabled, formatBool),
		DefaultProjectId: from(&n, "default_project_id", s.DefaultProjectID, formatText),
		PasswordHash:     from(&n, "password_hash", s.PasswordHash, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a user.
func (x *UserSpec) ToLB() (lb.UserSpec, error) {
	if x == nil {
		x = &UserSpec{}
	}
	f := newFields(lb.KindUser, x.NullFields)
	s := lb.UserSpec{
		Name:             to(f, "name", x.Name, parseText[string]),
		Description:      to(f, "description", x.Description, parseText[string]),
		Email:            to(f, "email", x.Email, parseText[string]),
		Enabled:          to(f, "enabled", x.Enabled, parseBool),
		DefaultProjectID: to(f, "default_project_id", x.DefaultProjectId, parseText[string]),
		PasswordHash:     to(f, "password_hash", x.PasswordHash, parseText[string]),
	}
	return s, f.done()
}

// FromRoleSpec encodes the spec of a role.
func FromRoleSpec(s lb.RoleSpec) *RoleSpec {
	var n nulls
	x := &RoleSpec{
		Name: from(&n, "name", s.Name, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a role.
func (x *RoleSpec) ToLB() (lb.RoleSpec, error) {
	if x == nil {
		x = &RoleSpec{}
	}
	f := newFields(lb.KindRole, x.NullFields)
	s := lb.RoleSpec{
		Name: to(f, "name", x.Name, parseText[string]),
	}
	return s, f.done()
}
