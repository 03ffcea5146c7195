package proxy

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/proxy/http2"
)

// request is a stream that a client opened, and the session that serves it: to the
// exchange it is a client connection that carries one request.
type request struct {
	stream
	session session
	front   *frontConn
	number  int
	runFunc func()
}

var requests sync.Pool

func getRequest() *request {
	r, ok := requests.Get().(*request)
	if !ok {
		r = new(request)
		r.init()
		r.Owner = r
		r.runFunc = r.run
		r.session.client = &r.sock
		r.session.http = true
	}
	return r
}

// frontConn is a client connection of HTTP/2.
type frontConn struct {
	mux
	session *session
	server  *server

	opened  int  // guarded by mu; requests so far
	atWork  int  // guarded by mu; requests that run now
	leave   bool // guarded by mu; no more are wanted
	pong    bool // guarded by mu; the client has answered the ping of leaving
	leaving bool // the reader's: GOAWAY was sent
	leaveBy instant
	begun   instant // the reader's: when the client began what it must not take long for
}

// leaveTime is how long a client has to learn that no more requests are wanted, before
// those that it sends nevertheless are refused.
const leaveTime = time.Second

// wantsHTTP2 reports whether the client begins with the preface of HTTP/2 (prior
// knowledge, RFC 9113 section 3.3). Something is buffered.
func (x *session) wantsHTTP2() bool {
	due := now().add(x.engine.cfg.HeadTimeout)
	for {
		b := x.client.in.buf.bytes()
		if n := min(len(b), len(http2.Preface)); !bytes.Equal(b[:n], preface[:n]) {
			return false
		}
		if len(b) >= len(http2.Preface) {
			return true
		}
		if x.client.fill(due) != nil {
			return false
		}
	}
}

var preface = []byte(http2.Preface)

// serveHTTP2 serves a client connection of HTTP/2 until it ends.
func serveHTTP2(x *session, s *server) {
	f := &frontConn{session: x, server: s}
	f.init(x.client, x.engine, http2.Server, "", f)
	f.idle, f.stats = x.snap.clientData, x.snap.counters
	x.forwardedFor = x.from.Addr().AppendTo(make([]byte, 0, 40))
	defer f.close() // a fault in the reader must leave no stream either
	f.lock()
	f.unlock() // sends the preface
	if f.read() {
		f.close()
		x.linger()
	}
}

// close ends what there is of streams and returns when they, and what they have left to
// send, are gone.
func (f *frontConn) close() {
	f.mu.Lock()
	f.codec.Close(errStreamGone)
	f.mu.Unlock()
	f.running.Wait()
}

// read takes what the client sends until the connection is to end. It reports whether
// the client shall be let down gently.
func (f *frontConn) read() (clean bool) {
	x, c := f.session, f.session.client
	f.begun = now()
	seen := f.begun // when something came last
	for {
		if buf := c.in.buf; buf != nil && buf.len() > 0 {
			if !f.receive(buf) {
				return true
			}
		}
		if f.finished() {
			return true
		}
		urgent := f.urgent()
		if !urgent {
			f.begun = now()
		}
		due := now().add(x.snap.clientData)
		if urgent {
			due = f.begun.add(x.engine.cfg.HeadTimeout)
		}
		if f.leaving {
			due = min(due, f.leaveBy)
		}
		err := c.fillUnless(&c.interrupted, due)
		x.snap.counters.bytesIn.Add(c.in.total - x.in)
		x.in = c.in.total
		switch {
		case err == nil:
			seen = now()
		case errors.Is(err, errInterrupted):
			c.interrupted.Store(false)
			if x.leaving.Load() {
				f.goAway(false)
			}
		case !isTimeout(err):
			return false
		case f.leaving && now() >= f.leaveBy:
			f.goAway(true)
			f.leaveBy = now().add(noTimeout)
		case urgent:
			f.goAway(true)
			return true
		case now() >= seen.add(x.snap.clientData) && !f.busy():
			f.goAway(true)
			return true
		}
	}
}

// receive hands what is buffered to the codec. It returns false at the end of the
// connection.
func (f *frontConn) receive(buf *buffer) bool {
	n, leave, pong, err := f.feed(buf.bytes())
	buf.consume(n)
	switch {
	case err != nil:
		f.engine.log.Debug("HTTP/2 connection ends", "err", err)
		return false
	case buf.len() == 0:
		f.sock.releaseBuffer()
	default:
		buf.compact()
	}
	if leave {
		f.goAway(false)
	}
	if pong && f.leaving {
		f.goAway(true)
	}
	return true
}

// feed calls the codec, and gives it back also if that panics.
func (f *frontConn) feed(p []byte) (n int, leave, pong bool, err error) {
	f.lock()
	defer f.unlock()
	at := now()
	n, err = f.codec.Receive(p, time.Duration(at))
	if n > 0 && !f.codec.Unfinished() {
		f.begun = at // a client that is busy may always be in the middle of another frame
	}
	return n, f.leave || f.codec.Tired(), f.pong, err
}

// goAway tells the client that no more requests are wanted: first in general, and, when
// it must know, for good.
func (f *frontConn) goAway(final bool) {
	if f.leaving && !final {
		return
	}
	f.lock()
	f.codec.GoAway(final)
	if !final {
		f.codec.Ping()
	}
	f.unlock()
	if !f.leaving {
		f.leaving, f.leaveBy = true, now().add(leaveTime)
	}
}

// finished reports whether the last request has been answered.
func (f *frontConn) finished() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.codec.Final() && !f.codec.Busy()
}

func (f *frontConn) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.codec.Busy()
}

// urgent reports whether the client is in the middle of something that makes others, or
// memory, wait: the preface, the head of a frame, a header block.
func (f *frontConn) urgent() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	buf := f.sock.in.buf
	return !f.codec.Greeted() || f.codec.Urgent() || buf != nil && buf.len() > 0
}

// Open implements http2.Handler.
func (f *frontConn) Open() *http2.Stream {
	if !f.admit() {
		return nil
	}
	r := getRequest()
	r.mux, r.front = &f.mux, f
	return &r.Stream
}

// admit reports whether another request may run. Each connection has room for one, so that those
// with many can take nothing from the others; the rest share what the engine has. mu is held.
func (f *frontConn) admit() bool {
	if f.atWork > 0 && f.engine.extra.Add(1) > int64(f.engine.cfg.ExtraStreams) {
		f.engine.extra.Add(-1)
		return false
	}
	f.atWork++
	return true
}

// leaveRoom takes back admit, for a request that has ended. mu is held.
func (f *frontConn) leaveRoom() {
	if f.atWork--; f.atWork > 0 {
		f.engine.extra.Add(-1)
	}
}

// Head implements http2.Handler: it lets the request run.
func (f *frontConn) Head(s *http2.Stream, head []byte, cut bool) {
	r := s.Owner.(*request)
	buf := getBuffer()
	buf.w = copy(buf.b[:], head)
	if cut || buf.w < len(head) {
		// It does not end within the buffer, and is refused as any head that does not.
		copy(buf.b[buf.w:], endless)
		buf.w = len(buf.b)
	}
	r.sock.in.buf = buf
	f.leave = f.leave || !f.session.refresh(f.server)
	x := &r.session
	x.carrier = f.session
	x.engine, x.snap, x.from, x.dest, x.tls = f.engine, f.session.snap, f.session.from, f.session.dest, f.session.tls
	x.forwardedFor = f.session.forwardedFor
	f.opened++
	r.number = f.opened
	f.leave = f.leave || r.number == f.engine.cfg.MaxRequests
	f.running.Add(1)
	go r.runFunc()
}

var endless = strings.Repeat("x", bufferSize)

// Data implements http2.Handler.
func (f *frontConn) Data(s *http2.Stream, p []byte) { s.Owner.(*request).put(p) }

// End implements http2.Handler.
func (f *frontConn) End(s *http2.Stream) { s.Owner.(*request).readable.signal() }

// Reset implements http2.Handler: whoever works for the stream need not go on.
func (f *frontConn) Reset(s *http2.Stream, _ http2.ErrCode) {
	r := s.Owner.(*request)
	r.readable.signal()
	r.writable.signal()
	r.session.giveUp()
}

// Window implements http2.Handler.
func (f *frontConn) Window(s *http2.Stream) {
	if s == nil {
		f.wakeWaiting()
		return
	}
	s.Owner.(*request).writable.signal()
}

// Pong implements http2.Handler.
func (f *frontConn) Pong() { f.pong = true }

// run serves the request.
func (r *request) run() {
	f := r.front
	defer f.running.Done()
	whole := r.serve()
	r.release()
	f.mu.Lock()
	f.leaveRoom()
	last := f.codec.Leaving() && !f.codec.Busy()
	f.mu.Unlock()
	if last {
		f.sock.interrupt() // the reader waits for nothing else
	}
	if whole {
		r.recycle()
	}
}

// serve reports whether r can be used again: not after a fault.
func (r *request) serve() (whole bool) {
	x := &r.session
	defer x.recover(x.snap)
	serveRequest(x, r.front.server, r.number)
	return true
}

// recycle keeps the memory for another request.
func (r *request) recycle() {
	x := &r.session
	x.engine, x.snap, x.carrier, x.tls, x.forwardedFor = nil, nil, nil, nil, nil
	x.certSet, x.certLines, x.subject = 0, nil, nil // of the client that was served: the next one is another
	x.member.Store(nil)
	x.gone.Store(false)
	r.mux, r.front = nil, nil
	requests.Put(r)
}
