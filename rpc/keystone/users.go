package keystone

import (
	"fmt"
	"net/http"

	"github.com/amphora-lb/amphora/lb"
)

type userRequest struct {
	User *struct {
		Name             field[string] `json:"name"`
		Description      field[string] `json:"description"`
		Email            field[string] `json:"email"`
		Enabled          field[bool]   `json:"enabled"`
		DefaultProjectID field[string] `json:"default_project_id"`
		Password         field[string] `json:"password"`
		OriginalPassword field[string] `json:"original_password"`
		DomainID         field[string] `json:"domain_id"`
	} `json:"user"`
}

func (c *call) userRequest() (userRequest, error) {
	var req userRequest
	if err := c.decode(&req); err != nil {
		return req, err
	}
	if req.User == nil {
		return req, badRequest("user is required: {\"user\":{\"name\":…}}")
	}
	return req, checkDomain(req.User.DomainID)
}

// userSpec hashes the password: it goes no further than here.
func (s *Server) userSpec(c *call) (lb.UserSpec, error) {
	req, err := c.userRequest()
	if err != nil {
		return lb.UserSpec{}, err
	}
	u := req.User
	spec := lb.UserSpec{
		Name: u.Name.opt(), Description: u.Description.opt(), Email: u.Email.opt(), Enabled: u.Enabled.opt(),
		DefaultProjectID: u.DefaultProjectID.opt(),
	}
	spec.PasswordHash, err = s.hash(c, u.Password)
	return spec, err
}

func (s *Server) hash(c *call, password field[string]) (lb.Opt[string], error) {
	switch {
	case !password.given:
		return lb.Opt[string]{}, nil
	case password.null:
		return lb.Null[string](), nil
	case password.value == "":
		return lb.Opt[string]{}, badRequest("password: cannot be empty")
	}
	hash, err := s.cfg.Passwords.Hash(c.Context(), password.value)
	if err != nil {
		return lb.Opt[string]{}, fmt.Errorf("password: %w", err)
	}
	return lb.Some(hash), nil
}

func (c *call) userBody(u *lb.User) record {
	body := record{
		"id": u.ID, "name": u.Name, "enabled": u.Enabled, "domain_id": lb.DefaultDomain,
		"password_expires_at": nil, "options": record{}, "links": record{"self": c.base + "/v3/users/" + u.ID},
	}
	for key, value := range map[string]string{
		"description": u.Description, "email": u.Email, "default_project_id": u.DefaultProjectID,
	} {
		if value != "" { // Keystone leaves them out too
			body[key] = value
		}
	}
	return body
}

func (s *Server) listUsers(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for u := range c.cfg.Users() {
		if c.inDomain() && c.wants("name", u.Name) && c.wantsBool("enabled", u.Enabled) {
			all = append(all, c.userBody(u))
		}
	}
	return reply{http.StatusOK, c.list("users", all)}, nil
}

// showUser shows a user to those who may see all of them, and to himself.
func (s *Server) showUser(_ http.ResponseWriter, c *call) (reply, error) {
	id := c.PathValue("id")
	if !c.observes() && !c.is(id) {
		return reply{}, errForbidden
	}
	u, ok := c.cfg.User(id)
	if !ok {
		return reply{}, noSuch("user", id)
	}
	return reply{http.StatusOK, record{"user": c.userBody(u)}}, nil
}

func (s *Server) createUser(_ http.ResponseWriter, c *call) (reply, error) {
	spec, err := s.userSpec(c)
	if err != nil {
		return reply{}, err
	}
	return s.wroteUser(c, http.StatusCreated, lb.CreateUser{Spec: spec})
}

func (s *Server) updateUser(_ http.ResponseWriter, c *call) (reply, error) {
	spec, err := s.userSpec(c)
	if err != nil {
		return reply{}, err
	}
	return s.wroteUser(c, http.StatusOK, lb.UpdateUser{ID: c.PathValue("id"), Spec: spec})
}

func (s *Server) wroteUser(c *call, status int, op lb.Op) (reply, error) {
	id, err := s.propose(c, op)
	if err != nil {
		return reply{}, err
	}
	u, ok := c.cfg.User(id)
	if !ok {
		return reply{}, noSuch("user", id) // deleted since
	}
	return reply{status, record{"user": c.userBody(u)}}, nil
}

func (s *Server) deleteUser(_ http.ResponseWriter, c *call) (reply, error) {
	_, err := s.propose(c, lb.DeleteUser{ID: c.PathValue("id")})
	return reply{status: http.StatusNoContent}, err
}

// changePassword answers POST /v3/users/{id}/password, by which users change their own:
// the old one is asked for, also of who has a token.
func (s *Server) changePassword(w http.ResponseWriter, c *call) (reply, error) {
	id := c.PathValue("id")
	if !c.is(id) && !c.administers() {
		return reply{}, errForbidden
	}
	req, err := c.userRequest()
	if err != nil {
		return reply{}, err
	}
	user, ok := c.cfg.User(id)
	if !ok {
		return reply{}, noSuch("user", id)
	}
	if !req.User.Password.given || req.User.Password.null {
		return reply{}, badRequest("password: is required")
	}
	if err := s.checkPassword(w, c, id, user, req.User.OriginalPassword.value); err != nil {
		return reply{}, err
	}
	hash, err := s.hash(c, req.User.Password)
	if err != nil {
		return reply{}, err
	}
	// If: two changes at once must not both find the old password right.
	_, err = s.propose(c, lb.UpdateUser{ID: id, If: user.Revision, Spec: lb.UserSpec{PasswordHash: hash}})
	return reply{status: http.StatusNoContent}, err
}

// projectsOfUser answers GET /v3/users/{id}/projects.
func (s *Server) projectsOfUser(_ http.ResponseWriter, c *call) (reply, error) {
	id := c.PathValue("id")
	if !c.observes() && !c.is(id) {
		return reply{}, errForbidden
	}
	if _, ok := c.cfg.User(id); !ok {
		return reply{}, noSuch("user", id)
	}
	return reply{http.StatusOK, c.list("projects", c.projectsOf(id))}, nil
}
