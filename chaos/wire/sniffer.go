package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/chaos/check"
)

// maxFrames bounds what a sniffer remembers: some 200 MB, a quarter of an hour of
// a busy lab.
const maxFrames = 2 << 20

// Config says what to watch.
type Config struct {
	// Do runs a function in the namespace of the switch.
	Do func(func() error) error
	// Ports are the switch's ends of the cables, by index of the link, and the
	// names of the nodes at the other ends.
	Ports map[int]string
	// First and Last enclose the virtual IPs. Senders outside are not recorded.
	First, Last netip.Addr
}

// Sniffer records the frames that nodes send with a virtual IP as the sender,
// where they enter the switch.
type Sniffer struct {
	cfg Config
	fd  int

	mu     sync.Mutex
	frames []check.Frame // guarded by mu
	lost   uint64        // guarded by mu
}

// Open starts to listen: frames wait in the socket's buffer until Run reads them.
// The caller must call Run, or Close.
func Open(cfg Config) (*Sniffer, error) {
	filter, err := incoming(cfg.First, cfg.Last)
	if err != nil {
		return nil, err
	}
	s := &Sniffer{cfg: cfg, fd: -1}
	err = cfg.Do(func() (err error) {
		// Nothing is received before the filter is there and bind says from where.
		s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open sniffer: %w", err)
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err = errors.Join(
		unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program),
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		// So that Run looks at its context now and then.
		unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}),
		unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sniffer: %w", err), s.Close())
	}
	return s, nil
}

// Close gives the socket up. It must not be called while Run runs, which closes it
// itself.
func (s *Sniffer) Close() error {
	if s.fd < 0 {
		return nil
	}
	fd := s.fd
	s.fd = -1
	return unix.Close(fd)
}

// Run records until ctx ends, and then what had arrived by then.
func (s *Sniffer) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	frame, control := make([]byte, 128), make([]byte, 128)
	var end check.Instant // when ctx ended, once it has
	for {
		if end == 0 && ctx.Err() != nil {
			end = Now()
		}
		n, oobn, _, from, err := unix.Recvmsg(s.fd, frame, control, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if end == 0 {
				continue
			}
			return s.countLost()
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN): // a port went down
			continue
		case err != nil:
			return fmt.Errorf("read from sniffer: %w", err)
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok {
			continue
		}
		node, ok := s.cfg.Ports[link.Ifindex]
		if !ok {
			continue
		}
		f, ok := parse(frame[:min(n, len(frame))])
		if !ok || f.VIP.Less(s.cfg.First) || s.cfg.Last.Less(f.VIP) {
			continue
		}
		f.Node = node
		if f.At, err = stamp(control[:oobn]); err != nil {
			return err
		}
		if end != 0 && f.At > end {
			return s.countLost()
		}
		s.record(f)
	}
}

// stamp is when the kernel took the frame from the cable.
func stamp(control []byte) (check.Instant, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, fmt.Errorf("read time of a frame: %w", err)
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := *(*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return check.Instant(ts.Nano()) - sinceEpoch(), nil
		}
	}
	return 0, errors.New("read time of a frame: the kernel sent none")
}

func (s *Sniffer) record(f check.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frames) == maxFrames {
		s.lost++
		return
	}
	s.frames = append(s.frames, f)
}

// countLost asks the kernel how many frames found the buffer full.
func (s *Sniffer) countLost() error {
	st, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("read statistics of the sniffer: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += uint64(st.Drops)
	return nil
}

// Frames is what was recorded so far, in order of time, and how many frames could
// not be, as far as that is known before Run ends.
func (s *Sniffer) Frames() (frames []check.Frame, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames = slices.Clone(s.frames)
	slices.SortStableFunc(frames, func(a, b check.Frame) int { return int(min(1, max(-1, a.At-b.At))) })
	return frames, s.lost
}

// Answering is the node that sent a frame with the virtual IP as the sender last,
// at or before t; empty if there is none. frames are in order of time.
func Answering(frames []check.Frame, vip netip.Addr, t check.Instant) string {
	n, _ := slices.BinarySearchFunc(frames, t, func(f check.Frame, t check.Instant) int {
		if f.At <= t {
			return -1
		}
		return 1
	})
	for _, f := range slices.Backward(frames[:n]) {
		if f.VIP == vip {
			return f.Node
		}
	}
	return ""
}
