package node

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

const (
	// viewLimit bounds how long a request waits for the holder's view.
	viewLimit = 500 * time.Millisecond
	// viewFresh is for how long an answer of the holder is remembered: with
	// 100,000 members it has megabytes, and a client lists them page by page.
	viewFresh = 50 * time.Millisecond
)

// remembered is the last view that the holder gave to this node, and the one
// question that may be under way.
type remembered struct {
	last   atomic.Pointer[answer]
	asking singleflight.Group // by id of the holder
}

type answer struct {
	from string // id of the holder
	at   time.Time
	view lb.View
}

// local answers the other nodes for this one.
type local struct{ *Node }

var _ admin.Local = local{}

// LocalView is what this node's engine knows; nothing on a witness.
func (n local) LocalView() lb.View {
	if n.engine == nil {
		return lb.View{}
	}
	v := n.engine.View()
	v.Warnings = n.warnings()
	return v
}

// View is the holder's view, asked of it or remembered for viewFresh; see
// [admin.Backend].
func (b backend) View(ctx context.Context) (lb.View, error) {
	if b.holding.Load() != 0 {
		return local(b).LocalView(), nil
	}
	leader, ok := b.cluster.Leader()
	if !ok || leader.Self || leader.Role == cluster.Witness {
		return lb.View{}, fmt.Errorf("ask the holder: %w: no node holds the VIPs now", lb.ErrUnavailable)
	}
	if last := b.holderView.last.Load(); last != nil && last.from == leader.ID && time.Since(last.at) < viewFresh {
		return last.view, nil
	}
	// The question outlives this request, because others wait for its answer too.
	asked := b.holderView.asking.DoChan(leader.ID, func() (any, error) { return b.ask(context.WithoutCancel(ctx), leader.ID) })
	select {
	case got := <-asked:
		if got.Err != nil {
			return lb.View{}, b.unavailable(got.Err)
		}
		return got.Val.(lb.View), nil
	case <-ctx.Done():
		return lb.View{}, ctx.Err()
	}
}

func (b backend) ask(ctx context.Context, holder string) (lb.View, error) {
	ctx, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	conn, err := b.cluster.Dial(ctx, holder)
	if err != nil {
		return lb.View{}, err
	}
	view, err := admin.AskView(ctx, conn)
	if err != nil {
		return lb.View{}, err
	}
	b.holderView.last.Store(&answer{holder, time.Now(), view})
	return view, nil
}
