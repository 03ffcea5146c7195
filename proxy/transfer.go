package proxy

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/proxy/http1"
)

// transfer sends one message: a head, and a body that comes in pieces in the
// framing of its sender and goes out in that of its receiver. What fits together
// is sent together.
type transfer struct {
	dst     *sock
	idle    time.Duration // how long dst may take nothing
	body    http1.Body
	chunked bool   // the framing in which the body goes out
	out     []byte // to be sent
	sent    int    // bytes
}

// outSize holds a head and a buffer full of body, or that as a chunk.
const outSize = bufferSize + 1024

func (t *transfer) reset(dst *sock, idle time.Duration) {
	t.dst, t.idle = dst, idle
	t.out = t.out[:0]
	t.sent = 0
	t.chunked = false
}

// pass takes body bytes from src, which it does not keep, and returns how many it
// took: all, unless the body ends before. It leaves small pieces in out.
func (t *transfer) pass(src []byte) (used int, err error) {
	for used < len(src) && !t.body.Done() {
		data, n, err := t.body.Next(src[used:])
		used += n
		if err != nil {
			return used, err
		}
		if len(data) == 0 {
			continue
		}
		if err := t.put(data); err != nil {
			return used, err
		}
	}
	return used, nil
}

// put sends a piece of the body, or leaves it in out.
func (t *transfer) put(data []byte) error {
	const chunkFrame = 16 // size line and end of a chunk, at most
	if len(t.out)+len(data)+chunkFrame > outSize {
		if err := t.flush(); err != nil {
			return err
		}
	}
	switch {
	case t.chunked:
		t.out = http1.AppendChunk(t.out, data)
	case len(t.out) == 0:
		return t.write(data) // without a copy
	default:
		t.out = append(t.out, data...)
	}
	return nil
}

// bulkFrom is how much of a body must be left for the kernel to move it from
// socket to socket.
const bulkFrom = 4 * bufferSize

// receive gets more of the body from src and sends it, waiting until due. stop may
// be nil; see [sock.fillUnless].
func (t *transfer) receive(src *sock, stop *atomic.Bool, due instant) error {
	left := t.body.Remaining()
	if t.chunked || left < bulkFrom || src.in.buf != nil && src.in.buf.len() > 0 || !src.spliceable() || !t.dst.spliceable() {
		return src.fillUnless(stop, due)
	}
	src.releaseBuffer()
	err := src.fillPipeUnless(stop, due, left)
	if errors.Is(err, syscall.EMFILE) {
		return src.fillUnless(stop, due)
	}
	if err != nil {
		return err
	}
	defer src.releasePipe()
	p := src.in.pipe
	n := p.n
	err = t.dst.emptyPipe(p, now().add(t.idle))
	t.sent += n - p.n
	if err != nil {
		return &writeError{err}
	}
	t.body.Skip(int64(n))
	return nil
}

// finish ends the body.
func (t *transfer) finish(trailer []byte) error {
	if st := t.dst.stream; st != nil {
		err := st.finish(t.out, trailer, now().add(t.idle))
		t.sent += len(t.out) - len(t.dst.out.p)
		t.out = t.out[:0]
		if err != nil {
			return &writeError{err}
		}
		return nil
	}
	if t.chunked {
		t.out = http1.AppendLastChunk(t.out, trailer)
	}
	return t.flush()
}

// flush sends what is in out.
func (t *transfer) flush() error {
	if len(t.out) == 0 {
		return nil
	}
	err := t.write(t.out)
	t.out = t.out[:0]
	return err
}

func (t *transfer) write(p []byte) error {
	err := t.dst.writeAll(p, now().add(t.idle))
	t.sent += len(p) - len(t.dst.out.p)
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// writeError is a failure to send, as opposed to one of the body that is sent.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func isWriteError(err error) bool {
	var w *writeError
	return errors.As(err, &w)
}
