package proxy

import (
	"cmp"
	"crypto/tls"
	"net"
	"os"
	"syscall"
)

// handshake is the state of a sock during its TLS handshake, in which crypto/tls has to
// wait inside its calls. It belongs to the goroutine that shakes hands.
type handshake struct {
	sock  *sock
	due   instant
	slots slots
	held  bool   // a slot
	p     []byte // to be read into
}

// slots bounds the handshakes that compute at the same time: they are most of the work of
// a short connection, and with many of them runnable at once the requests of all others
// would wait behind them. A handshake that waits for its peer holds none.
type slots chan struct{}

// acquire waits for a slot. A handshake whose time has passed meanwhile shall not compute
// for nobody: with too many clients that would be all that is done.
func (h *handshake) acquire() error {
	h.slots <- struct{}{}
	h.held = true
	if now() >= h.due {
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (h *handshake) release() {
	if h.held {
		h.held = false
		<-h.slots
	}
}

// secure puts TLS on s: with [tls.Server] or [tls.Client] it shakes hands until due. What
// is in the buffer counts as received. After an error the connection is of no use; the
// peer has been sent the alert.
func (s *sock) secure(side func(net.Conn, *tls.Config) *tls.Conn, cfg *tls.Config, bound slots, strict bool, due instant) error {
	h := &handshake{sock: s, due: due, slots: bound}
	l := &link{sock: s, handshake: h, strict: strict}
	l.conn = side(l, cfg)
	if err := h.shake(l.conn); err != nil {
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

// shake gives the slot back also if crypto/tls, or a key, panics.
func (h *handshake) shake(c *tls.Conn) error {
	defer h.release()
	if err := h.acquire(); err != nil {
		return err
	}
	return c.Handshake()
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
	h.release()
	err := s.await(&s.in, h.recv, nil, h.due)
	if err = cmp.Or(err, h.acquire()); err != nil {
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
	h.release()
	err := h.sock.writeAll(p, h.due)
	return len(p) - len(h.sock.out.p), cmp.Or(err, h.acquire())
}
