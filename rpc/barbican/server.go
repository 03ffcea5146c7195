package barbican

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

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

// Sealer seals payloads for the configuration. What was sealed for one id opens for no
// other.
type Sealer interface {
	Seal(id string, payload []byte) ([]byte, error)
	Open(id string, sealed []byte) ([]byte, error)
}

// Barbican's defaults, from barbican/common/config.py.
const (
	maxPayload = 20000 // bytes, after decoding
	maxBody    = 2 * maxPayload
)

// Config says what the API works on.
type Config struct {
	Backend Backend
	Sealer  Sealer
	// Log gets what a client is not told; nil: nobody.
	Log *slog.Logger
	Now func() time.Time // nil: time.Now
	// BaseURI is what references begin with, such as "https://lb.example/key-manager". Empty:
	// what the request was sent to.
	BaseURI string
}

// Paths are the roots of what [New] serves below /v1, for a server that shares the root
// of its URL with other APIs.
var Paths = []string{"/v1/secrets", "/v1/containers"}

// New returns the API, for callers that access.From finds in the requests' contexts. Its
// root is "/"; mounted elsewhere with http.StripPrefix, its references follow.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &server{cfg}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                             s.versions,
		"GET /v1":                              s.version,
		"GET /v1/secrets":                      s.listSecrets,
		"POST /v1/secrets":                     s.createSecret,
		"GET /v1/secrets/{id}":                 s.showSecret,
		"PUT /v1/secrets/{id}":                 s.putPayload,
		"DELETE /v1/secrets/{id}":              s.deleteSecret,
		"GET /v1/secrets/{id}/payload":         s.showPayload,
		"GET /v1/secrets/{id}/acl":             s.showACL,
		"PUT /v1/secrets/{id}/acl":             s.putACL,
		"PATCH /v1/secrets/{id}/acl":           s.putACL,
		"DELETE /v1/secrets/{id}/acl":          s.deleteACL,
		"GET /v1/secrets/{id}/consumers":       s.listConsumers,
		"POST /v1/secrets/{id}/consumers":      s.addSecretConsumer,
		"DELETE /v1/secrets/{id}/consumers":    s.removeSecretConsumer,
		"GET /v1/containers":                   s.listContainers,
		"POST /v1/containers":                  s.createContainer,
		"GET /v1/containers/{id}":              s.showContainer,
		"DELETE /v1/containers/{id}":           s.deleteContainer,
		"GET /v1/containers/{id}/acl":          s.showACL,
		"PUT /v1/containers/{id}/acl":          s.putACL,
		"PATCH /v1/containers/{id}/acl":        s.putACL,
		"DELETE /v1/containers/{id}/acl":       s.deleteACL,
		"GET /v1/containers/{id}/consumers":    s.listConsumers,
		"POST /v1/containers/{id}/consumers":   s.addContainerConsumer,
		"DELETE /v1/containers/{id}/consumers": s.removeContainerConsumer,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				s.refuse(w, r, err)
			}
		})
	}
	return s.tidy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		// 404, or 405 with the methods allowed.
		none := &statusOnly{ResponseWriter: w}
		handler.ServeHTTP(none, r)
		s.refuse(w, r, fault{none.status, "The resource could not be found, or does not know the method " + r.Method + "."})
	}))
}

type server struct{ Config }

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

// tidy takes off a slash at the end, which clients add, gives each answer a request id,
// and notes the URL that "/" has for the client.
func (s *server) tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("X-Openstack-Request-Id") == "" {
			w.Header().Set("X-Openstack-Request-Id", "req-"+uuid.NewString())
		}
		base := s.BaseURI
		if base == "" {
			scheme := "http"
			if r.TLS != nil {
				scheme = "https"
			}
			mounted, _, _ := strings.Cut(r.RequestURI, "?")
			base = scheme + "://" + r.Host + strings.TrimSuffix(mounted, r.URL.EscapedPath())
		}
		path := strings.TrimRight(r.URL.Path, "/")
		if path == "" {
			path = "/"
		}
		u := *r.URL
		u.Path, u.RawPath = path, ""
		r = r.WithContext(context.WithValue(r.Context(), baseKey{}, strings.TrimRight(base, "/")))
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

// versions answers GET /. Only version 1.0 is told of: clients of 1.1 would keep consumers
// of secrets here.
func (s *server) versions(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusMultipleChoices, record{"versions": record{"values": []record{about(r)}}})
	return nil
}

func (s *server) version(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, record{"version": about(r)})
	return nil
}

func about(r *http.Request) record {
	return record{
		"id": "v1", "status": "stable", "updated": "2015-04-28T00:00:00Z",
		"links":       []record{{"rel": "self", "href": base(r) + "/v1/"}},
		"media-types": []record{{"base": "application/json", "type": "application/vnd.openstack.key-manager-v1+json"}},
	}
}
