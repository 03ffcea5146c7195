package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
)

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
