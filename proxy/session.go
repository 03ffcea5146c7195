package proxy

import (
	"context"
	"net/netip"
	"sync/atomic"
)

// session is one client connection and what serves it. Its goroutine owns it,
// except for the two sockets, which the registry may interrupt and close.
type session struct {
	engine *Engine
	snap   *snapshot      // what it is served by
	from   netip.AddrPort // the client's address
	dest   netip.AddrPort // that the client connected to
	// carrier is the session of the client connection, if this is one of its streams.
	carrier *session
	client  *sock
	http    bool      // the client connection can end between requests
	sni     string    // the server that the client asked for by TLS, which may pass through; "": unknown
	tls     *tlsState // nil: the client speaks no TLS, or it passes through
	// member is the member connection in use. It is set before it is first waited
	// for, so that cutting a session always finds what it waits for.
	member atomic.Pointer[sock]
	// gone: the client no longer wants an answer to the only request there is.
	gone atomic.Bool
	// dialing ends the attempt to connect to a member that is under way. nil: there is none,
	// or it is not that of a stream, whose client alone gives up while others go on.
	dialing atomic.Pointer[context.CancelFunc]
	// leaving: the client connection ends after the request under way.
	leaving atomic.Bool
	shed    *shed // guarded by the registry; nil: not asked to leave

	forwardedFor []byte // the client's address as text
	certSet      certFields
	certLines    []byte // see certificateLines
	subject      map[string]subjectField
	subjectLine  string // of the client's certificate, for logs; "": not needed yet
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

// finish ends the session when that loses nothing. A byte stream has no such
// moment of its own.
func (x *session) finish() {
	x.leaving.Store(true)
	if x.http {
		x.client.interrupt()
	}
}

// giveUp ends the wait for a member: the client is gone. Whoever takes the connection out
// of member decides about it.
func (x *session) giveUp() {
	x.gone.Store(true)
	if cancel := x.dialing.Load(); cancel != nil {
		(*cancel)()
	}
	if m := x.member.Swap(nil); m != nil {
		m.abort()
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
