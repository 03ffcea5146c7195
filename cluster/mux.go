package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
	"golang.org/x/sync/errgroup"
)

// mux shares the node's one port between raft and gRPC. It also dials other
// nodes, so that both sides of the handshake are here.
type mux struct {
	cluster, id string
	tls         *tls.Config // nil: plain TCP
	greeting    time.Duration
	logger      *slog.Logger
	refused     throttle
	// epoch, if set before run, is the tag of the node's epoch now.
	epoch func() string
	// broken, if set before run, is called when the connection of or to a node ends
	// from the other side. It must not block.
	broken func(id string)

	ln   net.Listener
	raft *subListener
	grpc *subListener

	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu; accepted and dialled; nil when closed
}

// listenMux binds the port. It accepts nothing before run is called.
func listenMux(addr, cluster, id string, tlsConfig *tls.Config, greeting time.Duration, logger *slog.Logger) (*mux, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for other nodes: %w", err)
	}
	return &mux{
		cluster: cluster, id: id, tls: tlsConfig, greeting: greeting, logger: logger,
		ln:    ln,
		raft:  newSubListener(ln.Addr()),
		grpc:  newSubListener(ln.Addr()),
		conns: map[net.Conn]struct{}{},
	}, nil
}

// run accepts connections until close, and returns when every one that it was
// still greeting is gone.
func (m *mux) run() error {
	var greetings errgroup.Group
	defer func() { _ = greetings.Wait() }()
	for {
		conn, err := m.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			// Out of descriptors, most likely: it passes, and the next Accept waits.
			if m.refused.first("accept") {
				m.logger.Warn("cannot accept a connection", logkey.Err, err)
			}
			<-time.After(50 * time.Millisecond)
			continue
		}
		greetings.Go(func() error {
			m.greet(conn)
			return nil
		})
	}
}

func (m *mux) greet(conn net.Conn) {
	raw := conn
	tracked, ok := m.track(conn, "")
	if !ok {
		_ = conn.Close()
		return
	}
	conn = tracked
	if m.tls != nil {
		conn = tls.Server(conn, m.tls)
	}
	h, err := accept(conn, hello{cluster: m.cluster, target: m.id, epoch: m.epochNow()}, m.greeting)
	if err != nil {
		from, _, _ := net.SplitHostPort(raw.RemoteAddr().String())
		if m.refused.first(from + err.Error()) {
			m.logger.Warn("connection refused", logkey.Addr, raw.RemoteAddr().String(), logkey.Err, err)
		}
		_ = conn.Close()
		return
	}
	tracked.peer = h.from // nobody reads yet
	to := m.grpc
	if h.kind == kindRaft {
		to = m.raft
	}
	if !to.deliver(conn) {
		_ = conn.Close()
	}
}

func (m *mux) epochNow() string {
	if m.epoch == nil {
		return ""
	}
	return m.epoch()
}

// dial opens a connection of the given kind to addr and has it answered by the
// node with the id target, or by whatever node is there if target is anyNode.
func (m *mux) dial(ctx context.Context, kind byte, target, addr string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tracked, ok := m.track(raw, target)
	if !ok {
		_ = raw.Close()
		return nil, ErrClosed
	}
	var conn net.Conn = tracked
	if m.tls != nil {
		conn = tls.Client(conn, m.clientTLS(addr))
	}
	deadline := time.Now().Add(m.greeting)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := greet(conn, hello{kind: kind, cluster: m.cluster, epoch: m.epochNow(), target: target, from: m.id}, deadline); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("node at %s: %w", addr, err)
	}
	return conn, nil
}

func (m *mux) clientTLS(addr string) *tls.Config {
	if m.tls.ServerName != "" || m.tls.InsecureSkipVerify {
		return m.tls
	}
	config := m.tls.Clone()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		config.ServerName = host
	}
	return config
}

// close closes the port and every connection. It may be called twice.
func (m *mux) close() {
	_ = m.ln.Close()
	m.mu.Lock()
	conns := m.conns
	m.conns = nil
	m.mu.Unlock()
	for conn := range conns {
		_ = conn.Close()
	}
	_ = m.raft.Close()
	_ = m.grpc.Close()
}

// trackedConn takes itself off the mux's list when it is closed.
type trackedConn struct {
	net.Conn
	mux  *mux
	peer string // id of the node at the other end, "" or anyNode if that is not known
}

// Read reads; the mux hears when the other side has ended the connection.
func (c *trackedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && c.peer != "" && c.peer != anyNode && c.mux.broken != nil &&
		!errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.mux.broken(c.peer)
	}
	return n, err
}

// Close closes the connection; the mux forgets it.
func (c *trackedConn) Close() error {
	c.mux.mu.Lock()
	delete(c.mux.conns, c)
	c.mux.mu.Unlock()
	return c.Conn.Close()
}

func (m *mux) track(conn net.Conn, peer string) (*trackedConn, bool) {
	c := &trackedConn{Conn: conn, mux: m, peer: peer}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conns == nil {
		return nil, false
	}
	m.conns[c] = struct{}{}
	return c, true
}

// subListener is the net.Listener that raft or gRPC sees.
type subListener struct {
	addr  net.Addr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newSubListener(addr net.Addr) *subListener {
	return &subListener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// deliver hands conn to the accepting side; false if that is closed.
func (l *subListener) deliver(conn net.Conn) bool {
	select {
	case l.conns <- conn:
		return true
	case <-l.done:
		return false
	}
}

// Accept blocks until a greeted connection of this kind is there.
func (l *subListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and deliver; the port is the mux's.
func (l *subListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is the address of the port.
func (l *subListener) Addr() net.Addr { return l.addr }
