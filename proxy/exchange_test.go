package proxy

import (
	"testing"
	"time"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// newExchange makes an exchange with a POST and connections to two ends that do
// nothing.
func newExchange(t *testing.T, request string) *exchange {
	t.Helper()
	engine, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	engine.ctx = t.Context()
	dial := func() *sock {
		s, err := engine.dial(t.Context(), &member{addr: newOrigin(t).addr}, limit)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.close)
		return s
	}
	x := &session{engine: engine, client: dial(), snap: &snapshot{counters: new(counters), memberData: limit, clientData: limit}}
	e := exchanges.New().(*exchange)
	e.session, e.snap, e.client = x, x.snap, x.client
	e.member, e.pool = new(member), new(pool)
	e.pool.usable.Store(new(usable))
	e.conn = dial()
	x.use(e.conn)
	e.client.in.buf = getBuffer()
	t.Cleanup(e.client.releaseBuffer)
	e.client.in.buf.w = copy(e.client.in.buf.b[:], request)
	if !e.readHead() {
		t.Fatal("the request is not valid")
	}
	return e
}

// A member that did not get all of the request can answer it, but is not asked
// again.
func TestUnsentRequestIsNotFinished(t *testing.T) {
	const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
	e := newExchange(t, request)
	if err := e.send(); err != nil || !e.upload.finished() {
		t.Fatalf("send: %v, finished: %v", err, e.upload.finished())
	}
	_ = e.conn.CloseWrite() // as if the member had reset it
	if err := e.send(); !isWriteError(err) {
		t.Fatalf("send: %v, want a write error", err)
	}
	if e.upload.finished() {
		t.Error("a request that could not be sent counts as sent")
	}
}

// A fault on the goroutine of the upload ends one connection, not all.
func TestPanicInUpload(t *testing.T) {
	e := newExchange(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
	e.conn.in.buf = nil
	e.up.body.Reset(http1.Length, 2, limits)
	e.client.in.op = func(uintptr) bool { panic("fault") }
	e.client.in.buf.consume(e.headLen)
	e.upload.e.session.engine.running.Go(e.upload.runFunc)
	select {
	case <-e.upload.done:
	case <-time.After(limit):
		t.Fatal("the upload does not end")
	}
	if n := e.snap.counters.errors.Load(); n != 1 {
		t.Errorf("%d errors are counted, want 1", n)
	}
	if e.conn.SetDeadline(time.Time{}) == nil {
		t.Error("the member connection is open")
	}
}
