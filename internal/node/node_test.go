package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// startDev runs a node in development mode on dir until the test ends or stop is
// called, and returns a client of it.
func startDev(t *testing.T, dir string) (client *admin.Client, stop func()) {
	t.Helper()
	return start(t, DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock")))
}

// start runs a node until the test ends or stop is called, and returns a client
// of it.
func start(t *testing.T, cfg Config) (client *admin.Client, stop func()) {
	t.Helper()
	_, client, stop = startNode(t, cfg)
	return client, stop
}

// startNode is start for who wants the node as well.
func startNode(t *testing.T, cfg Config) (n *Node, client *admin.Client, stop func()) {
	t.Helper()
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	client, err = admin.Dial(t.Context(), "unix://"+cfg.Admin.Socket)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return n, client, stop
}

// freePort finds a port that nobody uses now.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// member serves its name and returns its address.
func member(t *testing.T, name string) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func get(url string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// TestDevelopmentMode goes the whole way: objects through the admin API, traffic
// through the listener, a restart on the same data, traffic again.
func TestDevelopmentMode(t *testing.T) {
	testenv.NoLeaks(t)
	dir := t.TempDir()
	c, stop := startDev(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	subnet, err := c.Subnets.Create(ctx, lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24"))})
	if err != nil {
		t.Fatal(err)
	}
	front, err := c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{MetaSpec: named("front"), VIPSubnetID: lb.Some(subnet.Value.ID)})
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	listener, err := c.Listeners.Create(ctx, lb.ListenerSpec{
		MetaSpec: named("web"), LoadBalancerID: lb.Some(front.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(port),
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := c.Pools.Create(ctx, lb.PoolSpec{
		ListenerID: lb.Some(listener.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		at := member(t, name)
		if _, err := c.Members.Create(ctx, lb.MemberSpec{
			PoolID: lb.Some(pool.Value.ID), Address: lb.Some(at.Addr()), ProtocolPort: lb.Some(int(at.Port())),
		}); err != nil {
			t.Fatal(err)
		}
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	alternates := func() {
		t.Helper()
		testenv.Eventually(t, 5*time.Second, func() error {
			first, err := get(url)
			if err != nil {
				return err
			}
			second, err := get(url)
			if err != nil {
				return err
			}
			if got := first + second; got != "onetwo" && got != "twoone" {
				return fmt.Errorf("answers %q and %q", first, second)
			}
			return nil
		})
	}
	alternates()
	wantHolder(t, c)

	_, err = c.Members.Create(ctx, lb.MemberSpec{PoolID: lb.Some(pool.Value.ID), Address: lb.Some(netip.MustParseAddr("192.0.2.1")), ProtocolPort: lb.Some(80), Weight: lb.Some(300)})
	if fault := (*lb.Error)(nil); !errors.As(err, &fault) || fault.Field != "weight" {
		t.Errorf("weight 300: got %v, want an error about the field weight", err)
	}

	stop()
	_, _ = startDev(t, dir)
	alternates()
}

func TestOpenRefusesAnotherClustersDirectory(t *testing.T) {
	dir := t.TempDir()
	_, stop := startDev(t, dir)
	stop()
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
	cfg.Cluster.Name = "another"
	_, err := Open(cfg)
	if err == nil || !strings.Contains(err.Error(), "another") || !strings.Contains(err.Error(), "node.json") {
		t.Errorf("got %v, want an error that names the file and the cluster", err)
	}
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	startDev(t, dir)
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "other.sock"))
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names what is in use", err)
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	cfg, err := Parse([]byte(strings.Replace(good, "eth0", "nowhere0", 1)))
	if err != nil {
		t.Fatal(err)
	}
	err = Check(cfg)
	if err == nil || !strings.Contains(err.Error(), "nowhere0") || !strings.Contains(err.Error(), "/etc/amphora/cluster.key") {
		t.Errorf("got %v, want it to name the interface and the key file", err)
	}
}

// TestBootstrapByCommand: a node without configured voters waits, says so, and
// becomes a cluster of its own when it is told to.
func TestBootstrapByCommand(t *testing.T) {
	dir := t.TempDir()
	cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
	cfg.Cluster.Voters = nil
	c, _ := start(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	st, err := c.Status(ctx)
	if err != nil || !st.NoCluster || st.Quorum {
		t.Errorf("before: %+v, %v; want no cluster and no quorum", st, err)
	}
	short, end := context.WithTimeout(ctx, time.Second)
	defer end()
	spec := lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24"))}
	if _, err := c.Subnets.Create(short, spec); !errors.Is(err, lb.ErrUnavailable) || !strings.Contains(err.Error(), "cluster bootstrap") {
		t.Errorf("create before: got %v, want unavailable and what to do", err)
	}
	if err := c.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subnets.Create(ctx, spec); err != nil {
		t.Errorf("create after: %v", err)
	}
	if err := c.Bootstrap(ctx); !errors.Is(err, lb.ErrConflict) {
		t.Errorf("bootstrap again: got %v, want a conflict", err)
	}
	wantHolder(t, c)
}

// wantHolder waits until the node holds: it leads at once, and claims when no
// promise from before its start can last any more.
func wantHolder(t *testing.T, c *admin.Client) {
	t.Helper()
	testenv.Eventually(t, 10*time.Second, func() error {
		st, err := c.Status(t.Context())
		if err == nil && (st.HolderID != st.NodeID || !st.Quorum || st.NoCluster || st.Holding == nil) {
			err = fmt.Errorf("status %+v: want this node as holder, with a quorum", st)
		}
		return err
	})
}
