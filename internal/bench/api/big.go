package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// big makes a large configuration, restarts all nodes on it and kills the holder.
func big(ctx context.Context, b *bed, s settings) error {
	if s.big == 0 {
		return nil
	}
	begun := time.Now()
	members := make([]any, 3)
	for i := range members {
		members[i] = map[string]any{"address": "192.0.2." + strconv.Itoa(21+i%2), "protocol_port": 80 + i}
	}
	err := b.parallel(s.clients, s.big-b.made, func(n *node, i int) error {
		name := "big-" + strconv.Itoa(i)
		_, err := n.createWith(ctx, map[string]any{
			"name": name, "vip_subnet_id": b.subnet,
			"listeners": []any{map[string]any{"name": name, "protocol": "HTTP", "protocol_port": 80, "default_pool": map[string]any{
				"name": name, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": members,
			}}},
		})
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("bench api big: %d load balancers, the last ones with listener, pool and three members, made in %.0f s\n", b.made, time.Since(begun).Seconds())
	vip, err := b.nodes[0].vip(ctx, "big-0")
	if err != nil {
		return err
	}
	if err := b.cluster.Stop(); err != nil {
		return err
	}
	begun = time.Now()
	if err := b.cluster.Start(); err != nil {
		return err
	}
	if err := until(ctx, 2*time.Minute, func() error { return b.cluster.Ready(ctx) }); err != nil {
		return err
	}
	fmt.Printf("bench api big: all three nodes started and hold the VIPs after %.1f s (to reach: 5 s)\n", time.Since(begun).Seconds())
	if err := until(ctx, 2*time.Minute, func() error { return b.answers(ctx, vip) }); err != nil {
		return err
	}
	holder, err := b.cluster.Holder(vip)
	if err != nil {
		return err
	}
	killed := time.Now()
	if err := b.cluster.Kill(holder); err != nil {
		return err
	}
	if err := until(ctx, time.Minute, func() error { return b.answers(ctx, vip) }); err != nil {
		return err
	}
	fmt.Printf("bench api big: after kill -9 of the holder with all it runs a VIP answered again after %.0f ms\n", float64(time.Since(killed).Milliseconds()))
	return b.explain(ctx, holder)
}

// explain prints what the nodes that live say of the failover.
func (b *bed) explain(ctx context.Context, dead string) error {
	for _, n := range b.nodes {
		if n.name == dead {
			continue
		}
		status, err := b.cluster.CtlWith(ctx, n.name, "", "cluster", "status")
		if err != nil {
			return err
		}
		_, report, _ := strings.Cut(status, "Last failover")
		report, _, _ = strings.Cut(report, "\n\n")
		fmt.Printf("bench api big: %s: last failover%s\n", n.name, report)
		return nil
	}
	return nil
}

// vip is the address of the load balancer of that name.
func (n *node) vip(ctx context.Context, name string) (netip.Addr, error) {
	_, text, err := n.do(ctx, http.MethodGet, "/v2/lbaas/loadbalancers?name="+name, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	var reply struct {
		LoadBalancers []struct {
			Address netip.Addr `json:"vip_address"`
		} `json:"loadbalancers"`
	}
	if err := json.Unmarshal(text, &reply); err != nil || len(reply.LoadBalancers) != 1 {
		return netip.Addr{}, fmt.Errorf("find load balancer %s: %d there, %w", name, len(reply.LoadBalancers), err)
	}
	return reply.LoadBalancers[0].Address, nil
}

// answers returns nil when a member answers at the VIP, over a new connection.
func (b *bed) answers(ctx context.Context, vip netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+vip.String()+"/", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{DialContext: b.dial, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
