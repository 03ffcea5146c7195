package proxy

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/proxy/flowlog"
)

// tunnel passes bytes between a client and a member, each way by itself: the end
// of one direction is passed on as the end of that direction only (half-close).
type tunnel struct {
	session        *session
	snap           *snapshot
	client, member *sock

	clientIdle time.Duration
	memberIdle time.Duration
	// firstBy is when the first byte must have come, from either side.
	firstBy instant

	// active is when bytes moved last, in either direction. Both directions look
	// at it: a download keeps alive a client that has nothing to say.
	active atomic.Int64
	moved  atomic.Bool
	end    flowlog.End // how it ended; set by run

	look func(p []byte) bool // see flow; at what the client sends
}

func newTunnel(x *session, member *sock, snap *snapshot) *tunnel {
	t := &tunnel{
		session: x, snap: snap, client: x.client, member: member,
		clientIdle: snap.clientData, memberIdle: snap.memberData,
		firstBy: now().add(snap.tcpInspect),
	}
	t.active.Store(int64(now()))
	return t
}

// run returns when both directions have ended. It reports whether they ended
// with the end of their streams rather than with an error. The sockets are left
// to be closed, or are closed already.
func (t *tunnel) run() bool {
	c := t.snap.counters
	if t.client.stream != nil {
		c = new(counters) // its connection counts
	}
	up := flow{look: t.look, t: t, src: t.client, dst: t.member, srcIdle: t.clientIdle, dstIdle: t.memberIdle, moved: &c.bytesIn}
	down := flow{t: t, src: t.member, dst: t.client, srcIdle: t.memberIdle, dstIdle: t.clientIdle, moved: &c.bytesOut}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer t.session.recover(t.snap)
		down.run()
	})
	up.run()
	wg.Wait()
	for _, f := range []*flow{&up, &down} {
		// What could not be delivered must not end like a whole stream.
		if f.err != nil && !errors.Is(f.err, os.ErrDeadlineExceeded) {
			f.src.spoil()
		}
	}
	t.end = t.endOf(up.err, down.err)
	return up.err == nil && down.err == nil
}

// touch notes that bytes moved.
func (t *tunnel) touch() {
	t.active.Store(int64(now()))
	if !t.moved.Load() {
		t.moved.Store(true)
	}
}

// due is when a side that may be idle for d has been idle for too long, as it
// looks now.
func (t *tunnel) due(d time.Duration) instant {
	due := instant(t.active.Load()).add(d)
	if !t.moved.Load() {
		due = min(due, t.firstBy)
	}
	return due
}

// flow is one direction of a tunnel.
type flow struct {
	t        *tunnel
	src, dst *sock
	srcIdle  time.Duration
	dstIdle  time.Duration
	moved    *atomic.Uint64
	look     func(p []byte) (seen bool) // is shown what passes until it has seen enough; nil: nobody looks
	err      error                      // how it ended; nil: with the end of the stream
}

// run moves bytes until the stream ends or breaks.
func (f *flow) run() {
	defer f.src.releaseBuffer()
	f.err = f.copy()
	switch {
	case f.err == nil:
		f.err = f.dst.CloseWrite()
	case errors.Is(f.err, errBroken):
		// The receiver is gone. What it sent before can still be passed on by the
		// other direction, which ends by itself.
	case errors.Is(f.err, os.ErrDeadlineExceeded):
		f.src.close()
		f.dst.close()
	default: // the sender is gone: so is, for the receiver, the stream
		f.dst.abort()
		f.src.abort()
	}
}

// errBroken is an error of the receiving side.
var errBroken = errors.New("receiver is gone")

// copy moves bytes until the end of the stream (nil) or an error.
//
// Small reads go through a buffer, which is held only while it has bytes in it.
// After two that fill the buffer the sender is in bulk, and the kernel moves the
// bytes from socket to socket until they get fewer again.
func (f *flow) copy() error {
	if f.src.in.buf != nil && f.src.in.buf.len() > 0 { // what came behind an HTTP head
		if err := f.flush(); err != nil {
			return err
		}
	}
	for full := 0; ; {
		if err := f.wait((*sock).fill); err != nil {
			return eofIsNil(err)
		}
		if f.src.in.buf.full() {
			full++
		} else {
			full = 0
		}
		if err := f.flush(); err != nil {
			return err
		}
		if full == 2 && f.src.spliceable() && f.dst.spliceable() {
			full = 0
			if err := f.splice(); err != nil {
				return eofIsNil(err)
			}
		}
	}
}

// flush sends what is buffered.
func (f *flow) flush() error {
	buf := f.src.in.buf
	if f.look != nil && f.look(buf.bytes()) {
		f.look = nil
	}
	err := f.send(buf.bytes())
	buf.consume(buf.len())
	return err
}

func (f *flow) send(p []byte) error {
	for {
		// A call that is out of time has left in out.p what it has not sent.
		err := f.dst.writeAll(p, f.t.due(f.dstIdle))
		sent := len(p) - len(f.dst.out.p)
		f.count(sent)
		p = p[sent:]
		if done, err := f.settle(err); done {
			return err
		}
	}
}

// wait calls op until it is done or neither direction has moved for as long as
// the sending side may be idle.
func (f *flow) wait(op func(*sock, instant) error) error {
	for {
		err := op(f.src, f.t.due(f.srcIdle))
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || now() >= f.t.due(f.srcIdle) {
			return err
		}
	}
}

func (f *flow) count(n int) {
	if n > 0 {
		f.moved.Add(uint64(n))
		f.t.touch()
	}
}

func eofIsNil(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// splice moves bytes without bringing them into user space, until they come in
// small pieces (nil) or the stream ends (io.EOF) or breaks.
func (f *flow) splice() error {
	f.src.releaseBuffer()
	defer f.src.releasePipe()
	for small := 0; small < 2; {
		err := f.wait((*sock).fillPipe)
		if errors.Is(err, syscall.EMFILE) {
			return nil // no pipe to be had: bytes can still be copied
		}
		if err != nil {
			return err
		}
		p := f.src.in.pipe
		if p.n >= bulk {
			small = 0
		} else {
			small++
		}
		if err := f.drainPipe(p); err != nil {
			return err
		}
	}
	return nil
}

func (f *flow) drainPipe(p *pipe) error {
	for {
		before := p.n
		err := f.dst.emptyPipe(p, f.t.due(f.dstIdle))
		f.count(before - p.n)
		if done, err := f.settle(err); done {
			return err
		}
	}
}

// settle says whether a write is over: it is not if it ran out of time while the
// other direction went on, which moved the time.
func (f *flow) settle(err error) (done bool, _ error) {
	switch {
	case err == nil:
		return true, nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return true, errors.Join(errBroken, err)
	default:
		return now() >= f.t.due(f.dstIdle), err
	}
}
