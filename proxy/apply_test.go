package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// exchange sends a request on c and answers it on m.
func (f *front) exchange(c, m *peer) {
	f.t.Helper()
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET / HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
}

// open sends a first request on a new client connection and answers it on the
// member connection that it opens.
func (f *front) open(i int) (c, m *peer) {
	f.t.Helper()
	c = f.client()
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m = f.member(i)
	m.wantHead("GET / HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	return c, m
}

// wantRefused requires that nothing listens, or soon does no more: the goroutine that
// accepts closes its socket when it has taken what was in the queue.
func (f *front) wantRefused() {
	f.t.Helper()
	testenv.Eventually(f.t, limit, func() error {
		if c, err := net.Dial("tcp", netip.AddrPortFrom(f.addr, 8080).String()); err == nil {
			return errors.Join(errors.New("the port is served"), c.Close())
		}
		return nil
	})
}

// A listener that is replaced by another one of the same port, in one step, keeps
// the socket; its connections do not become those of the other.
func TestReplacedListener(t *testing.T) {
	f := newFront(t, 1, nil)
	c, m := f.open(0)
	c2 := f.client()
	f.exchange(c2, m)
	f.change(lb.DeleteListener{ID: f.listener})
	pool := lb.PoolID(f.change(lb.CreatePool{Spec: lb.PoolSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTCP), Algorithm: lb.Some(lb.RoundRobin),
	}}))
	f.do(lb.CreateListener{Spec: lb.ListenerSpec{
		LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTCP), ProtocolPort: lb.Some(8080), DefaultPoolID: lb.Some(pool),
	}})
	for _, c := range []*peer{c, c2} {
		c.send("GET /last HTTP/1.1\nHost: a\n\n")
		m.wantHead("GET /last HTTP/1.1")
		m.send("HTTP/1.1 204 No Content\n\n")
		c.wantHead("HTTP/1.1 204 No Content", "Connection: close")
		c.wantEnd()
	}
	readAll(t, f.dial(8080)) // TCP without a member
}

func TestChangesCloseNothingTheyDoNotConcern(t *testing.T) {
	f := newFront(t, 1, nil)
	c, m := f.open(0)
	for _, op := range []lb.Op{
		lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{TimeoutClientData: lb.Some(time.Minute)}},
		lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{ConnectionLimit: lb.Some(7)}},
		lb.UpdateMember{ID: f.ids[0], Spec: lb.MemberSpec{Weight: lb.Some(7)}},
		lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{Algorithm: lb.Some(lb.LeastConnections)}},
		lb.UpdateLoadBalancer{ID: f.lb, Spec: lb.LoadBalancerSpec{MetaSpec: lb.MetaSpec{Name: lb.Some("new name")}}},
		lb.CreateMember{Spec: lb.MemberSpec{
			PoolID: lb.Some(f.pool), Address: lb.Some(refused().Addr()), ProtocolPort: lb.Some(9), Weight: lb.Some(0),
		}},
		lb.CreateListener{Spec: lb.ListenerSpec{
			LoadBalancerID: lb.Some(f.lb), Protocol: lb.Some(lb.ProtocolTCP), ProtocolPort: lb.Some(9999),
		}},
	} {
		f.do(op)
		f.exchange(c, m)
	}
}

// Requests run while the configuration changes as fast as it can.
func TestNoRequestIsLostUnderChanges(t *testing.T) {
	f := newFront(t, 0, nil)
	var ids []lb.MemberID
	for range 3 {
		ids = append(ids, f.rig.member(f.pool, newWebServer(t, hello)))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				c, err := net.Dial("tcp", netip.AddrPortFrom(f.addr, 8080).String())
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				p := newPeer(t, c.(*net.TCPConn))
				_ = p.SetDeadline(time.Now().Add(limit))
				for range 20 {
					if err := p.get(); err != nil {
						t.Errorf("request: %v", err)
						_ = c.Close()
						return
					}
				}
				_ = c.Close()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 60 {
		switch i % 4 {
		case 0:
			f.do(lb.UpdateMember{ID: ids[0], Spec: lb.MemberSpec{Weight: lb.Some(i % 3)}})
		case 1:
			f.do(lb.DeleteMember{ID: ids[1]})
			ids[1] = f.rig.member(f.pool, newWebServer(t, hello))
		case 2:
			f.do(lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{ConnectionLimit: lb.Some(100 + i)}})
		case 3:
			f.do(lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{Algorithm: lb.Some([]lb.Algorithm{lb.RoundRobin, lb.SourceIP, lb.LeastConnections}[i%3])}})
		}
	}
	close(stop)
	wg.Wait()
}

func TestListenerRemovalDrains(t *testing.T) {
	f := newFront(t, 1, nil)
	c, m := f.open(0)
	busy := f.client()
	busy.send("GET /slow HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /slow HTTP/1.1")
	f.do(lb.DeleteListener{ID: f.listener})
	f.wantRefused()
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	busy.wantHead("HTTP/1.1 200 OK", "Connection: close")
	busy.wantBody("ok")
	busy.wantEnd()

	c.send("GET /last HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /last HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content", "Connection: close")
	c.wantEnd()
}

func TestAdminStateDownDoesNotListen(t *testing.T) {
	f := newFront(t, 1, nil)
	down, up := lb.MetaSpec{AdminStateUp: lb.Some(false)}, lb.MetaSpec{AdminStateUp: lb.Some(true)}
	for _, ops := range [][2]lb.Op{
		{lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{MetaSpec: down}}, lb.UpdateListener{ID: f.listener, Spec: lb.ListenerSpec{MetaSpec: up}}},
		{lb.UpdateLoadBalancer{ID: f.lb, Spec: lb.LoadBalancerSpec{MetaSpec: down}}, lb.UpdateLoadBalancer{ID: f.lb, Spec: lb.LoadBalancerSpec{MetaSpec: up}}},
	} {
		f.do(ops[0])
		f.wantRefused()
		f.do(ops[1])
		f.client()
	}
}

func TestPoolOrMemberDown(t *testing.T) {
	f := newFront(t, 1, nil)
	down, up := lb.MetaSpec{AdminStateUp: lb.Some(false)}, lb.MetaSpec{AdminStateUp: lb.Some(true)}
	c, m := f.open(0)
	for _, ops := range [][2]lb.Op{
		{lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{MetaSpec: down}}, lb.UpdatePool{ID: f.pool, Spec: lb.PoolSpec{MetaSpec: up}}},
		{lb.UpdateMember{ID: f.ids[0], Spec: lb.MemberSpec{MetaSpec: down}}, lb.UpdateMember{ID: f.ids[0], Spec: lb.MemberSpec{MetaSpec: up}}},
	} {
		f.do(ops[0])
		c.send("HEAD / HTTP/1.1\nHost: a\n\n")
		c.wantHead("HTTP/1.1 503 Service Unavailable")
		f.do(ops[1])
		f.exchange(c, m)
	}
}

func TestWeightZeroDrains(t *testing.T) {
	f := newFront(t, 2, nil)
	c0 := f.client()
	c0.send("GET / HTTP/1.1\nHost: a\n\n")
	var m *peer
	var i int
	select { // whichever is first in the rotation
	case conn := <-f.origins[0].conns:
		m, i = newPeer(t, conn), 0
	case conn := <-f.origins[1].conns:
		m, i = newPeer(t, conn), 1
	}
	t.Cleanup(func() { m.Close() })
	m.wantHead("GET / HTTP/1.1")
	f.do(lb.UpdateMember{ID: f.ids[i], Spec: lb.MemberSpec{Weight: lb.Some(0)}})
	m.send("HTTP/1.1 204 No Content\n\n") // what was under way finishes
	c0.wantHead("HTTP/1.1 204 No Content")
	c1, m1 := f.open(1 - i)
	for range 4 {
		f.exchange(c1, m1)
		f.exchange(c0, m1)
	}
}

func TestRemovedMember(t *testing.T) {
	f := newFront(t, 1, nil)
	idle, mIdle := f.open(0)
	c := f.client()
	busy := f.client()
	busy.send("GET /1 HTTP/1.1\nHost: a\n\n")
	mIdle.wantHead("GET /1 HTTP/1.1")
	c.send("GET /2 HTTP/1.1\nHost: a\n\n")
	m2 := f.member(0)
	m2.wantHead("GET /2 HTTP/1.1")
	m2.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content")
	f.do(lb.DeleteMember{ID: f.ids[0]})
	m2.wantEnd() // was idle
	mIdle.send("HTTP/1.1 204 No Content\n\n")
	busy.wantHead("HTTP/1.1 204 No Content")
	mIdle.wantEnd() // and is not kept
	idle.send("HEAD / HTTP/1.1\nHost: a\n\n")
	idle.wantHead("HTTP/1.1 503 Service Unavailable")
}

func TestBackupMembers(t *testing.T) {
	f := newFront(t, 2, nil)
	f.do(lb.UpdateMember{ID: f.ids[1], Spec: lb.MemberSpec{Backup: lb.Some(true)}})
	c, m0 := f.open(0)
	for range 3 {
		f.exchange(c, m0)
	}
	f.do(lb.UpdateMember{ID: f.ids[0], Spec: lb.MemberSpec{MetaSpec: lb.MetaSpec{AdminStateUp: lb.Some(false)}}})
	_, m1 := f.open(1)
	f.exchange(c, m1)
}

func TestBindConflictIsReportedAndRecovered(t *testing.T) {
	r := newRig(t, Config{})
	at := netip.AddrPortFrom(r.addr, 8080)
	taken, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	id, _, _ := r.serve(lb.ProtocolTCP, 8080, nil)
	reason := r.engine.View().Errors[string(id)]
	for _, want := range []string{at.String(), "address already in use", "another process"} {
		if !strings.Contains(reason, want) {
			t.Fatalf("reason is %q, want %q in it", reason, want)
		}
	}
	<-r.engine.Changes()
	_ = taken.Close()
	testenv.Eventually(t, limit, func() error {
		if reason := r.engine.View().Errors[string(id)]; reason != "" {
			return errors.New(reason)
		}
		return nil
	})
	readAll(t, r.dial(8080))
}

// With a bind address, two load balancers can want the same port.
func TestListenersOfOneAddress(t *testing.T) {
	f := newFront(t, 1, nil)
	second := lb.LoadBalancerID(f.do(lb.CreateLoadBalancer{Spec: lb.LoadBalancerSpec{VIPSubnetID: lb.Some(f.subnet)}}))
	other := f.do(lb.CreateListener{Spec: lb.ListenerSpec{
		LoadBalancerID: lb.Some(second), Protocol: lb.Some(lb.ProtocolTCP), ProtocolPort: lb.Some(8080),
	}})
	if reason := f.engine.View().Errors[other]; !strings.Contains(reason, string(f.listener)) {
		t.Fatalf("reason is %q, want the other listener in it", reason)
	}
	f.do(lb.DeleteListener{ID: f.listener})
	if reason := f.engine.View().Errors[other]; reason != "" {
		t.Fatalf("reason is %q, want none", reason)
	}
	readAll(t, f.dial(8080)) // TCP without a pool
}

func TestDrain(t *testing.T) {
	f := newFront(t, 1, nil)
	idle, m := f.open(0)
	busy := f.client()
	busy.send("GET / HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET / HTTP/1.1")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.engine.Drain(ctx) }()
	idle.wantEnd()
	m.send("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	busy.wantHead("HTTP/1.1 200 OK", "Connection: close")
	busy.wantBody("ok")
	_ = busy.Close()
	if err := <-done; err != nil {
		t.Errorf("drain: %v", err)
	}
	f.wantRefused()
}

func TestDrainGivesUp(t *testing.T) {
	r, client, member := pair(t, nil)
	write(t, client, "x")
	readN(t, member, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.engine.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	r.stop()
	wantReset(t, client)
}

func TestUnhealthyMemberIsNotUsed(t *testing.T) {
	f := newFront(t, 0, nil)
	gone := f.rig.member(f.pool, refused())
	up := f.rig.member(f.pool, newWebServer(t, hello))
	monitor := lb.HealthMonitorID(f.do(lb.CreateHealthMonitor{Spec: lb.HealthMonitorSpec{
		PoolID: lb.Some(f.pool), Type: lb.Some(lb.MonitorTCP), Delay: lb.Some(time.Second), Timeout: lb.Some(time.Second),
		MaxRetries: lb.Some(1),
	}}))
	testenv.Eventually(t, limit, func() error {
		v := f.engine.View()
		if v.Members[gone] != lb.Failed || v.Members[up] != lb.Online {
			return fmt.Errorf("members are %v", v.Members)
		}
		return nil
	})
	f.do(lb.UpdateMember{ID: up, Spec: lb.MemberSpec{Weight: lb.Some(0)}})
	c := f.client()
	c.send("HEAD / HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 503 Service Unavailable")
	f.do(lb.DeleteHealthMonitor{ID: monitor})
	if v := f.engine.View(); len(v.Members) != 0 {
		t.Errorf("members are %v, want none that is checked", v.Members)
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := New(Config{HeadTimeout: -1, MaxRequests: -1})
	for _, want := range []string{"HeadTimeout", "MaxRequests"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}
