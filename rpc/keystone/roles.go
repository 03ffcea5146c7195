package keystone

import (
	"net/http"

	"github.com/amphora-lb/amphora/lb"
)

func (c *call) roleBody(r *lb.Role) record {
	return record{
		"id": r.ID, "name": r.Name, "domain_id": nil, "description": nil, "options": record{},
		"links": record{"self": c.base + "/v3/roles/" + r.ID},
	}
}

func (s *Server) listRoles(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for r := range c.cfg.Roles() {
		if c.wants("name", r.Name) && !c.URL.Query().Has("domain_id") { // roles have no domain
			all = append(all, c.roleBody(r))
		}
	}
	return reply{http.StatusOK, c.list("roles", all)}, nil
}

func (s *Server) showRole(_ http.ResponseWriter, c *call) (reply, error) {
	r, ok := c.cfg.Role(c.PathValue("id"))
	if !ok {
		return reply{}, noSuch("role", c.PathValue("id"))
	}
	return reply{http.StatusOK, record{"role": c.roleBody(r)}}, nil
}

func (s *Server) createRole(_ http.ResponseWriter, c *call) (reply, error) {
	var req struct {
		Role *struct {
			Name     field[string] `json:"name"`
			DomainID field[string] `json:"domain_id"`
		} `json:"role"`
	}
	if err := c.decode(&req); err != nil {
		return reply{}, err
	}
	if req.Role == nil {
		return reply{}, badRequest("role is required: {\"role\":{\"name\":…}}")
	}
	if req.Role.DomainID.value != "" {
		return reply{}, badRequest("domain_id: roles belong to no domain")
	}
	id, err := s.propose(c, lb.CreateRole{Spec: lb.RoleSpec{Name: req.Role.Name.opt()}})
	if err != nil {
		return reply{}, err
	}
	r, ok := c.cfg.Role(id)
	if !ok {
		return reply{}, noSuch("role", id) // deleted since
	}
	return reply{http.StatusCreated, record{"role": c.roleBody(r)}}, nil
}

func (s *Server) deleteRole(_ http.ResponseWriter, c *call) (reply, error) {
	_, err := s.propose(c, lb.DeleteRole{ID: c.PathValue("id")})
	return reply{status: http.StatusNoContent}, err
}
