package l7

import (
	"bufio"
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// The reference says what a list of policies does in the plainest way, on a request that net/http has parsed.

func refMatch(policies []*lb.L7Policy, r *http.Request, conn TLS) *lb.L7Policy {
	for _, actions := range [][]lb.L7Action{{lb.L7Reject}, {lb.L7RedirectToURL, lb.L7RedirectPrefix}, {lb.L7RedirectToPool}} {
		for _, q := range policies {
			if slices.Contains(actions, q.Action) && q.AdminStateUp && refAll(q.Rules, r, conn) {
				return q
			}
		}
	}
	return nil
}

func refAll(rules []*lb.L7Rule, r *http.Request, conn TLS) bool {
	some := false
	for _, rule := range rules {
		if !rule.AdminStateUp {
			continue
		}
		some = true
		if refRule(rule, r, conn) == rule.Invert {
			return false
		}
	}
	return some
}

func refRule(rule *lb.L7Rule, r *http.Request, conn TLS) bool {
	switch rule.Type {
	case lb.L7SSLConnHasCert:
		return conn != nil && conn.HasCertificate()
	case lb.L7SSLVerifyResult:
		return conn != nil && strconv.Itoa(conn.VerifyResult()) == rule.Value
	}
	for _, subject := range refSubjects(rule, r, conn) {
		if refCompare(rule, subject) {
			return true
		}
	}
	return false
}

// refSubjects is every text that the rule is compared with.
func refSubjects(rule *lb.L7Rule, r *http.Request, conn TLS) (all []string) {
	switch rule.Type {
	case lb.L7HostName:
		if r.Host != "" {
			all = append(all, r.Host, regexp.MustCompile(`:\d*$`).ReplaceAllString(r.Host, ""))
		}
	case lb.L7Path, lb.L7FileType:
		if r.RequestURI != "*" {
			path, _, _ := strings.Cut(r.RequestURI, "?")
			all = append(all, path)
		}
	case lb.L7Header:
		values := r.Header.Values(rule.Key)
		if strings.EqualFold(rule.Key, "Host") {
			values = []string{r.Host}
		}
		for _, line := range values {
			for _, v := range strings.Split(line, ",") { // no quotes are generated
				all = append(all, strings.Trim(v, " \t"))
			}
		}
	case lb.L7Cookie:
		for _, line := range r.Header.Values("Cookie") {
			for _, pair := range strings.Split(line, ";") {
				name, value, _ := strings.Cut(pair, "=")
				if strings.Trim(name, " \t") == rule.Key {
					all = append(all, strings.Trim(value, " \t"))
				}
			}
		}
	case lb.L7SSLDNField:
		if conn != nil {
			if v, ok := conn.SubjectField(rule.Key); ok {
				all = append(all, v)
			}
		}
	}
	return all
}

func refCompare(rule *lb.L7Rule, s string) bool {
	text, flags := rule.Value, ""
	if rule.Type == lb.L7HostName {
		text, s, flags = strings.ToLower(text), strings.ToLower(s), "(?i)"
	}
	switch {
	case rule.Compare == lb.L7Regex:
		return regexp.MustCompile(flags + rule.Value).MatchString(s)
	case rule.Type == lb.L7FileType || rule.Compare == lb.L7EndsWith:
		return strings.HasSuffix(s, text)
	case rule.Compare == lb.L7StartsWith:
		return strings.HasPrefix(s, text)
	case rule.Compare == lb.L7Contains:
		return strings.Contains(s, text)
	}
	return s == text
}

// Few letters, so that rules and requests meet.
var (
	words  = rapid.StringMatching(`[aA]?[bB]?[./:]?[aA]?`)
	values = rapid.StringMatching(`[aA]{0,2}[bB]?[./:=]?[aA]?`).Filter(func(s string) bool { return s != "" })
	exprs  = rapid.SampledFrom([]string{"a", "^A", "b$", "^[aA]+b?$", ".", "a|B", "^(/a|b)+$", "a{2}", "^.*[^a]$", "a.b"})
	keys   = rapid.SampledFrom([]string{"X-A", "x-b", "Host"})
	names  = rapid.SampledFrom([]string{"a", "A", "b"})
)

func drawRule(t *rapid.T) *lb.L7Rule {
	r := on(rapid.SampledFrom([]lb.L7RuleType{
		lb.L7HostName, lb.L7Path, lb.L7FileType, lb.L7Header, lb.L7Cookie, lb.L7SSLConnHasCert, lb.L7SSLVerifyResult, lb.L7SSLDNField,
	}).Draw(t, "type"), "", "", values.Draw(t, "value"))
	r.Compare = rapid.SampledFrom([]lb.L7Compare{lb.L7EqualTo, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains, lb.L7Regex}).Draw(t, "compare")
	r.AdminStateUp = rapid.IntRange(0, 9).Draw(t, "up") > 0
	r.Invert = rapid.Bool().Draw(t, "invert")
	switch r.Type {
	case lb.L7FileType:
		if r.Compare != lb.L7Regex {
			r.Compare = lb.L7EqualTo
		}
	case lb.L7Header:
		r.Key = keys.Draw(t, "key")
	case lb.L7Cookie, lb.L7SSLDNField:
		r.Key = names.Draw(t, "key")
	case lb.L7SSLConnHasCert:
		r.Compare, r.Value = lb.L7EqualTo, "true"
	case lb.L7SSLVerifyResult:
		r.Compare, r.Value = lb.L7EqualTo, strconv.Itoa(rapid.IntRange(0, 2).Draw(t, "result"))
	}
	if r.Compare == lb.L7Regex {
		r.Value = exprs.Draw(t, "expression")
	}
	return r
}

func drawHead(t *rapid.T) string {
	var b strings.Builder
	target := "/" + words.Draw(t, "path")
	if rapid.Bool().Draw(t, "has query") {
		target += "?" + words.Draw(t, "query")
	}
	host := "aB" + rapid.StringMatching(`[aA.]?[bB]?`).Draw(t, "host") + rapid.SampledFrom([]string{"", ":", ":80"}).Draw(t, "port")
	b.WriteString("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n")
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		b.WriteString(rapid.SampledFrom([]string{"X-A", "x-a", "X-b"}).Draw(t, "name") + ": ")
		b.WriteString(strings.Join(rapid.SliceOfN(words, 0, 3).Draw(t, "list"), rapid.SampledFrom([]string{",", " , "}).Draw(t, "sep")) + "\r\n")
	}
	for range rapid.IntRange(0, 2).Draw(t, "cookies") {
		b.WriteString("Cookie: ")
		for i := range rapid.IntRange(0, 3).Draw(t, "pairs") {
			if i > 0 {
				b.WriteString("; ")
			}
			b.WriteString(names.Draw(t, "cookie") + "=" + words.Draw(t, "cookie value"))
		}
		b.WriteString("\r\n")
	}
	return b.String() + "\r\n"
}

func TestMatchAsReference(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		var policies []*lb.L7Policy
		for i := range rapid.IntRange(1, 6).Draw(t, "policies") {
			q := policyOf(rapid.SampledFrom([]lb.L7Action{lb.L7Reject, lb.L7RedirectToURL, lb.L7RedirectToPool, lb.L7RedirectPrefix}).Draw(t, "action"))
			q.ID = lb.L7PolicyID(strconv.Itoa(i))
			q.AdminStateUp = rapid.IntRange(0, 9).Draw(t, "up") > 0
			for range rapid.IntRange(0, 3).Draw(t, "rules") {
				q.Rules = append(q.Rules, drawRule(t))
			}
			policies = append(policies, q)
		}
		tab, bad := Compile(policies, always)
		if len(bad) > 0 {
			t.Fatal(bad)
		}
		var conn TLS
		if rapid.Bool().Draw(t, "tls") {
			conn = cert{
				shown: rapid.Bool().Draw(t, "shown"), verify: rapid.IntRange(0, 2).Draw(t, "verify"),
				subject: map[string]string{"a": words.Draw(t, "dn")},
			}
		}
		head := drawHead(t)
		ours := new(http1.Request)
		if n, err := ours.Parse([]byte(head), http1.DefaultLimits()); err != nil || n == 0 {
			t.Fatalf("parse %q: %d, %v", head, n, err)
		}
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(head))))
		if err != nil {
			t.Skipf("net/http refuses %q: %v", head, err)
		}
		var got lb.L7PolicyID
		if o := tab.Match(ours, conn); o != nil {
			got = o.Policy
			matched++
		}
		var want lb.L7PolicyID
		if q := refMatch(policies, theirs, conn); q != nil {
			want = q.ID
		}
		if got != want {
			t.Fatalf("policy %q, want %q for %q", got, want, head)
		}
	})
	if matched == 0 {
		t.Error("nothing ever matched")
	}
}

// Whatever request the codec accepts, matching ends, does not panic and says the same twice.
func FuzzMatch(f *testing.F) {
	tab, _ := busy(f)
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /v1?x HTTP/1.1\r\nHost: [::1]:80\r\nX-A: \"a,\\\"\", v2\r\nCookie: id=v3; ;=;id\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: v4:\r\nX-A:\xff\r\nCookie:\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		r := new(http1.Request)
		if n, err := r.Parse(head, http1.DefaultLimits()); err != nil || n == 0 {
			return
		}
		if a, b := tab.Match(r, nil), tab.Match(r, cert{shown: true}); a != b {
			t.Fatalf("%v and %v for %q", a, b, head)
		}
	})
}
