package keystone

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/internal/seal"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// Backend is the node that keeps users, projects and roles. All methods may be called from
// any number of goroutines.
type Backend interface {
	// Propose has op committed. When it returns without error, Config on this node
	// includes the change.
	Propose(ctx context.Context, requestID string, exempt bool, op lb.Op) (lb.Result, uint64, error)
	// Sync blocks until Config shows every change that any node acknowledged before.
	Sync(ctx context.Context) error
	// Config is the configuration that this node has applied. It does not block.
	Config() *lb.Config
}

// DefaultLifetime is how long a token is valid unless [Config.Lifetime] says otherwise.
const DefaultLifetime = time.Hour

const (
	maxBody     = 114688          // bytes of a request, as for the other APIs
	syncTimeout = 2 * time.Second // how long a login waits for what other nodes know
)

// Config says how the identity API works. Backend and Key are required.
type Config struct {
	Backend Backend
	Key     *seal.Key // signs tokens; the same on every node
	// Passwords hashes and compares; nil: at bcrypt's default cost.
	Passwords *password.Hasher
	Catalog   Catalog
	Lifetime  time.Duration // of tokens; 0: [DefaultLifetime]
	// Open makes every caller of this API an administrator, without a token.
	Open bool
	Now  func() time.Time // nil: the clock
	Log  *slog.Logger     // nil: nobody reads it
}

// Server is the embedded identity API, and the [access.Authenticator] for its tokens. All
// methods may be called from any number of goroutines.
type Server struct {
	cfg      Config
	mux      *http.ServeMux
	failures *failures
}

var _ access.Authenticator = (*Server)(nil)

// New makes the API. It starts nothing.
func New(cfg Config) *Server {
	if cfg.Passwords == nil {
		cfg.Passwords = password.New(0)
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = DefaultLifetime
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), failures: newFailures()}
	for _, r := range routes {
		s.mux.HandleFunc(r.pattern, s.handler(r))
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeFault(w, fault{http.StatusNotFound, "The resource could not be found."})
	})
	return s
}

// ServeHTTP serves Keystone's paths. They begin with /v3, or not: a client that does not
// authenticate takes the service's root for the version. Mounted below another path with
// http.StripPrefix, its links follow.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if w.Header().Get("X-Openstack-Request-Id") == "" {
		w.Header().Set("X-Openstack-Request-Id", "req-"+uuid.NewString())
	}
	w.Header().Set("Vary", "X-Auth-Token")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	base := s.cfg.Catalog.base(r) + mount(r)
	path := strings.TrimRight(r.URL.Path, "/")
	if path != "" && path != "/v3" && !strings.HasPrefix(path, "/v3/") {
		path = "/v3" + path
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	if path == "" {
		u.Path = "/"
	}
	r = r.WithContext(context.WithValue(r.Context(), baseKey{}, base))
	r.URL = &u
	s.mux.ServeHTTP(w, r)
}

type baseKey struct{}

// mount is the part of the request's path that was stripped from it.
func mount(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") {
		return "" // an absolute URI, as proxies get it
	}
	return strings.TrimSuffix(strings.TrimSuffix(path, r.URL.EscapedPath()), "/")
}

// call is one request with what is known about it.
type call struct {
	*http.Request
	base   string // of this API's links, without a slash at the end
	caller access.Caller
	token  claims // the zero claims without a token
	cfg    *lb.Config
}

// reply is an answer: a status, and what goes into the body unless it is nil.
type reply struct {
	status int
	body   any
}

// handler makes the HTTP handler of a route.
func (s *Server) handler(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		base, _ := r.Context().Value(baseKey{}).(string)
		c := &call{Request: r, base: base, cfg: s.cfg.Backend.Config()}
		if rt.right != public {
			if err := s.admit(c, rt.right); err != nil {
				s.fail(w, r, err)
				return
			}
			if err := s.cfg.Backend.Sync(r.Context()); err != nil {
				s.fail(w, r, err)
				return
			}
			c.cfg = s.cfg.Backend.Config()
		}
		a, err := rt.serve(s, w, c)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, a.status, a.body)
	}
}

// admit finds out who calls, and whether that caller may.
func (s *Server) admit(c *call, need right) error {
	if s.cfg.Open {
		c.caller = access.Caller{Open: true}
		return nil
	}
	session, err := s.session(c.Context(), c.Header.Get("X-Auth-Token"))
	if err != nil {
		return err
	}
	c.token, c.caller = session.claims, session.caller()
	if need == administrator && !c.administers() || need == observer && !c.observes() {
		return errForbidden
	}
	return nil
}

// administers reports whether the caller may change users, projects and roles. An
// administrator of load balancers alone may not.
func (c *call) administers() bool { return c.caller.Open || c.caller.Has(access.RoleAdmin) }

// observes reports whether the caller may see all of them.
func (c *call) observes() bool {
	return c.administers() || c.token.System && c.caller.Has(access.RoleReader)
}

// is reports whether the caller is that user.
func (c *call) is(user string) bool { return user != "" && c.caller.UserID == user }

func (s *Server) propose(c *call, op lb.Op) (string, error) {
	result, _, err := s.cfg.Backend.Propose(c.Context(), "", true, op)
	if err != nil {
		return "", err
	}
	c.cfg = s.cfg.Backend.Config()
	return result.ID, nil
}

var errForbidden = errors.New("policy does not allow it")
