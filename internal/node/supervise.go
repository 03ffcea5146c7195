package node

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/supervise"
	"github.com/amphora-lb/amphora/vip"
	"github.com/amphora-lb/amphora/vip/gate"
)

// Supervise runs a node as the child of this process, which becomes nothing but its
// supervisor; see [supervise.Run] for signals and errors. cfg says how to start the
// child; what the supervisor does to gate and addresses is filled in.
func Supervise(ctx context.Context, cfg supervise.Config) error {
	cfg.Logger = cfg.Logger.With(logkey.Component, "supervisor")
	cfg.OpenFloor = func(dir string) (supervise.Floor, error) {
		floor, err := gate.OpenFloor(dir)
		if err != nil {
			return nil, err
		}
		return floor, nil
	}
	cfg.Release = func(iface string) (int, error) {
		removed, err := vip.ReleaseAll(iface)
		return len(removed), err
	}
	supervise.Harden(cfg.Logger)
	return supervise.Run(ctx, cfg)
}

// describe tells the supervisor what it must know before this node can hold.
func (n *Node) describe() error {
	s := supervise.Settings{Limit: beatLimit(n.cfg.Cluster.Profile)}
	if n.gate != nil {
		s.Gate = n.gate.Dir()
	}
	if n.vips != nil {
		s.Interface = n.cfg.VIP.Interface
	}
	return n.cfg.Supervisor.Describe(s)
}

// publish hands the will to the supervisor. Without one, or with one that does not
// fit, the peers wait for the end of the lease.
func (n *Node) publish(w cluster.Will) {
	will := supervise.Will{Term: w.Term}
	for _, p := range w.Packets {
		will.Packets = append(will.Packets, supervise.Packet(p))
	}
	if err := n.cfg.Supervisor.Publish(will); err != nil {
		n.cfg.Logger.Error("supervisor could not be given the will", logkey.Term, w.Term, logkey.Err, err)
	}
}

// attend is a stage: it tells the supervisor once everything before it runs, and
// ends by itself when the supervisor has died, so that the node stops in order, also
// one that has never come to run.
func (n *Node) attend(ctx context.Context) error {
	return attendLine(ctx, n.cfg.Supervisor, n.cluster.Ready())
}

// line is what attend needs of [supervise.Page].
type line interface {
	Ready()
	Run(ctx context.Context) error
}

func attendLine(ctx context.Context, l line, ready <-chan struct{}) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		select {
		case <-ready:
			l.Ready()
		case <-ctx.Done():
		}
		return nil
	})
	both.Go(func() error { return l.Run(ctx) })
	return both.Wait()
}
