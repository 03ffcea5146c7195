package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// The profiles of amphorad that are measured.
const (
	profileDefault = "default"
	profileLANFast = "lan-fast"
)

// oursPrefix begins the names of our systems; the profile follows.
const oursPrefix = "ours "

// ours is a pair and a witness in a lab of chaos.
type ours struct {
	profile string
	cluster *chaos.Cluster
	watch   *chaos.Host
	vip     netip.Addr
	broken  chaos.Fault // what inject has done and heal has not undone
}

// newOurs builds the lab, starts the nodes and configures a load balancer over
// two web servers.
func newOurs(ctx context.Context, bin, profile string) (_ *ours, err error) {
	o := &ours{profile: profile}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", o.name(), err)
			if o.cluster != nil {
				err = errors.Join(err, o.close())
			}
		}
	}()
	cfg := chaos.ClusterConfig{Bin: bin}
	if profile != profileDefault { // which a configuration need not name
		cfg.Profile = profile
	}
	if o.cluster, err = chaos.NewClusterWith(cfg); err != nil {
		return nil, err
	}
	if o.watch, err = o.cluster.Lab().AddHost("watcher", labPrefix(watcherHost)); err != nil {
		return nil, err
	}
	if err := o.cluster.Start(); err != nil {
		return nil, err
	}
	if err := until(ctx, time.Minute, func() error { return o.cluster.Ready(ctx) }); err != nil {
		return nil, err
	}
	o.vip, err = o.cluster.Balance(ctx)
	return o, err
}

func (o *ours) name() string         { return oursPrefix + o.profile }
func (o *ours) client() *chaos.Host  { return o.cluster.Client() }
func (o *ours) watcher() *chaos.Host { return o.watch }
func (o *ours) address() netip.Addr  { return o.vip }
func (o *ours) close() error         { return o.cluster.Close() }
func (o *ours) moves(f *fault) bool  { return f != nothing }

func (o *ours) period(*fault) time.Duration { return time.Second }

// settled wants every node alive, also one that should run and does not.
func (o *ours) settled(ctx context.Context) (string, error) {
	if err := o.cluster.Ready(ctx); err != nil {
		return "", err
	}
	text, err := o.status(ctx)
	if err != nil {
		return "", err
	}
	if err := allAlive(text); err != nil {
		return "", err
	}
	return o.cluster.Holder(o.vip)
}

// status asks the witness, which no fault hits.
func (o *ours) status(ctx context.Context) (string, error) {
	return o.cluster.Ctl(ctx, "witness", "cluster", "status", "-o", "json")
}

func (o *ours) inject(ctx context.Context, f *fault, victim string) error {
	switch f {
	case nothing:
		return nil
	case killWorker:
		o.broken = o.cluster.KillNode(victim, chaos.Worker)
	case stopWorker:
		o.broken = o.cluster.StopNode(victim, chaos.Worker)
	case killAll:
		o.broken = o.cluster.KillNode(victim, chaos.Whole)
	case linkDown:
		o.broken = chaos.CutCable(o.cluster.Host(victim))
	case planned:
		_, err := o.cluster.Ctl(ctx, "witness", "failover")
		return err
	default:
		return fmt.Errorf("%s knows no fault %s", o.name(), f.key)
	}
	return o.cluster.Lab().Inject(ctx, o.broken)
}

func (o *ours) heal(ctx context.Context, _ *fault, _ string) error {
	if o.broken == nil {
		return nil
	}
	err := o.cluster.Lab().Mend(ctx, o.broken)
	o.broken = nil
	return err
}

func (o *ours) logs() string {
	paths, _ := filepath.Glob(filepath.Join(o.cluster.Lab().Dir, "*.log")) // fails for a bad pattern only
	return tails(paths...)
}

func (o *ours) report(ctx context.Context) (*takeover, error) {
	text, err := o.status(ctx)
	if err != nil {
		return nil, err
	}
	return parseTakeover(text)
}
