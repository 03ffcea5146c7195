package access

import (
	"context"
	"errors"
	"slices"
)

// Caller is who calls.
type Caller struct {
	UserID    string
	ProjectID string   // of the token's scope, "" without one
	Roles     []string // names, in that scope
	// Open says that nobody is asked who he is: everybody is an administrator, and
	// quotas bind nobody. ProjectID is what the client claims to be then.
	Open bool
}

// ErrUnauthenticated says that a token is missing, unknown, expired or void. Its reason
// is for the log, not for the client.
var ErrUnauthenticated = errors.New("not authenticated")

// Authenticator tells whose a token is. It may ask another machine, and returns when ctx
// ends. An error that is no ErrUnauthenticated says that nobody can tell now.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Caller, error)
}

// The roles that policies know: Keystone's defaults, and Octavia's older ones.
const (
	RoleReader         = "reader"
	RoleMember         = "member"
	RoleAdmin          = "admin"
	RoleObserver       = "load-balancer_observer"
	RoleGlobalObserver = "load-balancer_global_observer"
	RoleLBMember       = "load-balancer_member"
	RoleLBAdmin        = "load-balancer_admin"
	RoleQuotaAdmin     = "load-balancer_quota_admin"
)

// Right is what a call needs.
type Right int

// The rights, as octavia/policies/base.py combines roles to them.
const (
	Read       Right = iota // of what belongs to the caller's project
	Write                   // of what belongs to the caller's project
	ReadAll                 // of every project
	Admin                   // everything
	ReadQuota               // of the caller's project
	WriteQuota              // of every project
)

// granted lists the roles that give a right. Admins have every right.
var granted = map[Right][]string{
	Read:       {RoleReader, RoleMember, RoleObserver, RoleLBMember, RoleGlobalObserver},
	Write:      {RoleMember, RoleLBMember},
	ReadAll:    {RoleGlobalObserver},
	Admin:      {},
	ReadQuota:  {RoleReader, RoleMember, RoleObserver, RoleLBMember, RoleGlobalObserver, RoleQuotaAdmin},
	WriteQuota: {RoleQuotaAdmin},
}

// Has reports whether the caller has a role.
func (c Caller) Has(role string) bool { return slices.Contains(c.Roles, role) }

// IsAdmin reports whether the caller may do everything.
func (c Caller) IsAdmin() bool { return c.Open || c.Has(RoleAdmin) || c.Has(RoleLBAdmin) }

// May reports whether the caller has the right on what belongs to project; "" is no
// project's.
func (c Caller) May(right Right, project string) bool {
	if c.IsAdmin() {
		return true
	}
	if right == Read && c.May(ReadAll, "") {
		return true
	}
	if !slices.ContainsFunc(granted[right], c.Has) {
		return false
	}
	switch right {
	case ReadAll, WriteQuota:
		return true
	default:
		return project == "" || project == c.ProjectID
	}
}

type contextKey struct{}

// With puts the caller into a context.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the caller of a context; the zero Caller, who may do nothing, if there is
// none.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}
