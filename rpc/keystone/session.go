package keystone

import (
	"context"
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// session is a token that is valid now, with what it stands for.
type session struct {
	claims
	user    *lb.User
	project *lb.Project // nil: none
	roles   []string    // names, in the scope; none without a scope
}

func (s session) caller() access.Caller {
	return access.Caller{UserID: s.UserID, ProjectID: s.ProjectID, Roles: s.roles}
}

// errUnknownHere marks what may be otherwise on another node: this one may not have
// caught up.
var errUnknownHere = errors.New("not known here")

// Authenticate implements [access.Authenticator] for tokens of this cluster. It asks the
// other nodes only about a token that is signed but does not fit what this node knows.
func (s *Server) Authenticate(ctx context.Context, token string) (access.Caller, error) {
	session, err := s.session(ctx, token)
	if err != nil {
		return access.Caller{}, err
	}
	return session.caller(), nil
}

func (s *Server) session(ctx context.Context, token string) (session, error) {
	if token == "" {
		return session{}, unauthenticated("there is no token")
	}
	c, err := parseToken(s.cfg.Key, token)
	if err != nil {
		return session{}, err
	}
	if !s.cfg.Now().Before(c.Expires) {
		return session{}, unauthenticated("the token of %s expired", c.UserID)
	}
	found, err := resolve(s.cfg.Backend.Config(), c)
	if errors.Is(err, errUnknownHere) {
		if syncErr := s.cfg.Backend.Sync(ctx); syncErr != nil {
			return session{}, fmt.Errorf("look up a token: %w", syncErr)
		}
		found, err = resolve(s.cfg.Backend.Config(), c)
	}
	return found, err
}

// resolve looks up what a token stands for, and whether it still does.
func resolve(cfg *lb.Config, c claims) (session, error) {
	stale := func(format string, args ...any) (session, error) {
		return session{}, fmt.Errorf("%w: %w", unauthenticated(format, args...), errUnknownHere)
	}
	if cfg.Revoked(c.revocation()) {
		return session{}, unauthenticated("the token of %s is revoked", c.UserID)
	}
	user, ok := cfg.User(c.UserID)
	switch {
	case !ok:
		return stale("user %s is gone", c.UserID)
	case !user.Enabled:
		return stale("user %s is disabled", c.UserID)
	case fingerprint(user) != c.Password:
		return stale("user %s has another password now", c.UserID)
	}
	s := session{claims: c, user: user}
	if c.ProjectID == "" && !c.System {
		return s, nil
	}
	if c.ProjectID != "" {
		if s.project, ok = cfg.Project(c.ProjectID); !ok || !s.project.Enabled {
			return stale("project %s is gone or disabled", c.ProjectID)
		}
	}
	if s.roles = cfg.RolesIn(c.UserID, c.ProjectID); len(s.roles) == 0 {
		return stale("user %s has no role in project %q", c.UserID, c.ProjectID)
	}
	return s, nil
}
