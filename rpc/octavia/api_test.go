package octavia

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// backend adds to resttest's node what only this API asks for.
type backend struct {
	*resttest.Backend
	nodes []Node
	moved []string // what Failover was asked for
}

func newBackend(view func(*lb.Config) lb.View) *backend {
	return &backend{Backend: resttest.New(view)}
}

func (b *backend) Amphorae(context.Context) ([]Node, error) { return b.nodes, nil }
func (b *backend) Failover(_ context.Context, node string) error {
	b.moved = append(b.moved, node)
	return nil
}

// Everybody is an administrator who says nothing of a project, unless a test says else.
var everybody = access.Caller{Open: true, ProjectID: "p1"}

// answer is what the API answered.
type answer struct {
	Code   int
	Header http.Header
	Body   string
}

// fault returns the text of a fault, in whichever form it has.
func (a answer) fault() string {
	var f struct{ Faultstring, Description string }
	if err := json.Unmarshal([]byte(a.Body), &f); err != nil {
		return "no fault: " + a.Body
	}
	return f.Faultstring + f.Description
}

// ask sends one request: "GET /v2/lbaas/providers", with a body for POST and PUT.
func ask(t *testing.T, h http.Handler, who access.Caller, request, body string) answer {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(access.With(t.Context(), who), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return send(h, r)
}

func send(h http.Handler, r *http.Request) answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{Code: w.Code, Header: w.Header(), Body: w.Body.String()}
}

func TestRouting(t *testing.T) {
	h := New(Config{Backend: newBackend(nil)})
	for request, want := range map[string]int{
		"GET /v2/lbaas/providers":                     200,
		"GET /v2.0/lbaas/providers":                   200,
		"GET /v2/providers":                           200,
		"GET /v2.0/providers":                         200,
		"GET /v2/lbaas/providers.json":                200,
		"GET /v2/lbaas/providers/":                    200,
		"GET /load-balancer/v2/lbaas/providers":       200,
		"HEAD /v2/lbaas/providers":                    200,
		"GET /v2":                                     200,
		"GET /v2.0/":                                  200,
		"GET /v2/lbaas":                               200,
		"GET /v2/octavia":                             200,
		"GET /":                                       200,
		"GET /load-balancer/":                         200,
		"GET /healthcheck":                            200,
		"GET /load-balancer/healthcheck":              200,
		"POST /healthcheck":                           405,
		"POST /":                                      405,
		"POST /v2":                                    405,
		"GET /v3":                                     404,
		"GET /v2x/lbaas/providers":                    404,
		"GET /v2/lbaas/nonsense":                      404,
		"GET /v2/lbaas/providers/amphora/nonsense":    404,
		"PATCH /v2/lbaas/providers":                   405,
		"GET /v2/lbaas/providers?name=amphora&name=x": 400,
		"GET /v2/lbaas/providers?%zz":                 400,
	} {
		a := ask(t, h, everybody, request, "")
		if a.Code != want {
			t.Errorf("%s: %d %s, want %d", request, a.Code, a.Body, want)
		}
		if !strings.HasPrefix(a.Header.Get("X-Openstack-Request-Id"), "req-") {
			t.Errorf("%s: no request id", request)
		}
		if want == 405 && a.Header.Get("Allow") != "GET" {
			t.Errorf("%s: allow %q", request, a.Header.Get("Allow"))
		}
	}
}
