package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/chaos"
	"github.com/amphora-lb/amphora/chaos/check"
	"github.com/amphora-lb/amphora/chaos/wire"
)

// Config says how to plague a cluster.
type Config struct {
	Bin     string // directory that holds amphorad and amphoractl
	Seed    uint64
	Faults  int
	Profile string    // lan-fast or default; empty: by seed
	Keep    string    // directory for what was recorded, made when something is wrong; empty: not kept
	Out     io.Writer // gets two lines for each fault

	steps []step // instead of a plan
}

func (c Config) plan() []step {
	if c.steps != nil {
		return c.steps
	}
	return plan(c.Seed, c.Faults)
}

// healLimit is how long the cluster may take, once everything is healed, until all
// nodes agree again.
const healLimit = 60 * time.Second

// viewerAddr is where the streams are read.
var viewerAddr = netip.MustParsePrefix("192.0.2.3/24")

// run is one cluster and what is recorded of it.
type run struct {
	Config
	profile profile
	cluster *chaos.Cluster
	vip     netip.Addr

	sniffer   *wire.Sniffer
	writing   writing
	streaming streaming
	leaders   leaders
	journals  journals
	pressure  pressure
	history   chaos.History  // what the opener of connections saw
	windows   []check.Window // of all faults
	disturbed []check.Window // of those after which the VIP may move
	before    map[string][]string
}

// Run builds a cluster, plagues it and judges. The error says why there is no
// verdict: no root, no programs, a fault that could not be injected.
func Run(ctx context.Context, cfg Config) (v Verdict, err error) {
	v = Verdict{Seed: cfg.Seed}
	p, err := pick(cfg.Seed, cfg.Profile)
	if err != nil {
		return v, err
	}
	c, err := chaos.NewClusterWith(chaos.ClusterConfig{Bin: cfg.Bin, Profile: p.name, Disks: true})
	if err != nil {
		return v, err
	}
	r := &run{Config: cfg, profile: p, cluster: c, before: map[string][]string{}}
	defer func() {
		if v.judge(r); err != nil || len(v.Bad) > 0 {
			err = errors.Join(err, r.keep(v, err))
		}
		err = errors.Join(err, r.journals.close(), c.Close())
	}()
	err = r.story(ctx, &v)
	return v, err
}

// story is the run from the start of the nodes to their stop.
func (r *run) story(ctx context.Context, v *Verdict) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	recording, stop := context.WithCancel(ctx)
	defer stop()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	clients, watchers := new(errgroup.Group), new(errgroup.Group)
	if err := r.watch(watching, watchers); err != nil {
		stopWatching()
		return errors.Join(err, watchers.Wait())
	}
	r.use(recording, clients)
	err := r.plague(ctx, v)
	// The wire is watched until the last node has stopped.
	stop()
	err = errors.Join(err, clients.Wait())
	if err == nil {
		err = r.end(ctx, v)
	} else {
		_ = r.journals.read() // what there is of them
	}
	stopWatching()
	return errors.Join(err, watchers.Wait())
}

func (r *run) start(ctx context.Context) error {
	for _, node := range r.cluster.Nodes() {
		var err error
		if r.before[node], err = r.cluster.Traces(node); err != nil {
			return err
		}
	}
	if err := errors.Join(r.journals.open(r.cluster), r.cluster.Start()); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	var err error
	if r.vip, err = r.cluster.Balance(ctx); err != nil {
		return err
	}
	r.writing.cluster, r.leaders.cluster = r.cluster, r.cluster
	// The opener of connections goes through all ports of its address in minutes. A
	// node that gets the VIP back may still answer for those in TIME-WAIT, and would
	// for a stream with the same port.
	viewer, err := r.cluster.Lab().AddHost("viewer", viewerAddr)
	if err != nil {
		return err
	}
	r.streaming = streaming{client: viewer, vip: r.vip, hang: r.profile.hang(), blob: chaos.Blob()}
	return r.writing.prepare(ctx)
}

// watch starts what looks on: sniffer, prober, readers of journals and states.
func (r *run) watch(ctx context.Context, g *errgroup.Group) error {
	var hosts []*chaos.Host
	for _, node := range r.cluster.Nodes() {
		hosts = append(hosts, r.cluster.Host(node))
	}
	ports, err := r.cluster.Lab().Ports(hosts...)
	if err != nil {
		return err
	}
	r.sniffer, err = wire.Open(wire.Config{Do: r.cluster.Lab().Do, Ports: ports, First: chaos.VIPRange[0], Last: chaos.VIPRange[1]})
	if err != nil {
		return err
	}
	g.Go(func() error { return r.sniffer.Run(ctx) })
	client := r.cluster.Client()
	link, err := client.Interface()
	if err != nil {
		return err
	}
	prober, err := wire.NewProber(client.Do, link, r.vip)
	if err != nil {
		return err
	}
	const probeEvery = 5 * time.Millisecond
	g.Go(func() error { return prober.Run(ctx, probeEvery) })
	g.Go(func() error { return r.journals.run(ctx) })
	g.Go(func() error { r.pressure.run(ctx); return nil })
	for _, node := range r.cluster.Nodes() {
		g.Go(func() error { r.leaders.run(ctx, node); return nil })
	}
	return nil
}

// use starts the clients.
func (r *run) use(ctx context.Context, g *errgroup.Group) {
	const streams = 2
	g.Go(func() error {
		r.history = r.cluster.Client().Measure(ctx, "http://"+r.vip.String()+"/")
		return nil
	})
	for range streams {
		g.Go(func() error { r.streaming.run(ctx); return nil })
	}
	for i := range writers {
		random := rand.New(rand.NewPCG(r.Seed, uint64(i)+1))
		g.Go(func() error { r.writing.run(ctx, i, random); return nil })
	}
}

// plague carries the plan out: each fault, its healing, and a while without one.
func (r *run) plague(ctx context.Context, v *Verdict) error {
	if !pause(ctx, 2*time.Second) { // nothing happens by itself
		return context.Cause(ctx)
	}
	steps := r.plan()
	for i, s := range steps {
		v.Faults = i + 1
		fmt.Fprintf(r.Out, "[%d/%d] ", i+1, len(steps))
		if err := r.strike(ctx, s); err != nil {
			return fmt.Errorf("fault %d, %v: %w", i+1, s, err)
		}
	}
	return nil
}

// strike lets one fault happen, heals it and waits until all is well.
func (r *run) strike(ctx context.Context, s step) error {
	f, err := r.fault(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%v; %v for %v\n", s, f, s.last.Round(time.Millisecond))
	w := check.Window{Name: f.String(), From: wire.Now(), Bound: s.bound(r.profile)}
	if err := r.cluster.Lab().Inject(ctx, f); err != nil {
		return err
	}
	if !pause(ctx, s.last) {
		return context.Cause(ctx)
	}
	if err := r.cluster.Lab().Mend(ctx, f); err != nil {
		return err
	}
	healed := wire.Now()
	if err := r.ready(ctx); err != nil {
		return fmt.Errorf("all is healed, and yet: %w", err)
	}
	fmt.Fprintf(r.Out, "        well again after %v\n", wire.Now().Sub(healed).Round(time.Millisecond))
	// What the fault did may come to light a little later: a client's last request
	// under way, a retransmission.
	if !pause(ctx, 2*r.profile.lease) {
		return context.Cause(ctx)
	}
	w.To = wire.Now()
	r.windows = append(r.windows, w)
	if s.harms() != none {
		r.disturbed = append(r.disturbed, w)
	}
	return nil
}

// fault finds out who plays the roles now.
func (r *run) fault(ctx context.Context, s step) (chaos.Fault, error) {
	who := map[role]string{witness: "witness"}
	find := func() (err error) {
		who[holder], err = r.cluster.Holder(r.vip)
		return err
	}
	if err := eventually(ctx, 5*time.Second, find); err != nil {
		return nil, err
	}
	for _, node := range r.cluster.Nodes() {
		if r.cluster.Amphora(node) && node != who[holder] {
			who[standby] = node
		}
	}
	return s.family.make(victims{cluster: r.cluster, a: who[s.target], b: who[s.other], random: rand.New(rand.NewPCG(s.luck, 0))}), nil
}

func (r *run) ready(ctx context.Context) error {
	return eventually(ctx, healLimit, func() error { return r.cluster.Ready(ctx) })
}

func eventually(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("still after %v: %w", limit, err)
		}
	}
}

// cores is how many busy processes saturate the machine.
func cores() int { return runtime.NumCPU() }
