package proxy

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what one round moves at most.
	pipeSize = 256 << 10
	// bulk is what a round must move for the next to be worth its two calls.
	bulk = 2 * bufferSize
)

// pipe is where the kernel puts bytes on their way from socket to socket. It is
// held only while there are bytes in it: a connection that is idle has none.
type pipe struct {
	r, w int
	n    int // bytes in it
}

// pipes keeps empty pipes for all engines of the process. Those that the
// collector takes are closed by a cleanup.
var pipes sync.Pool

func getPipe() (*pipe, error) {
	if p, ok := pipes.Get().(*pipe); ok {
		return p, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	// Refused when the user has much in pipes already; a small one works too.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	p := &pipe{r: fds[0], w: fds[1]}
	runtime.AddCleanup(p, func(fds [2]int) {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
	}, fds)
	return p, nil
}

// putPipe gives p back. One with bytes in it is of no use to anyone else and is
// left to its cleanup.
func putPipe(p *pipe) {
	if p.n == 0 {
		pipes.Put(p)
	}
}

// spliceIn is the operation of fillPipe.
func (s *sock) spliceIn(fd uintptr) bool {
	h := &s.in
	if h.pipe == nil {
		var err error
		if h.pipe, err = getPipe(); err != nil {
			h.n, h.errno = 0, syscall.EMFILE
			return true
		}
	}
	h.n, h.errno = splice(int(fd), h.pipe.w, h.most)
	if h.errno == syscall.EAGAIN {
		s.releasePipe()
		return false
	}
	h.pipe.n = h.n
	h.total += uint64(h.n)
	return true
}

// spliceOut is the operation of emptyPipe.
func (s *sock) spliceOut(fd uintptr) bool {
	h := &s.out
	for h.pipe.n > 0 {
		n, errno := splice(h.pipe.r, int(fd), h.pipe.n)
		if errno == syscall.EAGAIN {
			return false
		}
		if h.errno = errno; errno != 0 {
			return true
		}
		h.pipe.n -= n
		h.total += uint64(n)
	}
	return true
}

func splice(from, to, n int) (int, syscall.Errno) {
	for {
		moved, _, errno := syscall.Syscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0,
			uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch errno {
		case 0:
			return int(moved), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// fillPipe is fill into a pipe, which is then in in.pipe. Nothing may be buffered.
// It returns EMFILE if there is no pipe to be had.
func (s *sock) fillPipe(due instant) error {
	return s.fillPipeUnless(nil, due, pipeSize)
}

// fillPipeUnless is fillUnless into a pipe, of most bytes at most.
func (s *sock) fillPipeUnless(stop *atomic.Bool, due instant, most int64) error {
	s.in.most = int(min(most, pipeSize))
	if s.in.move == nil {
		s.in.move = s.spliceIn
	}
	if err := s.await(&s.in, s.in.move, stop, due); err != nil {
		return err
	}
	return received(s.in.n, s.in.errno)
}

// emptyPipe is writeAll out of p.
func (s *sock) emptyPipe(p *pipe, due instant) error {
	if s.out.move == nil {
		s.out.move = s.spliceOut
	}
	s.out.pipe = p
	err := s.await(&s.out, s.out.move, nil, due)
	s.out.pipe = nil
	if err == nil && s.out.errno != 0 {
		err = os.NewSyscallError("splice", s.out.errno)
	}
	return err
}

func (s *sock) releasePipe() {
	if s.in.pipe != nil {
		putPipe(s.in.pipe)
		s.in.pipe = nil
	}
}
