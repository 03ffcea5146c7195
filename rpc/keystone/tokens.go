package keystone

import (
	"errors"
	"net/http"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// record is a JSON object.
type record map[string]any

// timeFormat is Keystone's; always UTC.
const timeFormat = "2006-01-02T15:04:05.000000Z"

func timestamp(t time.Time) string { return t.UTC().Format(timeFormat) }

func domainBody() record { return record{"id": lb.DefaultDomain, "name": domainName} }

// tokenBody describes a token. The token itself is in a header.
func (s *Server) tokenBody(c *call, ses session) record {
	token := record{
		"methods": ses.Methods.names(), "audit_ids": []string{ses.audit()},
		"issued_at": timestamp(ses.Issued), "expires_at": timestamp(ses.Expires),
		"user": record{
			"id": ses.user.ID, "name": ses.user.Name, "domain": domainBody(), "password_expires_at": nil,
		},
	}
	switch {
	case ses.project != nil:
		token["project"] = record{"id": ses.project.ID, "name": ses.project.Name, "domain": domainBody()}
		token["is_domain"] = false
	case ses.System:
		token["system"] = record{"all": true}
	default:
		return record{"token": token}
	}
	roles := []record{}
	for _, name := range ses.roles {
		if r, ok := c.cfg.RoleByName(name); ok {
			roles = append(roles, record{"id": r.ID, "name": r.Name})
		}
	}
	token["roles"] = roles
	if !c.URL.Query().Has("nocatalog") {
		token["catalog"] = s.cfg.Catalog.services(c.Request)
	}
	return record{"token": token}
}

// subject is the token that a call is about. The caller must be its user, an
// administrator, or another service.
func (s *Server) subject(c *call) (session, error) {
	text := c.Header.Get("X-Subject-Token")
	if text == "" {
		return session{}, badRequest("the header X-Subject-Token is required")
	}
	ses, err := s.session(c.Context(), text)
	if errors.Is(err, access.ErrUnauthenticated) {
		return session{}, fault{http.StatusNotFound, "Could not find token."}
	}
	if err != nil {
		return session{}, err
	}
	if !c.is(ses.UserID) && !c.observes() && !c.caller.Has("service") {
		return session{}, errForbidden
	}
	return ses, nil
}

// showToken answers GET and HEAD /v3/auth/tokens.
func (s *Server) showToken(w http.ResponseWriter, c *call) (reply, error) {
	ses, err := s.subject(c)
	if err != nil {
		return reply{}, err
	}
	w.Header().Set("X-Subject-Token", c.Header.Get("X-Subject-Token"))
	return reply{http.StatusOK, s.tokenBody(c, ses)}, nil
}

// revokeToken answers DELETE /v3/auth/tokens.
func (s *Server) revokeToken(_ http.ResponseWriter, c *call) (reply, error) {
	ses, err := s.subject(c)
	if err != nil {
		return reply{}, err
	}
	if !c.is(ses.UserID) && !c.administers() {
		return reply{}, errForbidden
	}
	// Refused as invalid it expired in this moment, which is as good.
	if _, err := s.propose(c, lb.Revoke{TokenID: ses.revocation(), Expires: ses.Expires}); err != nil && !errors.Is(err, lb.ErrInvalid) {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}

// showCatalog answers GET /v3/auth/catalog.
func (s *Server) showCatalog(_ http.ResponseWriter, c *call) (reply, error) {
	return reply{http.StatusOK, record{"catalog": s.cfg.Catalog.services(c.Request), "links": c.self()}}, nil
}

// ownProjects answers GET /v3/auth/projects: those that the caller may log in to.
func (s *Server) ownProjects(_ http.ResponseWriter, c *call) (reply, error) {
	return reply{http.StatusOK, c.list("projects", c.projectsOf(c.caller.UserID))}, nil
}

// ownSystem answers GET /v3/auth/system.
func (s *Server) ownSystem(_ http.ResponseWriter, c *call) (reply, error) {
	system := []record{}
	if len(c.cfg.RolesIn(c.caller.UserID, "")) > 0 {
		system = append(system, record{"all": true})
	}
	return reply{http.StatusOK, record{"system": system, "links": c.self()}}, nil
}

// projectsOf lists the projects in which a user has a role.
func (c *call) projectsOf(user string) []record {
	var all []record
	last := ""
	for a := range c.cfg.AssignmentsOf(user) { // sorted by project
		if p, ok := c.cfg.Project(a.ProjectID); ok && p.ID != last && p.Enabled {
			last = p.ID
			all = append(all, c.projectBody(p))
		}
	}
	return all
}

// self is where the answer is from.
func (c *call) self() record {
	self := c.base + c.URL.Path
	if c.URL.RawQuery != "" {
		self += "?" + c.URL.RawQuery
	}
	return record{"self": self, "next": nil, "previous": nil}
}

// list is the body of a list.
func (c *call) list(key string, all []record) record {
	if all == nil {
		all = []record{}
	}
	return record{key: all, "links": c.self()}
}
