package proxy

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// upload sends the rest of a request body while the response is waited for on
// another goroutine: a member may answer before it has everything, and some
// answer as the body comes in. It runs only if the body was not all there with
// the head.
type upload struct {
	e       *exchange
	runFunc func()
	done    chan struct{} // holds one signal: run has ended

	started bool  // for this request
	running bool  // run has not been waited for
	used    int   // bytes of the client's buffer that the request has taken so far
	failure error // of what was sent with the head, or of run, once it has been waited for

	read   atomic.Bool  // the body was read to its end
	active atomic.Int64 // when bytes moved last
	quit   atomic.Bool
}

// reset prepares for a request with a head of n bytes.
func (u *upload) reset(n int) {
	u.started, u.used, u.failure = false, n, nil
}

func (u *upload) init(e *exchange) {
	u.e = e
	u.runFunc = u.run
	u.done = make(chan struct{}, 1)
}

// start lets the upload run. The request cannot be sent again from here on.
func (u *upload) start() {
	u.started, u.running = true, true
	u.read.Store(false)
	u.quit.Store(false)
	u.active.Store(int64(now()))
	u.consume()
	u.e.session.engine.running.Go(u.runFunc)
}

func (u *upload) run() {
	defer func() { u.done <- struct{}{} }()
	defer u.e.session.recover(u.e.snap)
	u.failure = u.pass()
	if u.failure != nil && !isWriteError(u.failure) {
		// The member waits for what will not come, and the other goroutine for the
		// member. A member that has stopped reading may still answer.
		u.e.conn.abort()
	}
}

// pass sends the body to its end.
func (u *upload) pass() error {
	e, t := u.e, &u.e.up
	for {
		if err := u.receive(); err != nil {
			if errors.Is(err, io.EOF) && e.client.stream != nil && t.body.End() == nil {
				u.read.Store(true)
				return t.finish(e.client.trailer(&t.body))
			}
			return err
		}
		u.active.Store(int64(now()))
		if buf := e.client.in.buf; buf != nil {
			used, err := t.pass(buf.bytes())
			buf.consume(used)
			if err != nil {
				return err
			}
		}
		if t.body.Done() {
			u.read.Store(true)
			return t.finish(e.client.trailer(&t.body))
		}
		if err := t.flush(); err != nil {
			return err
		}
		u.active.Store(int64(now()))
	}
}

// receive gets more of the body. A client that cannot send because other requests on its
// connection do not take what it sent is not late.
func (u *upload) receive() error {
	e, patience := u.e, u.e.snap.clientData
	due := now().add(patience)
	for {
		err := e.up.receive(e.client, &u.quit, due)
		if !isTimeout(err) || isWriteError(err) || e.client.stream == nil {
			return err
		}
		later := e.client.stream.excused(patience)
		if later <= due {
			return err
		}
		due = later
		u.active.Store(int64(now()))
	}
}

// consume drops what the request took from the client's buffer.
func (u *upload) consume() {
	if u.used > 0 {
		u.e.client.in.buf.consume(u.used)
		u.used = 0
	}
}

// bodyRead reports whether the request body has been read to its end, so that the
// next request can follow.
func (u *upload) bodyRead() bool {
	if u.started {
		return u.read.Load()
	}
	return u.e.up.body.Done()
}

// finishTime is how long a response that is complete, or late, waits for the end
// of the upload.
const finishTime = 50 * time.Millisecond

// finished reports whether the member got the whole body. If not, the connection
// to it cannot be used again.
func (u *upload) finished() bool {
	if u.running && u.read.Load() {
		t := time.NewTimer(finishTime)
		defer t.Stop()
		select {
		case <-u.done:
			u.running = false
		case <-t.C:
		}
	}
	if u.running {
		return false
	}
	return u.failure == nil && u.e.up.body.Done()
}

// stop ends the upload and waits until it is gone. Both connections have to be
// closed then, unless it had ended already.
func (u *upload) stop() {
	if !u.running {
		return
	}
	u.quit.Store(true)
	u.e.client.wakeReader()
	u.e.conn.abort()
	<-u.done
	u.running = false
	if errors.Is(u.failure, errInterrupted) {
		u.failure = nil // the client did nothing wrong
	}
}
