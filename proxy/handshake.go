package proxy

import (
	"crypto/tls"
	"net"
	"syscall"
)

// handshake is the state of a sock during its TLS handshake, in which crypto/tls has to
// wait inside its calls. It belongs to the goroutine that shakes hands.
type handshake struct {
	sock  *sock
	due   instant
	slots slots
	p     []byte // to be read into
}

// slots bounds the handshakes that compute at the same time: they are most of the work of
// a short connection, and with many of them runnable at once the requests of all others
// would wait behind them. A handshake that waits for its peer holds none.
type slots chan struct{}

func (s slots) acquire() { s <- struct{}{} }
func (s slots) release() { <-s }

// secure puts TLS on s: with [tls.Server] or [tls.Client] it shakes hands until due. What
// is in the buffer counts as received. After an error the connection is of no use; the
// peer has been sent the alert.
func (s *sock) secure(side func(net.Conn, *tls.Config) *tls.Conn, cfg *tls.Config, bound slots, strict bool, due instant) error {
	h := &handshake{sock: s, due: due, slots: bound}
	l := &link{sock: s, handshake: h, strict: strict}
	l.conn = side(l, cfg)
	bound.acquire()
	err := l.conn.Handshake()
	bound.release()
	if err != nil {
		return err
	}
	if err := s.raw.Control(func(fd uintptr) { l.fd = fd }); err != nil {
		return err
	}
	l.handshake = nil
	s.in.total, s.out.total = 0, 0 // what is counted is inside TLS
	s.in.op, s.out.op, s.probe = l.recv, l.send, l.peek
	s.tls = l
	return nil
}

// read reads into p what is buffered, or waits for more.
func (h *handshake) read(p []byte) (int, error) {
	s := h.sock
	if buf := s.in.buf; buf != nil {
		n := copy(p, buf.bytes())
		if buf.consume(n); buf.len() == 0 {
			s.releaseBuffer()
		}
		if n > 0 {
			return n, nil
		}
	}
	h.p = p
	h.slots.release()
	err := s.await(&s.in, h.recv, nil, h.due)
	h.slots.acquire()
	if err != nil {
		return 0, err
	}
	return s.in.n, received(s.in.n, s.in.errno)
}

// recv is the operation of read.
func (h *handshake) recv(fd uintptr) bool {
	in := &h.sock.in
	for {
		in.n, in.errno = recvfrom(fd, h.p)
		if in.errno != syscall.EINTR {
			return in.errno != syscall.EAGAIN
		}
	}
}

func (h *handshake) write(p []byte) (int, error) {
	h.slots.release()
	err := h.sock.writeAll(p, h.due)
	h.slots.acquire()
	return len(p) - len(h.sock.out.p), err
}
