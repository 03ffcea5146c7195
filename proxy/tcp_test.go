package proxy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// pair connects a client through the engine to a member.
func pair(t *testing.T, edit func(*lb.ListenerSpec)) (r *rig, client, member *net.TCPConn) {
	t.Helper()
	r = newRig(t, Config{})
	o := newOrigin(t)
	r.serve(lb.ProtocolTCP, 10000, edit, o.addr)
	return r, r.dial(10000), o.accept()
}

func TestTCPHalfClose(t *testing.T) {
	t.Run("client first", func(t *testing.T) {
		_, client, member := pair(t, nil)
		write(t, client, "question")
		_ = client.CloseWrite()
		if got := readAll(t, member); got != "question" {
			t.Fatalf("member got %q", got)
		}
		write(t, member, "answer after the client's end")
		_ = member.CloseWrite()
		if got := readAll(t, client); got != "answer after the client's end" {
			t.Fatalf("client got %q", got)
		}
	})
	t.Run("member first", func(t *testing.T) {
		_, client, member := pair(t, nil)
		write(t, member, "greeting")
		_ = member.CloseWrite()
		if got := readAll(t, client); got != "greeting" {
			t.Fatalf("client got %q", got)
		}
		write(t, client, "reply after the member's end")
		_ = client.CloseWrite()
		if got := readAll(t, member); got != "reply after the member's end" {
			t.Fatalf("member got %q", got)
		}
	})
}

func TestTCPResetIsPassedOn(t *testing.T) {
	for _, from := range []string{"client", "member"} {
		t.Run(from, func(t *testing.T) {
			_, client, member := pair(t, nil)
			write(t, client, "x")
			readN(t, member, 1)
			a, b := client, member
			if from == "member" {
				a, b = member, client
			}
			_ = a.SetLinger(0)
			_ = a.Close()
			wantReset(t, b)
		})
	}
}

func TestTCPTransferIsIntact(t *testing.T) {
	const size = 32 << 20
	_, client, member := pair(t, nil)
	for _, c := range []*net.TCPConn{client, member} {
		_ = c.SetDeadline(time.Now().Add(4 * limit))
	}
	var wg sync.WaitGroup
	sums := make([][2][32]byte, 2)
	send := func(way int, c *net.TCPConn, seed uint64) {
		src := rand.NewChaCha8([32]byte{byte(seed)})
		sizes := rand.New(rand.NewPCG(seed, 1))
		h := sha256.New()
		buf := make([]byte, 1<<20)
		for sent := 0; sent < size; {
			n := min(size-sent, 1+sizes.IntN(1<<uint(1+sizes.IntN(20))))
			_, _ = src.Read(buf[:n])
			h.Write(buf[:n])
			if _, err := c.Write(buf[:n]); err != nil {
				t.Errorf("send: %v", err)
				return
			}
			sent += n
		}
		_ = c.CloseWrite()
		h.Sum(sums[way][0][:0])
	}
	receive := func(way int, c *net.TCPConn) {
		h := sha256.New()
		n, err := io.Copy(h, c)
		if err != nil || n != size {
			t.Errorf("received %d of %d bytes: %v", n, size, err)
		}
		h.Sum(sums[way][1][:0])
	}
	wg.Go(func() { send(0, client, 1) })
	wg.Go(func() { receive(0, member) })
	wg.Go(func() { send(1, member, 2) })
	wg.Go(func() { receive(1, client) })
	wg.Wait()
	for way, s := range sums {
		if !bytes.Equal(s[0][:], s[1][:]) {
			t.Errorf("way %d: bytes differ", way)
		}
	}
}

func TestTCPWithoutMember(t *testing.T) {
	t.Run("pool is empty", func(t *testing.T) {
		r := newRig(t, Config{})
		r.serve(lb.ProtocolTCP, 10000, nil)
		if got := readAll(t, r.dial(10000)); got != "" {
			t.Fatalf("got %q", got)
		}
	})
	t.Run("all refuse", func(t *testing.T) {
		r := newRig(t, Config{})
		r.serve(lb.ProtocolTCP, 10000, nil, refused(), refused())
		if got := readAll(t, r.dial(10000)); got != "" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestTCPGoesToAnotherMemberWhenOneRefuses(t *testing.T) {
	r := newRig(t, Config{})
	o := newOrigin(t)
	r.serve(lb.ProtocolTCP, 10000, nil, refused(), o.addr, refused())
	for range 6 {
		client := r.dial(10000)
		member := o.accept()
		write(t, client, "x")
		readN(t, member, 1)
	}
}

func TestTCPIdleConnectionIsClosed(t *testing.T) {
	for _, side := range []string{"client", "member"} {
		t.Run(side, func(t *testing.T) {
			_, client, member := pair(t, func(s *lb.ListenerSpec) {
				if side == "client" {
					s.TimeoutClientData = lb.Some(50 * time.Millisecond)
				} else {
					s.TimeoutMemberData = lb.Some(50 * time.Millisecond)
				}
			})
			readAll(t, client)
			readAll(t, member)
		})
	}
	t.Run("nothing ever sent", func(t *testing.T) {
		_, client, _ := pair(t, func(s *lb.ListenerSpec) { s.TimeoutTCPInspect = lb.Some(50 * time.Millisecond) })
		readAll(t, client)
	})
}

// A download keeps the connection of a client that says nothing.
func TestTCPActivityCountsForBothSides(t *testing.T) {
	_, client, member := pair(t, func(s *lb.ListenerSpec) { s.TimeoutClientData = lb.Some(200 * time.Millisecond) })
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 10 {
		<-tick.C
		write(t, member, "x")
		readN(t, client, 1)
	}
}

func TestConnectionLimit(t *testing.T) {
	r := newRig(t, Config{})
	o := newOrigin(t)
	id, _, _ := r.serve(lb.ProtocolTCP, 10000, func(s *lb.ListenerSpec) { s.ConnectionLimit = lb.Some(2) }, o.addr)
	c1, m1 := r.dial(10000), o.accept()
	_, _ = r.dial(10000), o.accept()
	r.dial(10000) // waits in the kernel's queue
	if s := r.engine.Stats()[id]; s.Active != 2 || len(o.conns) != 0 {
		t.Fatalf("%d connections are served, want 2", s.Active)
	}
	full := func(want bool) {
		t.Helper()
		testenv.Eventually(t, limit, func() error {
			if got := r.engine.View().Full[id]; got != want {
				return fmt.Errorf("the listener is full: %v, want %v", got, want)
			}
			return nil
		})
	}
	full(true)
	_ = c1.Close()
	_ = m1.Close()
	o.accept() // the third
	r.dial(10000)
	if len(o.conns) != 0 {
		t.Fatal("a connection beyond the limit is served")
	}
	r.do(lb.UpdateListener{ID: id, Spec: lb.ListenerSpec{ConnectionLimit: lb.Some(3)}})
	o.accept() // the fourth
	r.do(lb.UpdateListener{ID: id, Spec: lb.ListenerSpec{ConnectionLimit: lb.Some(4)}})
	full(false)
}

func TestAllowedCIDRs(t *testing.T) {
	r := newRig(t, Config{})
	o := newOrigin(t)
	id, _, _ := r.serve(lb.ProtocolTCP, 10000, func(s *lb.ListenerSpec) {
		s.AllowedCIDRs = lb.Some([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")})
	}, o.addr)
	c, err := net.Dial("tcp", netip.AddrPortFrom(r.addr, 10000).String())
	if err == nil { // the reset may come before Dial returns
		defer c.Close()
		wantReset(t, c)
	}
	if s := r.engine.Stats()[id]; s.Refused != 1 || s.Total != 0 {
		t.Errorf("stats: %+v", s)
	}
	r.do(lb.UpdateListener{ID: id, Spec: lb.ListenerSpec{AllowedCIDRs: lb.Some([]netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("127.0.0.0/8"),
	})}})
	r.dial(10000)
	o.accept()
}

func TestRunCutsWhatIsLeft(t *testing.T) {
	r, client, member := pair(t, nil)
	write(t, client, "x")
	readN(t, member, 1)
	r.stop()
	wantReset(t, client)
	wantReset(t, member)
}
