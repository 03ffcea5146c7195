package proxy

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// server accepts the connections of one binding and knows how many it has.
type server struct {
	engine  *Engine
	binding *binding
	ln      *net.TCPListener
	last    atomic.Pointer[snapshot] // the newest one; outlives the binding's
	active  atomic.Int64
	full    atomic.Bool   // the acceptor waits for room
	room    chan struct{} // holds one signal: there may be room, or nothing more to accept
	closing atomic.Bool
	closed  chan struct{} // closed when the socket is
}

func newServer(e *Engine, b *binding, ln *net.TCPListener) *server {
	s := &server{engine: e, binding: b, ln: ln, room: make(chan struct{}, 1), closed: make(chan struct{})}
	s.last.Store(b.current.Load())
	return s
}

// snapshot returns what to serve by, and whether more is wanted. A listener that
// is gone is served by its last snapshot until its connections end.
func (s *server) snapshot() (snap *snapshot, current bool) {
	if snap := s.binding.current.Load(); snap != nil {
		if s.last.Load() != snap {
			s.last.Store(snap)
		}
		return snap, !s.closing.Load()
	}
	return s.last.Load(), false
}

// changed tells the server that the limit may have changed.
func (s *server) changed() { signal(s.room) }

// retire stops accepting, after the connections that are in the queue, and returns
// when the address is free. It may be called more than once.
func (s *server) retire() {
	if !s.closing.Swap(true) {
		_ = s.ln.SetDeadline(epoch) // fails on a closed listener only
		signal(s.room)
	}
	<-s.closed
}

// accept accepts connections until the server is retired. While the listener has
// as many as it may have, others wait in the kernel's queue, as with HAProxy's
// maxconn.
func (s *server) accept() {
	defer close(s.closed)
	defer func() { _ = s.ln.Close() }()
	var pause time.Duration
	for {
		s.awaitRoom()
		c, err := s.ln.AcceptTCP()
		switch {
		case s.closing.Load():
			if err == nil {
				s.start(c)
			}
			s.drainQueue()
			return
		case err == nil:
			pause = 0
			s.start(c)
		case errors.Is(err, syscall.ECONNABORTED):
		default: // out of descriptors or memory: others must end first
			if pause == 0 {
				s.engine.log.Warn("connections cannot be accepted", logkey.Addr, s.binding.addr, logkey.Err, err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.pause(pause)
		}
	}
}

// pause waits for d, unless the server is retired.
func (s *server) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.room:
	}
}

// awaitRoom returns when the listener may have another connection.
func (s *server) awaitRoom() {
	for {
		snap, _ := s.snapshot()
		if s.closing.Load() || s.active.Load() < snap.limit {
			return
		}
		s.full.Store(true)
		snap.counters.full.Add(1)
		// A connection that ended before full was set has left no signal.
		if s.active.Load() >= snap.limit {
			<-s.room
		}
		snap.counters.full.Add(-1)
		s.full.Store(false)
	}
}

// maxQueue is how many connections a queue can hold (net.core.somaxconn). Under a
// flood it fills as fast as it is emptied.
const maxQueue = 4096

// drainQueue takes the connections that the kernel has completed for this socket
// already: closing it would reset them.
func (s *server) drainQueue() {
	raw, err := s.ln.SyscallConn()
	if err != nil {
		return
	}
	for range maxQueue {
		var fd int
		var acceptErr error
		err := raw.Control(func(ln uintptr) {
			fd, _, acceptErr = syscall.Accept4(int(ln), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		})
		if err != nil || acceptErr != nil {
			return
		}
		f := os.NewFile(uintptr(fd), "")
		c, err := net.FileConn(f)
		_ = f.Close() // FileConn has its own descriptor
		if err == nil {
			s.start(c.(*net.TCPConn))
		}
	}
}

// start serves c on a goroutine of its own.
func (s *server) start(c *net.TCPConn) {
	s.active.Add(1)
	s.engine.running.Go(func() {
		defer s.end()
		s.serve(c)
		_ = c.Close()
	})
}

func (s *server) end() {
	s.active.Add(-1)
	if s.full.Load() {
		signal(s.room)
	}
}

func (s *server) serve(c *net.TCPConn) {
	snap, _ := s.snapshot()
	stats := snap.counters
	peer, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return // it was gone before it was accepted
	}
	from := netip.AddrPortFrom(peer.AddrPort().Addr().Unmap().WithZone(""), uint16(peer.Port))
	trusted := s.engine.trusts(from.Addr())
	if !trusted && !snap.admits(from.Addr()) {
		stats.refused.Add(1)
		_ = c.SetLinger(0) // the client is told at once and leaves nothing behind here
		return
	}
	client, err := newSock(c)
	if err != nil {
		return // the connection is closed already
	}
	defer client.releaseBuffer()
	defer client.goodbye()
	terminates := snap.protocol == lb.ProtocolTerminatedHTTPS
	x := &session{engine: s.engine, client: client, from: from, dest: snap.addr, snap: snap, http: terminates || snap.protocol == lb.ProtocolHTTP}
	defer x.recover(snap)
	stats.total.Add(1)
	stats.active.Add(1)
	defer stats.active.Add(-1)
	s.engine.sessions.add(x)
	defer s.engine.sessions.remove(x)
	if trusted && !x.introduced(snap) {
		return
	}
	if terminates && !x.terminate(s) {
		return
	}
	if x.http {
		x.serve(s)
		return
	}
	serveTCP(x, snap)
}

// recover keeps a fault in the handling of one connection from ending all of
// them. The connection is reset.
func (x *session) recover(snap *snapshot) {
	if r := recover(); r != nil {
		x.engine.log.Error("connection handler panicked", logkey.Listener, snap.listener, logkey.Err, r, "stack", string(debug.Stack()))
		snap.counters.errors.Add(1)
		x.cut()
	}
}

// pause waits for d, or until everything has to go. It reports whether d passed.
func (e *Engine) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.ctx.Done():
		return false
	}
}
