package keystone

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/amphora-lb/amphora/rpc/access"
)

type byName map[string]access.Caller

var errAway = errors.New("nobody can tell")

func (b byName) Authenticate(_ context.Context, token string) (access.Caller, error) {
	if token == "away" {
		return access.Caller{}, errAway
	}
	c, ok := b[token]
	if !ok {
		return access.Caller{}, unauthenticated("no such token")
	}
	return c, nil
}

func TestGuard(t *testing.T) {
	known := byName{"good": {UserID: "ann"}}
	for _, tt := range []struct {
		name, path, token, project string
		guard                      Guard
		status                     int
		user, uri                  string
		open                       bool
	}{
		{"token", "/v2/lbaas/pools", "good", "", Guard{Auth: known}, 200, "ann", "", false},
		{"no token", "/v2/lbaas/pools", "", "", Guard{Auth: known}, 401, "", `Keystone uri="http://lb.example/identity"`, false},
		{"other Keystone", "/v2", "bad", "", Guard{Auth: known, URL: "https://keystone.example/v3"}, 401, "", `Keystone uri="https://keystone.example/v3"`, false},
		{"public URL", "/v2", "", "", Guard{Auth: known, Catalog: Catalog{PublicURL: "https://vip/"}}, 401, "", `Keystone uri="https://vip/identity"`, false},
		{"nobody can tell", "/v2", "away", "", Guard{Auth: known}, 503, "", "", false},
		{"versions", "/", "", "", Guard{Auth: known}, 200, "", "", false},
		{"versions elsewhere", "/load-balancer/", "", "", Guard{Auth: known}, 200, "", "", false},
		{"health", "/healthcheck", "", "", Guard{Auth: known}, 200, "", "", false},
		{"below the versions", "/load-balancer/v2", "", "", Guard{Auth: known}, 401, "", `Keystone uri="http://lb.example/identity"`, false},
		{"dots", "/healthcheck/../v2", "", "", Guard{Auth: known}, 401, "", `Keystone uri="http://lb.example/identity"`, false},
		{"open", "/v2", "", "p", Guard{}, 200, "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got *access.Caller
			next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c := access.From(r.Context()); got = &c })
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://lb.example"+tt.path, nil)
			r.Header.Set("X-Auth-Token", tt.token)
			r.Header.Set("X-Project-Id", tt.project)
			w := httptest.NewRecorder()
			tt.guard.Wrap(next).ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != tt.uri || (got != nil) != (tt.status == 200) {
				t.Fatalf("status %d, %v, called %v", w.Code, w.Header(), got)
			}
			if got != nil && (got.UserID != tt.user || got.Open != tt.open || got.ProjectID != tt.project) {
				t.Errorf("caller %+v", got)
			}
		})
	}
}
