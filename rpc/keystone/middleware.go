package keystone

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/rpc/access"
)

// Guard finds out who calls the other APIs.
type Guard struct {
	// Auth tells whose a token is. Nil: nobody is asked, see [access.Caller.Open].
	Auth access.Authenticator
	// URL is where clients get tokens; "": from the embedded identity API.
	URL     string
	Catalog Catalog
	Log     *slog.Logger // nil: nobody reads it
}

// OpenProject is the project of callers who are not asked who they are and name none:
// the openstack client without authentication cannot.
const OpenProject = "default"

// unguarded are the paths that need no token, as with Octavia and Neutron: versions and
// health. A slash at their end does not matter.
var unguarded = map[string]bool{
	"": true, "/load-balancer": true, "/healthcheck": true, "/load-balancer/healthcheck": true,
	NetworkPath: true, KeyManagerPath: true,
}

// Wrap lets through to next who has a valid token, with the caller in the request's
// context. Without one the answer is 401; if nobody can tell now, 503.
func (g Guard) Wrap(next http.Handler) http.Handler {
	if g.Log == nil {
		g.Log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unguarded[strings.TrimRight(r.URL.Path, "/")] {
			next.ServeHTTP(w, r)
			return
		}
		caller := access.Caller{Open: true, ProjectID: cmp.Or(r.Header.Get("X-Project-Id"), OpenProject)}
		if g.Auth != nil {
			var err error
			if caller, err = g.Auth.Authenticate(r.Context(), r.Header.Get("X-Auth-Token")); err != nil {
				g.refuse(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(access.With(r.Context(), caller)))
	})
}

func (g Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, access.ErrUnauthenticated) {
		if r.Context().Err() == nil {
			g.Log.Warn("find out who calls", "path", r.URL.Path, "error", err)
		}
		writeFault(w, fault{http.StatusServiceUnavailable, "The Keystone service is temporarily unavailable."})
		return
	}
	g.Log.Debug("refuse a request", "path", r.URL.Path, "reason", err)
	uri := g.URL
	if uri == "" {
		uri = g.Catalog.base(r) + IdentityPath
	}
	challenge(w, uri)
	writeFault(w, fault{http.StatusUnauthorized, msgUnauthorized})
}
