package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

func rule(kind lb.L7RuleType, compare lb.L7Compare, key, value string) lb.L7RuleSpec {
	s := lb.L7RuleSpec{Type: lb.Some(kind), Compare: lb.Some(compare), Value: lb.Some(value)}
	if key != "" {
		s.Key = lb.Some(key)
	}
	return s
}

// policy adds an L7 policy to the listener. Without rules it matches every path.
func (f *front) policy(action lb.L7Action, edit func(*lb.L7PolicySpec)) lb.L7PolicyID {
	f.t.Helper()
	s := lb.L7PolicySpec{
		ListenerID: lb.Some(f.listener), Action: lb.Some(action),
		Rules: []lb.L7RuleSpec{rule(lb.L7Path, lb.L7StartsWith, "", "/")},
	}
	if edit != nil {
		edit(&s)
	}
	return lb.L7PolicyID(f.do(lb.CreateL7Policy{Spec: s}))
}

// secondPool makes a pool of protocol with one member.
func (f *front) secondPool(protocol lb.Protocol, addr netip.AddrPort) lb.PoolID {
	f.t.Helper()
	id := lb.PoolID(f.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(protocol), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	f.rig.member(id, addr)
	return id
}

// Each type and comparison, through a listener: what matches is rejected, what does not goes to the member.
func TestPolicyRules(t *testing.T) {
	for _, tt := range []struct {
		rule      lb.L7RuleSpec
		hit, miss string
	}{
		{rule(lb.L7HostName, lb.L7EqualTo, "", "www.Example.com"), "GET / HTTP/1.1\nHost: WWW.example.com:8080\n\n", "GET / HTTP/1.1\nHost: example.com\n\n"},
		{rule(lb.L7HostName, lb.L7Regex, "", `^a\.`), "GET http://A.test/ HTTP/1.1\nHost: a.test\n\n", "GET / HTTP/1.1\nHost: b.a.test\n\n"},
		{rule(lb.L7Path, lb.L7StartsWith, "", "/admin"), "GET /admin?x HTTP/1.1\nHost: a\n\n", "GET /Admin?/admin HTTP/1.1\nHost: a\n\n"},
		{rule(lb.L7FileType, lb.L7EqualTo, "", "php"), "GET /x.php?y HTTP/1.1\nHost: a\n\n", "GET /x?y.php HTTP/1.1\nHost: a\n\n"},
		{rule(lb.L7Header, lb.L7Contains, "user-agent", "bot"), "GET / HTTP/1.1\nHost: a\nUser-Agent: robots\n\n", "GET / HTTP/1.1\nHost: a\nUser-Agent: Bot\n\n"},
		{rule(lb.L7Cookie, lb.L7EndsWith, "id", "1"), "GET / HTTP/1.1\nHost: a\nCookie: x=y; id=21\n\n", "GET / HTTP/1.1\nHost: a\nCookie: x=1; ID=1\n\n"},
	} {
		t.Run(fmt.Sprint(tt.rule.Type, tt.rule.Compare), func(t *testing.T) {
			f := newFront(t, 1, nil)
			id := f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) { s.Rules = []lb.L7RuleSpec{tt.rule} })
			if got := f.engine.View().Errors; len(got) > 0 {
				t.Fatalf("errors: %v", got)
			}
			c := f.client()
			c.send("%s", tt.hit)
			c.wantHead("HTTP/1.1 403 Forbidden", "Connection: keep-alive")
			c.wantBody("<html><body><h1>403 Forbidden</h1>\nThe request is not allowed.\n</body></html>\n")
			c.send("%s", tt.miss)
			m := f.member(0)
			m.head()
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content")

			// Inverted it is the other way round, on the connections that are open already.
			tree, _ := f.cfg.Tree(f.lb)
			r := tree.Listeners[0].L7Policies[0].Rules[0]
			f.do(lb.UpdateL7Rule{ID: r.ID, Spec: lb.L7RuleSpec{
				Type: tt.rule.Type, Compare: tt.rule.Compare, Key: tt.rule.Key, Value: tt.rule.Value, Invert: lb.Some(true),
			}})
			c.send("%s", tt.hit)
			m.head()
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content")
			c.send("%s", strings.Replace(tt.miss, "GET", "HEAD", 1))
			c.wantHead("HTTP/1.1 403 Forbidden")

			// A policy that is disabled, then gone, is as if it were not there.
			f.do(lb.UpdateL7Policy{ID: id, Spec: lb.L7PolicySpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
			for range 2 {
				c.send("%s", tt.miss)
				m.head()
				m.send("HTTP/1.1 204 No Content\n\n")
				c.wantHead("HTTP/1.1 204 No Content")
				if _, ok := f.cfg.L7Policy(id); ok {
					f.do(lb.DeleteL7Policy{ID: id})
				}
			}
		})
	}
}

// A rule about certificates never matches in the clear, and always does when it is inverted.
func TestPolicyWithoutTLS(t *testing.T) {
	f := newFront(t, 1, nil)
	hasCert := rule(lb.L7SSLConnHasCert, lb.L7EqualTo, "", "true")
	id := f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) { s.Rules = []lb.L7RuleSpec{hasCert} })
	c, _ := f.open(0)
	f.do(lb.DeleteL7Policy{ID: id})
	hasCert.Invert = lb.Some(true)
	f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) { s.Rules = []lb.L7RuleSpec{hasCert} })
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 403 Forbidden")
}

func TestPolicyRedirects(t *testing.T) {
	for code, line := range map[int]string{
		301: "HTTP/1.1 301 Moved Permanently", 302: "HTTP/1.1 302 Found", 303: "HTTP/1.1 303 See Other",
		307: "HTTP/1.1 307 Temporary Redirect", 308: "HTTP/1.1 308 Permanent Redirect",
	} {
		f := newFront(t, 1, nil)
		f.policy(lb.L7RedirectPrefix, func(s *lb.L7PolicySpec) {
			s.RedirectPrefix, s.RedirectCode = lb.Some("https://b.test"), lb.Some(code)
			s.Rules = []lb.L7RuleSpec{rule(lb.L7Path, lb.L7StartsWith, "", "/p")}
		})
		f.policy(lb.L7RedirectToURL, func(s *lb.L7PolicySpec) {
			s.RedirectURL, s.RedirectCode = lb.Some("https://c.test/x?y"), lb.Some(code)
		})
		c := f.client()
		c.send("GET /p/%%20q?r=s HTTP/1.1\nHost: a\n\nPOST /u HTTP/1.1\nHost: a\nContent-Length: 0\n\n")
		c.wantHead(line, "Location: https://b.test/p/%20q?r=s", "Content-Length: 0", "Connection: keep-alive")
		c.wantHead(line, "Location: https://c.test/x?y", "Content-Length: 0")
		// A body that nobody wants ends the connection: what follows could be more of it.
		c.send("POST /u HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello")
		c.wantHead(line, "Location: https://c.test/x?y", "Connection: close")
		c.wantEnd()
	}
}

// Which pool serves a request is settled anew for each one of a connection, as are the fields that only HTTP pools get.
func TestPolicyRedirectToPool(t *testing.T) {
	f := newFront(t, 1, func(s *lb.ListenerSpec) { s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-Port": "true"}) })
	other := newOrigin(t)
	second := f.secondPool(lb.ProtocolHTTP, other.addr)
	f.policy(lb.L7RedirectToPool, func(s *lb.L7PolicySpec) {
		s.RedirectPoolID, s.Rules = lb.Some(second), []lb.L7RuleSpec{rule(lb.L7Path, lb.L7StartsWith, "", "/api/")}
	})
	c, m := f.open(0)
	c.send("GET /api/x HTTP/1.1\nHost: a\n\n")
	m2 := newPeer(t, other.accept())
	m2.wantHead("GET /api/x HTTP/1.1", "X-Forwarded-Port: 8080")
	m2.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	f.exchange(c, m)

	// A pool that is disabled: the policy is as if it were not there. One that is not served: nobody else gets the request.
	f.do(lb.UpdatePool{ID: second, Spec: lb.PoolSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
	c.send("GET /api/y HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /api/y HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	f.do(lb.UpdatePool{ID: second, Spec: lb.PoolSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(true)}}})
	tree, _ := f.cfg.Tree(f.lb)
	for _, p := range tree.Pools {
		if p.ID == second {
			f.do(lb.DeleteMember{ID: p.Members[0].ID})
		}
	}
	c.send("HEAD /api/z HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 503 Service Unavailable")
	f.exchange(c, m)
}

// A rejection goes before a redirect, and that before a pool, whatever their positions.
func TestPolicyPrecedence(t *testing.T) {
	f := newFront(t, 1, nil)
	pool := f.policy(lb.L7RedirectToPool, func(s *lb.L7PolicySpec) { s.RedirectPoolID = lb.Some(f.pool) })
	url := f.policy(lb.L7RedirectToURL, func(s *lb.L7PolicySpec) { s.RedirectURL = lb.Some("http://b.test/") })
	reject := f.policy(lb.L7Reject, nil)
	c := f.client()
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 403 Forbidden")
	f.do(lb.DeleteL7Policy{ID: reject})
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 302 Found", "Location: http://b.test/")
	f.do(lb.DeleteL7Policy{ID: url})
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m := f.member(0)
	m.wantHead("GET / HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	f.do(lb.DeleteL7Policy{ID: pool})
	f.exchange(c, m)
}

// A rejection counts as a request that was answered, not as an error.
func TestPolicyCounts(t *testing.T) {
	f := newFront(t, 1, nil)
	f.policy(lb.L7Reject, nil)
	c := f.client()
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 403 Forbidden")
	_ = c.CloseWrite()
	c.wantEnd()
	if s := f.engine.Stats()[f.listener]; s.Requests != 1 || s.Errors != 0 {
		t.Errorf("counted %+v, want one request", s)
	}
}

// Rules about the client's certificate, over TLS.
func TestPolicyCertificate(t *testing.T) {
	ca, auth := withClientCA(t, lb.ClientAuthOptional)
	f := newTLSFront(t, Config{}, 1, auth)
	shown := ca.Issue(func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Client One", Organization: []string{"Corp"}}
	})
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
	with := f.config()
	with.Certificates = []tls.Certificate{shown}
	for _, tt := range []struct {
		rule             lb.L7RuleSpec
		shows, showsNone bool
	}{
		{rule(lb.L7SSLConnHasCert, lb.L7EqualTo, "", "true"), true, false},
		{rule(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "0"), true, true},
		{rule(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "10"), false, false},
		{rule(lb.L7SSLDNField, lb.L7EqualTo, "CN", "Client One"), true, false},
		{rule(lb.L7SSLDNField, lb.L7Regex, "O", "^C"), true, false},
		{rule(lb.L7SSLDNField, lb.L7Regex, "OU", ".*"), false, false},
	} {
		id := f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) { s.Rules = []lb.L7RuleSpec{tt.rule} })
		for name, who := range map[string]struct {
			config *tls.Config
			reject bool
		}{"with": {with, tt.shows}, "without": {f.config(), tt.showsNone}} {
			c := f.secure(who.config)
			want := "HTTP/1.1 503 Service Unavailable" // the pool is disabled
			if who.reject {
				want = "HTTP/1.1 403 Forbidden"
			}
			c.send("HEAD / HTTP/1.1\nHost: a\n\nHEAD / HTTP/1.1\nHost: a\n\n")
			c.wantHead(want)
			c.wantHead(want)
			if t.Failed() {
				t.Fatalf("%s certificate: %+v", name, tt.rule)
			}
			_ = c.Close()
		}
		f.do(lb.DeleteL7Policy{ID: id})
	}
}

// A pool that a policy sends to is spoken to as that pool wants it, not as the default pool, of which there may be none.
func TestPolicyRedirectToPoolOfItsOwnKind(t *testing.T) {
	f := newFront(t, 0, nil)
	f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{DefaultPoolID: lb.Null[lb.PoolID]()}})
	plain, secure := newOrigin(t), newOrigin(t)
	second, third := f.secondPool(lb.ProtocolHTTP, plain.addr), f.secondPool(lb.ProtocolHTTP, secure.addr)
	f.do(lb.UpdatePool{ID: third, Spec: lb.PoolSpec{TLSEnabled: lb.Some(true)}})
	f.policy(lb.L7RedirectToPool, func(s *lb.L7PolicySpec) {
		s.RedirectPoolID, s.Rules = lb.Some(third), []lb.L7RuleSpec{rule(lb.L7Path, lb.L7EqualTo, "", "/secure")}
	})
	f.policy(lb.L7RedirectToPool, func(s *lb.L7PolicySpec) { s.RedirectPoolID = lb.Some(second) })
	c := f.client()
	c.send("GET /plain HTTP/1.1\nHost: a\n\n")
	m := newPeer(t, plain.accept())
	m.wantHead("GET /plain HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	c.send("GET /secure HTTP/1.1\nHost: a\n\n")
	if hello := readN(t, secure.accept(), 2); hello != "\x16\x03" {
		t.Errorf("the member of a pool with TLS got %q", hello)
	}
}

// Policies and persistence over HTTP/2.
func TestPolicyHTTP2(t *testing.T) {
	f := newHTTP2Front(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "member", r.Header["Cookie"])
	}, nil)
	f.policy(lb.L7Reject, func(s *lb.L7PolicySpec) {
		s.Rules = []lb.L7RuleSpec{rule(lb.L7HostName, lb.L7EqualTo, "", "www.example.com"), rule(lb.L7Path, lb.L7StartsWith, "", "/admin")}
	})
	f.policy(lb.L7RedirectPrefix, func(s *lb.L7PolicySpec) {
		s.RedirectPrefix, s.RedirectCode = lb.Some("https://b.test"), lb.Some(308)
		s.Rules = []lb.L7RuleSpec{rule(lb.L7Cookie, lb.L7EqualTo, "id", "old")}
	})
	f.persist(lb.PersistHTTPCookie, "")
	c := f.http2Client(8080)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, _ := do(t, c, request2(t, "GET", "/admin/x", nil))
	if resp.StatusCode != 403 || resp.ProtoMajor != 2 {
		t.Errorf("got %s, want 403", resp.Status)
	}
	old := request2(t, "GET", "/p?q", nil)
	old.Header.Set("Cookie", "a=b; id=old")
	resp, _ = do(t, c, old)
	if resp.StatusCode != 308 || resp.Header.Get("Location") != "https://b.test/p?q" {
		t.Errorf("got %s to %s, want 308", resp.Status, resp.Header.Get("Location"))
	}
	resp, body := do(t, c, request2(t, "GET", "/", nil))
	cookies := resp.Cookies()
	if body != "member[]" || len(cookies) != 1 || cookies[0].Name != serverCookie {
		t.Fatalf("got %q and cookies %v", body, cookies)
	}
	again := request2(t, "GET", "/", nil)
	again.AddCookie(cookies[0])
	again.AddCookie(&http.Cookie{Name: "x", Value: "y"})
	resp, body = do(t, c, again)
	if body != "member[x=y]" || len(resp.Cookies()) != 0 {
		t.Errorf("got %q and cookies %v", body, resp.Cookies())
	}
}
