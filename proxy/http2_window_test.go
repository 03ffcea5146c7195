package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// newHTTP2MemberFront is a front whose member is a web server that speaks HTTP/2 over TLS.
func newHTTP2MemberFront(t *testing.T, edit func(*httptest.Server), h http.HandlerFunc) *tlsFront {
	t.Helper()
	f := newTLSFront(t, Config{}, 0, nil)
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{TLSEnabled: lb.Some(true)}})
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	if edit != nil {
		edit(srv)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f.rig.member(f.pool, srv.Listener.Addr().(*net.TCPAddr).AddrPort())
	return f
}

// Clients that do not read their downloads keep nothing from others whose requests are on
// the same member connection.
func TestUnreadDownloadsOnSharedConnection(t *testing.T) {
	piece := make([]byte, 64<<10)
	var sent atomic.Int64
	f := newHTTP2MemberFront(t, nil, func(w http.ResponseWriter, r *http.Request) {
		pieces := 16
		if r.URL.Path == "/large" {
			pieces = 1 << 20
		}
		for range pieces {
			if _, err := w.Write(piece); err != nil {
				return
			}
			sent.Add(1)
		}
	})
	get := func(path string) *tls.Conn {
		c, err := f.shake(f.config())
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		return c
	}
	const stalled = callsPerConn - 1
	for range stalled {
		c := get("/large")
		_ = c.NetConn().(*net.TCPConn).SetReadBuffer(16 << 10)
		readN(t, c, 100)
	}
	atRest(t, &sent) // all that the windows let the member send has come, and waits
	for range 3 {
		c := get("/small")
		_ = c.SetDeadline(time.Now().Add(4 * limit))
		n, err := io.Copy(io.Discard, c)
		if err != nil || n < 16*int64(len(piece)) {
			t.Fatalf("got %d bytes, %v, want all", n, err)
		}
	}
}

// atRest waits until n has not moved for a while.
func atRest(t *testing.T, n *atomic.Int64) {
	t.Helper()
	last, since := int64(-1), time.Now()
	testenv.Eventually(t, 4*limit, func() error {
		if v := n.Load(); v != last {
			last, since = v, time.Now()
		}
		if time.Since(since) < 200*time.Millisecond {
			return fmt.Errorf("still at work after %d", last)
		}
		return nil
	})
}

// countReader counts what is read of it.
type countReader struct {
	io.Reader
	n *atomic.Int64
}

func (r countReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A client is not late with a body that it cannot send because others on its connection
// fill the window.
func TestUploadWaitsForWindow(t *testing.T) {
	const patience = 300 * time.Millisecond
	open := make(chan struct{})
	f := newHTTP2Front(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-open
		}
		if n, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("%s: %d bytes, %v", r.URL.Path, n, err)
		}
		w.WriteHeader(204)
	}, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(patience) })
	c := f.http2Client(8080)
	var sent atomic.Int64
	var wg sync.WaitGroup
	defer wg.Wait()
	upload := func(path string, size int64) <-chan struct{} {
		done := make(chan struct{})
		wg.Go(func() {
			defer close(done)
			body := io.LimitReader(countReader{zeros{}, &sent}, size)
			resp, err := c.Do(request2(t, "POST", path, body))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 204 {
				t.Errorf("%s: status %d, want 204", path, resp.StatusCode)
			}
		})
		return done
	}
	for range 2 * frontConnWindow / frontStreamWindow {
		upload("/slow", 8<<20)
	}
	atRest(t, &sent)
	fast := upload("/fast", 1<<20)
	select {
	case <-fast:
		t.Error("upload came through, want the window shut")
	case <-time.After(4 * patience):
	}
	close(open)
	<-fast
}

// A member that takes few streams at a time gets as many connections as it takes: no request
// waits for a stream that cannot be opened, or that is refused.
func TestMemberOfFewStreams(t *testing.T) {
	f := newHTTP2MemberFront(t, func(s *httptest.Server) {
		s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1}
	}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c, err := f.shake(f.config())
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
				r := bufio.NewReader(c)
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				if resp.StatusCode != 200 || string(b) != "hello" || err != nil {
					t.Errorf("got status %d, %q, %v", resp.StatusCode, b, err)
				}
			}
		})
	}
	wg.Wait()
}
