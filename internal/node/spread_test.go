package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// TestClientsAreKnownToBothNodes serves clients by one node of a pair; the other one sends
// them to the same members.
func TestClientsAreKnownToBothNodes(t *testing.T) {
	t.Parallel()
	nodes, binds := pair(t)
	a, b := nodes[0], nodes[1]
	client := a.client
	var subnet lb.SubnetID
	testenv.Eventually(t, 30*time.Second, func() error {
		made, err := client.Subnets.Create(t.Context(), lb.SubnetSpec{MetaSpec: named("public"), CIDR: lb.Some(netip.MustParsePrefix("203.0.113.0/24"))})
		if err == nil {
			subnet = made.Value.ID
		}
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	front, err := client.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{VIPSubnetID: lb.Some(subnet)})
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	listener, err := client.Listeners.Create(ctx, lb.ListenerSpec{
		LoadBalancerID: lb.Some(front.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(port),
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := client.Pools.Create(ctx, lb.PoolSpec{
		ListenerID: lb.Some(listener.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
		Persistence: lb.Some(lb.PersistenceSpec{Type: lb.Some(lb.PersistSourceIP)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		at := member(t, name)
		if _, err := client.Members.Create(ctx, lb.MemberSpec{
			PoolID: lb.Some(pool.Value.ID), Address: lb.Some(at.Addr()), ProtocolPort: lb.Some(int(at.Port())),
		}); err != nil {
			t.Fatal(err)
		}
	}

	const clients = 12
	homes := map[int]string{}
	for n := range clients {
		testenv.Eventually(t, 10*time.Second, func() (err error) {
			homes[n], err = getFrom(n, binds[0], port)
			return err
		})
	}
	testenv.Eventually(t, 30*time.Second, func() error {
		if known := b.node.engine.StickyClients()[pool.Value.ID]; known != clients {
			return fmt.Errorf("the other node knows %d clients of %d", known, clients)
		}
		return nil
	})
	for n := range clients {
		got, err := getFrom(n, binds[1], port)
		if err != nil {
			t.Fatal(err)
		}
		if got != homes[n] {
			t.Errorf("client %d is at member %s on the other node, before it was at %s", n, got, homes[n])
		}
	}
}

// running is a node that runs, and a client of it.
type running struct {
	node   *Node
	client *admin.Client
}

// pair runs two nodes that are a cluster, with their listeners on addresses of their own.
func pair(t *testing.T) (nodes [2]running, binds [2]netip.Addr) {
	t.Helper()
	var gossip [2]string
	for i := range gossip {
		gossip[i] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		binds[i] = netip.AddrFrom4([4]byte{127, 0, 0, byte(21 + i)})
	}
	for i := range nodes {
		cfg := DevConfig(binds[i], t.TempDir(), filepath.Join(t.TempDir(), "s"))
		cfg.Name = []string{"a", "b"}[i]
		cfg.Cluster = ClusterConfig{
			Name: "pair", Listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Gossip: gossip[i],
			Voters: []string{"a", "b"}, Peers: []string{gossip[1-i]},
		}
		nodes[i].node, nodes[i].client, _ = startNode(t, cfg)
	}
	return nodes, binds
}

// getFrom asks a listener as client n, each of which has an address of its own.
func getFrom(n int, to netip.Addr, port int) (string, error) {
	from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 9, byte(n + 1)}), 0))
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: from}).DialContext,
	}}
	resp, err := c.Get(fmt.Sprintf("http://%v:%d/", to, port))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(body), err
}
