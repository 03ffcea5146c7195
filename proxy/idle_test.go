package proxy

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// held is an error if a session holds memory that it does not need while it waits.
func held(e *Engine) error {
	e.sessions.mu.Lock()
	defer e.sessions.mu.Unlock()
	for x := range e.sessions.set {
		for _, s := range []*sock{x.client, x.member.Load()} {
			if s == nil {
				continue
			}
			if s.in.buf != nil || s.in.pipe != nil {
				return errors.New("a connection that waits holds a buffer or a pipe")
			}
		}
	}
	return nil
}

func TestWaitingConnectionHoldsNoMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIPPED: it looks at memory that belongs to another goroutine")
	}
	t.Run("HTTP", func(t *testing.T) {
		f := newFront(t, 1, nil)
		f.open(0)
		testenv.Eventually(t, limit, func() error { return held(f.engine) })
	})
	t.Run("TCP", func(t *testing.T) {
		r, client, member := pair(t, nil)
		go func() {
			_, _ = client.Write(make([]byte, 4<<20))
		}()
		readN(t, member, 4<<20)
		testenv.Eventually(t, limit, func() error { return held(r.engine) })
	})
}

// Both amphorae listen on a VIP that at most one of them has.
func TestListenOnAddressOfAnotherHost(t *testing.T) {
	for _, addr := range []string{"198.51.100.7:8080", "[2001:db8::7]:8080"} {
		ln, err := listen(t.Context(), netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
	}
}

func TestIdlePool(t *testing.T) {
	o := newOrigin(t)
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	e.ctx = t.Context()
	m := &member{addr: o.addr, idle: idlePool{max: 2}}
	dial := func() *sock {
		s, err := e.dial(e.ctx, m, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.close)
		return s
	}
	open := func(s *sock) bool { return s.SetDeadline(time.Time{}) == nil }
	a, b, c := dial(), dial(), dial()
	m.idle.put(a, 10)
	m.idle.put(b, 20)
	m.idle.put(c, 30) // one too many
	if open(c) {
		t.Error("a connection beyond the bound is kept")
	}
	if got := m.idle.get(0, route{}); got != b {
		t.Error("get: want the newest")
	}
	m.idle.put(b, 40)
	m.idle.expire(20)
	if open(a) || !open(b) {
		t.Error("expire: want the old one closed, the new one not")
	}
	if got := m.idle.get(41, route{}); got != nil || open(b) {
		t.Error("get: want the stale one closed")
	}
	m.idle.put(dial(), 50)
	d := dial()
	m.remove()
	m.idle.put(d, 60)
	if open(d) || m.idle.get(0, route{}) != nil {
		t.Error("a removed member keeps connections")
	}
}

func TestMaxRequests(t *testing.T) {
	f := newFrontWith(t, Config{MaxRequests: 2}, 1, nil)
	c, m := f.open(0)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET / HTTP/1.1")
	m.send("HTTP/1.1 204 No Content\n\n")
	c.wantHead("HTTP/1.1 204 No Content", "Connection: close")
	c.wantEnd()
}
