package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// drain reads frames until the connection ends, and returns the last GOAWAY. It may run beside a writer.
func (fr *framer) drain() *xhttp2.GoAwayFrame {
	var last *xhttp2.GoAwayFrame
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return last
		}
		if g, ok := f.(*xhttp2.GoAwayFrame); ok {
			last = g
		}
	}
}

// A client that resets its requests as fast as it sends them (CVE-2023-44487) loses its connection, and costs members next to
// nothing: what is given up before it is sent is not sent.
func TestRapidReset(t *testing.T) {
	f := newFront(t, 1, nil)
	fr := newFramer(t, f.dial(8080))
	end := make(chan *xhttp2.GoAwayFrame, 1)
	go func() { end <- fr.drain() }()
	sent := uint32(0)
	for ; sent < 5000; sent++ {
		id := 2*sent + 1
		if fr.tryGet(id) != nil || fr.WriteRSTStream(id, xhttp2.ErrCodeCancel) != nil {
			break
		}
	}
	if g := <-end; g == nil || g.ErrCode != xhttp2.ErrCodeEnhanceYourCalm {
		t.Errorf("connection ends with %v after %d resets, want ENHANCE_YOUR_CALM", g, sent)
	}
	testenv.Eventually(t, limit, func() error {
		if n := f.engine.Stats()[f.listener].Active; n != 0 {
			return fmt.Errorf("%d connections are left", n)
		}
		return nil
	})
	// The connection was over after 500; of those few were ahead of their reset.
	if n := len(f.origins[0].conns); n > 50 {
		t.Errorf("%d connections to the member", n)
	}
	if n := f.engine.Stats()[f.listener].Errors; n != 0 {
		t.Errorf("%d errors, want requests that were given up to be none", n)
	}
}

// tryGet is get of a connection that may be gone.
func (fr *framer) tryGet(id uint32) error {
	fr.block.Reset()
	for _, h := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "a"}} {
		_ = fr.enc.WriteField(h)
	}
	return fr.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: fr.block.Bytes(), EndHeaders: true, EndStream: true})
}

// deaf is an address at which nobody answers an attempt to connect: its queue is full.
func deaf(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback().As4()}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in4 := name.(*syscall.SockaddrInet4)
	addr := netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
	fillQueue(t, addr)
	return addr
}

// fillQueue connects until nobody answers any more.
func fillQueue(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	for {
		c, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
}

// Whoever gives a request up ends the attempt to connect for it, and is no error.
func TestResetEndsDial(t *testing.T) {
	f := newFront(t, 0, func(s *lb.ListenerSpec) { s.TimeoutMemberConnect = lb.Some(time.Minute) })
	f.rig.member(f.pool, deaf(t))
	fr := newFramer(t, f.dial(8080))
	fr.get(1)
	fr.get(3)
	requests := func(want uint64) {
		t.Helper()
		testenv.Eventually(t, limit, func() error {
			if s := f.engine.Stats()[f.listener]; s.Requests != want || s.Errors != 0 {
				return fmt.Errorf("%d requests have ended with %d errors, want %d with none", s.Requests, s.Errors, want)
			}
			return nil
		})
	}
	for i, id := range []uint32{1, 3} {
		if err := fr.WriteRSTStream(id, xhttp2.ErrCodeCancel); err != nil {
			t.Fatal(err)
		}
		requests(uint64(i + 1))
	}
}

// A client that goes away within a response is no error, and the member is given up.
func TestResetWithinResponse(t *testing.T) {
	f := newFront(t, 1, nil)
	fr := newFramer(t, f.dial(8080))
	fr.get(1)
	m := f.member(0)
	m.head()
	m.send("HTTP/1.1 200 OK\nContent-Length: 100\n\nhello")
	fr.wantStatus(1, "200")
	fr.wantData(1, "hello", false)
	if err := fr.WriteRSTStream(1, xhttp2.ErrCodeCancel); err != nil {
		t.Fatal(err)
	}
	m.wantAbort()
	testenv.Eventually(t, limit, func() error {
		if s := f.engine.Stats()[f.listener]; s.Requests != 1 {
			return errors.New("the request has not ended")
		}
		return nil
	})
	if n := f.engine.Stats()[f.listener].Errors; n != 0 {
		t.Errorf("%d errors, want none", n)
	}
}

// What requests may run beyond the first of each connection is bounded; the first always may.
func TestExtraStreams(t *testing.T) {
	f := newFrontWith(t, Config{ExtraStreams: 2}, 1, nil)
	a, b := newFramer(t, f.dial(8080)), newFramer(t, f.dial(8080))
	for _, id := range []uint32{1, 3, 5} {
		a.get(id)
		f.member(0).head()
	}
	a.get(7)
	a.wantReset(7, xhttp2.ErrCodeRefusedStream)
	b.get(1) // has room of its own
	m := f.member(0)
	m.head()
	b.get(3)
	b.wantReset(3, xhttp2.ErrCodeRefusedStream)
	if err := a.WriteRSTStream(3, xhttp2.ErrCodeCancel); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, limit, func() error {
		if n := f.engine.extra.Load(); n != 1 {
			return fmt.Errorf("%d are taken", n)
		}
		return nil
	})
	b.get(5)
	f.member(0).head()
	for _, fr := range []*framer{a, b} {
		_ = fr.c.Close()
		_, _ = io.Copy(io.Discard, fr.c)
	}
	testenv.Eventually(t, limit, func() error {
		if n := f.engine.extra.Load(); n != 0 {
			return fmt.Errorf("%d are still taken", n)
		}
		return nil
	})
}
