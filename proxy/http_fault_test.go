package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func TestHTTPBrokenMember(t *testing.T) {
	const request = "GET / HTTP/1.1\nHost: a\n\n"
	for _, tt := range []struct {
		name, response string
		reset          bool
		want           string // first line; empty: the connection breaks off after a 200
	}{
		{name: "closes at once", want: "HTTP/1.1 502 Bad Gateway"},
		{name: "resets at once", reset: true, want: "HTTP/1.1 502 Bad Gateway"},
		{name: "breaks off in the head", response: "HTTP/1.1 200 OK\nContent-Le", want: "HTTP/1.1 502 Bad Gateway"},
		{name: "does not speak HTTP", response: "220 smtp ready\n\n", want: "HTTP/1.1 502 Bad Gateway"},
		{name: "contradicts itself", response: "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n\n", want: "HTTP/1.1 502 Bad Gateway"},
		{name: "breaks off in a body", response: "HTTP/1.1 200 OK\nContent-Length: 10\n\nhalf"},
		{name: "breaks off in a chunk", response: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\na\nhalf"},
		{name: "breaks off between chunks", response: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nhalf\n"},
		{name: "sends a bad chunk", response: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nhalf\nxyz\n", want: "HTTP/1.1 502 Bad Gateway"},
		{name: "resets a body until close", response: "HTTP/1.1 200 OK\n\nhalf", reset: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFront(t, 1, nil)
			c := f.client()
			c.send(request)
			m := f.member(0)
			m.head()
			if tt.response != "" {
				m.send("%s", tt.response)
			}
			if tt.want == "" {
				c.wantHead("HTTP/1.1 200 OK")
			}
			if tt.reset {
				_ = m.SetLinger(0)
			}
			_ = m.Close()
			if tt.want == "" {
				c.wantAbort()
				return
			}
			c.wantHead(tt.want)
			if s := f.engine.Stats()[f.listener]; s.Errors != 1 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestHTTPTimeouts(t *testing.T) {
	const short = 50 * time.Millisecond
	t.Run("member is silent", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutMemberData = lb.Some(short) })
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		f.member(0).head()
		c.wantHead("HTTP/1.1 504 Gateway Timeout")
	})
	t.Run("member stops in the body", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutMemberData = lb.Some(short) })
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		m := f.member(0)
		m.head()
		m.send("HTTP/1.1 200 OK\nContent-Length: 10\n\nhalf")
		c.wantHead("HTTP/1.1 200 OK")
		c.wantAbort()
	})
	t.Run("client stops in the head", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(short) })
		c := f.client()
		c.send("GET / HTTP/1.1\nHost:")
		c.wantHead("HTTP/1.1 408 Request Timeout", "Connection: close")
	})
	t.Run("client is slow in the head", func(t *testing.T) {
		f := newFront(t, 1, nil)
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n")
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		answered := make(chan struct{})
		var writer sync.WaitGroup
		writer.Go(func() {
			for {
				select {
				case <-answered:
					return
				case <-tick.C:
				}
				if _, err := io.WriteString(c, "A: b\r\n"); err != nil {
					return
				}
			}
		})
		c.wantHead("HTTP/1.1 408 Request Timeout")
		close(answered)
		writer.Wait()
	})
	t.Run("client stops in the body", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(short) })
		c := f.client()
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhalf")
		m := f.member(0)
		m.head()
		m.wantBody("half")
		c.wantHead("HTTP/1.1 408 Request Timeout", "Connection: close")
		m.wantAbort()
	})
	t.Run("client stops in the body, with equal timeouts", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) {
			s.TimeoutClientData, s.TimeoutMemberData = lb.Some(4*short), lb.Some(4*short)
		})
		c := f.client()
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhalf")
		f.member(0).head()
		c.wantHead("HTTP/1.1 408 Request Timeout")
	})
	t.Run("client is idle", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(short) })
		f.client().wantEnd()
	})
	t.Run("client sends nothing first", func(t *testing.T) {
		f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutTCPInspect = lb.Some(short) })
		f.client().wantEnd()
	})
}

func TestHTTPBadRequest(t *testing.T) {
	f := newFront(t, 1, nil)
	for _, tt := range []struct{ request, want string }{
		{"GET / HTTP/1.1\n\n", "HTTP/1.1 400 Bad Request"},
		{"GET / HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", "HTTP/1.1 400 Bad Request"},
		{"GET / HTTP/1.1\nHost: a\nX: " + strings.Repeat("x", bufferSize) + "\n\n", "HTTP/1.1 431 Request Header Fields Too Large"},
	} {
		c := f.client()
		c.send("%s", tt.request)
		c.wantHead(tt.want, "Connection: close")
	}
	t.Run("in a chunk", func(t *testing.T) {
		c := f.client()
		c.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nzz\n")
		c.wantHead("HTTP/1.1 400 Bad Request", "Connection: close")
	})
	if n := len(f.origins[0].conns); n > 1 {
		t.Errorf("%d connections reached the member", n)
	}
}

func TestHTTPClientLeavesInTheBody(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhalf")
	m := f.member(0)
	m.head()
	m.wantBody("half")
	_ = c.Close()
	m.wantAbort()
}

func TestHTTPWithoutMember(t *testing.T) {
	t.Run("no pool", func(t *testing.T) {
		f := newFront(t, 0, func(s *lb.ListenerSpec) { s.DefaultPoolID = lb.Opt[lb.PoolID]{} })
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		c.wantHead("HTTP/1.1 503 Service Unavailable")
	})
	t.Run("no members", func(t *testing.T) {
		f := newFront(t, 0, nil)
		c := f.client()
		for range 2 { // the connection stays
			c.send("GET / HTTP/1.1\nHost: a\n\n")
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil || resp.StatusCode != 503 {
				t.Fatalf("got %v, %v", resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	t.Run("all refuse", func(t *testing.T) {
		f := newFront(t, 0, nil)
		for range 2 {
			f.rig.member(f.pool, refused())
		}
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		c.wantHead("HTTP/1.1 503 Service Unavailable")
	})
	t.Run("one refuses", func(t *testing.T) {
		f := newFront(t, 1, nil)
		f.rig.member(f.pool, refused())
		f.rig.member(f.pool, refused())
		c := f.client()
		var m *peer
		for range 6 {
			c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi")
			if m == nil {
				m = f.member(0)
			}
			m.head()
			m.wantBody("hi")
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content")
		}
	})
}

// The member closes an idle connection at the moment at which it is used again.
func TestHTTPStaleMemberConnection(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			f := newFront(t, 1, nil)
			c := f.client()
			c.send("GET /1 HTTP/1.1\nHost: a\n\n")
			m := f.member(0)
			m.head()
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content")
			_ = m.Close()
			c.send("%s /2 HTTP/1.1\nHost: a\nContent-Length: 0\n\n", method)
			m = f.member(0)
			m.wantHead(method + " /2 HTTP/1.1")
			m.send("HTTP/1.1 204 No Content\n\n")
			c.wantHead("HTTP/1.1 204 No Content")
		})
	}
	t.Run("POST that was seen is not sent twice", func(t *testing.T) {
		f := newFront(t, 1, nil)
		c := f.client()
		c.send("GET /1 HTTP/1.1\nHost: a\n\n")
		m := f.member(0)
		m.head()
		m.send("HTTP/1.1 204 No Content\n\n")
		c.wantHead("HTTP/1.1 204 No Content")
		c.send("POST /2 HTTP/1.1\nHost: a\nContent-Length: 0\n\n")
		m.wantHead("POST /2 HTTP/1.1")
		_ = m.Close()
		c.wantHead("HTTP/1.1 502 Bad Gateway")
	})
}

// The member fails while the upload waits for the client, which is not to blame.
func TestHTTPMemberFailsInTheUpload(t *testing.T) {
	for _, tt := range []struct {
		name, request string
		fail          func(m *peer)
		want          string
	}{
		{"closes, client waits for 100", "Expect: 100-continue\n\n", func(m *peer) { _ = m.Close() }, "HTTP/1.1 502 Bad Gateway"},
		{"closes", "\nab", func(m *peer) { m.wantBody("ab"); _ = m.Close() }, "HTTP/1.1 502 Bad Gateway"},
		{"is silent", "Expect: 100-continue\n\n", func(*peer) {}, "HTTP/1.1 504 Gateway Timeout"},
		{"sends garbage", "\nab", func(m *peer) { m.send("garbage\n\n") }, "HTTP/1.1 502 Bad Gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFront(t, 1, func(s *lb.ListenerSpec) {
				if tt.name == "is silent" {
					s.TimeoutMemberData = lb.Some(50 * time.Millisecond)
				}
			})
			c := f.client()
			c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n%s", tt.request)
			m := f.member(0)
			m.head()
			tt.fail(m)
			c.wantHead(tt.want, "Connection: close")
		})
	}
}

// A member that is slow has seen the request: it is not sent again.
func TestHTTPTimeoutIsNotRetried(t *testing.T) {
	f := newFront(t, 1, func(s *lb.ListenerSpec) { s.TimeoutMemberData = lb.Some(100 * time.Millisecond) })
	c, m := f.open(0)
	c.send("DELETE /2 HTTP/1.1\nHost: a\n\n")
	m.wantHead("DELETE /2 HTTP/1.1")
	c.wantHead("HTTP/1.1 504 Gateway Timeout")
	if len(f.origins[0].conns) != 0 {
		t.Error("the request was sent twice")
	}
}

// What a member sends unasked is not the response to the next request.
func TestHTTPUnaskedBytesOfMember(t *testing.T) {
	f := newFront(t, 1, nil)
	c, m := f.open(0)
	m.send("HTTP/1.1 408 Request Timeout\nContent-Length: 0\n\n")
	_ = m.CloseWrite()
	_ = c.Close()
	testenv.Eventually(t, limit, func() error {
		if n := f.engine.Stats()[f.listener].Active; n != 0 {
			return fmt.Errorf("%d connections are served", n)
		}
		return nil
	})
	pool := &f.usable()[0].idle
	idle := pool.get(0, route{})
	testenv.Eventually(t, limit, func() error { // it has arrived
		if idle.alive() {
			return errors.New("the connection is silent")
		}
		return nil
	})
	pool.put(idle, now())
	c = f.client()
	c.send("GET /2 HTTP/1.1\nHost: a\n\n")
	m = f.member(0)
	m.wantHead("GET /2 HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
}

func TestHTTPManyInterimResponses(t *testing.T) {
	f := newFront(t, 1, nil)
	for _, n := range []int{maxInterims, maxInterims + 1} {
		c := f.client()
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		m := f.member(0)
		m.head()
		m.send("%sHTTP/1.1 204 No Content\nConnection: close\n\n", strings.Repeat("HTTP/1.1 102 Processing\n\n", n))
		for range maxInterims {
			c.wantHead("HTTP/1.1 102 Processing")
		}
		if n == maxInterims {
			c.wantHead("HTTP/1.1 204 No Content")
		} else {
			c.wantHead("HTTP/1.1 502 Bad Gateway")
		}
	}
}

func TestHTTPRefusedHeadGetsNoBody(t *testing.T) {
	for _, tt := range []struct{ name, request, want string }{
		{"bad field", "HEAD / HTTP/1.1\nHost: a\nbad field\n\n", "HTTP/1.1 400 Bad Request"},
		{"too large", "HEAD / HTTP/1.1\nHost: a\nX: " + strings.Repeat("x", bufferSize) + "\n\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		{"too slow", "HEAD / HTTP/1.1\nHost: a\n", "HTTP/1.1 408 Request Timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFront(t, 0, nil)
			c := f.client()
			c.send("%s", tt.request)
			c.wantHead(tt.want)
			c.wantEnd()
		})
	}
}
