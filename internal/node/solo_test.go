package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// kept is a node that is started again when it asks for that, as the daemon does.
type kept struct {
	t      *testing.T
	cfg    Config
	client *admin.Client
	now    chan *Node // the node that runs
	stop   func()
}

func keep(t *testing.T, cfg Config) *kept {
	t.Helper()
	k := &kept{t: t, cfg: cfg, now: make(chan *Node, 1)}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	k.now <- n
	go func() {
		for {
			err := n.Run(ctx)
			if !errors.Is(err, ErrRestart) {
				done <- err
				return
			}
			<-k.now
			if n, err = Open(cfg); err != nil {
				done <- err
				return
			}
			k.now <- n
		}
	}()
	if k.client, err = admin.Dial(t.Context(), "unix://"+cfg.Admin.Socket); err != nil {
		t.Fatal(err)
	}
	stopped := false
	k.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run %s: %v", cfg.Name, err)
		}
		k.client.Close()
	}
	t.Cleanup(k.stop)
	return k
}

// hash is that of the state machine's content.
func (k *kept) hash() (string, error) {
	n := <-k.now
	defer func() { k.now <- n }()
	sum, err := n.state.Hash()
	return fmt.Sprintf("%x of %d", sum, n.state.Index()), err
}

func (k *kept) create(subnet, cidr string) {
	k.t.Helper()
	testenv.Eventually(k.t, 30*time.Second, func() error {
		_, err := k.client.Subnets.Create(k.t.Context(), lb.SubnetSpec{MetaSpec: named(subnet), CIDR: lb.Some(netip.MustParsePrefix(cidr))})
		return err
	})
}

// TestForcedSurvivor loses one node of a pair, forces the other one, and brings the
// lost one back: its state is set aside with raft's, and becomes the survivor's.
func TestForcedSurvivor(t *testing.T) {
	t.Parallel()
	configs := map[string]Config{}
	gossip := map[string]string{}
	for _, name := range []string{"a", "b"} {
		gossip[name] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	for name, other := range map[string]string{"a": "b", "b": "a"} {
		cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), t.TempDir(), filepath.Join(t.TempDir(), "s"))
		cfg.Name = name
		cfg.Cluster = ClusterConfig{
			Name: "pair", Listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Gossip: gossip[name],
			Voters: []string{"a", "b"}, Peers: []string{gossip[other]},
		}
		configs[name] = cfg
	}
	a, b := keep(t, configs["a"]), keep(t, configs["b"])
	a.create("both", "203.0.113.0/24")
	b.stop()
	testenv.Eventually(t, 30*time.Second, func() error { return a.client.ForceSolo(t.Context()) })
	a.create("alone", "198.51.100.0/24")
	b = keep(t, configs["b"])
	testenv.Eventually(t, 30*time.Second, func() error {
		first, err1 := a.hash()
		second, err2 := b.hash()
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if first != second {
			return fmt.Errorf("a has %s, b has %s", first, second)
		}
		return nil
	})
	if aside, _ := filepath.Glob(filepath.Join(configs["b"].DataDir, "quarantine-*", stateFile)); len(aside) != 1 {
		t.Errorf("state machines aside: %v", aside)
	}
	b.create("both again", "192.0.2.0/24")
}
