package nemesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// streaming downloads a large file again and again.
type streaming struct {
	client *chaos.Host
	vip    netip.Addr
	hang   time.Duration
	blob   []byte

	mu      sync.Mutex
	streams []check.Stream // guarded by mu
}

// run downloads until ctx ends.
func (s *streaming) run(ctx context.Context) {
	for ctx.Err() == nil {
		if one, connected := s.download(ctx); connected {
			s.mu.Lock()
			s.streams = append(s.streams, one)
			s.mu.Unlock()
		} else {
			pause(ctx, 50*time.Millisecond)
		}
	}
}

// download reads one stream to its end. One that hangs is cut by the client, after
// longer than the judge allows.
func (s *streaming) download(ctx context.Context) (st check.Stream, connected bool) {
	dial, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
	conn, err := s.client.Dial(dial, "tcp", netip.AddrPortFrom(s.vip, 80).String())
	cancel()
	if err != nil {
		return st, false
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepalive, Interval: keepalive, Count: 10})
	}
	st.Began = wire.Now()
	st.At = st.Began
	last := st.Began
	defer func() { st.Ended = wire.Now() }()
	if _, err := fmt.Fprintf(conn, "GET /blob HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", s.vip); err != nil {
		st.Reset = true
		return st, true
	}
	var head []byte
	buf := make([]byte, 64<<10)
	for {
		if ctx.Err() == nil {
			_ = conn.SetReadDeadline(time.Now().Add(2 * s.hang))
		}
		n, err := conn.Read(buf)
		now := wire.Now()
		if gap := now.Sub(last); gap > st.Longest && ctx.Err() == nil {
			st.Longest, st.At = gap, last
		}
		last = now
		part := buf[:n]
		if st.Bytes == 0 && n > 0 { // the header comes first
			head = append(head, part...)
			at := bytes.Index(head, []byte("\r\n\r\n"))
			if at < 0 {
				part = nil
			} else if part = head[at+4:]; !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
				return st, false // refused, which is no stream
			}
		}
		if st.Bytes+len(part) > len(s.blob) || !bytes.Equal(part, s.blob[st.Bytes:st.Bytes+len(part)]) {
			st.Damaged = true
		}
		st.Bytes += len(part)
		switch {
		case err == nil && !st.Damaged:
		case ctx.Err() != nil:
			return st, true
		case os.IsTimeout(err):
			st.GivenUp = true
			return st, true
		default:
			st.Reset = err != nil && !errors.Is(err, io.EOF)
			return st, true
		}
	}
}
