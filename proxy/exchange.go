package proxy

import (
	"errors"
	"sync"

	"github.com/amphora-lb/amphora/proxy/flowlog"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// exchange is one request and its response on their way through. It is kept in a
// pool between requests, so that an idle client costs no memory for it, and
// serving a request allocates nothing.
type exchange struct {
	session *session
	server  *server
	snap    *snapshot // what this request is served by
	pool    *pool     // where it goes; nil: nowhere
	last    bool      // the client connection has carried as many as it may
	client  *sock
	note    note

	req     http1.Request
	headLen int // bytes of the request's head
	fwd     http1.Forward
	up      transfer // request
	upload  upload   // the rest of the request body

	candidates candidates
	member     *member
	conn       *sock
	reused     bool // conn carried another request before

	resp     http1.Response
	respLen  int      // bytes of the response's head
	down     transfer // response
	received bool     // something of the response arrived
}

var exchanges = sync.Pool{New: func() any {
	e := new(exchange)
	e.up.out = make([]byte, 0, outSize)
	e.down.out = make([]byte, 0, outSize)
	e.upload.init(e)
	return e
}}

// getExchange prepares for request number n of a client connection.
func getExchange(x *session, s *server, n int) *exchange {
	e := exchanges.Get().(*exchange)
	x.refresh(s)
	e.session, e.server, e.snap, e.client = x, s, x.snap, x.client
	e.last = n == x.engine.cfg.MaxRequests
	e.down.reset(x.client, x.snap.clientData)
	e.note.begin(x)
	return e
}

func putExchange(e *exchange) {
	e.session, e.server, e.snap, e.pool, e.client = nil, nil, nil, nil, nil
	e.member, e.conn = nil, nil
	e.up.dst, e.down.dst = nil, nil
	e.fwd = http1.Forward{}
	exchanges.Put(e)
}

// serve serves one request. It reports whether the client connection can carry
// another one; if not it has to be closed.
func (e *exchange) serve() (keep bool) {
	if !e.readHead() {
		return false
	}
	defer e.count()
	e.note.request(&e.req)
	if e.req.Upgrade && e.buffered() > 0 {
		// Bytes behind the request cannot be meant for a protocol that the member
		// has not agreed to yet.
		e.req.Upgrade = false
	}
	if done, keep := e.route(); done {
		return keep
	}
	if err := e.roundTrip(); err != nil {
		e.note.end = e.endOf(err)
		return e.fail(err)
	}
	return e.deliver()
}

// count adds the request to the listener's counters.
func (e *exchange) count() {
	e.record()
	e.snap.counters.requests.Add(1)
	e.session.countBytes(e.snap.counters)
}

// buffered is how many bytes the client sent behind the head.
func (e *exchange) buffered() int { return e.client.in.buf.len() - e.headLen }

// readHead reads the head of the request.
func (e *exchange) readHead() bool {
	var headBy instant
	buf := e.client.in.buf
	for {
		n, err := e.req.Parse(buf.bytes(), limits)
		if err != nil {
			e.refuse(err)
			return false
		}
		if n > 0 {
			e.headLen = n
			e.upload.reset(n)
			e.up.body.Reset(e.bodyFraming(), e.req.Length, limits)
			return true
		}
		if buf.full() {
			buf.compact()
			if buf.full() {
				e.refuse(&http1.Error{Status: 431, Reason: "head too large"})
				return false
			}
		}
		at := now()
		if headBy == 0 {
			headBy = at.add(e.session.engine.cfg.HeadTimeout)
		}
		err = e.client.fill(min(headBy, at.add(e.snap.clientData)))
		if err != nil {
			if isTimeout(err) {
				e.answer(408, false)
				e.session.linger()
			}
			e.req.Reset()
			return false
		}
	}
}

// bodyFraming is how the end of the request body is found: a stream has none of the
// framing that the head speaks of.
func (e *exchange) bodyFraming() http1.Framing {
	if e.client.stream != nil && e.req.Framing == http1.Chunked {
		return http1.UntilClose
	}
	return e.req.Framing
}

// refuse answers a request whose head is not valid.
func (e *exchange) refuse(err error) {
	e.note.end = flowlog.EndBadRequest
	e.answer(statusOf(err), false)
	e.req.Reset()
	e.count()
	e.session.linger()
}

// statusOf is the answer to a message that broke the rules.
func statusOf(err error) int {
	if bad, ok := errors.AsType[*http1.Error](err); ok {
		return bad.Status
	}
	return 502
}

// answer sends a response of our own.
func (e *exchange) answer(status int, keep bool) bool {
	e.note.status = status
	e.down.out = append(e.down.out[:0], http1.Answer(status, keep, e.req.Head)...)
	return e.down.flush() == nil
}
