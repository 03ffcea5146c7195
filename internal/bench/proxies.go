package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// contender is a proxy that is measured.
type contender struct {
	name string
	*process
	addr string // where clients find it
}

// haproxyConfig is what HAProxy is given: one thread, no log, connections to
// members shared by all clients. It is HAProxy at its best for this load.
const haproxyConfig = `global
	nbthread 1
	maxconn 4000

defaults
	mode http
	timeout connect 5s
	timeout client 50s
	timeout server 50s
	retries 3
	option redispatch
	http-reuse always

listen bench
	bind %s
	balance roundrobin
%s`

// startHAProxy starts HAProxy in front of members.
func (b *bed) startHAProxy(ctx context.Context, name string, members []string) (*contender, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		return nil, err
	}
	port, err := b.port(b.proxy, b.proxyAddr)
	if err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("%s:%d", b.proxyAddr, port)
	var servers strings.Builder
	for i, m := range members {
		fmt.Fprintf(&servers, "\tserver m%d %s\n", i, m)
	}
	file := filepath.Join(b.dir, name+".cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyConfig, addr, servers.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	p, err := b.start(b.proxy, b.proxyCPU, path, "-db", "-q", "-f", file)
	if err != nil {
		return nil, err
	}
	if err := b.awaitAnswer(b.client, addr, p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &contender{name, p, addr}, ctx.Err()
}

// startAmphora starts amphorad in development mode in front of members.
func (b *bed) startAmphora(ctx context.Context, bin string, members []string) (*contender, error) {
	p, client, err := b.startDev(ctx, bin, filepath.Join(b.dir, "amphora"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	port, err := b.port(b.proxy, b.proxyAddr)
	if err != nil {
		return nil, err
	}
	if _, err := configure(ctx, client, int(port), members); err != nil {
		return nil, fmt.Errorf("configure amphorad: %w", err)
	}
	addr := fmt.Sprintf("%s:%d", b.proxyAddr, port)
	if err := b.awaitAnswer(b.client, addr, p); err != nil {
		return nil, fmt.Errorf("amphorad: %w", err)
	}
	return &contender{"ours", p, addr}, nil
}

// startDev starts amphorad in development mode and connects to it.
func (b *bed) startDev(ctx context.Context, bin, dataDir string) (*process, *admin.Client, error) {
	p, err := b.startNode(bin, dataDir)
	if err != nil {
		return nil, nil, err
	}
	client, err := dialAdmin(ctx, b.socket(), p)
	return p, client, err
}

// startNode starts amphorad in development mode.
func (b *bed) startNode(bin, dataDir string) (*process, error) {
	return b.start(b.proxy, b.proxyCPU, filepath.Join(bin, "amphorad"), "dev",
		"--bind", b.proxyAddr.String(), "--data-dir", dataDir, "--socket", b.socket())
}

func (b *bed) socket() string { return filepath.Join(b.dir, "admin.sock") }

// dialAdmin connects to the admin socket of p as soon as it is there.
func dialAdmin(ctx context.Context, socket string, p *process) (client *admin.Client, err error) {
	err = poll(ctx, p, func() error {
		client, err = admin.Dial(ctx, socket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connect to amphorad: %w", err)
	}
	return client, nil
}

// configure makes what a user would make: a load balancer with an HTTP listener
// on port and a pool of members. It returns the ids of the members.
func configure(ctx context.Context, c *admin.Client, port int, members []string) ([]lb.MemberID, error) {
	subnet, err := c.Subnets.Create(ctx, lb.SubnetSpec{
		MetaSpec: lb.MetaSpec{Name: lb.Some("bench")},
		CIDR:     lb.Some(netip.MustParsePrefix("203.0.113.0/24")), // RFC 5737: goes nowhere
	})
	if err != nil {
		return nil, err
	}
	balancer, err := c.LoadBalancers.Create(ctx, lb.LoadBalancerSpec{VIPSubnetID: lb.Some(subnet.Value.ID)})
	if err != nil {
		return nil, err
	}
	listener, err := c.Listeners.Create(ctx, lb.ListenerSpec{
		LoadBalancerID: lb.Some(balancer.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), ProtocolPort: lb.Some(port),
	})
	if err != nil {
		return nil, err
	}
	pool, err := c.Pools.Create(ctx, lb.PoolSpec{
		ListenerID: lb.Some(listener.Value.ID), Protocol: lb.Some(lb.ProtocolHTTP), Algorithm: lb.Some(lb.RoundRobin),
	})
	if err != nil {
		return nil, err
	}
	var ids []lb.MemberID
	for _, m := range members {
		addr, err := netip.ParseAddrPort(m)
		if err != nil {
			return nil, fmt.Errorf("parse address of member: %w", err)
		}
		made, err := c.Members.Create(ctx, lb.MemberSpec{
			PoolID: lb.Some(pool.Value.ID), Address: lb.Some(addr.Addr()), ProtocolPort: lb.Some(int(addr.Port())),
		})
		if err != nil {
			return nil, err
		}
		ids = append(ids, made.Value.ID)
	}
	return ids, nil
}

// awaitAnswer waits until p answers a request from ns with status 200.
func (b *bed) awaitAnswer(ns *netns.Namespace, addr string, p *process) error {
	return poll(context.Background(), p, func() error { return ask(ns, addr) })
}

// ask makes one request from ns.
func ask(ns *netns.Namespace, addr string) error {
	return within(ns, func() error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", addr); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("the answer is %s", answer.Status)
		}
		return nil
	})
}

// poll calls check every few milliseconds until it returns nil. It gives up with
// the last error after 15 s, when p ends or when ctx does.
func poll(ctx context.Context, p *process, check func() error) error {
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return errors.Join(err, p.ended())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-limit.C:
			return fmt.Errorf("still after 15 s: %w", err)
		}
	}
}
