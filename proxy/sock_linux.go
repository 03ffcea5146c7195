package proxy

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// recvfrom and sendto go past the runtime's bookkeeping for blocking calls: the
// sockets are non-blocking and a call moves one buffer at most, so it cannot hold
// up the scheduler for longer than the copy takes.

func recvfrom(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// peek is the operation of alive: it looks for bytes, or the end of the stream,
// and takes nothing.
func (s *sock) peek(fd uintptr) {
	var b [1]byte
	_, _, s.in.errno = syscall.RawSyscall6(unix.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(&b)), 1, unix.MSG_DONTWAIT|unix.MSG_PEEK, 0, 0)
}

func sendto(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// recv is the operation of fill: it reads once into what is free of in.buf. A
// sock that has nothing buffered gives its buffer back before it waits.
func (s *sock) recv(fd uintptr) bool {
	h := &s.in
	if h.buf == nil {
		h.buf = getBuffer()
	}
	for {
		h.n, h.errno = recvfrom(fd, h.buf.free())
		switch h.errno {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			if h.buf.len() == 0 {
				s.releaseBuffer()
			}
			return false
		case 0:
			h.buf.w += h.n
			h.total += uint64(h.n)
		}
		return true
	}
}

// send is the operation of write: it sends what is left of out.p.
func (s *sock) send(fd uintptr) bool {
	h := &s.out
	for len(h.p) > 0 {
		n, errno := sendto(fd, h.p)
		switch errno {
		case 0:
			h.p = h.p[n:]
			h.total += uint64(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			h.errno = errno
			return true
		}
	}
	h.errno = 0
	return true
}
