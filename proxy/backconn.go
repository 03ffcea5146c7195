package proxy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/proxy/http2"
)

// backConn is a connection to a member that chose HTTP/2. Unlike others it belongs to
// no session: the streams of several may be on it, and a goroutine of its own reads it.
type backConn struct {
	mux
	member *member
	route  route
	calls  int     // guarded by mu; streams that were made and are not done
	since  instant // guarded by mu; when the last of them ended
}

// call is a stream to a member. To the exchange it is a member connection that carries one
// request. It is not used again: whoever gave up on it may still hold it.
type call struct {
	stream
	conn *backConn
}

// callsPerConn is how many streams share a connection: more would wait for each other's
// losses, and for one reader.
const callsPerConn = 32

// newBackConn speaks HTTP/2 on s and opens the first stream.
// The member may take nothing for as long as idle.
func (e *Engine) newBackConn(s *sock, m *member, r route, idle time.Duration) *call {
	b := &backConn{member: m, route: r, since: now()}
	b.init(s, e, http2.Client, "https", b)
	b.idle = idle
	c := b.call()
	m.shared.put(b)
	e.running.Go(b.run)
	return c
}

// call makes a stream; its request opens it.
func (b *backConn) call() *call {
	c := &call{conn: b}
	c.init()
	c.Owner, c.mux = c, &b.mux
	b.mu.Lock()
	b.calls++
	b.mu.Unlock()
	return c
}

// run reads until the connection ends.
func (b *backConn) run() {
	stop := context.AfterFunc(b.engine.ctx, b.sock.abort)
	defer stop()
	defer func() {
		if r := recover(); r != nil {
			b.engine.log.Error("reader of a member connection panicked", logkey.Member, b.member.id, logkey.Err, r)
		}
		b.mu.Lock()
		b.codec.Close(errStreamGone)
		b.mu.Unlock()
		b.member.shared.remove(b)
		b.running.Wait()
		b.sock.close()
		b.sock.releaseBuffer()
	}()
	b.lock()
	b.unlock() // sends the preface
	for b.read() {
	}
}

// read takes what the member sends. It returns false at the end.
func (b *backConn) read() bool {
	idle := b.engine.cfg.MemberIdleTimeout
	err := b.sock.fillUnless(&b.sock.interrupted, now().add(idle))
	switch {
	case errors.Is(err, errInterrupted):
		b.sock.interrupted.Store(false)
		return !b.over(0)
	case isTimeout(err):
		return !b.over(idle)
	case err != nil:
		return false
	}
	buf := b.sock.in.buf
	n, err := b.feed(buf.bytes())
	if buf.consume(n); buf.len() == 0 {
		b.sock.releaseBuffer()
	} else {
		buf.compact()
	}
	if err != nil {
		b.engine.log.Debug("member connection ends", logkey.Member, b.member.id, logkey.Addr, b.member.addr, logkey.Err, err)
		return false
	}
	return !b.over(idle)
}

func (b *backConn) feed(p []byte) (int, error) {
	b.lock()
	defer b.unlock()
	return b.codec.Receive(p, time.Duration(now()))
}

// over reports whether the connection is not needed any more: it has been idle for so
// long, or takes no more requests, and nobody waits for it.
func (b *backConn) over(idle time.Duration) bool {
	b.mu.Lock()
	unused := b.calls == 0
	end := unused && (b.codec.Leaving() || b.since.add(idle) <= now() || b.member.shared.closed.Load())
	b.mu.Unlock()
	return end && b.member.shared.remove(b)
}

// done notes that a call has ended.
func (b *backConn) done() {
	b.mu.Lock()
	b.calls--
	b.since = now()
	last := b.calls == 0 && (b.codec.Leaving() || b.codec.Err() != nil || b.member.shared.closed.Load())
	b.mu.Unlock()
	if last {
		b.sock.interrupt()
	}
}

// refused reports that the member has not looked at the request.
func (s *sock) refused() bool {
	if s.stream == nil {
		return false
	}
	s.stream.mux.mu.Lock()
	defer s.stream.mux.mu.Unlock()
	return s.stream.Refused()
}

// discard gives a member connection up that cannot, or need not, carry another request.
func (s *sock) discard() {
	if s.stream == nil {
		s.close()
		s.releaseBuffer()
		return
	}
	c := s.stream.Owner.(*call)
	c.reset(http2.Cancel)
	c.release()
	c.conn.done()
}

// Open implements http2.Handler; members open no streams.
func (b *backConn) Open() *http2.Stream { return new(http2.Stream) }

// Head implements http2.Handler. The head goes before the body, in the same place.
func (b *backConn) Head(s *http2.Stream, head []byte, _ bool) {
	c := s.Owner.(*call)
	c.heads += len(head)
	c.put(head)
}

// Data implements http2.Handler.
func (b *backConn) Data(s *http2.Stream, p []byte) { s.Owner.(*call).put(p) }

// End implements http2.Handler.
func (b *backConn) End(s *http2.Stream) { s.Owner.(*call).readable.signal() }

// Reset implements http2.Handler.
func (b *backConn) Reset(s *http2.Stream, _ http2.ErrCode) {
	c := s.Owner.(*call)
	c.readable.signal()
	c.writable.signal()
}

// Window implements http2.Handler.
func (b *backConn) Window(s *http2.Stream) {
	if s == nil {
		b.wakeWaiting()
		return
	}
	s.Owner.(*call).writable.signal()
}

// Pong implements http2.Handler.
func (b *backConn) Pong() {}

// sharedPool keeps the connections to one member that carry several streams.
type sharedPool struct {
	mu     sync.Mutex
	conns  []*backConn // guarded by mu; the last is the first to be used
	closed atomic.Bool // nothing is kept any more
}

// get makes a stream on a connection of that route which takes one. nil: there is none.
func (p *sharedPool) get(r route) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.conns) - 1; i >= 0; i-- {
		if b := p.conns[i]; b.route == r && b.free() {
			return b.call()
		}
	}
	return nil
}

// free reports whether another stream may be opened.
func (b *backConn) free() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Calls are opened when their request is sent: those that were made count.
	return b.calls < min(callsPerConn, b.codec.MaxOpen()) && b.codec.CanOpen()
}

func (p *sharedPool) put(b *backConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed.Load() {
		p.conns = append(p.conns, b)
	}
}

// close lets connections go as soon as they are not used.
func (p *sharedPool) close() {
	p.closed.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.conns {
		b.sock.interrupt()
	}
}

// remove takes b out, so that it gets no more streams. It returns false if b got one in
// the meantime.
func (p *sharedPool) remove(b *backConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.mu.Lock()
	used := b.calls > 0 && b.codec.Err() == nil
	b.mu.Unlock()
	if used {
		return false
	}
	p.conns = slices.DeleteFunc(p.conns, func(o *backConn) bool { return o == b })
	return true
}
