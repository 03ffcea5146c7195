package proxy

import (
	"errors"
	"io"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// roundTrip sends the request to a member and reads the head of the final
// response. Interim responses go to the client on the way.
func (e *exchange) roundTrip() error {
	e.received = false
	fresh := false
	for {
		if err := e.reach(fresh); err != nil {
			return err
		}
		err := e.send()
		again := false
		if err == nil || isWriteError(err) && !isTimeout(err) {
			// A member may answer, and close, before it has read everything: the
			// response is looked for even if sending failed.
			again = e.canRetry(err)
			if err = e.readResponse(); err == nil {
				return nil
			}
			again = again && !e.received && !isTimeout(err)
		}
		refused := e.conn.refused() && !e.upload.started && !e.received
		// One that shares a connection gets its own. If that is refused as well it is for
		// another member, and the attempts are counted.
		fresh = e.reused
		e.drop()
		if e.session.gone.Load() {
			return errClientGone
		}
		if !again && !refused {
			return err
		}
	}
}

// reach gets a connection to a member: an idle one, or a new one if fresh is set
// or there is none. A member that cannot be connected to is left for another.
func (e *exchange) reach(fresh bool) error {
	s := e.session
	for {
		if s.gone.Load() {
			return errClientGone // and costs no member a connection
		}
		if !fresh {
			m, err := e.candidates.next(s.engine, e.pool, s.from.Addr(), &e.req)
			if err != nil {
				return err
			}
			e.member = m
			if e.takeIdle() {
				return nil
			}
		}
		fresh = false
		conn, err := s.open(e.member, e.memberRoute(), e.snap.memberConnect)
		if err == nil {
			e.conn, e.reused = conn, false
			return nil
		}
	}
}

// memberRoute is how this request reaches the members of its pool.
func (e *exchange) memberRoute() route {
	r := e.session.route(e.pool)
	r.upgrade = e.req.Upgrade && r.tls != nil
	return r
}

// takeIdle takes an idle connection to the member, after a look that finds it
// open and silent: what a member sent unasked (a 408, a body where there can be
// none) would be taken for the response to this request.
func (e *exchange) takeIdle() bool {
	notBefore := now() - instant(e.session.engine.cfg.MemberIdleTimeout)
	r := e.memberRoute()
	if r.tls != nil {
		if c := e.member.shared.get(r); c != nil {
			e.conn, e.reused = &c.sock, true
			e.session.use(e.conn)
			return true
		}
	}
	for {
		conn := e.member.idle.get(notBefore, r)
		if conn == nil {
			return false
		}
		if conn.alive() {
			e.conn, e.reused = conn, true
			e.session.use(conn)
			return true
		}
		conn.close()
	}
}

// canRetry reports whether the request may be sent again if nothing comes back on
// this connection, which was idle before: the member has closed it at that moment.
// The request must still be complete in the client's buffer, and do no harm if
// the member has seen it after all (RFC 9110 section 9.2.2).
func (e *exchange) canRetry(sendErr error) bool {
	return e.reused && !e.upload.started && (e.req.Idempotent() || sendErr != nil && e.up.sent == 0)
}

// send sends the head and what is there of the body. If there is more to come,
// it starts the upload.
func (e *exchange) send() error {
	e.fwd = http1.Forward{Host: e.member.host}
	if p := e.pool.usable.Load().persistence; p != nil && p.kind == lb.PersistHTTPCookie {
		e.fwd.WithoutCookie = serverCookie
	}
	// Octavia's driver adds them for pools of protocol HTTP only.
	if ins := e.snap.insert; e.pool.protocol == lb.ProtocolHTTP {
		if ins.XForwardedFor {
			e.fwd.For = e.session.forwardedFor
		}
		if ins.XForwardedPort {
			e.fwd.Port = e.snap.port
		}
		if ins.XForwardedProto {
			e.fwd.Proto = protoHTTP
			if e.session.tls != nil {
				e.fwd.Proto = protoHTTPS
			}
		}
	}
	if e.snap.certFields != 0 && e.session.tls != nil {
		e.fwd.Certificate = e.session.certificateLines(e.snap.certFields)
	}
	t := &e.up
	t.reset(e.conn, e.snap.memberData)
	t.body.Reset(e.bodyFraming(), e.req.Length, limits)
	st := e.client.stream
	if st != nil {
		st.prefetch()
	}
	t.chunked = e.req.Framing == http1.Chunked && e.conn.stream == nil
	t.out = http1.AppendRequest(t.out, &e.req, &e.fwd)
	used, err := t.pass(e.client.in.buf.bytes()[e.headLen:])
	e.upload.used = e.headLen + used
	complete := t.body.Done() || st != nil && st.ended() && t.body.End() == nil
	switch {
	case err != nil:
	case complete:
		err = t.finish(e.client.trailer(&t.body))
	default:
		err = t.flush()
	}
	e.upload.failure = err
	if err == nil && !complete {
		e.upload.start()
	}
	return err
}

var protoHTTP, protoHTTPS = []byte("http"), []byte("https")

// readResponse reads response heads until the final one, which it leaves in the
// member's buffer.
func (e *exchange) readResponse() error {
	for interims := 0; ; {
		buf := e.conn.in.buf
		if buf != nil && buf.len() > 0 {
			e.received = true
			n, err := e.resp.Parse(buf.bytes(), limits, &e.req)
			switch {
			case err != nil:
				return err
			case n > 0 && !e.resp.Interim():
				e.down.chunked = e.resp.ClientFraming(&e.req) == http1.Chunked && e.client.stream == nil
				e.down.body.Reset(e.resp.Framing, e.resp.Length, limits)
				e.respLen = n
				return nil
			case n > 0:
				if interims++; interims > maxInterims {
					return errInterims
				}
				if err := e.passInterim(); err != nil {
					return err
				}
				buf.consume(n)
				continue
			case buf.full():
				buf.compact()
			}
		}
		if err := e.awaitMember(false); err != nil {
			e.resp.Reset()
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// maxInterims bounds the 1xx responses to one request: each of them gives the
// member its time anew.
const maxInterims = 16

var errInterims = &http1.Error{Status: 502, Reason: "too many interim responses"}

// passInterim passes on a 1xx response.
func (e *exchange) passInterim() error {
	if e.req.Minor == 0 {
		return nil // HTTP/1.0 knows none (RFC 9110 section 15.2)
	}
	e.down.out, _ = http1.AppendResponse(e.down.out[:0], &e.resp, &e.req, true)
	if err := e.down.flush(); err != nil {
		return errors.Join(errClientGone, err)
	}
	return nil
}

// errClientGone means that there is nobody to answer.
var errClientGone = errors.New("client is gone")

// awaitMember waits for something from the member: if body is set it may move a
// part of the response body. A member that takes the request body is not idle. If
// the rest of that is missing, and the member does not have to ask for it, the
// client is the one that is late: with equal timeouts its own strikes first.
func (e *exchange) awaitMember(body bool) error {
	due := now().add(e.snap.memberData)
	for {
		var err error
		if body {
			err = e.down.receive(e.conn, nil, due)
		} else {
			err = e.conn.fill(due)
		}
		if !isTimeout(err) || isWriteError(err) || !e.upload.started {
			return err
		}
		moved := instant(e.upload.active.Load()).add(e.snap.memberData)
		if !e.req.Expect && !e.upload.read.Load() {
			moved = moved.add(finishTime)
		}
		if moved <= due {
			return err
		}
		due = moved
	}
}

// drop closes the member connection, whose state is unknown.
func (e *exchange) drop() {
	e.upload.stop()
	e.session.member.Store(nil)
	e.conn.discard()
	e.conn = nil
}
