package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// DefaultTarget is where amphorad listens unless it is told otherwise.
const DefaultTarget = "unix:///run/amphora/admin.sock"

// Client speaks to the administration API of one node. It may be used from any
// number of goroutines. Its methods block until there is an answer or ctx ends.
//
// Errors of the domain arrive as the [*lb.Error], or several joined, that the
// node returned. A node that cannot be reached is [lb.ErrUnavailable] too.
//
// A request that did not reach the node, or whose answer got lost on the way, is
// sent again a few times, which is harmless because of its request id; see
// [WithRequestID]. What the node itself gives up as unavailable is not: it has
// tried for as long as it makes sense.
type Client struct {
	conn    *grpc.ClientConn
	cluster adminpb.ClusterClient
	events  adminpb.EventsClient
	config  adminpb.ConfigClient
	objects adminpb.ObjectsClient

	Subnets        Collection[lb.Subnet, lb.SubnetSpec]
	LoadBalancers  Collection[lb.LoadBalancer, lb.LoadBalancerSpec]
	Listeners      Collection[lb.Listener, lb.ListenerSpec]
	Pools          Collection[lb.Pool, lb.PoolSpec]
	Members        Collection[lb.Member, lb.MemberSpec]
	HealthMonitors Collection[lb.HealthMonitor, lb.HealthMonitorSpec]

	L7Policies               Collection[lb.L7Policy, lb.L7PolicySpec]
	L7Rules                  Collection[lb.L7Rule, lb.L7RuleSpec]
	Networks                 Collection[lb.Network, lb.NetworkSpec]
	Ports                    Collection[lb.Port, lb.PortSpec]
	SecurityGroups           Collection[lb.SecurityGroup, lb.SecurityGroupSpec]
	QoSPolicies              Collection[lb.QoSPolicy, lb.QoSPolicySpec]
	Quotas                   Collection[lb.Quota, lb.QuotaSpec] // a ref is a project; Delete sets back to the defaults
	FlavorProfiles           Collection[lb.FlavorProfile, lb.FlavorProfileSpec]
	Flavors                  Collection[lb.Flavor, lb.FlavorSpec]
	AvailabilityZoneProfiles Collection[lb.AvailabilityZoneProfile, lb.AvailabilityZoneProfileSpec]
	AvailabilityZones        Collection[lb.AvailabilityZone, lb.AvailabilityZoneSpec]
	Projects                 Collection[lb.Project, lb.ProjectSpec]
	Users                    Collection[lb.User, lb.UserSpec]
	Roles                    Collection[lb.Role, lb.RoleSpec]                       // without Update
	Assignments              Collection[lb.Assignment, lb.Assignment]               // without Update; a ref is user/project/role
	Secrets                  Collection[lb.Secret, lb.SecretSpec]                   // without payloads, see [Client.StoreSecrets]
	SecretContainers         Collection[lb.SecretContainer, lb.SecretContainerSpec] // without Update
}

// retries sends changes and reads again when the node could not be reached. What the Cluster service does is not repeated.
const retries = `{"methodConfig": [{
	"name": [{"service": "amphora.admin.v1.Config"}, {"service": "amphora.admin.v1.Objects"}],
	"retryPolicy": {
		"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

// ErrNotSocket tells that something else than a socket is where the socket
// should be.
var ErrNotSocket = errors.New("not a socket")

// Dial connects to the unix socket that target names: unix:///path, or a path,
// which may be relative. It fails at once when nobody answers there, with the
// cause of the operating system, or [ErrNotSocket]. The connection is made anew
// when it breaks later.
func Dial(ctx context.Context, target string) (*Client, error) {
	path, err := socketPath(target)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	probe, err := dial(ctx, path)
	if err != nil {
		// A file refuses connections just as a socket that nobody listens on.
		if info, statErr := os.Stat(path); statErr == nil && info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("admin socket %s: %w", path, ErrNotSocket)
		}
		return nil, fmt.Errorf("connect to the admin socket: %w", err)
	}
	probe.Close()
	conn, err := grpc.NewClient("passthrough:///localhost", // in words of gRPC a path may neither be relative nor hold a %
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(retries),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponseSize)),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if err := invoke(ctx, method, req, reply, cc, opts...); err != nil {
				return fromStatus(err)
			}
			return nil
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the admin socket: %w", err)
	}
	c := &Client{
		conn:    conn,
		cluster: adminpb.NewClusterClient(conn),
		events:  adminpb.NewEventsClient(conn),
		config:  adminpb.NewConfigClient(conn),
		objects: adminpb.NewObjectsClient(conn),
	}
	c.Subnets.calls = subnetCalls(c.config)
	c.LoadBalancers.calls = loadBalancerCalls(c.config)
	c.Listeners.calls = listenerCalls(c.config)
	c.Pools.calls = poolCalls(c.config)
	c.Members.calls = memberCalls(c.config)
	c.HealthMonitors.calls = healthMonitorCalls(c.config)
	c.objectCalls()
	return c, nil
}

// socketPath is the path that target names. As in a URL, a relative path whose
// first part has a colon must begin with ./, so that host:port is seen for what
// it is.
func socketPath(target string) (string, error) {
	path, isURL := strings.CutPrefix(target, "unix://")
	first, _, _ := strings.Cut(path, "/")
	if path == "" || strings.Contains(first, ":") || isURL && first != "" {
		return "", fmt.Errorf("admin socket %q: use unix:///path or a path", target)
	}
	return path, nil
}

// Close ends the connection and every call on it.
func (c *Client) Close() error { return c.conn.Close() }

type requestIDKey struct{}

// WithRequestID gives the one change that is made with ctx a request id. A
// caller that sends a change again on another node, or after a restart of its
// own, gives both the same; otherwise each change gets a fresh one.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return id
	}
	return uuid.NewString()
}

// wait is used between two looks at something that is about to change.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
