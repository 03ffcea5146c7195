package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// A connection on which nothing comes is asked whether its other end is there.
const (
	keepaliveTime  = 10 * time.Second
	keepaliveLimit = 3 * time.Second
)

// conns keeps one gRPC connection per node, made when it is first asked for and
// used again ever after. gRPC reconnects it by itself, to where the node is then.
type conns struct {
	mux     *mux
	resolve func(id string) string // address of a node, "" if unknown

	mu  sync.Mutex
	all map[string]*grpc.ClientConn // guarded by mu; by node id; nil when closed
}

func newConns(m *mux, resolve func(string) string) *conns {
	return &conns{mux: m, resolve: resolve, all: map[string]*grpc.ClientConn{}}
}

// get returns the connection to a node. It dials nothing yet.
func (c *conns) get(id string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		return nil, ErrClosed
	}
	if conn := c.all[id]; conn != nil {
		return conn, nil
	}
	conn, err := dialGRPC(func(ctx context.Context) (net.Conn, error) {
		addr := c.resolve(id)
		if addr == "" {
			return nil, fmt.Errorf("address of node %s: %w", id, ErrNodeNotFound)
		}
		return c.mux.dial(ctx, kindGRPC, id, addr)
	})
	if err != nil {
		return nil, err
	}
	c.all[id] = conn
	return conn, nil
}

// toAddr returns a connection to whatever node is at addr. The caller closes it.
func (c *conns) toAddr(addr string) (*grpc.ClientConn, error) {
	return dialGRPC(func(ctx context.Context) (net.Conn, error) {
		return c.mux.dial(ctx, kindGRPC, anyNode, addr)
	})
}

// dialGRPC leaves encryption to the mux, which has done it when dial returns.
func dialGRPC(dial func(context.Context) (net.Conn, error)) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///node",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveLimit}),
		grpc.WithDisableServiceConfig(),
	)
	if err != nil {
		return nil, fmt.Errorf("make gRPC client: %w", err)
	}
	return conn, nil
}

// connected waits until conn can carry a call. While it returns an error, nothing
// has been sent.
func connected(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Shutdown:
			return ErrClosed
		case connectivity.Idle:
			conn.Connect()
		}
		if !conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("connect (now %v): %w", state, ctx.Err())
		}
	}
}

func (c *conns) close() error {
	c.mu.Lock()
	all := c.all
	c.all = nil
	c.mu.Unlock()
	var errs []error
	for _, conn := range all {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
