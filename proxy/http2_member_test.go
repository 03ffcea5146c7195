package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/amphora-lb/amphora/lb"
)

// newGRPCServer is a member that echoes every message of every method, and ends with a
// trailer and the status that the last message asks for.
func newGRPCServer(t testing.TB, cert tls.Certificate) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", netip.AddrPortFrom(loopback(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&cert)), grpc.UnknownServiceHandler(echo))
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { srv.Stop(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func echo(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	if strings.HasSuffix(method, "/Refuse") { // a response of trailers only
		return status.Error(codes.FailedPrecondition, "not now, 100 %")
	}
	s.SetTrailer(metadata.Pairs("x-sum", "done", "x-sum-bin", "\x00\xff"))
	for {
		var m wrapperspb.StringValue
		err := s.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Value == "fail" {
			return status.Error(codes.NotFound, "no such thing")
		}
		if err := s.SendMsg(&m); err != nil {
			return err
		}
	}
}

// newGRPCFront is a listener that terminates TLS, a pool that speaks it again, and a member
// that speaks gRPC, with a client of that.
func newGRPCFront(t *testing.T) *grpc.ClientConn {
	t.Helper()
	f := newTLSFront(t, Config{}, 0, nil)
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{TLSEnabled: lb.Some(true), TLSParamsSpec: lb.TLSParamsSpec{ALPN: lb.Some([]string{"h2"})}}})
	f.rig.member(f.pool, newGRPCServer(t, f.ca.Issue(nil, "member.example.com")))
	conn, err := grpc.NewClient(fmt.Sprintf("passthrough:///%v:%d", f.addr, tlsPort), grpc.WithTransportCredentials(credentials.NewTLS(f.config())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestGRPCUnary(t *testing.T) {
	conn := newGRPCFront(t)
	for _, size := range []int{0, 10, 3 << 20} {
		in, out := wrapperspb.String(strings.Repeat("x", size)), new(wrapperspb.StringValue)
		var trailer metadata.MD
		if err := conn.Invoke(t.Context(), "/echo.Echo/One", in, out, grpc.Trailer(&trailer)); err != nil {
			t.Fatal(err)
		}
		if out.Value != in.Value || trailer.Get("x-sum")[0] != "done" || trailer.Get("x-sum-bin")[0] != "\x00\xff" {
			t.Errorf("got %d bytes and %v, want %d and the trailer", len(out.Value), trailer, size)
		}
	}
	for method, in := range map[string]string{"One": "fail", "Refuse": "x"} {
		err := conn.Invoke(t.Context(), "/echo.Echo/"+method, wrapperspb.String(in), new(wrapperspb.StringValue))
		want := map[string]string{"One": "no such thing", "Refuse": "not now, 100 %"}[method]
		if s := status.Convert(err); s.Message() != want {
			t.Errorf("%s: got %v, want %q", method, err, want)
		}
	}
}

// Messages go both ways as they are sent, on many streams at once.
func TestGRPCBidirectional(t *testing.T) {
	conn := newGRPCFront(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/echo.Echo/Chat")
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 20 {
				want := fmt.Sprintf("%d of %d", j, i)
				var got wrapperspb.StringValue
				if err := errors.Join(s.SendMsg(wrapperspb.String(want)), s.RecvMsg(&got)); err != nil || got.Value != want {
					t.Errorf("got %q, %v, want %q", got.Value, err, want)
					return
				}
			}
			if err := s.CloseSend(); err != nil {
				t.Error(err)
			}
			if err := s.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) || len(s.Trailer().Get("x-sum")) != 1 {
				t.Errorf("stream ends with %v and %v", err, s.Trailer())
			}
		})
	}
	wg.Wait()
}

// A call that the client gives up ends at the member too.
func TestGRPCCancel(t *testing.T) {
	conn := newGRPCFront(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/echo.Echo/Chat")
	if err != nil {
		t.Fatal(err)
	}
	var got wrapperspb.StringValue
	if err := errors.Join(s.SendMsg(wrapperspb.String("a")), s.RecvMsg(&got)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.RecvMsg(&got); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want it cancelled", err)
	}
	if err := conn.Invoke(t.Context(), "/echo.Echo/One", wrapperspb.String("b"), &got); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A WebSocket reaches members that prefer HTTP/2 nevertheless, by HTTP/1.1.
func TestUpgradeToHTTP2Member(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, nil)
	f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{TLSEnabled: lb.Some(true)}})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, r.Proto)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		_, _ = io.Copy(c, rw)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f.rig.member(f.pool, srv.Listener.Addr().(*net.TCPAddr).AddrPort())
	c := f.secure(f.config())
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 200 ")
	c.wantBody("HTTP/2.0")
	c.send("GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: chat\n\n")
	c.wantHead("HTTP/1.1 101 Switching Protocols")
	c.send("hello")
	c.wantBody("hello")
}
