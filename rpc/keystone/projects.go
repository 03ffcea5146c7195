package keystone

import (
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

type projectRequest struct {
	Project *struct {
		Name        field[string]   `json:"name"`
		Description field[string]   `json:"description"`
		Enabled     field[bool]     `json:"enabled"`
		Tags        field[[]string] `json:"tags"`
		DomainID    field[string]   `json:"domain_id"`
		ParentID    field[string]   `json:"parent_id"`
		IsDomain    field[bool]     `json:"is_domain"`
	} `json:"project"`
}

func (c *call) projectSpec() (lb.ProjectSpec, error) {
	var req projectRequest
	if err := c.decode(&req); err != nil {
		return lb.ProjectSpec{}, err
	}
	p := req.Project
	if p == nil {
		return lb.ProjectSpec{}, badRequest("project is required: {\"project\":{\"name\":…}}")
	}
	if p.IsDomain.value {
		return lb.ProjectSpec{}, badRequest("is_domain: there is one domain only, %q", lb.DefaultDomain)
	}
	if p.ParentID.value != "" && p.ParentID.value != lb.DefaultDomain {
		return lb.ProjectSpec{}, badRequest("parent_id: projects have no parent but the domain %q", lb.DefaultDomain)
	}
	return lb.ProjectSpec{
		Name: p.Name.opt(), Description: p.Description.opt(), Enabled: p.Enabled.opt(), Tags: p.Tags.opt(),
	}, checkDomain(p.DomainID)
}

func (c *call) projectBody(p *lb.Project) record {
	tags := p.Tags
	if tags == nil {
		tags = []string{}
	}
	return record{
		"id": p.ID, "name": p.Name, "description": p.Description, "enabled": p.Enabled, "tags": tags,
		"domain_id": lb.DefaultDomain, "parent_id": lb.DefaultDomain, "is_domain": false, "options": record{},
		"links": record{"self": c.base + "/v3/projects/" + p.ID},
	}
}

func (s *Server) listProjects(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for p := range c.cfg.Projects() {
		if c.inDomain() && c.wants("name", p.Name) && c.wantsBool("enabled", p.Enabled) &&
			c.wants("parent_id", lb.DefaultDomain) && c.wantsBool("is_domain", false) {
			all = append(all, c.projectBody(p))
		}
	}
	return reply{http.StatusOK, c.list("projects", all)}, nil
}

// showProject shows a project to those who may see all of them, or who work in it.
func (s *Server) showProject(_ http.ResponseWriter, c *call) (reply, error) {
	id := c.PathValue("id")
	if !c.observes() && (id == "" || c.caller.ProjectID != id) {
		return reply{}, errForbidden
	}
	p, ok := c.cfg.Project(id)
	if !ok {
		return reply{}, noSuch("project", id)
	}
	return reply{http.StatusOK, record{"project": c.projectBody(p)}}, nil
}

func (s *Server) createProject(_ http.ResponseWriter, c *call) (reply, error) {
	spec, err := c.projectSpec()
	if err != nil {
		return reply{}, err
	}
	return s.wroteProject(c, http.StatusCreated, lb.CreateProject{Spec: spec})
}

func (s *Server) updateProject(_ http.ResponseWriter, c *call) (reply, error) {
	spec, err := c.projectSpec()
	if err != nil {
		return reply{}, err
	}
	return s.wroteProject(c, http.StatusOK, lb.UpdateProject{ID: c.PathValue("id"), Spec: spec})
}

func (s *Server) wroteProject(c *call, status int, op lb.Op) (reply, error) {
	id, err := s.propose(c, op)
	if err != nil {
		return reply{}, err
	}
	p, ok := c.cfg.Project(id)
	if !ok {
		return reply{}, noSuch("project", id) // deleted since
	}
	return reply{status, record{"project": c.projectBody(p)}}, nil
}

func (s *Server) deleteProject(_ http.ResponseWriter, c *call) (reply, error) {
	_, err := s.propose(c, lb.DeleteProject{ID: c.PathValue("id")})
	return reply{status: http.StatusNoContent}, err
}

// inDomain reports whether a list is asked for what is in our domain.
func (c *call) inDomain() bool { return c.wants("domain_id", lb.DefaultDomain) }

// wantsBool is wants for an attribute that is true or false, which Keystone takes from
// several words.
func (c *call) wantsBool(key string, value bool) bool {
	q := c.URL.Query()
	if !q.Has(key) {
		return true
	}
	switch strings.ToLower(q.Get(key)) {
	case "false", "0", "no", "off", "f", "n":
		return !value
	default:
		return value
	}
}
