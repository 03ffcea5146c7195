package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// session is one client connection and what serves it. Its goroutine owns it,
// except for the two sockets, which the registry may interrupt and close.
type session struct {
	engine *Engine
	snap   *snapshot      // what it is served by
	from   netip.AddrPort // the client's address
	client *sock
	http   bool // the client connection can end between requests
	// member is the member connection in use. It is set before it is first waited
	// for, so that cutting a session always finds what it waits for.
	member atomic.Pointer[sock]

	forwardedFor []byte // the client's address as text
	in, out      uint64 // bytes of client that were counted
}

// refresh takes up a change of the listener. It reports whether the listener is
// still there and wants more: if not, or if another one has its address now, the
// session goes on with what it has.
func (x *session) refresh(s *server) bool {
	snap, current := s.snapshot()
	if snap.listener != x.snap.listener {
		return false
	}
	x.snap = snap
	return current
}

// countBytes adds what the client sent and got since the last call to c.
func (x *session) countBytes(c *counters) {
	in, out := x.in, x.out
	x.skipBytes()
	c.bytesIn.Add(x.in - in)
	c.bytesOut.Add(x.out - out)
}

// skipBytes leaves out what was counted in another way.
func (x *session) skipBytes() { x.in, x.out = x.client.in.total, x.client.out.total }

// registry knows every session, so that they can be ended from outside.
type registry struct {
	mu    sync.Mutex
	set   map[*session]struct{} // guarded by mu
	state registryState         // guarded by mu
	idle  chan struct{}         // guarded by mu; closed when set is empty, nil: nobody waits
}

type registryState uint8

const (
	serving registryState = iota
	drained               // client connections end after the request under way
	cutOff                // connections are closed
)

// add registers x. A session that comes too late is treated as those before it.
func (r *registry) add(x *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set[x] = struct{}{}
	switch r.state {
	case drained:
		x.finish()
	case cutOff:
		x.cut()
	}
}

func (r *registry) remove(x *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.set, x)
	if len(r.set) == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// drain ends client connections between requests.
func (r *registry) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = max(r.state, drained)
	for x := range r.set {
		x.finish()
	}
}

// cut closes every connection.
func (r *registry) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = cutOff
	for x := range r.set {
		x.cut()
	}
}

// empty returns a channel that is closed when no session is left.
func (r *registry) empty() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.set) == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}

// finish ends the session when that loses nothing. A byte stream has no such
// moment of its own.
func (x *session) finish() {
	if x.http {
		x.client.interrupt()
	}
}

// cut closes both connections with a reset: neither end may take what it got for
// all there was.
func (x *session) cut() {
	x.client.abort()
	if m := x.member.Load(); m != nil {
		m.abort()
	}
}
