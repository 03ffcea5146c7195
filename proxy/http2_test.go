package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

// http2Client is the standard library's client, with prior knowledge of the listener on port.
func (r *rig) http2Client(port int) *http.Client {
	tr := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("%v:%d", r.addr, port))
		},
	}
	tr.Protocols.SetUnencryptedHTTP2(true)
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 2 * limit}
}

// newHTTP2Front is a front whose members are real web servers.
func newHTTP2Front(t testing.TB, handler http.HandlerFunc, edit func(*lb.ListenerSpec)) *front {
	t.Helper()
	f := newFront(t, 0, edit)
	f.rig.member(f.pool, newWebServer(t, handler))
	return f
}

func do(t testing.TB, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp, readAll(t, resp.Body)
}

func request2(t testing.TB, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://www.example.com"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestHTTP2PriorKnowledge(t *testing.T) {
	f := newHTTP2Front(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %s %q", r.Proto, r.Method, r.Host, r.URL, r.Header["X-Forwarded-For"]))
		_, _ = w.Write(body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Part"))
	}, func(s *lb.ListenerSpec) {
		s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-For": "true"})
	})
	c := f.http2Client(8080)
	for name, size := range map[string]int{"none": 0, "small": 10, "large": 1 << 20} {
		for _, length := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, length %v", name, length), func(t *testing.T) {
				body := strings.Repeat("0123456789", size/10)
				req := request2(t, "POST", "/a?b=c", strings.NewReader(body))
				if !length {
					req.ContentLength = -1
					req.Body = io.NopCloser(strings.NewReader(body))
					req.Trailer = http.Header{"X-Part": {"whole"}}
				}
				resp, got := do(t, c, req)
				if resp.ProtoMajor != 2 || resp.StatusCode != 200 || got != body {
					t.Errorf("got %s, status %d, %d bytes, want HTTP/2, 200 and %d", resp.Proto, resp.StatusCode, len(got), len(body))
				}
				want := `HTTP/1.1 POST www.example.com /a?b=c ["127.`
				if seen := resp.Header.Get("X-Seen"); !strings.HasPrefix(seen, want) {
					t.Errorf("member saw %s, want %s", seen, want)
				}
				if sum := resp.Trailer.Get("X-Sum"); !length && sum != "whole" {
					t.Errorf("trailers did not come through: %q", resp.Trailer)
				}
			})
		}
	}
}

func TestHTTP2ManyStreams(t *testing.T) {
	f := newHTTP2Front(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(bytes.Repeat(body, 10))
	}, nil)
	c := f.http2Client(8080)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			for j := range 5 {
				body := strings.Repeat(fmt.Sprintf("%d-%d ", i, j), 1+i*j*10)
				resp, err := c.Do(request2(t, "POST", "/", strings.NewReader(body)))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(got) != strings.Repeat(body, 10) {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, 10*len(body))
				}
			}
		})
	}
	wg.Wait()
}
