package proxy

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func TestHTTPKeepAliveOnBothSides(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	var m *peer
	for i := range 3 {
		c.send("GET /%d HTTP/1.1\nHost: a\n\n", i)
		if m == nil {
			m = f.member(0)
		}
		m.wantHead(fmt.Sprintf("GET /%d HTTP/1.1", i), "Host: a")
		m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
		c.wantHead("HTTP/1.1 200 OK", "Content-Length: 2")
		c.wantBody("ok")
	}
	// Another client uses the same member connection.
	c2 := f.client()
	c2.send("GET /other HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /other HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c2.wantHead("HTTP/1.1 204 No Content")
	testenv.Eventually(t, limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.Requests != 4 || s.Errors != 0 || s.BytesIn == 0 || s.BytesOut == 0 {
			return fmt.Errorf("stats: %+v", s)
		}
		return nil
	})
}

func TestHTTPPipelining(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("GET /1 HTTP/1.1\nHost: a\n\nPOST /2 HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET /3 HTTP/1.1\nHost: a\n\n")
	m := f.member(0)
	for i := 1; i <= 3; i++ {
		head := m.head()
		if i == 2 {
			m.wantBody("abc")
		}
		if !strings.Contains(head, fmt.Sprintf("/%d ", i)) {
			t.Fatalf("request %d is %q", i, head)
		}
		m.send("HTTP/1.1 200 OK\nContent-Length: 1\n\n%d", i)
	}
	for i := 1; i <= 3; i++ {
		c.wantHead("HTTP/1.1 200 OK")
		c.wantBody(fmt.Sprint(i))
	}
}

func TestHTTPEarlyHints(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n")
	c.wantHead("HTTP/1.1 103 Early Hints", "Link: </a>")
	c.wantHead("HTTP/1.1 200 OK")
}

func TestHTTPUpgrade(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("GET /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n")
	m := f.member(0)
	m.wantHead("GET /chat HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
	m.send("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\nhi")
	c.wantHead("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket")
	c.wantBody("hi")
	for range 3 {
		c.send("ping")
		m.wantBody("ping")
		m.send("pong")
		c.wantBody("pong")
	}
	_ = c.CloseWrite()
	m.wantEnd()
	m.send("bye")
	_ = m.CloseWrite()
	if got := readAll(t, c.r); got != "bye" {
		t.Errorf("got %q", got)
	}
}

func TestHTTPForwardedHeaders(t *testing.T) {
	all := func(s *lb.ListenerSpec) {
		s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-For": "true", "X-Forwarded-Port": "true", "X-Forwarded-Proto": "true"})
	}
	f := newFront(t, 1, all)
	c := f.client()
	c.send("GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Port: 1\nX-Forwarded-Proto: https\nConnection: X-Forwarded-For\n\n")
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	head := f.member(0).wantHead("GET / HTTP/1.1", "X-Forwarded-Port: 8080", "X-Forwarded-Proto: http")
	if !strings.Contains(head, host) || strings.Contains(head, "https") {
		t.Errorf("head is\n%s", head)
	}
}

func TestHTTPConnectionClose(t *testing.T) {
	for _, request := range []string{"GET / HTTP/1.1\nHost: a\nConnection: close\n\n", "GET / HTTP/1.0\n\n"} {
		f := newFront(t, 1, nil)
		c := f.client()
		c.send("%s", request)
		m := f.member(0)
		m.head()
		m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
		c.wantHead("HTTP/1.1 200 OK", "Connection: close")
		c.wantBody("ok")
		c.wantEnd()
	}
}
