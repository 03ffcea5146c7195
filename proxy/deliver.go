package proxy

import (
	"errors"
	"io"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/flowlog"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// deliver sends the response, whose head is in the member's buffer, to the
// client. It reports whether the client connection can carry another request.
func (e *exchange) deliver() (keep bool) {
	t := &e.down
	keep = e.mayKeep()
	e.note.status = e.resp.Status
	e.resp.HSTS = e.snap.hsts
	e.settle()
	t.out, keep = http1.AppendResponse(t.out[:0], &e.resp, &e.req, keep)
	e.conn.in.buf.consume(e.respLen)
	if e.resp.Status == 101 {
		e.switchProtocols()
		return false
	}
	before := t.sent
	if err := e.passBody(); err != nil {
		gone := e.session.gone.Load() // the client of a stream: then the member was given up, and not the other way round
		if !gone {
			e.broken("response broke off", err)
		}
		e.note.end = flowlog.EndMemberBody
		if gone || isWriteError(err) {
			e.note.end = flowlog.EndClientBody
		}
		e.drop()
		if t.sent == before && !isWriteError(err) {
			return e.finishOwn(502, false)
		}
		e.client.abort() // it must not take this for the whole
		return false
	}
	complete, trailer := e.upload.bodyRead(), e.trailer()
	// The member is done with. Giving it back before the client has everything
	// means that the client's next request finds it there.
	e.release()
	e.upload.consume()
	if t.finish(trailer) != nil {
		e.note.end = flowlog.EndClientBody
		e.client.abort()
		return false
	}
	if !keep && (e.req.KeepAlive || !complete) {
		e.session.linger() // it may have sent more than we have read
	}
	return keep
}

// mayKeep reports whether the client connection may carry another request, as it
// looks now.
func (e *exchange) mayKeep() bool {
	return e.session.refresh(e.server) && !e.session.leaving.Load() && !e.last && e.req.KeepAlive && e.upload.bodyRead()
}

// passBody reads the body to its end and sends it, but for the last piece, which
// may be left in out.
func (e *exchange) passBody() error {
	t := &e.down
	for {
		if buf := e.conn.in.buf; buf != nil {
			used, err := t.pass(buf.bytes())
			buf.consume(used)
			if err != nil {
				return err
			}
		}
		if t.body.Done() {
			return nil
		}
		if err := t.flush(); err != nil {
			return err
		}
		err := e.awaitMember(true)
		if errors.Is(err, io.EOF) {
			e.resp.KeepAlive = false
			return t.body.End()
		}
		if err != nil {
			return err
		}
	}
}

// trailer is the trailer section of the response, for a client that wants one.
func (e *exchange) trailer() []byte {
	if !e.req.Trailers && e.client.stream == nil {
		return nil
	}
	return e.conn.trailer(&e.down.body)
}

// release keeps the member connection for the next request, or closes it if
// another one cannot follow.
func (e *exchange) release() {
	buf := e.conn.in.buf
	if !e.upload.finished() || !e.resp.KeepAlive || e.conn.stream != nil || buf != nil && buf.len() > 0 {
		e.drop()
		return
	}
	if !e.session.member.CompareAndSwap(e.conn, nil) {
		e.drop() // the client has gone at this moment, and has it closed
		return
	}
	e.conn.releaseBuffer()
	e.member.idle.put(e.conn, now())
	e.conn = nil
	e.candidates.reset()
}

// switchProtocols makes a tunnel of the two connections.
func (e *exchange) switchProtocols() {
	if e.down.flush() != nil {
		e.drop()
		return
	}
	e.upload.consume()
	e.session.countBytes(e.snap.counters)
	t := newTunnel(e.session, e.conn, e.snap)
	t.moved.Store(true)
	if !t.run() {
		e.snap.counters.errors.Add(1)
	}
	e.note.end = t.end
	e.session.skipBytes()
	e.drop()
}

// broken counts a request that went wrong and says how.
func (e *exchange) broken(msg string, err error) {
	e.snap.counters.errors.Add(1)
	var id lb.MemberID
	if e.member != nil {
		id = e.member.id
	}
	e.session.engine.log.Debug(msg, logkey.Listener, e.snap.listener, logkey.Member, id, logkey.Addr, e.session.from, logkey.Err, err)
}

// fail answers a request to which there is no response.
func (e *exchange) fail(err error) bool {
	if errors.Is(err, errClientGone) {
		return false // it changed its mind, which is no error of anybody
	}
	e.broken("request got no response", err)
	status := 502
	switch {
	case errors.Is(err, errNoMember):
		status = 503
	case e.upload.failure != nil && !isWriteError(e.upload.failure):
		return e.failUpload()
	case isBad(err):
		status = statusOf(err)
	case isTimeout(err):
		status = 504
	}
	return e.finishOwn(status, e.mayKeep())
}

// failUpload answers a request whose body did not come in.
func (e *exchange) failUpload() bool {
	err := e.upload.failure
	switch {
	case isTimeout(err):
		return e.finishOwn(408, false)
	case isBad(err):
		return e.finishOwn(statusOf(err), false)
	}
	return false // the client is gone
}

// finishOwn sends an answer of our own in place of a response.
func (e *exchange) finishOwn(status int, keep bool) bool {
	return e.answer(status, keep) && e.afterOwn(keep)
}

// finishOut sends the answer of our own that is in out.
func (e *exchange) finishOut(keep bool) bool {
	return e.down.flush() == nil && e.afterOwn(keep)
}

// afterOwn ends a request that was answered by ourselves.
func (e *exchange) afterOwn(keep bool) bool {
	if !keep {
		e.session.linger()
		return false
	}
	e.upload.consume()
	return true
}

func isBad(err error) bool {
	_, ok := errors.AsType[*http1.Error](err)
	return ok
}
