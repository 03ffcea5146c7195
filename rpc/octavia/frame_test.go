package octavia

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/rpc/access"
)

func TestContent(t *testing.T) {
	h := New(Config{Backend: newBackend(nil)})
	for _, tt := range []struct {
		method, header, value, body string
		want                        int
	}{
		{"GET", "Accept", "", "", 200},
		{"GET", "Accept", "application/json", "", 200},
		{"GET", "Accept", "*/*", "", 200},
		{"GET", "Accept", "application/*;q=0.5", "", 200},
		{"GET", "Accept", "text/html, application/json;q=0.1", "", 200},
		{"GET", "Accept", "text/html", "", 406},
		{"GET", "Accept", "application/json;q=0", "", 406},
		{"GET", "Accept", "nonsense", "", 406},
		{"POST", "Content-Type", "application/json", "{", 400},
		{"POST", "Content-Type", "application/json; charset=utf-8", "{", 400},
		{"POST", "Content-Type", "", "{", 400},
		{"POST", "Content-Type", "text/plain", "{", 415},
		{"POST", "Content-Type", "a/b/c", "{", 415},
		{"POST", "Content-Type", "application/json", strings.Repeat(" ", MaxBody), 400},
		{"POST", "Content-Type", "application/json", strings.Repeat(" ", MaxBody+1), 413},
	} {
		r := httptest.NewRequestWithContext(access.With(t.Context(), everybody), tt.method, "/v2/lbaas/loadbalancers", strings.NewReader(tt.body))
		if tt.value != "" {
			r.Header.Set(tt.header, tt.value)
		}
		if a := send(h, r); a.Code != tt.want {
			t.Errorf("%s with %s %q: %d %s, want %d", tt.method, tt.header, tt.value, a.Code, a.Body, tt.want)
		}
	}
	// A body of unknown length is cut off all the same.
	r := httptest.NewRequestWithContext(access.With(t.Context(), everybody), "POST", "/v2/lbaas/loadbalancers", strings.NewReader(strings.Repeat(" ", MaxBody+1)))
	r.ContentLength = -1
	if a := send(h, r); a.Code != 413 {
		t.Errorf("a long body: %d %s", a.Code, a.Body)
	}
}

func TestVersions(t *testing.T) {
	for path, config := range map[string]struct{ base, want string }{
		"/":               {"", "http://example.com/v2"},
		"/load-balancer":  {"", "http://example.com/load-balancer/v2"},
		"/load-balancer/": {"https://lb.example/load-balancer", "https://lb.example/load-balancer/v2"},
	} {
		a := ask(t, New(Config{Backend: newBackend(nil), BaseURI: config.base}), access.Caller{}, "GET "+path, "")
		var doc struct{ Versions []version }
		if err := json.Unmarshal([]byte(a.Body), &doc); err != nil || a.Code != 200 {
			t.Fatalf("%s: %d %s", path, a.Code, a.Body)
		}
		if len(doc.Versions) != 31 {
			t.Fatalf("%d versions", len(doc.Versions))
		}
		for i, v := range doc.Versions {
			status := "SUPPORTED"
			if i == 30 {
				status = "CURRENT"
			}
			if v.Status != status || len(v.Links) != 1 || v.Links[0] != (link{config.want, "self"}) || len(v.Updated) != len("2016-12-11T00:00:00Z") {
				t.Errorf("%s: %+v", path, v)
			}
		}
		if doc.Versions[26].ID != "v2.26" || doc.Versions[26].Updated != "2022-08-29T00:00:00Z" || doc.Versions[18].Updated != "2020-04-29T01:00:00Z" {
			t.Errorf("got %+v", doc.Versions[26])
		}
	}
}

// The client's id is for the log: the answer has one of its own.
func TestRequestID(t *testing.T) {
	given := "req-" + uuid.NewString()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/v2", nil)
	r.Header.Set("X-Openstack-Request-Id", given)
	got := send(New(Config{Backend: newBackend(nil)}), r).Header.Get("X-Openstack-Request-Id")
	if uuid.Validate(strings.TrimPrefix(got, "req-")) != nil || got == given {
		t.Errorf("got %q", got)
	}
	if globalID(r) != given {
		t.Errorf("the log has %q", globalID(r))
	}
	r.Header.Set("X-Openstack-Request-Id", "req-x\nforged")
	if globalID(r) != "" {
		t.Errorf("the log has %q", globalID(r))
	}
}
