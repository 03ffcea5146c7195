package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// link is the TLS layer of a sock. It puts crypto/tls, which knows only blocking
// connections, between the sock's operations and its descriptor: after the handshake
// [tls.Conn] is called only inside the callbacks of the descriptor, and what would block
// comes back as errWouldBlock, which crypto/tls takes for a pause and not for an end
// (any net.Error that says it is temporary; TestWouldBlockDoesNotPoison holds it to that).
// So a sock with TLS waits in the same way as one without, and the other path does
// not know that there are two.
//
// As on every sock, one goroutine may read while another writes. crypto/tls writes on
// either: alerts and answers to a key update come from the reader.
type link struct {
	sock *sock
	conn *tls.Conn
	fd   uintptr
	// strict: the end of the TCP stream without that of TLS is an error. Anyone on
	// the path can make one (RFC 9112 section 9.8).
	strict bool
	cut    bool  // reading has come to such an end
	rerr   error // why reading failed, if it was not the socket
	werr   error // and writing

	handshake *handshake // nil: done

	mu      sync.Mutex
	pending *sealed // guarded by mu; records that the socket has not taken yet, nil: none
}

// sealed are records on their way out.
type sealed struct{ r, b []byte }

var sealedPool = sync.Pool{New: func() any { return new(sealed) }}

// errTLS stands in for the error of a socket where TLS failed; see [sock.failure].
const errTLS = syscall.EPROTO

// wouldBlock is a net.Error that is temporary.
type wouldBlock struct{}

func (wouldBlock) Error() string { return "would block" }

// Timeout is true: crypto/tls then keeps the connection usable.
func (wouldBlock) Timeout() bool { return true }

// Temporary is part of net.Error.
func (wouldBlock) Temporary() bool { return true }

var errWouldBlock error = wouldBlock{}

// errTruncated is the end of a connection that TLS did not announce.
var errTruncated = errors.New("connection ended without close_notify")

// maxRecord is how much goes into one record: what a buffer holds.
const maxRecord = bufferSize

// recv is the operation of fill over TLS. A sock that has nothing buffered gives its
// buffer back before it waits; what crypto/tls holds of an incomplete record stays.
func (l *link) recv(uintptr) bool {
	h := &l.sock.in
	if h.buf == nil {
		h.buf = getBuffer()
	}
	n, err := l.conn.Read(h.buf.free())
	switch {
	case n > 0: // an error that came with it comes again
		h.n, h.errno = n, 0
		h.buf.w += n
		h.total += uint64(n)
	case err == errWouldBlock: //nolint:errorlint // it is never wrapped
		if h.buf.len() == 0 {
			l.sock.releaseBuffer()
		}
		return false
	case errors.Is(err, io.EOF) && (!l.cut || !l.strict):
		h.n, h.errno = 0, 0
	default:
		if l.rerr = err; errors.Is(err, io.EOF) {
			l.rerr = errTruncated
		}
		h.n, h.errno = 0, errTLS
	}
	return true
}

// send is the operation of writeAll over TLS. What it has taken from out.p is sealed, and
// sent now or with the next call.
func (l *link) send(uintptr) bool {
	h := &l.sock.out
	for {
		done, errno := l.flush()
		switch {
		case errno != 0:
			h.errno = errno
			return true
		case !done:
			return false
		case len(h.p) == 0:
			h.errno = 0
			return true
		}
		n, err := l.conn.Write(h.p[:min(len(h.p), maxRecord)])
		if err != nil {
			l.werr, h.errno = err, errTLS
			return true
		}
		h.p = h.p[n:]
		h.total += uint64(n)
	}
}

// flush sends what is pending, as far as the socket takes it.
func (l *link) flush() (done bool, _ syscall.Errno) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.pending
	if s == nil {
		return true, 0
	}
	n, errno := sendAll(l.fd, s.r)
	if s.r = s.r[n:]; len(s.r) > 0 {
		return false, errno
	}
	s.b = s.b[:0]
	sealedPool.Put(s)
	l.pending = nil
	return true, 0
}

// sendAll sends as much of p as the socket takes. It returns an error only for what is
// left.
func sendAll(fd uintptr, p []byte) (sent int, _ syscall.Errno) {
	for sent < len(p) {
		n, errno := sendto(fd, p[sent:])
		switch errno {
		case 0:
			sent += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			return sent, 0
		default:
			return sent, errno
		}
	}
	return sent, 0
}

// peek is the operation of alive over TLS: it reads what is not for us, such as session
// tickets, and finds what is, also in what crypto/tls has read already.
func (l *link) peek(uintptr) {
	var b [1]byte
	l.sock.in.errno = 0
	if _, err := l.conn.Read(b[:]); err == errWouldBlock { //nolint:errorlint // it is never wrapped
		l.sock.in.errno = syscall.EAGAIN
	}
}

// Read is for crypto/tls.
func (l *link) Read(p []byte) (int, error) {
	if l.handshake != nil {
		return l.handshake.read(p)
	}
	for {
		n, errno := recvfrom(l.fd, p)
		switch errno {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, errWouldBlock
		case 0:
			if n == 0 {
				l.cut = true
				return 0, io.EOF
			}
			return n, nil
		}
		return 0, os.NewSyscallError("recv", errno)
	}
}

// Write is for crypto/tls, which calls it under a lock: it does not wait. What the socket
// does not take now goes before anything else.
func (l *link) Write(p []byte) (int, error) {
	if l.handshake != nil {
		return l.handshake.write(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := 0
	if l.pending == nil {
		var errno syscall.Errno
		if sent, errno = sendAll(l.fd, p); errno != 0 {
			return sent, os.NewSyscallError("send", errno)
		}
		if sent == len(p) {
			return sent, nil
		}
		l.pending = sealedPool.Get().(*sealed)
	}
	s := l.pending
	if len(s.r) == 0 {
		s.b = append(s.b[:0], p[sent:]...)
	} else { // r is the end of b
		s.b = append(s.b[:copy(s.b, s.r)], p[sent:]...)
	}
	s.r = s.b
	return len(p), nil
}

// closeNotify says that nothing follows, if the socket takes it now.
func (l *link) closeNotify() {
	_ = l.sock.raw.Control(func(uintptr) { _ = l.conn.CloseWrite() })
}

// Close is for crypto/tls, which is not asked to close.
func (l *link) Close() error { return nil }

// LocalAddr is for crypto/tls.
func (l *link) LocalAddr() net.Addr { return l.sock.LocalAddr() }

// RemoteAddr is for crypto/tls.
func (l *link) RemoteAddr() net.Addr { return l.sock.RemoteAddr() }

// SetDeadline is for crypto/tls. The deadlines are the sock's.
func (l *link) SetDeadline(time.Time) error { return nil }

// SetReadDeadline is for crypto/tls; see SetDeadline.
func (l *link) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for crypto/tls; see SetDeadline.
func (l *link) SetWriteDeadline(time.Time) error { return nil }
