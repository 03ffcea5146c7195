package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/proxy/http2"
)

// sock is one TCP connection of the engine, client's or member's. It adds to
// net.TCPConn what a proxy needs: reads that hold no buffer while they wait, and
// deadlines that move without a call into the runtime. One goroutine may read
// while another writes.
type sock struct {
	*net.TCPConn
	raw         syscall.RawConn
	in          half
	out         half
	interrupted atomic.Bool      // see interrupt
	probe       func(fd uintptr) // see alive; nil before the first use
	tls         *link            // nil: bytes go as they are
	route       route            // of a member's: what it may be used for
	stream      *stream          // nil: it is a connection, and not a part of one
}

// half is one direction of a sock with the operands of the call under way. The
// operation is a func value made once: a closure for every call would be an
// allocation for every call.
type half struct {
	op    func(fd uintptr) bool // recv or send, of the sock or of its link
	move  func(fd uintptr) bool // spliceIn or spliceOut; nil before the first use
	n     int
	errno syscall.Errno
	total uint64  // bytes received, or sent
	armed instant // the deadline that the runtime knows; 0: none
	buf   *buffer // in: received and not consumed; nil: nothing is buffered
	p     []byte  // out: still to be sent
	pipe  *pipe   // in: held while there are bytes in it; out: the one to empty
	most  int     // in: how many bytes may go into pipe
}

// errInterrupted is what a read returns after [sock.interrupt].
var errInterrupted = errors.New("interrupted")

func newSock(c *net.TCPConn) (*sock, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sock{TCPConn: c, raw: raw}
	s.in.op = s.recv
	s.out.op = s.send
	return s, nil
}

// fill reads once into in.buf, waiting until due. It returns io.EOF at the end
// of the stream. There must be room in the buffer.
func (s *sock) fill(due instant) error { return s.fillUnless(nil, due) }

// fillUnless is fill that returns errInterrupted when stop is set. Whoever sets
// it calls wakeReader afterwards.
func (s *sock) fillUnless(stop *atomic.Bool, due instant) error {
	if s.stream != nil {
		return s.stream.fill(stop, due)
	}
	if err := s.await(&s.in, s.in.op, stop, due); err != nil {
		return err
	}
	return s.readResult()
}

// readResult is how the last operation of fill went.
func (s *sock) readResult() error {
	if s.in.errno == errTLS && s.tls != nil {
		return s.tls.rerr
	}
	return received(s.in.n, s.in.errno)
}

// received turns the result of a receiving call into an error: io.EOF at the end.
func received(n int, errno syscall.Errno) error {
	switch {
	case errno != 0:
		return os.NewSyscallError("recv", errno)
	case n == 0:
		return io.EOF
	}
	return nil
}

// writeAll writes all of p, or fails when due has come. What was not written is
// then in out.p.
func (s *sock) writeAll(p []byte, due instant) error {
	if s.stream != nil {
		return s.stream.write(p, false, due)
	}
	s.out.p = p
	err := s.await(&s.out, s.out.op, nil, due)
	if err != nil || s.out.errno == 0 {
		return err
	}
	if s.out.errno == errTLS && s.tls != nil {
		return s.tls.werr
	}
	return os.NewSyscallError("send", s.out.errno)
}

// await calls op until it is done, waiting for the socket to be ready in between,
// or until due has come.
//
// Deadlines move with every request. One that the runtime already has is left
// alone if it is not later than due, and moved when it strikes early: that costs
// one needless wake-up per timeout and saves a call per read.
func (s *sock) await(h *half, op func(uintptr) bool, stop *atomic.Bool, due instant) error {
	for {
		if h.armed == 0 || h.armed > due {
			h.armed = due
			s.arm(h, due.time())
		}
		// After arming: a wakeReader from before it was overwritten.
		if stop != nil && stop.Load() {
			return errInterrupted
		}
		err := s.do(h, op)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if stop != nil && stop.Load() {
			return errInterrupted
		}
		if now() >= due {
			return err
		}
		h.armed = 0
	}
}

func (s *sock) do(h *half, op func(uintptr) bool) error {
	if h == &s.in {
		return s.raw.Read(op)
	}
	return s.raw.Write(op)
}

// arm fails on a closed connection only, and so will the operation.
func (s *sock) arm(h *half, t time.Time) {
	if h == &s.in {
		_ = s.SetReadDeadline(t)
	} else {
		_ = s.SetWriteDeadline(t)
	}
}

// wakeReader makes the read that waits look at its stop flag. It may be called by
// any goroutine. A read without a flag goes on.
func (s *sock) wakeReader() {
	if s.stream != nil {
		s.stream.readable.signal()
		return
	}
	_ = s.SetReadDeadline(epoch)
}

// interrupt ends the wait of a reader that is between two requests, now or later.
// It may be called by any goroutine.
func (s *sock) interrupt() {
	s.interrupted.Store(true)
	s.wakeReader()
}

// fillNow is fill for what has arrived already, whatever the deadline.
func (s *sock) fillNow() error {
	err := s.raw.Control(func(fd uintptr) {
		if !s.in.op(fd) {
			s.in.errno = syscall.EAGAIN
		}
	})
	if err != nil {
		return err
	}
	return s.readResult()
}

// alive reports whether an idle connection is open and silent.
func (s *sock) alive() bool {
	if s.probe == nil {
		s.probe = s.peek
	}
	return s.raw.Control(s.probe) == nil && s.in.errno == syscall.EAGAIN
}

// abort closes the connection with a reset, so that the other end cannot take
// what it got for all there was.
func (s *sock) abort() {
	if s.stream != nil {
		s.stream.reset(http2.InternalError)
		return
	}
	_ = s.SetLinger(0) // fails on a closed connection only
	_ = s.Close()
}

// goodbye says over TLS that nothing follows, if it still can. The connection is to be
// closed then.
func (s *sock) goodbye() {
	if s.tls != nil {
		s.tls.closeNotify()
	}
}

// close closes the connection. What was written is still delivered.
func (s *sock) close() {
	if s.stream != nil {
		s.stream.reset(http2.Cancel)
		return
	}
	s.goodbye()
	_ = s.Close()
}

// CloseWrite ends the stream to the other end, and lets it go on sending.
func (s *sock) CloseWrite() error {
	if s.stream != nil {
		return s.stream.write(nil, true, now().add(notifyTime))
	}
	if s.tls != nil {
		s.goodbye()
		if err := s.writeAll(nil, now().add(notifyTime)); err != nil {
			return err
		}
	}
	return s.TCPConn.CloseWrite()
}

// notifyTime is how long the end of a TLS stream may wait for what is before it.
const notifyTime = time.Second

// spoil makes the close that follows a reset: there were bytes that are lost.
func (s *sock) spoil() {
	if s.stream == nil {
		_ = s.SetLinger(0) // fails on a closed connection only
	}
}

// spliceable reports whether the kernel may move the bytes: they are neither encrypted
// nor in frames.
func (s *sock) spliceable() bool { return s.tls == nil && s.stream == nil }

// releaseBuffer gives the buffer back. What it held is lost.
func (s *sock) releaseBuffer() {
	if s.in.buf != nil {
		putBuffer(s.in.buf)
		s.in.buf = nil
	}
}

// instant is a time on the monotonic clock, in nanoseconds since epoch.
type instant int64

// epoch is when the process began, for reckoning in int64.
var epoch = time.Now()

func now() instant { return instant(time.Since(epoch)) + 1 }

func (i instant) add(d time.Duration) instant { return i + instant(d) }
func (i instant) duration() time.Duration     { return time.Duration(i) }
func (i instant) time() time.Time             { return epoch.Add(time.Duration(i)) }
