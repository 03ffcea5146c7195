package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

// A node that drains still reads what a client goes on sending behind its last answer: closing at once would reset the connection,
// and the reset can overtake the answer.
func TestDrainLingers(t *testing.T) {
	f := newFront(t, 0, nil)
	c := f.client()
	c.send("POST / HTTP/1.1\nHost: a\n")
	testenv.Eventually(t, limit, func() error {
		if f.engine.Stats()[f.listener].Active != 1 {
			return io.ErrNoProgress
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.engine.Drain(ctx) }()
	testenv.Eventually(t, limit, func() error {
		f.engine.sessions.mu.Lock()
		defer f.engine.sessions.mu.Unlock()
		if f.engine.sessions.state != drained {
			return io.ErrNoProgress
		}
		return nil
	})
	c.send("Content-Length: 1000000\n\n")
	c.wantHead("HTTP/1.1 503 Service Unavailable", "Connection: close")
	if _, err := io.Copy(io.Discard, c.r); err != nil {
		t.Errorf("the answer ends with %v", err)
	}
	for range 100 { // the second would fail on a connection that was closed
		write(t, c, "still here")
	}
	_ = c.Close()
	if err := <-done; err != nil {
		t.Errorf("drain: %v", err)
	}
}

// A slow handshake is not late for timeout_tcp_inspect, which is about the first bytes.
func TestInspectionEndsWithFirstBytes(t *testing.T) {
	const inspect = 200 * time.Millisecond
	f := newTLSFront(t, Config{}, 0, func(_ *vault, s *lb.ListenerSpec) { s.TimeoutTCPInspect = lb.Some(inspect) })
	silent := f.dial(tlsPort)
	began := time.Now()
	readToEnd(t, silent)
	if took := time.Since(began); took < inspect {
		t.Errorf("a client that says nothing was waited for %v, want %v", took, inspect)
	}
	c := tls.Client(&slowHello{TCPConn: f.dial(tlsPort), pause: func() { readToEnd(t, f.dial(tlsPort)) }}, f.config())
	if err := c.Handshake(); err != nil {
		t.Errorf("a handshake that takes longer than the inspection: %v", err)
	}
}

// slowHello sends one byte, and the rest after a pause.
type slowHello struct {
	*net.TCPConn
	pause func()
}

func (s *slowHello) Write(p []byte) (int, error) {
	if s.pause == nil {
		return s.TCPConn.Write(p)
	}
	n, err := s.TCPConn.Write(p[:1])
	if err != nil {
		return n, err
	}
	s.pause()
	s.pause = nil
	m, err := s.TCPConn.Write(p[n:])
	return n + m, err
}
