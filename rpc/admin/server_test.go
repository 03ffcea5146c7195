package admin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/test/bufconn"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

func TestNewServerNamesWhatIsMissing(t *testing.T) {
	_, err := admin.NewServer(admin.Config{})
	if err == nil || !strings.Contains(err.Error(), "Backend") || !strings.Contains(err.Error(), "Events") {
		t.Errorf("got %v", err)
	}
}

func raw(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestHealthAndReflection(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	conn := raw(t, target)
	defer closed(t, conn)
	h, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || h.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", h, err)
	}
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || !strings.Contains(answer.String(), "amphora.admin.v1.Config") {
		t.Errorf("reflection: %v, %v", answer, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

func TestRequestTooLarge(t *testing.T) {
	c := node(t, admin.Config{})
	_, err := c.Subnets.Create(t.Context(), lb.SubnetSpec{MetaSpec: named(strings.Repeat("x", admin.MaxRequestSize))})
	if err == nil || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("and then: %v", err)
	}
}

// What the node's files are called is none of the client's business.
func TestInternalErrorsGoToTheLog(t *testing.T) {
	var log bytes.Buffer
	b := new(admintest.Backend)
	b.Fail(errors.New("write /var/lib/amphora: disk full"))
	target, stop, err := admintest.Serve(admin.Config{Backend: b, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dial(t, target).Subnets.Create(t.Context(), lb.SubnetSpec{CIDR: prefix("192.0.2.0/24"), MetaSpec: named("n")})
	if err == nil || strings.Contains(err.Error(), "disk") || !strings.Contains(err.Error(), "its log says why") {
		t.Errorf("client sees %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "disk full") || !strings.Contains(log.String(), "CreateSubnet") {
		t.Errorf("log says %s", log.String())
	}
}

func TestDialSaysWhyNot(t *testing.T) {
	_, err := admin.Dial(t.Context(), "unix://"+t.TempDir()+"/none.sock")
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
	for _, target := range []string{"localhost:1", "unix://relative", "tcp:///x", "unix://", ""} {
		if _, err := admin.Dial(t.Context(), target); err == nil || !strings.Contains(err.Error(), "use unix:///path or a path") {
			t.Errorf("%q: got %v", target, err)
		}
	}
	if _, err := admin.Dial(t.Context(), t.TempDir()); !errors.Is(err, admin.ErrNotSocket) || errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a directory: got %v", err)
	}
}

func TestDialRelativePath(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	t.Chdir(filepath.Dir(strings.TrimPrefix(target, "unix://")))
	for _, path := range []string{"s", "./s"} {
		if _, err := dial(t, path).Status(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestEvents(t *testing.T) {
	events := event.NewLog(event.Config{Node: "a", Size: 4})
	c := node(t, admin.Config{Events: events})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for i := range 6 {
		events.Append(event.Event{
			At: at.Add(time.Duration(i) * time.Second), Kind: event.NodeFailed,
			Resource: "node", ID: "id", Name: "b", Message: "no answer",
		})
	}
	read := func(q admin.EventQuery) (seen []admin.SeenEvent) {
		for e, err := range c.Events(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, e)
		}
		return seen
	}
	want := []admin.SeenEvent{{Event: event.Event{
		Seq: 6, At: at.Add(5 * time.Second), Node: "a", Kind: event.NodeFailed, Resource: "node", ID: "id", Name: "b", Message: "no answer",
	}}}
	if diff := cmp.Diff(want, read(admin.EventQuery{Last: 1})); diff != "" {
		t.Errorf("the last one (-want +got):\n%s", diff)
	}
	if got := read(admin.EventQuery{Since: at.Add(4 * time.Second)}); len(got) != 2 || got[0].Seq != 5 {
		t.Errorf("since: %+v", got)
	}
	for last, want := range map[uint32]int{1: 1, 2: 2, 4: 2} {
		got := read(admin.EventQuery{Since: at.Add(4 * time.Second), Last: last})
		if len(got) != want || got[len(got)-1].Seq != 6 {
			t.Errorf("the last %d of 2 since: %+v", last, got)
		}
	}
	if got := read(admin.EventQuery{Since: at.Add(time.Hour), Last: 1}); len(got) != 0 {
		t.Errorf("the last one since later: %+v", got)
	}
	if got := read(admin.EventQuery{}); len(got) != 0 {
		t.Errorf("none: %+v", got)
	}

	for e, err := range c.Events(t.Context(), admin.EventQuery{Last: 1, Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq == 9 {
			break
		}
		events.Append(event.Event{Message: "next"})
	}
}

func TestWatchersDoNotHoldUpTheStop(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{StopTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, target)
	ended := make(chan error, 1)
	go func() {
		for _, err := range c.Events(t.Context(), admin.EventQuery{Follow: true}) {
			ended <- err
		}
	}()
	if _, err := c.Status(t.Context()); err != nil { // the connection is up
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("the watcher learnt %v", err)
	}
}

func TestCluster(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	ctx := t.Context()
	if st, err := c.Status(ctx); err != nil || !st.NoCluster {
		t.Errorf("before there is a cluster: %+v, %v", st, err)
	}
	if err := c.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	wantError(t, c.Bootstrap(ctx), lb.ErrConflict, "node: already belongs to a cluster")
	if err := c.Join(ctx, "192.0.2.2:7480"); err != nil {
		t.Fatal(err)
	}
	wantError(t, c.Join(ctx, ""), lb.ErrInvalid, "node: addr: required: host and port of a node of the cluster")
	wantError(t, c.Remove(ctx, ""), lb.ErrInvalid, "node: node: required: name or id of the node to remove")
	moved, err := c.Failover(ctx, "")
	if diff := cmp.Diff(admin.Moved{From: "a", To: "192.0.2.2:7480"}, moved); diff != "" || err != nil {
		t.Errorf("failover: %v (-want +got):\n%s", err, diff)
	}
	_, err = c.Failover(ctx, "c")
	wantError(t, err, lb.ErrNotFound, "node c: does not exist")
	want := admin.ClusterStatus{
		Cluster: "amphora", NodeID: admintest.ID(1001), LeaderID: admintest.ID(1001), HolderID: admintest.ID(1002), Term: 1, Quorum: true,
		Nodes: []admin.Node{
			{ID: admintest.ID(1002), Name: "192.0.2.2:7480", Role: admin.Amphora, State: admin.Alive, Addr: "192.0.2.2:7480"},
			{ID: admintest.ID(1001), Name: "a", Role: admin.Amphora, State: admin.Alive, Addr: "192.0.2.1:7480", Voter: true},
		},
	}
	st, err := c.Status(ctx)
	if diff := cmp.Diff(want, st); diff != "" || err != nil {
		t.Errorf("status: %v (-want +got):\n%s", err, diff)
	}
	if err := c.Remove(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := c.Leave(ctx); err != nil {
		t.Error(err)
	}
}

// What gossip thinks of a node arrives as the same word.
func TestStatesOfNodes(t *testing.T) {
	b := new(admintest.Backend)
	c := node(t, admin.Config{Backend: b})
	for _, state := range []admin.State{"alive", "dead", "left", "unknown"} {
		b.SetStatus(admin.ClusterStatus{Nodes: []admin.Node{{ID: "1", State: state}}})
		if st, err := c.Status(t.Context()); err != nil || st.Nodes[0].State != state {
			t.Errorf("%s arrives as %+v, %v", state, st.Nodes, err)
		}
	}
}

// local is a node that answers the others.
type local struct {
	view     lb.View
	holding  *admin.Holding
	degraded []string
	stats    map[lb.ListenerID]lb.Stats
}

func (l local) LocalStats() map[lb.ListenerID]lb.Stats { return l.stats }

func (l local) LocalView() lb.View { return l.view }

func (l local) LocalHolding(context.Context) (*admin.Holding, []string) { return l.holding, l.degraded }

// What one node knows of itself arrives at another.
func TestAskingANode(t *testing.T) {
	want := lb.View{
		Revision: 7,
		Errors:   map[string]string{"l": "port 80 is taken"},
		Members:  map[lb.MemberID]lb.OperatingStatus{"m": lb.Failed, "n": lb.Online},
		Full:     map[lb.ListenerID]bool{"k": true},
		Reasons:  map[lb.MemberID]string{"m": "connect: connection refused"},
		Warnings: map[string]string{"k": "an old certificate"},
	}
	holding := &admin.Holding{
		Since: admintest.Start, Term: 7, Solo: true, Lease: 140 * time.Millisecond,
		Takeover: admin.Takeover{
			Cause: "crash", From: "a", Why: "worker was killed", Total: 12 * time.Millisecond,
			Stages: []admin.Stage{{Name: "noticed", At: time.Millisecond}, {Name: "opened", At: 11 * time.Millisecond}},
		},
	}
	ln := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	stats := map[lb.ListenerID]lb.Stats{
		"l": {ActiveConnections: 1, TotalConnections: 2, BytesIn: 3, BytesOut: 4, RequestErrors: 5},
		"m": {},
	}
	admin.RegisterEngine(g, local{view: want, holding: holding, degraded: []string{"witness is dead"}, stats: stats})
	served := make(chan error, 1)
	go func() { served <- g.Serve(ln) }()
	defer func() {
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, conn)
	got, err := admin.AskView(t.Context(), conn)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	held, degraded, err := admin.AskHolding(t.Context(), conn)
	if diff := cmp.Diff(holding, held); diff != "" || err != nil || len(degraded) != 1 {
		t.Errorf("%v, degraded %q (-want +got):\n%s", err, degraded, diff)
	}
	counted, err := admin.AskStats(t.Context(), conn)
	if diff := cmp.Diff(stats, counted); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
