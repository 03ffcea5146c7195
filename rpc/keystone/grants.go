package keystone

import (
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// granted is the assignment that the path names; without a project it is one in the
// system.
func (c *call) granted() lb.Assignment {
	return lb.Assignment{UserID: c.PathValue("user"), ProjectID: c.PathValue("project"), RoleID: c.PathValue("role")}
}

// parties makes sure that the user and the project of the path are there.
func (c *call) parties() error {
	if user := c.PathValue("user"); !c.hasUser(user) {
		return noSuch("user", user)
	}
	if project := c.PathValue("project"); project != "" {
		if _, ok := c.cfg.Project(project); !ok {
			return noSuch("project", project)
		}
	}
	return nil
}

func (c *call) hasUser(id string) bool {
	_, ok := c.cfg.User(id)
	return ok
}

func (s *Server) listGrants(_ http.ResponseWriter, c *call) (reply, error) {
	if err := c.parties(); err != nil {
		return reply{}, err
	}
	var all []record
	for a := range c.cfg.AssignmentsOf(c.PathValue("user")) {
		if a.ProjectID == c.PathValue("project") {
			r, _ := c.cfg.Role(a.RoleID)
			all = append(all, c.roleBody(r))
		}
	}
	return reply{http.StatusOK, c.list("roles", all)}, nil
}

func (s *Server) showGrant(_ http.ResponseWriter, c *call) (reply, error) {
	if err := c.parties(); err != nil {
		return reply{}, err
	}
	want := c.granted()
	for a := range c.cfg.AssignmentsOf(want.UserID) {
		if a.Key() == want.Key() {
			return reply{status: http.StatusNoContent}, nil
		}
	}
	return reply{}, noSuch("role assignment", want.Key())
}

func (s *Server) grant(_ http.ResponseWriter, c *call) (reply, error) {
	_, err := s.propose(c, lb.Assign{Assignment: c.granted()})
	return reply{status: http.StatusNoContent}, err
}

func (s *Server) ungrant(_ http.ResponseWriter, c *call) (reply, error) {
	_, err := s.propose(c, lb.Unassign{Assignment: c.granted()})
	return reply{status: http.StatusNoContent}, err
}

// listAssignments answers GET /v3/role_assignments. There are no groups and no inherited
// roles, so what is effective is what is assigned.
func (s *Server) listAssignments(_ http.ResponseWriter, c *call) (reply, error) {
	q := c.URL.Query()
	names := q.Has("include_names") && c.wantsBool("include_names", true)
	var all []record
	for a := range c.cfg.Assignments() {
		switch {
		case q.Has("group.id") || q.Has("scope.domain.id"):
		case !c.wants("user.id", a.UserID), !c.wants("role.id", a.RoleID), !c.wants("scope.project.id", a.ProjectID):
		case q.Has("scope.project.id") && a.ProjectID == "":
		case q.Has("scope.system") && a.ProjectID != "":
		default:
			all = append(all, c.assignmentBody(a, names))
		}
	}
	return reply{http.StatusOK, c.list("role_assignments", all)}, nil
}

func (c *call) assignmentBody(a *lb.Assignment, names bool) record {
	role, user, project := record{"id": a.RoleID}, record{"id": a.UserID}, record{"id": a.ProjectID}
	if names {
		r, _ := c.cfg.Role(a.RoleID)
		u, _ := c.cfg.User(a.UserID)
		role["name"], user["name"], user["domain"] = r.Name, u.Name, domainBody()
	}
	path := []string{c.base + "/v3/system", "users", a.UserID, "roles", a.RoleID}
	scope := record{"system": record{"all": true}}
	if a.ProjectID != "" {
		path[0] = c.base + "/v3/projects/" + a.ProjectID
		if p, ok := c.cfg.Project(a.ProjectID); ok && names {
			project["name"], project["domain"] = p.Name, domainBody()
		}
		scope = record{"project": project}
	}
	return record{"role": role, "user": user, "scope": scope, "links": record{"assignment": strings.Join(path, "/")}}
}
