package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// bed is a pair and a witness with an administrator's token.
type bed struct {
	cluster *chaos.Cluster
	nodes   []*node
	subnet  string

	mu   sync.Mutex
	made int // load balancers; guarded by mu
}

// node is the REST API of one node.
type node struct {
	bed   *bed
	name  string
	base  string
	http  *http.Client
	token string
}

const password = "bench"

// vips is where VIPs come from: RFC 2544, for benchmarks.
var vips = netip.MustParsePrefix("198.18.0.0/15")

func newBed(ctx context.Context, bin string) (_ *bed, err error) {
	b := &bed{}
	if b.cluster, err = chaos.NewClusterWith(chaos.ClusterConfig{Bin: bin, API: true}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if err := b.cluster.Start(); err != nil {
		return nil, err
	}
	if err := until(ctx, time.Minute, func() error { return b.cluster.Ready(ctx) }); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"", "project", "create", "bench"},
		{password + "\n", "user", "create", "bench", "--password-stdin"},
		{"", "role", "add", "admin", "--user", "bench", "--project", "bench"},
	} {
		if _, err := b.cluster.CtlWith(ctx, "amphora-1", args[0], args[1:]...); err != nil {
			return nil, err
		}
	}
	out, err := b.cluster.CtlWith(ctx, "amphora-1", "", "subnet", "create", "--name", "bench", "--cidr", vips.String(), "-o", "value", "-c", "id")
	if err != nil {
		return nil, err
	}
	b.subnet = strings.TrimSpace(out)
	if err := b.cluster.Client().OnLink(vips); err != nil {
		return nil, err
	}
	for _, name := range []string{"amphora-1", "amphora-2", "witness"} {
		n := &node{
			bed: b, name: name, base: fmt.Sprintf("http://%s:9876", b.cluster.Host(name).Addr),
			http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: b.dial, MaxIdleConnsPerHost: 64}},
		}
		if err := n.login(ctx); err != nil {
			return nil, err
		}
		b.nodes = append(b.nodes, n)
	}
	return b, nil
}

func (b *bed) close() error { return b.cluster.Close() }

// dial connects from the client's host.
func (b *bed) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = b.cluster.Client().Do(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// login gets a token of the node's own: it is good on every node.
func (n *node) login(ctx context.Context) error {
	domain := map[string]any{"id": "default"}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": "bench", "domain": domain, "password": password}}},
		"scope":    map[string]any{"project": map[string]any{"name": "bench", "domain": domain}},
	}}
	header, _, err := n.do(ctx, http.MethodPost, "/v3/auth/tokens", body)
	n.token = header.Get("X-Subject-Token")
	return err
}

// do sends a request and wants success.
func (n *node) do(ctx context.Context, method, path string, body any) (http.Header, []byte, error) {
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, nil, fmt.Errorf("encode request: %w", err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.base+path, r)
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-Auth-Token", n.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s at %s: %w", method, path, n.name, err)
	}
	if resp.StatusCode >= 300 {
		return nil, nil, fmt.Errorf("%s %s at %s: %s: %s", method, path, n.name, resp.Status, text)
	}
	return resp.Header, text, nil
}

// create makes a load balancer and returns its id.
func (n *node) create(ctx context.Context, name string) (string, error) {
	return n.createWith(ctx, map[string]any{"name": name, "vip_subnet_id": n.bed.subnet})
}

func (n *node) createWith(ctx context.Context, fields map[string]any) (string, error) {
	_, text, err := n.do(ctx, http.MethodPost, "/v2/lbaas/loadbalancers", map[string]any{"loadbalancer": fields})
	if err != nil {
		return "", err
	}
	var reply struct {
		LoadBalancer struct{ ID string } `json:"loadbalancer"`
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return "", fmt.Errorf("read load balancer: %w", err)
	}
	n.bed.mu.Lock()
	defer n.bed.mu.Unlock()
	n.bed.made++
	return reply.LoadBalancer.ID, nil
}

func (n *node) show(ctx context.Context, id string) error {
	_, _, err := n.do(ctx, http.MethodGet, "/v2/lbaas/loadbalancers/"+id, nil)
	return err
}

// list asks for a page and returns how many load balancers it has.
func (n *node) list(ctx context.Context, limit int) (int, error) {
	_, text, err := n.do(ctx, http.MethodGet, fmt.Sprintf("/v2/lbaas/loadbalancers?limit=%d", limit), nil)
	if err != nil {
		return 0, err
	}
	var reply struct{ LoadBalancers []struct{ ID string } }
	if err := json.Unmarshal(text, &reply); err != nil {
		return 0, fmt.Errorf("read load balancers: %w", err)
	}
	return len(reply.LoadBalancers), nil
}

// fill creates load balancers until there are so many.
func (b *bed) fill(ctx context.Context, want, clients int) error {
	return b.parallel(clients, want-b.made, func(n *node, i int) error {
		_, err := n.create(ctx, fmt.Sprintf("fill-%d", i))
		return err
	})
}

// parallel does something so many times, by several clients.
func (b *bed) parallel(clients, times int, do func(n *node, i int) error) error {
	next, errs := make(chan int), make(chan error)
	for k := range clients {
		go func() {
			var err error
			for i := range next {
				if err == nil {
					err = do(b.nodes[k%len(b.nodes)], i)
				}
			}
			errs <- err
		}()
	}
	for i := range times {
		next <- i
	}
	close(next)
	var all []error
	for range clients {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// until polls check until it returns nil.
func until(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still after %v: %w", limit, err)
		case <-tick.C:
		}
	}
}
