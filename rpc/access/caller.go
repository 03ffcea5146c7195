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
	ReadQuotas              // of every project
	WriteQuota              // of every project
)

// granted lists the roles that give a right. Admins have every right.
var granted = map[Right][]string{
	Read:       {RoleReader, RoleMember, RoleObserver, RoleLBMember, RoleGlobalObserver},
	Write:      {RoleMember, RoleLBMember},
	ReadAll:    {RoleGlobalObserver},
	Admin:      {},
	ReadQuota:  {RoleReader, RoleMember, RoleObserver, RoleLBMember, RoleGlobalObserver, RoleQuotaAdmin},
	ReadQuotas: {RoleGlobalObserver, RoleQuotaAdmin},
	WriteQuota: {RoleQuotaAdmin},
}

// Has reports whether the caller has a role.
func (c Caller) Has(role string) bool { return slices.Contains(c.Roles, role) }

// IsAdmin reports whether the caller may do everything.
func (c Caller) IsAdmin() bool { return c.Open || c.Has(RoleAdmin) || c.Has(RoleLBAdmin) }

// Could reports whether the caller has the right anywhere. Who could not is refused before
// anything is looked up.
func (c Caller) Could(right Right) bool {
	return c.IsAdmin() || slices.ContainsFunc(granted[right], c.Has)
}

// May reports whether the caller has the right on what belongs to project. "" is what an
// operator made for nobody in particular: everybody who could may read it, and
// administrators alone may change it.
func (c Caller) May(right Right, project string) bool {
	switch {
	case !c.Could(right):
		return false
	case c.IsAdmin(), right == ReadAll, right == ReadQuotas, right == WriteQuota:
		return true
	case right == Read && c.Could(ReadAll), right == ReadQuota && c.Could(ReadQuotas):
		return true
	case project == "":
		return right == Read
	default:
		return project == c.ProjectID
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
