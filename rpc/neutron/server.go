package neutron

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
)

// Backend is what the API needs of a node. All methods may be called from any number of
// goroutines.
type Backend interface {
	// Propose has op committed and returns once Config shows it. requestID may be
	// empty. exempt lets it pass quotas.
	Propose(ctx context.Context, requestID string, exempt bool, op lb.Op) (lb.Result, uint64, error)
	// Sync returns once Config shows everything acknowledged before the call.
	Sync(ctx context.Context) error
	// Config is the configuration on this node.
	Config() *lb.Config
}

// DefaultMTU is what networks show when [Config.MTU] is 0.
const DefaultMTU = 1500

const maxBody = 114688 // bytes, oslo.middleware's max_request_body_size

// Config says what the API works on.
type Config struct {
	Backend Backend
	// Log gets what a client is not told; nil: nobody.
	Log *slog.Logger
	MTU int // of every network; only shown
	// BaseURI is what links begin with, such as "https://lb.example/network". Empty: what
	// the request was sent to.
	BaseURI string
}

// Paths are the roots of what [New] serves below /v2.0, for a server that shares the root
// of its URL with other APIs.
var Paths = []string{
	"/v2.0/networks", "/v2.0/subnets", "/v2.0/ports", "/v2.0/security-groups", "/v2.0/security-group-rules",
	"/v2.0/qos/policies", "/v2.0/policies", "/v2.0/extensions",
}

// New returns the API, for callers that access.From finds in the requests' contexts. Its
// root is "/"; mounted elsewhere with http.StripPrefix, its links follow.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MTU == 0 {
		cfg.MTU = DefaultMTU
	}
	s := &server{backend: cfg.Backend, log: cfg.Log, mtu: cfg.MTU, baseURI: cfg.BaseURI}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.versions)
	mux.HandleFunc("GET /v2.0", s.resources)
	mux.HandleFunc("GET /v2.0/extensions", s.extensions)
	mux.HandleFunc("GET /v2.0/extensions/{id}", s.extension)
	for _, c := range collections {
		c.route(mux, s)
	}
	s.routeRules(mux)
	return s.tidy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		// 404, or 405 with the methods allowed.
		none := &statusOnly{ResponseWriter: w}
		handler.ServeHTTP(none, r)
		writeFault(w, fault{none.status, "HTTPNotFound", "The resource could not be found, or does not know the method " + r.Method + "."})
	}))
}

type server struct {
	backend Backend
	log     *slog.Logger
	mtu     int
	baseURI string
}

// statusOnly takes the status and the header of an answer, whose body is written anew.
type statusOnly struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the status.
func (s *statusOnly) WriteHeader(status int) { s.status = status }

// Write drops the body.
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

type baseKey struct{}

// tidy lets through what Neutron lets through too, a slash or ".json" at the end, gives
// each answer a request id, and notes the URL that "/" has for the client.
func (s *server) tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-Openstack-Request-Id") == "" {
			w.Header().Set("X-Openstack-Request-Id", "req-"+uuid.NewString())
		}
		base := s.baseURI
		if base == "" {
			scheme := "http"
			if r.TLS != nil {
				scheme = "https"
			}
			mounted, _, _ := strings.Cut(r.RequestURI, "?")
			base = scheme + "://" + r.Host + strings.TrimSuffix(mounted, r.URL.EscapedPath())
		}
		path := strings.TrimSuffix(strings.TrimRight(r.URL.Path, "/"), ".json")
		if path == "" {
			path = "/"
		}
		u := *r.URL
		u.Path, u.RawPath = path, ""
		r = r.WithContext(context.WithValue(r.Context(), baseKey{}, strings.TrimSuffix(base, "/")))
		r.URL = &u
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// base is the URL that "/" of this API has for the client, without a slash at the end.
func base(r *http.Request) string {
	b, _ := r.Context().Value(baseKey{}).(string)
	return b
}
