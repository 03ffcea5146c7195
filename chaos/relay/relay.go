package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Relay carries frames between two links.
type Relay struct {
	cable Cable
	ends  [2]int // sockets
	once  sync.Once

	carried, dropped atomic.Uint64
}

// maxFrame is the largest frame that a link may hand over: segments that have not
// been cut yet (generic segmentation offload), with the header that says so.
const maxFrame = 64<<10 + 256

// Open connects the links with these indices. do runs a function in their
// namespace. No frame is carried before Run; the caller must call Run or Close.
func Open(do func(func() error) error, linkA, linkB int, cable Cable) (*Relay, error) {
	if err := cable.Validate(); err != nil {
		return nil, err
	}
	r := &Relay{cable: cable, ends: [2]int{-1, -1}}
	for i, link := range []int{linkA, linkB} {
		err := do(func() (err error) {
			r.ends[i], err = open(link)
			return err
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open relay on link %d: %w", link, err), r.Close())
		}
	}
	return r, nil
}

// open makes a packet socket that hears and sends frames as the link carries them,
// with the kernel's notes on checksums and segments that have still to be made
// (PACKET_VNET_HDR, packet(7)).
func open(link int) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link}),
	)
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// Close gives up the sockets. Run does it itself.
func (r *Relay) Close() error {
	var errs []error
	r.once.Do(func() {
		for _, fd := range r.ends {
			if fd >= 0 {
				errs = append(errs, unix.Close(fd))
			}
		}
	})
	return errors.Join(errs...)
}

// Carried is how many frames have arrived, and how many were dropped, on purpose
// or for want of room.
func (r *Relay) Carried() (carried, dropped uint64) { return r.carried.Load(), r.dropped.Load() }

// Run carries frames in both directions until ctx ends. What is under way then is
// lost.
func (r *Relay) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range r.ends {
		q := newQueue()
		g.Go(func() error { return r.read(ctx, r.ends[i], q, newSchedule(r.cable, uint64(i))) })
		g.Go(func() error { return r.write(ctx, r.ends[1-i], q) })
	}
	err := g.Wait()
	return errors.Join(err, r.Close())
}

func (r *Relay) read(ctx context.Context, fd int, q *queue, s *schedule) error {
	buf := make([]byte, maxFrame)
	for ctx.Err() == nil {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN):
			continue // a link that is down carries nothing
		case err != nil:
			return fmt.Errorf("read frame: %w", err)
		}
		arrivals := s.next(time.Now())
		if len(arrivals) == 0 {
			r.dropped.Add(1)
			continue
		}
		frame := append([]byte(nil), buf[:n]...)
		for _, at := range arrivals {
			if !q.add(frame, at) {
				r.dropped.Add(1)
			}
		}
	}
	return nil
}

func (r *Relay) write(ctx context.Context, fd int, q *queue) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		frame, wait := q.due(time.Now())
		if frame != nil {
			if _, err := unix.Write(fd, frame); err != nil {
				r.dropped.Add(1) // the link is down, or has no room
			} else {
				r.carried.Add(1)
			}
			continue
		}
		if wait < 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		case <-timer.C:
		}
	}
}
