package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// front is an engine with an HTTP listener on port 80 and members under the
// test's control.
type front struct {
	*rig
	listener lb.ListenerID
	pool     lb.PoolID
	ids      []lb.MemberID
	origins  []*origin
}

func newFront(t testing.TB, members int, edit func(*lb.ListenerSpec)) *front {
	t.Helper()
	return newFrontWith(t, Config{HeadTimeout: 500 * time.Millisecond}, members, edit)
}

func newFrontWith(t testing.TB, cfg Config, members int, edit func(*lb.ListenerSpec)) *front {
	t.Helper()
	f := &front{rig: newRig(t, cfg)}
	var addrs []netip.AddrPort
	for range members {
		o := newOrigin(t)
		f.origins = append(f.origins, o)
		addrs = append(addrs, o.addr)
	}
	f.listener, f.pool, f.ids = f.serve(lb.ProtocolHTTP, 8080, edit, addrs...)
	return f
}

// peer is one end of a scripted HTTP connection.
type peer struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func newPeer(t testing.TB, c *net.TCPConn) *peer { return &peer{c, t, bufio.NewReader(c)} }

func (f *front) client() *peer { return newPeer(f.t, f.dial(8080)) }

// member is the connection that the next request opens to member i.
func (f *front) member(i int) *peer { return newPeer(f.t, f.origins[i].accept()) }

// send sends s, in which each line ends in CRLF.
func (p *peer) send(format string, args ...any) {
	p.t.Helper()
	write(p.t, p, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n"))
}

// head reads a message head and returns it with LF line ends, without the last.
func (p *peer) head() string {
	p.t.Helper()
	var b strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("read head, got %q: %v", b.String()+line, err)
		}
		line = strings.TrimSuffix(line, "\r\n")
		if line == "" {
			return strings.TrimSuffix(b.String(), "\n")
		}
		b.WriteString(line + "\n")
	}
}

// wantHead reads a head and requires lines to be among its lines, the first one
// to be its first.
func (p *peer) wantHead(first string, lines ...string) string {
	p.t.Helper()
	head := p.head()
	got := strings.Split(head, "\n")
	if got[0] != first {
		p.t.Fatalf("first line is %q, want %q", got[0], first)
	}
	for _, want := range lines {
		found := false
		for _, line := range got[1:] {
			found = found || strings.EqualFold(line, want)
		}
		if !found {
			p.t.Fatalf("head lacks %q:\n%s", want, head)
		}
	}
	return head
}

func (p *peer) body(n int) string { p.t.Helper(); return readN(p.t, p.r, n) }

func (p *peer) wantBody(want string) {
	p.t.Helper()
	if got := p.body(len(want)); got != want {
		p.t.Fatalf("got %q, want %q", got, want)
	}
}

func (p *peer) wantEnd() {
	p.t.Helper()
	if got := readAll(p.t, p.r); got != "" {
		p.t.Fatalf("got %q, want the end", got)
	}
}

// wantAbort requires the connection to end in a way that cannot be taken for the
// end of the message.
func (p *peer) wantAbort() {
	p.t.Helper()
	_, err := io.Copy(io.Discard, p.r)
	if err == nil {
		p.t.Fatal("connection ended cleanly, want it aborted")
	}
	if isTimeout(err) {
		p.t.Fatal("connection hangs, want it aborted")
	}
}

// get sends a request and reads the response, which has to be that of hello.
func (p *peer) get() error {
	if _, err := io.WriteString(p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(body) != "hello") {
		err = fmt.Errorf("status %d, body %q", resp.StatusCode, body)
	}
	return err
}

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

func TestHTTPBodies(t *testing.T) {
	for _, tt := range []struct {
		name             string
		request, forward string
		response, answer string
	}{
		{
			name:     "content-length both ways",
			request:  "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello",
			forward:  "hello",
			response: "HTTP/1.1 200 OK\nContent-Length: 5\n\nworld",
			answer:   "world",
		},
		{
			name:     "chunked both ways",
			request:  "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5;x=y\nhello\n0\n\n",
			forward:  "5\r\nhello\r\n0\r\n\r\n",
			response: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nworld\n0\n\n",
			answer:   "5\r\nworld\r\n0\r\n\r\n",
		},
		{
			name:     "trailers",
			request:  "POST / HTTP/1.1\nHost: a\nTE: trailers\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX-Sum: 1\n\n",
			forward:  "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
			response: "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nworld\n0\nX-Sum: 2\n\n",
			answer:   "5\r\nworld\r\n0\r\nX-Sum: 2\r\n\r\n",
		},
		{
			name:     "HEAD has no body",
			request:  "HEAD / HTTP/1.1\nHost: a\n\n",
			response: "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
		},
		{
			name:     "304 has no body",
			request:  "GET / HTTP/1.1\nHost: a\n\n",
			response: "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFront(t, 1, nil)
			c := f.client()
			var m *peer
			for range 2 { // the second time on the same connections
				c.send("%s", tt.request)
				if m == nil {
					m = f.member(0)
				}
				m.head()
				m.wantBody(tt.forward)
				m.send("%s", tt.response)
				c.head()
				c.wantBody(tt.answer)
			}
		})
	}
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

func TestHTTPResponseUntilCloseIsChunked(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m := f.member(0)
	m.head()
	m.send("HTTP/1.0 200 OK\n\nthe end is the close")
	_ = m.Close()
	c.wantHead("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
	c.wantBody("14\r\nthe end is the close\r\n0\r\n\r\n")
}

func TestHTTPExpectContinue(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nExpect: 100-continue\n\n")
	m := f.member(0)
	m.wantHead("POST / HTTP/1.1", "Expect: 100-continue")
	m.send("HTTP/1.1 100 Continue\n\n")
	c.wantHead("HTTP/1.1 100 Continue")
	c.send("hello")
	m.wantBody("hello")
	m.send("HTTP/1.1 200 OK\nContent-Length: 0\n\n")
	c.wantHead("HTTP/1.1 200 OK")
	c.send("GET /next HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /next HTTP/1.1")
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

// The member answers before it has the request: the client gets the answer at
// once, and the connection ends, as its body is in the way of another request.
func TestHTTPEarlyResponse(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 1000000\n\nbeginning")
	m := f.member(0)
	m.head()
	m.wantBody("beginning")
	m.send("HTTP/1.1 403 Forbidden\nContent-Length: 2\n\nno")
	c.wantHead("HTTP/1.1 403 Forbidden", "Connection: close")
	c.wantBody("no")
	c.wantEnd()
}

// As above, by a member that then resets the connection, while the client keeps
// sending.
func TestHTTPEarlyResponseAndReset(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n4\naaaa\n")
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 403 Forbidden\nContent-Length: 2\n\nno")
	m.Close() // with unread bytes: a reset
	for range 10 {
		if _, err := io.WriteString(c, "4\r\naaaa\r\n"); err != nil {
			break
		}
	}
	c.wantHead("HTTP/1.1 403 Forbidden", "Connection: close")
	c.wantBody("no")
}

// An echo needs both directions at the same time.
func TestHTTPBodiesFlowAtTheSameTime(t *testing.T) {
	f := newFront(t, 1, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n")
	c.wantHead("HTTP/1.1 200 OK")
	for range 3 {
		c.send("4\nping\n")
		m.wantBody("4\r\nping\r\n")
		m.send("4\npong\n")
		c.wantBody("4\r\npong\r\n")
	}
	c.send("0\n\n")
	m.wantBody("0\r\n\r\n")
	m.send("0\n\n")
	c.wantBody("0\r\n\r\n")
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

// Large bodies of every framing arrive as they were sent, both ways.
func TestHTTPLargeBodies(t *testing.T) {
	const size = 8 << 20
	body := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(body)
	echo := newWebServer(t, func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("the member got %d bytes: %v", len(got), err)
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = w.Write(body)
	})
	f := newFront(t, 0, nil)
	f.rig.member(f.pool, echo)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/length", "/chunked", "/length"} {
		var r io.Reader = bytes.NewReader(body)
		if path == "/chunked" {
			r = io.MultiReader(r) // hides the length
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+netip.AddrPortFrom(f.addr, 8080).String()+path, r)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%s: the client got %d bytes: %v", path, len(got), err)
		}
	}
	testenv.Eventually(t, limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.BytesIn < 3*size || s.BytesOut < 3*size {
			return fmt.Errorf("stats: %+v", s)
		}
		return nil
	})
}
