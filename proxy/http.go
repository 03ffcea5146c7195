package proxy

import (
	"errors"
	"os"
	"time"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// limits bounds heads to what a buffer holds.
var limits = http1.Limits{Head: bufferSize, Fields: 100, Target: 8 << 10}

// serveHTTP serves the requests of a client connection one after the other. While
// it waits for the next one it holds neither a buffer nor an exchange.
func serveHTTP(x *session, s *server) {
	x.forwardedFor = x.from.Addr().AppendTo(make([]byte, 0, 40))
	idle := min(x.snap.clientData, x.snap.tcpInspect)
	for n := 1; x.awaitRequest(idle); n++ {
		if n == 1 && x.tls == nil && x.wantsHTTP2() {
			serveHTTP2(x, s)
			return
		}
		var keep bool
		if keep, idle = serveRequest(x, s, n); !keep {
			return
		}
	}
}

// serveRequest serves request number n of a client connection. It reports whether
// another one may follow, and how long that may take to come.
func serveRequest(x *session, s *server, n int) (keep bool, idle time.Duration) {
	e := getExchange(x, s, n)
	served := false
	defer func() {
		e.candidates.reset() // also if serve panicked: the count belongs to the member
		if served {
			putExchange(e)
		}
	}()
	keep, idle = e.serve(), e.snap.clientData
	served = true
	return keep, idle
}

// awaitRequest waits for the first bytes of a request. It returns false when the
// connection is to be closed: the client closed it or was silent for too long, or
// the engine drains.
func (x *session) awaitRequest(idle time.Duration) bool {
	if buf := x.client.in.buf; buf != nil && buf.len() > 0 {
		return true // a pipelined request
	}
	err := x.client.fillUnless(&x.client.interrupted, now().add(idle))
	if errors.Is(err, errInterrupted) {
		// What has arrived was sent before the client could know.
		err = x.client.fillNow()
	}
	return err == nil
}

// lingerTimeout and lingerBytes bound what is read from a client that goes on
// sending after the last answer.
const (
	lingerTimeout = 2 * time.Second
	lingerBytes   = 1 << 20
)

// linger ends the connection so that the client gets the answer though it is
// still sending: closing a socket with unread bytes resets the connection, and
// the reset can overtake the answer (RFC 9112 section 9.6).
func (x *session) linger() {
	if x.client.stream != nil {
		return // its end is told by itself
	}
	if x.client.CloseWrite() != nil {
		return
	}
	due := now().add(lingerTimeout)
	for read := 0; read < lingerBytes; read += x.client.in.n {
		if buf := x.client.in.buf; buf != nil {
			buf.consume(buf.len())
		}
		// Not until somebody interrupts: that is for those who wait for a request.
		if x.client.fill(due) != nil {
			return
		}
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
