package proxy

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/proxy/http1"
	"github.com/amphora-lb/amphora/proxy/http2"
)

// stream is one request and its response on a connection that carries several. To the
// exchange it is a sock: it reads a head of HTTP/1.1 and then the body as it is, without
// chunks; what it writes in the same form becomes frames. The end of a body is told by
// [stream.finish], because only HTTP/1.1 has it in the bytes.
type stream struct {
	http2.Stream
	mux  *mux
	sock sock // what the exchange sees

	queue  []*buffer // guarded by mux.mu; the body as it came
	heads  int       // guarded by mux.mu; bytes at the start of queue that no window counts
	queued bool      // guarded by mux.mu; in mux.waiting

	readable, writable waiter
}

// errStreamGone means that the peer reset the stream, or that the connection ended.
var errStreamGone = errors.New("stream was reset")

func (st *stream) init() {
	st.sock.stream = st
	st.readable.ch = make(chan struct{}, 1)
	st.writable.ch = make(chan struct{}, 1)
}

// take moves what has come into in.buf of the sock. mux.mu is held.
func (st *stream) take() (n int) {
	in := &st.sock.in
	for len(st.queue) > 0 {
		first := st.queue[0]
		k := first.len()
		if in.buf == nil {
			in.buf = first
			st.pop()
		} else {
			k = copy(in.buf.free(), first.bytes())
			in.buf.w += k
			if first.consume(k); first.len() == 0 {
				putBuffer(first)
				st.pop()
			}
		}
		if n += k; in.buf.full() || k == 0 {
			break
		}
	}
	if counted := n - st.heads; counted > 0 {
		st.heads = 0
		st.mux.codec.Consumed(&st.Stream, counted)
	} else {
		st.heads -= n
	}
	return n
}

func (st *stream) pop() {
	k := copy(st.queue, st.queue[1:])
	st.queue[k] = nil
	st.queue = st.queue[:k]
}

// put keeps a piece of the body until it is taken. mux.mu is held.
func (st *stream) put(p []byte) {
	for len(p) > 0 {
		if n := len(st.queue); n == 0 || st.queue[n-1].full() {
			st.queue = append(st.queue, getBuffer())
		}
		tail := st.queue[len(st.queue)-1]
		n := copy(tail.free(), p)
		tail.w += n
		p = p[n:]
	}
	st.readable.signal()
}

// drop gives up what was not taken and returns how much of a window that was. mux.mu is
// held.
func (st *stream) drop() (n int) {
	for i, b := range st.queue {
		n += b.len()
		putBuffer(b)
		st.queue[i] = nil
	}
	st.queue = st.queue[:0]
	n -= st.heads
	st.heads = 0
	return n
}

// fill is fillUnless of the sock.
func (st *stream) fill(stop *atomic.Bool, due instant) error {
	for {
		n, ended, gone := st.look()
		st.sock.in.n = n
		switch {
		case n > 0:
			return nil
		case ended:
			return io.EOF
		case gone:
			return errStreamGone
		case stop != nil && stop.Load():
			return errInterrupted
		case !st.readable.wait(due):
			return os.ErrDeadlineExceeded
		}
	}
}

// look takes what has come, and says what is to be expected. It unlocks also if that
// panics, as whatever holds mux.mu must: who ends the connection needs it.
func (st *stream) look() (n int, ended, gone bool) {
	st.mux.lock()
	defer st.mux.unlock()
	n = st.take()
	if in := &st.sock.in; n == 0 && in.buf != nil && in.buf.len() == 0 {
		st.sock.releaseBuffer() // a stream that waits holds none
	}
	return n, st.Received(), st.Gone() || st.mux.codec.Err() != nil
}

// excused returns until when the peer has time to send more if it has patience for it:
// from when our own window let it, which may be now.
func (st *stream) excused(patience time.Duration) instant {
	m := st.mux
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shut {
		return now().add(patience)
	}
	return m.reopened.add(patience)
}

// prefetch takes what of the body is there, as far as it fits behind what is buffered.
func (st *stream) prefetch() {
	st.mux.lock()
	defer st.mux.unlock()
	st.take()
}

// ended reports whether the whole body has been taken.
func (st *stream) ended() bool {
	st.mux.mu.Lock()
	defer st.mux.mu.Unlock()
	return st.Received() && len(st.queue) == 0
}

// write sends p, which begins with a head if none was sent, and ends the body if end
// is set. What was not sent is in out.p of the sock.
func (st *stream) write(p []byte, end bool, due instant) error {
	for {
		rest, done, err := st.push(p, end)
		p = rest
		st.sock.out.p = rest
		switch {
		case err != nil:
			return err
		case done:
			return nil
		case !st.writable.wait(due):
			return os.ErrDeadlineExceeded
		}
	}
}

// push hands as much of p to the codec as there is room for, and sees to it that the stream
// is woken if that is not all.
func (st *stream) push(p []byte, end bool) (rest []byte, done bool, err error) {
	m := st.mux
	m.lock()
	defer m.unlock()
	rest, done, err = st.offer(p, end)
	if !done && err == nil && !st.queued {
		st.queued = true
		m.waiting = append(m.waiting, st)
	}
	return rest, done, err
}

// offer is push that wakes nobody. mux.mu is held.
func (st *stream) offer(p []byte, end bool) (rest []byte, done bool, err error) {
	c := st.mux.codec
	for !st.HeadSent() && len(p) > 0 {
		if len(c.Out()) >= outRoom && c.Err() == nil && !st.Gone() {
			return p, false, nil
		}
		n, err := c.SendHead(&st.Stream, p)
		if err != nil {
			return p, false, err
		}
		p = p[n:]
	}
	if len(p) == 0 && !end {
		return nil, true, nil
	}
	n, err := c.SendData(&st.Stream, p, outRoom-len(c.Out()), end)
	p = p[n:]
	return p, len(p) == 0 && (!end || st.Sent()), err
}

// finish sends what is left of a message, and its trailer section.
func (st *stream) finish(p, trailer []byte, due instant) error {
	if err := st.write(p, len(trailer) == 0, due); err != nil || len(trailer) == 0 {
		return err
	}
	st.mux.lock()
	defer st.mux.unlock()
	return st.mux.codec.SendTrailer(&st.Stream, trailer)
}

// reset ends the stream at once.
func (st *stream) reset(code http2.ErrCode) {
	defer st.writable.signal()
	defer st.readable.signal()
	st.mux.lock()
	defer st.mux.unlock()
	st.mux.codec.Reset(&st.Stream, code)
}

// release takes the stream out of its connection.
func (st *stream) release() {
	defer st.sock.releaseBuffer()
	m := st.mux
	m.lock()
	defer m.unlock()
	m.codec.Release(&st.Stream, st.drop())
	if st.queued {
		st.queued = false
		for i, other := range m.waiting {
			if other == st {
				m.waiting = append(m.waiting[:i], m.waiting[i+1:]...)
				break
			}
		}
	}
}

// trailer is the trailer section that came behind body, which has ended. A body of known
// length may end before its stream has, whose trailer section is not waited for.
func (s *sock) trailer(body *http1.Body) []byte {
	if s.stream != nil {
		return s.stream.section()
	}
	return body.Trailer()
}

// section is the trailer section, once there can be no other.
func (st *stream) section() []byte {
	st.mux.mu.Lock()
	defer st.mux.mu.Unlock()
	if !st.Received() {
		return nil
	}
	return st.Trailer
}
