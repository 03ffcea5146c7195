package keystone

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// The one domain that there is.
const domainName = "Default"

// domainRef names a domain; neither field is required.
type domainRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ours reports whether it is our domain. Ids and names are compared as Keystone's usual
// database does.
func (d domainRef) ours() bool {
	switch {
	case d.ID != "":
		return strings.EqualFold(d.ID, lb.DefaultDomain)
	default:
		return strings.EqualFold(d.Name, domainName)
	}
}

type authRequest struct {
	Auth *struct {
		Identity *struct {
			Methods  []string `json:"methods"`
			Password *struct {
				User struct {
					ID       string    `json:"id"`
					Name     string    `json:"name"`
					Domain   domainRef `json:"domain"`
					Password string    `json:"password"`
				} `json:"user"`
			} `json:"password"`
			Token *struct {
				ID string `json:"id"`
			} `json:"token"`
		} `json:"identity"`
		Scope scope `json:"scope"`
	} `json:"auth"`
}

// scope is what a token is wanted for.
type scope struct {
	given   bool // otherwise it is the user's default project
	Project *struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		Domain domainRef `json:"domain"`
	} `json:"project"`
	System *struct {
		All bool `json:"all"`
	} `json:"system"`
	Domain *domainRef `json:"domain"`
}

// UnmarshalJSON implements json.Unmarshaler: a scope may be the word "unscoped" too.
func (s *scope) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "null":
		return nil
	case `"unscoped"`:
		s.given = true
		return nil
	}
	type plain scope
	p := plain{given: true}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*s = scope(p)
	return nil
}

// issueToken answers POST /v3/auth/tokens.
func (s *Server) issueToken(w http.ResponseWriter, c *call) (reply, error) {
	var req authRequest
	if err := c.decode(&req); err != nil {
		return reply{}, err
	}
	if req.Auth == nil || req.Auth.Identity == nil {
		return reply{}, badRequest("auth.identity is required: {\"auth\":{\"identity\":{\"methods\":[\"password\"],…}}}")
	}
	// Best effort: without a quorum people log in with what this node knows.
	ctx, cancel := context.WithTimeout(c.Context(), syncTimeout)
	_ = s.cfg.Backend.Sync(ctx)
	cancel()
	c.cfg = s.cfg.Backend.Config()

	id := req.Auth.Identity
	now := s.cfg.Now().UTC()
	found := claims{ID: newID(), Issued: now, Expires: now.Add(s.cfg.Lifetime)}
	switch {
	case len(id.Methods) == 1 && id.Methods[0] == "password" && id.Password != nil:
		p := id.Password.User
		name := p.Name
		if p.ID != "" {
			name = p.ID
		}
		user := lookUp(c.cfg, p.ID, p.Name, p.Domain)
		if err := s.checkPassword(w, c, name, user, p.Password); err != nil {
			return reply{}, err
		}
		found.UserID, found.Password, found.Methods = user.ID, fingerprint(user), byPassword
	case len(id.Methods) == 1 && id.Methods[0] == "token" && id.Token != nil:
		old, err := s.session(c.Context(), id.Token.ID)
		if err != nil {
			return reply{}, err
		}
		// A token cannot prolong itself.
		found.Expires = old.Expires
		found.UserID, found.Password, found.Methods = old.UserID, old.Password, old.Methods|byToken
	default:
		return reply{}, unauthenticated("methods %q are not served, use password or token", id.Methods)
	}
	session, err := enter(c.cfg, found, req.Auth.Scope)
	if err != nil {
		return reply{}, err
	}
	text, err := session.sign(s.cfg.Key)
	if err != nil {
		return reply{}, err
	}
	w.Header().Set("X-Subject-Token", text)
	return reply{http.StatusCreated, s.tokenBody(c, session)}, nil
}

// lookUp returns the user that a login names, nil if there is none.
func lookUp(cfg *lb.Config, id, name string, domain domainRef) *lb.User {
	if id != "" {
		user, _ := cfg.User(id)
		return user
	}
	if !domain.ours() {
		return nil
	}
	user, _ := cfg.UserByName(name)
	return user
}

// checkPassword takes as long, and says the same, whoever does not exist, is disabled or
// has another password.
func (s *Server) checkPassword(w http.ResponseWriter, c *call, name string, user *lb.User, given string) error {
	name = name[:min(len(name), maxName)]
	hash, counted := "", name
	if user != nil {
		hash, counted = user.PasswordHash, user.ID // by whichever of its names
	}
	try := newAttempt(c.RemoteAddr, counted)
	if wait := s.failures.wait(try, s.cfg.Now()); wait > 0 {
		return tooMany(w, wait)
	}
	same, err := s.cfg.Passwords.Compare(c.Context(), hash, given)
	if err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	failed := !same || !user.Enabled
	if wait := s.failures.settle(try, failed, s.cfg.Now()); wait > 0 {
		return tooMany(w, wait)
	}
	if failed {
		s.cfg.Log.Info("refuse a login", "user", name, "address", c.RemoteAddr)
		return unauthenticated("the login of %q", name)
	}
	return nil
}

// tooMany says when to come back.
func tooMany(w http.ResponseWriter, wait time.Duration) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return fault{http.StatusTooManyRequests, "Too many logins failed. Please try again later."}
}

// enter gives claims a scope, and makes sure that the user has a role there.
func enter(cfg *lb.Config, c claims, want scope) (session, error) {
	switch {
	case !want.given:
		user, _ := cfg.User(c.UserID)
		if user == nil || user.DefaultProjectID == "" {
			return resolve(cfg, c)
		}
		scoped := c
		scoped.ProjectID = user.DefaultProjectID
		if s, err := resolve(cfg, scoped); err == nil {
			return s, nil
		}
		return resolve(cfg, c) // without a role there, as Keystone does
	case want.Project != nil:
		id := want.Project.ID
		if id == "" && want.Project.Domain.ours() {
			if p, ok := cfg.ProjectByName(want.Project.Name); ok {
				id = p.ID
			}
		}
		if id == "" {
			return session{}, unauthenticated("there is no project %q in domain %+v", want.Project.Name, want.Project.Domain)
		}
		c.ProjectID = id
		return resolve(cfg, c)
	case want.System != nil:
		c.System = true
		return resolve(cfg, c)
	case want.Domain != nil:
		return session{}, unauthenticated("nobody has a role in a domain")
	default:
		return resolve(cfg, c)
	}
}
