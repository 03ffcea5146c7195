package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Limits of the API.
const (
	// MaxRequestSize is the size of the largest request in bytes.
	MaxRequestSize = 1 << 20
	// maxResponseSize is what the client takes. Pages stay far below; the tree
	// of a load balancer with very many members is the largest answer.
	maxResponseSize = 64 << 20
)

// Config of a [Server].
type Config struct {
	Backend Backend    // required
	Events  *event.Log // required; what Watch shows
	Logger  *slog.Logger

	// Sealer encrypts what StoreSecrets is given. Nil: the node refuses secrets.
	Sealer Sealer
	// Hasher hashes passwords. Nil: one of its own.
	Hasher *password.Hasher
	// Endpoints says where the node serves its REST APIs. Nil: nowhere. It does not
	// block, and is called from any number of goroutines.
	Endpoints func() Endpoints
	// Check refuses an operation that the Backend would refuse before it is proposed, such
	// as one with TLS references that lead nowhere. A dry run asks it, after lb. Nil:
	// nothing. It ends with its context, and is called from any number of goroutines.
	Check func(context.Context, lb.Op) error
	// Stats is what each amphora has counted, by node id and listener. Nil: nothing. It
	// ends with its context, and is called from any number of goroutines.
	Stats func(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error)

	// Credentials protect the connection. Nil is plain text: for a unix
	// socket, whose file mode says who may connect.
	Credentials credentials.TransportCredentials
	// StopTimeout is how long Serve waits for running requests when it ends
	// before it cuts them off. 0: 5 s.
	StopTimeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 5 * time.Second
	}
	if c.Hasher == nil {
		c.Hasher = password.New(0)
	}
	if c.Stats == nil {
		c.Stats = func(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error) { return nil, nil }
	}
	if c.Check == nil {
		c.Check = func(context.Context, lb.Op) error { return nil }
	}
	if c.Endpoints == nil {
		c.Endpoints = func() Endpoints { return Endpoints{} }
	}
	return c
}

// Validate reports everything that is missing.
func (c Config) Validate() error {
	var errs []error
	if c.Backend == nil {
		errs = append(errs, errors.New("admin: Config.Backend is required"))
	}
	if c.Events == nil {
		errs = append(errs, errors.New("admin: Config.Events is required"))
	}
	return errors.Join(errs...)
}

// Server serves the administration API.
type Server struct {
	cfg Config
}

// NewServer makes a server. It starts nothing.
func NewServer(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg.withDefaults()}, nil
}

// Serve answers requests on ln until ctx ends, then lets running requests end
// for at most Config.StopTimeout and returns nil. It closes ln, and may be
// called more than once, with different listeners.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxRequestSize),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.WaitForHandlers(true), // nothing of a request outlives Serve
	}
	if s.cfg.Credentials != nil {
		options = append(options, grpc.Creds(s.cfg.Credentials))
	}
	g := grpc.NewServer(options...)
	config := &configService{backend: s.cfg.Backend}
	adminpb.RegisterConfigServer(g, config)
	adminpb.RegisterObjectsServer(g, &objectsService{
		config: config, backend: s.cfg.Backend, sealer: s.cfg.Sealer, hasher: s.cfg.Hasher, check: s.cfg.Check, stopping: ctx,
	})
	adminpb.RegisterClusterServer(g, &clusterService{backend: s.cfg.Backend, endpoints: s.cfg.Endpoints, stats: s.cfg.Stats})
	adminpb.RegisterEventsServer(g, &eventsService{log: s.cfg.Events, stopping: ctx})
	alive := health.NewServer()
	grpc_health_v1.RegisterHealthServer(g, alive)
	reflection.Register(g)

	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	select {
	case err := <-served:
		g.Stop()
		return fmt.Errorf("serve the admin API on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	alive.Shutdown() // those who watch learn of it first
	cut := time.AfterFunc(s.cfg.StopTimeout, g.Stop)
	defer cut.Stop()
	g.GracefulStop()
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve the admin API on %s: %w", ln.Addr(), err)
	}
	return nil
}

// noRetry tells gRPC clients not to repeat a request (gRFC A6, pushback).
var noRetry = metadata.Pairs("grpc-retry-pushback-ms", "-1")

// unary turns the error of a request into a status.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	if err != nil {
		if errors.Is(err, lb.ErrUnavailable) {
			// The node has tried for as long as it makes sense. A client that
			// repeats the request by itself would only hide the reason.
			_ = grpc.SetTrailer(ctx, noRetry)
		}
		return nil, s.status(info.FullMethod, err)
	}
	return resp, nil
}

// stream turns the error of a stream into a status.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := handler(srv, ss); err != nil {
		return s.status(info.FullMethod, err)
	}
	return nil
}

// status is what the client learns of err. Causes that are not the client's
// business are logged, here and nowhere else.
func (s *Server) status(method string, err error) error {
	st, hidden := toStatus(err)
	if hidden {
		s.cfg.Logger.Error("request failed", logkey.Method, method, logkey.Err, err)
	}
	return st.Err()
}
