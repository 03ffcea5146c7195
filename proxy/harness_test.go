package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// limit is how long a test waits for what should be there at once.
const limit = 5 * time.Second

var lastHost atomic.Uint32

// loopback returns an address that no other test, of this process or another,
// listens on, so that tests can use fixed ports.
func loopback() netip.Addr {
	n := lastHost.Add(1)
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(64 + pid>>7&63), byte(pid<<1 | int(n>>8)&1), byte(n)})
}

// rig is an engine that runs, and the configuration that it serves.
type rig struct {
	t      testing.TB
	engine *Engine
	addr   netip.Addr // where listeners listen
	cfg    *lb.Config
	ids    int
	rev    uint64
	subnet lb.SubnetID
	lb     lb.LoadBalancerID
	stop   func()
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	testenv.NoLeaks(t)
	r := &rig{t: t, addr: loopback(), cfg: new(lb.Config)}
	cfg.Bind = r.addr
	if cfg.RetryPause == 0 {
		cfg.RetryPause = time.Millisecond
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.engine = e
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(limit):
			t.Errorf("run does not return")
		}
	}
	t.Cleanup(func() { r.stop() })
	r.subnet = lb.SubnetID(r.do(lb.CreateSubnet{Spec: lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("public")},
		CIDR:     lb.Some(netip.MustParsePrefix("203.0.113.0/24")),
	}}))
	r.lb = lb.LoadBalancerID(r.do(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{VIPSubnetID: lb.Some(r.subnet)}}))
	return r
}

// change changes the configuration and returns the id of the resource, before
// the engine has taken it up.
func (r *rig) change(op lb.Op) string {
	r.t.Helper()
	r.ids++
	r.rev++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", r.ids)
	next, res, _, err := lb.Apply(r.cfg, lb.Command{
		Stamp:    lb.Stamp{At: time.Unix(1700000000, 0).UTC(), ID: id},
		Revision: r.rev,
		Op:       op,
	})
	if err != nil {
		r.t.Fatalf("apply %T: %v", op, err)
	}
	r.cfg = next
	r.engine.Apply(next)
	return res.ID
}

// do is change that waits until the engine serves it.
func (r *rig) do(op lb.Op) string {
	r.t.Helper()
	id := r.change(op)
	testenv.Eventually(r.t, limit, func() error {
		if got := r.engine.View().Revision; got != r.rev {
			return fmt.Errorf("engine serves revision %d, want %d", got, r.rev)
		}
		return nil
	})
	return id
}

// serve makes a listener on port with a pool of members, all of protocol.
func (r *rig) serve(protocol lb.Protocol, port int, edit func(*lb.ListenerSpec), members ...netip.AddrPort) (lb.ListenerID, lb.PoolID, []lb.MemberID) {
	r.t.Helper()
	pool := lb.PoolID(r.do(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(r.lb), Protocol: lb.Some(protocol), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	var ids []lb.MemberID
	for _, m := range members {
		ids = append(ids, r.member(pool, m))
	}
	spec := lb.ListenerSpec{
		LoadBalancerID: lb.Some(r.lb), Protocol: lb.Some(protocol), ProtocolPort: lb.Some(port), DefaultPoolID: lb.Some(pool),
	}
	if edit != nil {
		edit(&spec)
	}
	return lb.ListenerID(r.do(lb.CreateListener{Spec: spec})), pool, ids
}

func (r *rig) member(pool lb.PoolID, addr netip.AddrPort) lb.MemberID {
	r.t.Helper()
	return lb.MemberID(r.do(lb.CreateMember{Spec: lb.MemberSpec{
		PoolID: lb.Some(pool), Address: lb.Some(addr.Addr()), ProtocolPort: lb.Some(int(addr.Port())),
	}}))
}

// dial connects to a listener of the rig. The connection is closed at the end.
func (r *rig) dial(port int) *net.TCPConn {
	r.t.Helper()
	c, err := net.Dial("tcp", netip.AddrPortFrom(r.addr, uint16(port)).String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(limit))
	return c.(*net.TCPConn)
}

// origin is a member under the test's control.
type origin struct {
	t     testing.TB
	ln    *net.TCPListener
	addr  netip.AddrPort
	conns chan *net.TCPConn // accepted
}

// newOrigin listens and hands over every connection.
func newOrigin(t testing.TB) *origin {
	t.Helper()
	ln, err := net.Listen("tcp", netip.AddrPortFrom(loopback(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{t: t, ln: ln.(*net.TCPListener), addr: ln.Addr().(*net.TCPAddr).AddrPort(), conns: make(chan *net.TCPConn, 1024)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := o.ln.AcceptTCP()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(2 * limit))
			o.conns <- c
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
		close(o.conns)
		for c := range o.conns {
			_ = c.Close()
		}
	})
	return o
}

// accept returns the next connection. It is closed at the end.
func (o *origin) accept() *net.TCPConn {
	o.t.Helper()
	select {
	case c := <-o.conns:
		o.t.Cleanup(func() { c.Close() })
		return c
	case <-time.After(limit):
		o.t.Fatalf("no connection reached the member")
		return nil
	}
}

// refused returns an address where nothing listens.
func refused() netip.AddrPort { return netip.AddrPortFrom(loopback(), 9) }

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(b)
}

func readN(t testing.TB, r io.Reader, n int) string {
	t.Helper()
	b := make([]byte, n)
	if n, err := io.ReadFull(r, b); err != nil {
		t.Fatalf("read %d bytes, got %q: %v", len(b), b[:n], err)
	}
	return string(b)
}

func write(t testing.TB, w io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// wantReset reads until the error and requires it to be a reset.
func wantReset(t testing.TB, c net.Conn) {
	t.Helper()
	b, err := io.ReadAll(c)
	if err == nil {
		t.Fatalf("connection ended cleanly after %q, want a reset", b)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("connection hangs, want a reset")
	}
}

// hello is what get expects.
func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// newWebServer is a member that is a real web server.
func newWebServer(t testing.TB, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", netip.AddrPortFrom(loopback(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}
