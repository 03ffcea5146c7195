package keystone

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLocal(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, tt := range []struct {
		name, method, host, public, header, value string
		want                                      int
	}{
		{"client", "POST", "127.0.0.1:9876", "", "", "", 204},
		{"client by name", "DELETE", "localhost:9876", "", "", "", 204},
		{"client by IPv6", "POST", "[::1]:9876", "", "", "", 204},
		{"client by public name", "POST", "lb.example", "https://lb.example:9876/", "", "", 204},
		{"page of this host", "POST", "localhost:9876", "", "Sec-Fetch-Site", "same-origin", 204},
		{"page reads", "GET", "127.0.0.1:9876", "", "Sec-Fetch-Site", "cross-site", 204}, // and is shown nothing by the browser
		{"page writes", "POST", "127.0.0.1:9876", "", "Sec-Fetch-Site", "cross-site", 403},
		{"old browser writes", "POST", "127.0.0.1:9876", "", "Origin", "https://evil.example", 403},
		{"sandboxed page writes", "POST", "127.0.0.1:9876", "", "Origin", "null", 403},
		{"rebound name reads", "GET", "evil.example:9876", "", "", "", 403},
		{"rebound name writes", "POST", "evil.example:9876", "", "Origin", "http://evil.example:9876", 403},
		{"another public name", "GET", "evil.example", "https://lb.example", "", "", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, "http://127.0.0.1/v2", nil)
		r.Host = tt.host
		if tt.header != "" {
			r.Header.Set(tt.header, tt.value)
		}
		w := httptest.NewRecorder()
		Local(tt.public, next).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
	}
}
