package l7

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// parse makes a request of lines that end in LF.
func parse(t testing.TB, head string) *http1.Request {
	t.Helper()
	r := new(http1.Request)
	n, err := r.Parse([]byte(strings.ReplaceAll(head, "\n", "\r\n")), http1.DefaultLimits())
	if err != nil || n == 0 {
		t.Fatalf("parse %q: %d, %v", head, n, err)
	}
	return r
}

// on is a rule that is enabled.
func on(kind lb.L7RuleType, compare lb.L7Compare, key, value string) *lb.L7Rule {
	return &lb.L7Rule{ID: "r", Meta: lb.Meta{AdminStateUp: true}, Type: kind, Compare: compare, Key: key, Value: value}
}

func not(r *lb.L7Rule) *lb.L7Rule { r.Invert = true; return r }

func policyOf(action lb.L7Action, rules ...*lb.L7Rule) *lb.L7Policy {
	return &lb.L7Policy{ID: "q", Meta: lb.Meta{AdminStateUp: true}, Action: action, RedirectPoolID: "p", Rules: rules}
}

func always(lb.PoolID) bool { return true }

// table compiles policies that have to compile.
func table(t testing.TB, policies ...*lb.L7Policy) *Table {
	t.Helper()
	tab, bad := Compile(policies, always)
	for _, err := range bad {
		t.Fatal(err)
	}
	return tab
}

// cert is a TLS connection.
type cert struct {
	shown   bool
	verify  int
	subject map[string]string
}

func (c cert) HasCertificate() bool { return c.shown }
func (c cert) VerifyResult() int    { return c.verify }
func (c cert) SubjectField(name string) (string, bool) {
	v, ok := c.subject[name]
	return v, ok
}

func TestRules(t *testing.T) {
	const (
		eq, begins, ends, contains, regex = lb.L7EqualTo, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains, lb.L7Regex
		hostIs, pathIs, fileIs            = lb.L7HostName, lb.L7Path, lb.L7FileType
		fieldIs, cookieIs                 = lb.L7Header, lb.L7Cookie
	)
	get := func(target string, fields ...string) string {
		return "GET " + target + " HTTP/1.1\nHost: Www.Example.com:8080\n" + strings.Join(append(fields, ""), "\n") + "\n"
	}
	for _, tt := range []struct {
		rule *lb.L7Rule
		head string
		want bool
	}{
		{on(hostIs, eq, "", "wWw.eXample.com"), get("/"), true},
		{on(hostIs, eq, "", "www.example.com:8080"), get("/"), true},
		{on(hostIs, eq, "", "www.example.com:80"), get("/"), false},
		{on(hostIs, eq, "", "example.com"), get("/"), false},
		{on(hostIs, begins, "", "WWW."), get("/"), true},
		{on(hostIs, ends, "", ".Example.COM"), get("/"), true},
		{on(hostIs, ends, "", ":8080"), get("/"), true},
		{on(hostIs, contains, "", "EXAMPLE"), get("/"), true},
		{on(hostIs, contains, "", "examples"), get("/"), false},
		{on(hostIs, regex, "", `^www\.example\.com$`), get("/"), true},
		{on(hostIs, regex, "", `^WWW\.(example|test)\.`), get("/"), true},
		{on(hostIs, eq, "", "[2001:db8::1]"), "GET / HTTP/1.1\nHost: [2001:DB8::1]:80\n\n", true},
		{on(hostIs, eq, "", "[2001:db8:"), "GET / HTTP/1.1\nHost: [2001:db8::1]\n\n", false},
		{on(hostIs, eq, "", "a.test"), "GET http://a.test/x HTTP/1.1\nHost: a.test\n\n", true},
		{on(fieldIs, eq, "hOst", "a.test"), "GET http://a.test/x HTTP/1.0\n\n", true}, // what the member gets
		{on(fieldIs, eq, "Hos", "a.test"), "GET http://a.test/x HTTP/1.0\n\n", false},
		{on(fieldIs, eq, "Host", "Www.Example.com:8080"), get("/"), true},
		{on(hostIs, regex, "", ".*"), "GET / HTTP/1.0\n\n", false},
		{not(on(hostIs, eq, "", "a")), "GET / HTTP/1.0\n\n", true},

		{on(pathIs, eq, "", "/a/b"), get("/a/b?c=/x"), true},
		{on(pathIs, eq, "", "/a/B"), get("/a/b"), false},
		{on(pathIs, begins, "", "/a"), get("/ab?"), true},
		{on(pathIs, begins, "", "/ab?"), get("/ab?"), false},
		{on(pathIs, contains, "", "c="), get("/a?c="), false},
		{on(pathIs, ends, "", "/b"), get("/a/b?x"), true},
		{on(pathIs, eq, "", "/a"), get("/%61"), false}, // as it was sent
		{on(pathIs, eq, "", "/%61"), get("/%61"), true},
		{on(pathIs, regex, "", `^/v\d+/`), get("/v12/x"), true},
		{on(pathIs, regex, "", `^/v\d+$`), get("/v12/x"), false},
		{on(pathIs, eq, "", "/x"), "GET http://a.test/x?y HTTP/1.1\nHost: a.test\n\n", true},
		{on(pathIs, eq, "", "/"), "GET http://a.test HTTP/1.1\nHost: a.test\n\n", true},
		{on(pathIs, regex, "", ".*"), "OPTIONS * HTTP/1.1\nHost: a\n\n", false},
		{on(pathIs, eq, "", `"/a b"`), get("/a"), false},
		{on(pathIs, eq, "", `"/a"`), get("/a"), true}, // the quotes are the API's

		{on(fileIs, eq, "", "jpg"), get("/a.jpg?x=.png"), true},
		{on(fileIs, eq, "", ".jpg"), get("/a.jpg"), true},
		{on(fileIs, eq, "", "jpg"), get("/a.JPG"), false},
		{on(fileIs, eq, "", "jpg"), get("/a.jpg/x"), false},
		{on(fileIs, regex, "", `\.(jpe?g|png)$`), get("/x/a.jpeg"), true},

		{on(fieldIs, eq, "x-A", "v"), get("/", "X-a: v"), true},
		{on(fieldIs, eq, "X-A", "V"), get("/", "X-A: v"), false},
		{on(fieldIs, eq, "X-A", "b"), get("/", "X-A: a", "x-a: b"), true},
		{on(fieldIs, eq, "X-A", "b"), get("/", "X-A: a , b\t,c"), true},
		{on(fieldIs, eq, "X-A", "b"), get("/", `X-A: "a,b",c`), false},
		{on(fieldIs, begins, "X-A", "c"), get("/", `X-A: "a\",b",c`), true},
		{on(fieldIs, contains, "User-Agent", "curl"), get("/", "User-Agent: my-curl/8"), true},
		{on(fieldIs, ends, "User-Agent", "/8"), get("/", "User-Agent: my-curl/8"), true},
		{on(fieldIs, regex, "X-A", "^$"), get("/", "X-A:"), true},
		{on(fieldIs, regex, "X-A", "^$"), get("/"), false},
		{on(fieldIs, eq, "X-A", `"a b"`), get("/", "X-A: a b"), true},
		{on(fieldIs, regex, "X-A", "^a.b$"), get("/", "X-A: a\xe9b"), true}, // a byte is a character
		{on(fieldIs, regex, "X-A", "^a.b$"), get("/", "X-A: aéb"), false},
		{on(fieldIs, regex, "X-A", "^a..b$"), get("/", "X-A: aéb"), true},
		{not(on(fieldIs, eq, "X-A", "a")), get("/"), true},
		{not(on(fieldIs, eq, "X-A", "a")), get("/", "X-A: b, a"), false},

		{on(cookieIs, eq, "id", "1"), get("/", "Cookie: a=2; id=1"), true},
		{on(cookieIs, eq, "ID", "1"), get("/", "Cookie: id=1"), false},
		{on(cookieIs, eq, "id", "1"), get("/", "Cookie: id=2;id=1"), true},
		{on(cookieIs, eq, "id", "1"), get("/", "Cookie: a=id=1"), false},
		{on(cookieIs, eq, "id", "1=2"), get("/", "Cookie: id=1=2"), true},
		{on(cookieIs, begins, "id", "n"), get("/", "Cookie: a=b", "Cookie: id=node"), true},
		{on(cookieIs, ends, "id", "e"), get("/", "Cookie: id=node "), true},
		{on(cookieIs, contains, "id", "od"), get("/", "Cookie: id=node"), true},
		{on(cookieIs, regex, "id", "^n[a-z]+$"), get("/", "Cookie: id=node"), true},
		{on(cookieIs, regex, "id", ""), get("/", "Cookie: xid=node"), false},
	} {
		o := table(t, policyOf(lb.L7Reject, tt.rule)).Match(parse(t, tt.head), nil)
		if (o != nil) != tt.want {
			t.Errorf("%s %s %s %q invert=%v: match is %v\n%s", tt.rule.Type, tt.rule.Key, tt.rule.Compare, tt.rule.Value, tt.rule.Invert, !tt.want, tt.head)
		}
	}
}

func TestCertificateRules(t *testing.T) {
	dn := func(compare lb.L7Compare, value string) *lb.L7Rule { return on(lb.L7SSLDNField, compare, "CN", value) }
	has := on(lb.L7SSLConnHasCert, lb.L7EqualTo, "", "True")
	shown := cert{shown: true, subject: map[string]string{"CN": "Client One"}}
	for i, tt := range []struct {
		rule *lb.L7Rule
		conn TLS
		want bool
	}{
		{has, shown, true},
		{has, cert{}, false},
		{has, nil, false},
		{not(on(lb.L7SSLConnHasCert, lb.L7EqualTo, "", "true")), nil, true},
		{on(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "0"), cert{}, true},
		{on(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "0"), nil, false},
		{on(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "10"), cert{shown: true, verify: 10}, true},
		{on(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "1"), cert{shown: true, verify: 10}, false},
		{dn(lb.L7EqualTo, "Client One"), shown, true},
		{dn(lb.L7EqualTo, "client one"), shown, false},
		{dn(lb.L7StartsWith, "Client"), shown, true},
		{dn(lb.L7EndsWith, "One"), shown, true},
		{dn(lb.L7Contains, "t O"), shown, true},
		{dn(lb.L7Regex, "^C.*e$"), shown, true},
		{dn(lb.L7Regex, ".*"), cert{shown: true}, false},
		{dn(lb.L7Regex, ".*"), nil, false},
	} {
		o := table(t, policyOf(lb.L7Reject, tt.rule)).Match(parse(t, "GET / HTTP/1.1\nHost: a\n\n"), tt.conn)
		if (o != nil) != tt.want {
			t.Errorf("case %d: match is %v", i, !tt.want)
		}
	}
}

// Rejections go first, then redirects to elsewhere, then pools; within those the position decides.
func TestPrecedence(t *testing.T) {
	named := func(id string, action lb.L7Action, rules ...*lb.L7Rule) *lb.L7Policy {
		q := policyOf(action, rules...)
		q.ID = lb.L7PolicyID(id)
		return q
	}
	at := func(path string) *lb.L7Rule { return on(lb.L7Path, lb.L7StartsWith, "", path) }
	disabled := at("/")
	disabled.AdminStateUp = false
	off := named("off", lb.L7Reject, at("/"))
	off.AdminStateUp = false
	closed := named("closed", lb.L7RedirectToPool, at("/"))
	closed.RedirectPoolID = "disabled"
	tab, bad := Compile([]*lb.L7Policy{
		off, closed, named("none", lb.L7Reject), named("only disabled rules", lb.L7Reject, disabled),
		named("pool 1", lb.L7RedirectToPool, at("/a")),
		named("pool 2", lb.L7RedirectToPool, at("/")),
		named("prefix", lb.L7RedirectPrefix, at("/a/b")),
		named("url", lb.L7RedirectToURL, at("/a/b/c"), disabled, on(lb.L7HostName, lb.L7EqualTo, "", "a")),
		named("reject", lb.L7Reject, at("/a/b/c/d")),
		named("reject 2", lb.L7Reject, at("/a/b/c/d")),
		named("both", lb.L7Reject, at("/x"), on(lb.L7HostName, lb.L7EqualTo, "", "b")),
	}, func(id lb.PoolID) bool { return id == "p" })
	if bad != nil {
		t.Fatal(bad)
	}
	for target, want := range map[string]lb.L7PolicyID{
		"/": "pool 2", "/a": "pool 1", "/a/b": "prefix", "/a/b/c": "prefix", "/a/b/c/d": "reject", "/x": "pool 2",
	} {
		o := tab.Match(parse(t, "GET "+target+" HTTP/1.1\nHost: a\n\n"), nil)
		if o == nil || o.Policy != want {
			t.Errorf("%s: %+v, want %s", target, o, want)
		}
	}
	if o := tab.Match(parse(t, "OPTIONS * HTTP/1.1\nHost: a\n\n"), nil); o != nil {
		t.Errorf("OPTIONS * matches %+v", o)
	}
	if tab, _ := Compile([]*lb.L7Policy{off}, always); tab != nil || tab.Match(nil, nil) != nil {
		t.Error("a table without policies is not nil")
	}
}

func TestLocation(t *testing.T) {
	for _, tt := range []struct {
		action           lb.L7Action
		to, target, want string
	}{
		{lb.L7RedirectToURL, "https://a.test/x?y=%41", "/b?c", "https://a.test/x?y=%41"},
		{lb.L7RedirectPrefix, "https://a.test", "/b?c=d%20", "https://a.test/b?c=d%20"},
		{lb.L7RedirectPrefix, "https://a.test/", "/b", "https://a.test//b"}, // as in HAProxy
		{lb.L7RedirectPrefix, "/", "/b", "/b"},
		{lb.L7RedirectPrefix, "https://a.test", "*", "https://a.test/"},
	} {
		q := policyOf(tt.action, on(lb.L7HostName, lb.L7EqualTo, "", "a"))
		q.RedirectURL, q.RedirectPrefix, q.RedirectCode = tt.to, tt.to, 307
		o := table(t, q).Match(parse(t, "GET / HTTP/1.1\nHost: a\n\n"), nil)
		prefix, rest := o.Location([]byte(tt.target))
		if got := prefix + string(rest); got != tt.want || o.Code != 307 {
			t.Errorf("%s %s of %s: %s, want %s", tt.action, tt.to, tt.target, got, tt.want)
		}
	}
}

// What cannot be compiled is named, and the rest is served. A rejection goes by the rules that are left of it.
func TestCompileErrors(t *testing.T) {
	good := policyOf(lb.L7Reject, on(lb.L7Path, lb.L7EqualTo, "", "/"))
	for want, q := range map[string]*lb.L7Policy{
		"look-ahead":       policyOf(lb.L7Reject, on(lb.L7Path, lb.L7Regex, "", "a(?=b)")),
		`type "BODY"`:      policyOf(lb.L7Reject, on("BODY", lb.L7EqualTo, "", "x")),
		`compare type "~"`: policyOf(lb.L7Reject, on(lb.L7Path, "~", "", "x")),
		`action "TARPIT"`:  policyOf("TARPIT", on(lb.L7Path, lb.L7EqualTo, "", "x")),
		"invalid syntax":   policyOf(lb.L7Reject, on(lb.L7SSLVerifyResult, lb.L7EqualTo, "", "x")),
	} {
		q.ID = "bad"
		tab, bad := Compile([]*lb.L7Policy{q, good}, always)
		if len(bad) != 1 || bad[0].Policy != "bad" || !strings.Contains(bad[0].Error(), want) {
			t.Errorf("%v, want %s", bad, want)
		}
		if o := tab.Match(parse(t, "GET / HTTP/1.1\nHost: a\n\n"), nil); o == nil || (o.Index == 0) != (q.Action == lb.L7Reject) {
			t.Errorf("%s: got %+v", want, o)
		}
		q.Rules = append(q.Rules, on(lb.L7Path, lb.L7StartsWith, "", "/kept"))
		tab, _ = Compile([]*lb.L7Policy{q}, always)
		for path, match := range map[string]bool{"/kept": q.Action == lb.L7Reject, "/open": false} {
			if o := tab.Match(parse(t, "GET "+path+" HTTP/1.1\nHost: a\n\n"), nil); (o != nil) != match {
				t.Errorf("%s: %s gets %+v", want, path, o)
			}
		}
	}
}

// busy is a table of many policies and a request that only the last one matches, after everything was compared.
func busy(t testing.TB) (*Table, *http1.Request) {
	var policies []*lb.L7Policy
	for i := range 20 {
		for _, compare := range []lb.L7Compare{lb.L7EqualTo, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains, lb.L7Regex} {
			v := fmt.Sprintf("v%d", i)
			for _, r := range []*lb.L7Rule{
				on(lb.L7HostName, compare, "", v), on(lb.L7Path, compare, "", v), on(lb.L7Header, compare, "X-A", v), on(lb.L7Cookie, compare, "id", v),
			} {
				policies = append(policies, policyOf(lb.L7Reject, r))
			}
		}
	}
	policies = append(policies, policyOf(lb.L7RedirectToPool, on(lb.L7Header, lb.L7Regex, "X-A", "^last.$")))
	return table(t, policies...), parse(t, "GET /some/path?query HTTP/1.1\nHost: www.example.com:8080\nX-A: a, b, last\xe9\nCookie: a=b; id=c\n\n")
}

func TestMatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget, and regexp has one")
	}
	tab, r := busy(t)
	var conn TLS = &cert{}
	if got := testing.AllocsPerRun(100, func() {
		if tab.Match(r, conn) == nil {
			t.Fatal("no match")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		var policies []*lb.L7Policy
		for i := range n {
			policies = append(policies, policyOf(lb.L7RedirectToPool, on(lb.L7Path, lb.L7StartsWith, "", fmt.Sprintf("/app%d/", i))))
		}
		tab, r := table(b, policies...), parse(b, fmt.Sprintf("GET /app%d/x HTTP/1.1\nHost: a\n\n", n-1))
		b.Run(fmt.Sprintf("paths=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tab.Match(r, nil)
			}
		})
	}
	b.Run("busy", func(b *testing.B) {
		tab, r := busy(b)
		b.ReportAllocs()
		for b.Loop() {
			tab.Match(r, nil)
		}
	})
}
