package http1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func request(t testing.TB, fields ...string) *Request {
	t.Helper()
	r := new(Request)
	head := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	if n, err := r.Parse([]byte(head), DefaultLimits()); err != nil || n != len(head) {
		t.Fatalf("parse %q: %d, %v", head, n, err)
	}
	return r
}

func TestNextCookie(t *testing.T) {
	for list, want := range map[string][]string{
		"a=1":                 {"a=1"},
		"a=1; b=2":            {"a=1", "b=2"},
		" a = 1 ;b=2;":        {"a=1", "b=2", "="},
		"a=b=c; d":            {"a=b=c", "d="},
		"a=1,b=2":             {"a=1,b=2"},
		`a="x y"; =v; ; c=é`:  {`a="x y"`, "=v", "=", "c=é"},
		"$Version=1; a=1;b=;": {"$Version=1", "a=1", "b=", "="},
	} {
		var got []string
		for rest := []byte(list); rest != nil; {
			var name, value []byte
			name, value, rest = NextCookie(rest)
			got = append(got, fmt.Sprintf("%s=%s", name, value))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
	}
}

func TestCookie(t *testing.T) {
	r := request(t, "Cookie: a=1; b=2", "X: y", "cookie: c=3; a=4")
	for name, want := range map[string]string{"a": "1", "b": "2", "c": "3"} {
		if v, ok := r.Fields.Cookie(name); !ok || string(v) != want {
			t.Errorf("%s is %q, %v", name, v, ok)
		}
	}
	if v, ok := r.Fields.Cookie("A"); ok {
		t.Errorf("A is %q", v)
	}
}

func TestSetCookie(t *testing.T) {
	var r Response
	head := "HTTP/1.1 200 OK\r\nSet-Cookie: id=v=1; path=/; HttpOnly\r\nContent-Length: 0\r\nset-cookie: =x\r\n\r\n"
	if _, err := r.Parse([]byte(head), DefaultLimits(), new(Request)); err != nil {
		t.Fatal(err)
	}
	if n, v, ok := r.Fields.SetCookie(0); !ok || string(n) != "id" || string(v) != "v=1" {
		t.Errorf("sets %q to %q, %v", n, v, ok)
	}
	for i := 1; i < r.Fields.Len(); i++ {
		if n, v, ok := r.Fields.SetCookie(i); ok {
			t.Errorf("line %d sets %q to %q", i, n, v)
		}
	}
}

// A cookie of ours is taken out of a request wherever it stands, and nothing else is.
func TestWithoutCookie(t *testing.T) {
	for _, tt := range []struct {
		in, want []string
	}{
		{[]string{"Cookie: SRV=x"}, nil},
		{[]string{"Cookie: SRV=x; a=1"}, []string{"Cookie: a=1"}},
		{[]string{"Cookie: a=1; SRV=x; b=2"}, []string{"Cookie: a=1; b=2"}},
		{[]string{"Cookie: a=1;SRV = x;"}, []string{"Cookie: a=1"}},
		{[]string{"Cookie: a=SRV; SRVX=1; xSRV=2"}, []string{"Cookie: a=SRV; SRVX=1; xSRV=2"}},
		{[]string{"cookie:  a=b"}, []string{"cookie: a=b"}},
		{[]string{"Cookie: SRV=x", "X-A: b", "COOKIE: SRV=y; c=d ; e"}, []string{"X-A: b", "Cookie: c=d; e"}},
		{[]string{"Cookie: SRV=x; SRV=y", "X-A: SRV=z"}, []string{"X-A: SRV=z"}},
		{[]string{"Connection: cookie", "Cookie: SRV=x; a=b"}, nil},
	} {
		r := request(t, tt.in...)
		got := string(AppendRequest(nil, r, &Forward{WithoutCookie: "SRV"}))
		want := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(tt.want, ""), "\r\n") + "\r\n"
		if got != want {
			t.Errorf("%q becomes %q", tt.in, got)
		}
	}
}

func TestAppendRedirect(t *testing.T) {
	for status, want := range map[int]string{
		301: "301 Moved Permanently", 302: "302 Found", 303: "303 See Other", 307: "307 Temporary Redirect", 308: "308 Permanent Redirect", 200: "302 Found",
	} {
		for _, keep := range []bool{true, false} {
			head := AppendRedirect([]byte("x"), status, keep, "http://a", []byte("/b"))
			var r Response
			n, err := r.Parse(head[1:], DefaultLimits(), new(Request))
			if err != nil || n != len(head)-1 || r.Framing != Length || r.Length != 0 || r.KeepAlive != keep {
				t.Fatalf("%q: %v", head, err)
			}
			if to, _ := r.Fields.Get("Location"); string(to) != "http://a/b" || fmt.Sprintf("%d %s", r.Status, r.Reason) != want {
				t.Errorf("%d becomes %q", status, head)
			}
		}
	}
}
