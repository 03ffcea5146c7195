package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/health"
)

// monitor makes a health monitor of the front's pool that checks as often as the API
// allows.
func (f *front) monitor(kind lb.MonitorType, edit func(*lb.HealthMonitorSpec)) lb.HealthMonitorID {
	f.t.Helper()
	spec := lb.HealthMonitorSpec{
		PoolID: lb.Some(f.pool), Type: lb.Some(kind), Delay: lb.Some(time.Second), Timeout: lb.Some(time.Second),
		MaxRetries: lb.Some(1), MaxRetriesDown: lb.Some(1),
	}
	if edit != nil {
		edit(&spec)
	}
	return lb.HealthMonitorID(f.do(lb.CreateHealthMonitor{Spec: spec}))
}

// wantMember waits until a member has that operating status and, when it is ERROR, a
// reason with those words.
func (f *front) wantMember(id lb.MemberID, want lb.OperatingStatus, reason string) {
	f.t.Helper()
	testenv.Eventually(f.t, limit, func() error {
		tree, _ := f.cfg.Tree(f.lb)
		got := f.engine.View().Tree(tree)[string(id)]
		if got.Operating != want || !strings.Contains(got.Reason, reason) || reason == "" && got.Reason != "" {
			return fmt.Errorf("member %s is %s (%s), want %s (%s)", id, got.Operating, got.Reason, want, reason)
		}
		if f.inUse(id) != (want == lb.Online) {
			return fmt.Errorf("member %s is used: %v", id, f.inUse(id))
		}
		return nil
	})
}

// inUse reports whether traffic goes to a member. It follows its status after a moment.
func (f *front) inUse(id lb.MemberID) bool {
	p, _ := f.engine.byID.Load(f.pool)
	return slices.ContainsFunc(p.(*pool).usable.Load().members, func(m *member) bool { return m.id == id })
}

// secureWebServer is newWebServer over TLS, with a certificate that nobody vouches for.
func secureWebServer(t *testing.T, handler http.HandlerFunc) netip.AddrPort {
	srv := httptest.NewUnstartedServer(handler)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return netip.MustParseAddrPort(srv.Listener.Addr().String())
}

// Every type of monitor keeps the good member and says of the bad one why it is not
// used; no client ever sees the bad one once it is known.
func TestMonitorTypes(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	for name, tt := range map[string]struct {
		kind      lb.MonitorType
		edit      func(*lb.HealthMonitorSpec)
		good, bad func(t *testing.T) netip.AddrPort
		reason    string
	}{
		"HTTP": {
			lb.MonitorHTTP, func(s *lb.HealthMonitorSpec) { s.ExpectedCodes = lb.Some("200-204") },
			func(t *testing.T) netip.AddrPort { return newWebServer(t, hello) },
			func(t *testing.T) netip.AddrPort { return newWebServer(t, broken) },
			"status 503, expected 200-204",
		},
		"HTTP 1.1 with a name": {
			lb.MonitorHTTP, func(s *lb.HealthMonitorSpec) {
				s.HTTPVersion, s.DomainName = lb.Some("1.1"), lb.Some("www.example.com")
				s.HTTPMethod, s.URLPath, s.ExpectedCodes = lb.Some("HEAD"), lb.Some("/up?x=1"), lb.Some("200, 202")
			},
			func(t *testing.T) netip.AddrPort {
				return newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("User-Agent") == "amphora" && (r.Host != "www.example.com" || r.RequestURI != "/up?x=1" || r.Method != "HEAD") {
						w.WriteHeader(http.StatusTeapot)
						return
					}
					if r.Method == http.MethodHead {
						w.WriteHeader(http.StatusAccepted)
						return
					}
					hello(w, r)
				})
			},
			func(*testing.T) netip.AddrPort { return refused() },
			"connection refused",
		},
		"HTTPS": {
			lb.MonitorHTTPS, nil,
			func(t *testing.T) netip.AddrPort { return secureWebServer(t, hello) },
			func(t *testing.T) netip.AddrPort { return secureWebServer(t, broken) },
			"status 503, expected 200",
		},
		"TLS-HELLO": {
			lb.MonitorTLSHello, nil,
			func(t *testing.T) netip.AddrPort { return secureWebServer(t, hello) },
			func(t *testing.T) netip.AddrPort { return newWebServer(t, hello) },
			"TLS handshake",
		},
		"TCP": {
			lb.MonitorTCP, nil,
			func(t *testing.T) netip.AddrPort { return newWebServer(t, hello) },
			func(*testing.T) netip.AddrPort { return refused() },
			"connection refused",
		},
		"PING": {
			lb.MonitorPing, nil,
			func(t *testing.T) netip.AddrPort { return newWebServer(t, hello) },
			// Nobody has an address of this network, and nothing is sent there.
			func(*testing.T) netip.AddrPort { return netip.MustParseAddrPort("240.0.0.1:80") },
			"echo request",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if gap := health.Gap(tt.kind); gap != "" {
				t.Skip("SKIPPED: " + gap)
			}
			f := newFront(t, 0, nil)
			good, bad := f.rig.member(f.pool, tt.good(t)), f.rig.member(f.pool, tt.bad(t))
			f.monitor(tt.kind, tt.edit)
			f.wantMember(good, lb.Online, "")
			f.wantMember(bad, lb.Failed, tt.reason)
			if tt.kind == lb.MonitorHTTPS || tt.kind == lb.MonitorTLSHello {
				return // the pool is one of plain HTTP
			}
			for range 6 {
				if err := f.client().get(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A member is checked at its monitor address and port, and gets its traffic at its own.
func TestMonitorAddressAndPort(t *testing.T) {
	var probes atomic.Int32
	health := newWebServer(t, func(http.ResponseWriter, *http.Request) { probes.Add(1) })
	served := newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") == "amphora" {
			t.Error("a check came to the member's own address")
		}
		hello(w, r)
	})
	f := newFront(t, 0, nil)
	id := lb.MemberID(f.do(lb.CreateMember{Spec: lb.MemberSpec{
		PoolID: lb.Some(f.pool), Address: lb.Some(served.Addr()), ProtocolPort: lb.Some(int(served.Port())),
		MonitorAddress: lb.Some(health.Addr()), MonitorPort: lb.Some(int(health.Port())),
	}}))
	f.monitor(lb.MonitorHTTP, nil)
	f.wantMember(id, lb.Online, "")
	if err := f.client().get(); err != nil {
		t.Error(err)
	}
	if probes.Load() == 0 {
		t.Error("no check came to the monitor address")
	}
}

// An engine that has never had a client, as that of the standby, knows the members all
// the same: the first client after a takeover is not the one who finds out.
func TestStandbyIsWarm(t *testing.T) {
	var down atomic.Bool
	var strays atomic.Int32
	bad := newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "amphora" {
			strays.Add(1)
		}
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "hello")
	})
	good := newWebServer(t, hello)
	standby := newFront(t, 0, nil)
	first, second := standby.rig.member(standby.pool, bad), standby.rig.member(standby.pool, good)
	standby.monitor(lb.MonitorHTTP, nil)
	standby.wantMember(first, lb.Online, "")
	standby.wantMember(second, lb.Online, "")
	down.Store(true)
	standby.wantMember(first, lb.Failed, "status 500")
	for range 4 {
		if err := standby.client().get(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strays.Load(); n > 0 {
		t.Errorf("%d requests went to a member that was known to be down", n)
	}
	down.Store(false)
	standby.wantMember(first, lb.Online, "")
}
