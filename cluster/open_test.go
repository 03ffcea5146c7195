package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func TestStateMachineThatIsDurableItself(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, "a")
	n := start(t, cfg)
	if err := n.Bootstrap(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	n.mustPropose("one")
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	n.mustPropose("two")
	applied := n.fsm.applied()
	n.halt()

	for name, test := range map[string]struct {
		index    uint64
		restored int
		err      string
	}{
		"it has all of it":           {applied, 0, ""},
		"its file was lost":          {0, 1, ""},
		"it has what raft never had": {applied + 1000, 0, "do not belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := n.cfg
			cfg.FSMIndex = func() uint64 { return test.index }
			if test.err != "" {
				cfg.FSM = &memFSM{}
				again, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := again.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("run: %v, want %q", err, test.err)
				}
				return
			}
			again := start(t, cfg)
			awaitLeader(t, again)
			if again.fsm.restored != test.restored {
				t.Errorf("restored %d times, want %d", again.fsm.restored, test.restored)
			}
			eventually(t, "the entry behind the snapshot", func() bool { return slices.Contains(again.fsm.all(), "two") })
			again.halt()
		})
	}
}

func TestServicesOnTheNodePort(t *testing.T) {
	t.Parallel()
	nodes := trio(t, func(c *Config) {
		c.Register = func(r grpc.ServiceRegistrar) { grpc_health_v1.RegisterHealthServer(r, health.NewServer()) }
	})
	conn, err := nodes[0].Dial(t.Context(), nodes[1].ID())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(within(t, patience), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("call to another node: %v, %v", answer, err)
	}
	if _, err := nodes[0].Dial(t.Context(), "nobody"); !errors.Is(err, ErrNodeNotFound) {
		t.Errorf("dial a stranger: %v", err)
	}
}

func TestOpenRefusals(t *testing.T) {
	testenv.NoLeaks(t)
	cfg := testConfig(t, "a")
	cfg.FSM = &memFSM{}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), cfg.DataDir) {
		t.Errorf("second opening of a directory: %v", err)
	}
	other := cfg
	other.DataDir, other.ListenAddr = t.TempDir(), n.Addr()
	if _, err := Open(other); err == nil || !strings.Contains(err.Error(), n.Addr()) {
		t.Errorf("port in use: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := n.Propose(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("propose before run: %v", err)
	}
	if infos := n.Nodes(); infos != nil {
		t.Errorf("nodes before run: %v", infos)
	}
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := n.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("run after close: %v", err)
	}
	if again, err := Open(cfg); err != nil {
		t.Errorf("open after close: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestGossipPortInUse(t *testing.T) {
	testenv.NoLeaks(t)
	first := start(t, testConfig(t, "a"))
	cfg := testConfig(t, "b")
	cfg.GossipAddr, cfg.FSM = first.GossipAddr(), &memFSM{}
	second, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), cfg.GossipAddr) {
		t.Errorf("run: %v", err)
	}
	if _, err := second.HasState(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after a failed start: %v", err)
	}
	first.halt()
}
