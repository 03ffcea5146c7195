package admin

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Tree is a load balancer with everything below it.
type Tree struct {
	LoadBalancer   Resource[lb.LoadBalancer]
	Listeners      []Resource[lb.Listener]
	Pools          []Resource[lb.Pool]
	Members        []Resource[lb.Member]        // of all pools
	HealthMonitors []Resource[lb.HealthMonitor] // of all pools
	L7Policies     []Resource[lb.L7Policy]      // of all listeners
	L7Rules        []Resource[lb.L7Rule]        // of all L7 policies
}

// Tree returns the load balancer that ref names with everything below it.
func (c *Client) Tree(ctx context.Context, ref string) (Tree, error) {
	x, err := c.config.GetLoadBalancerTree(ctx, &adminpb.GetLoadBalancerTreeRequest{Ref: ref})
	if err != nil {
		return Tree{}, err
	}
	var t Tree
	if t.LoadBalancer, err = toLoadBalancer(x.LoadBalancer); err != nil {
		return t, err
	}
	if t.Listeners, _, err = listed(toListener, x.Listeners, "", nil); err != nil {
		return t, err
	}
	if t.Pools, _, err = listed(toPool, x.Pools, "", nil); err != nil {
		return t, err
	}
	if t.Members, _, err = listed(toMember, x.Members, "", nil); err != nil {
		return t, err
	}
	if t.HealthMonitors, _, err = listed(toHealthMonitor, x.HealthMonitors, "", nil); err != nil {
		return t, err
	}
	return t, c.addL7(ctx, &t)
}

// addL7 reads what lies below the listeners of a tree: further calls, so that it may be
// of a later moment.
func (c *Client) addL7(ctx context.Context, t *Tree) error {
	for _, l := range t.Listeners {
		for p, err := range c.L7Policies.In(string(l.Value.ID)).List(ctx) {
			if err != nil {
				return err
			}
			t.L7Policies = append(t.L7Policies, p)
		}
	}
	for _, p := range t.L7Policies {
		for r, err := range c.L7Rules.In(string(p.Value.ID)).List(ctx) {
			if err != nil {
				return err
			}
			t.L7Rules = append(t.L7Rules, r)
		}
	}
	return nil
}

// DeleteTree deletes the load balancer that ref names with everything below it.
func (c *Client) DeleteTree(ctx context.Context, ref string) error {
	id, err := c.LoadBalancers.idOf(ctx, ref)
	if err != nil {
		return err
	}
	_, err = c.config.DeleteLoadBalancer(ctx, &adminpb.DeleteLoadBalancerRequest{RequestId: requestID(ctx), Ref: id, Cascade: true})
	return err
}

// Status returns what the node knows of its cluster. It needs no quorum.
func (c *Client) Status(ctx context.Context) (ClusterStatus, error) {
	x, err := c.cluster.Status(ctx, &adminpb.StatusRequest{})
	if err != nil {
		return ClusterStatus{}, err
	}
	return toClusterStatus(x), nil
}

// Bootstrap makes a new cluster of the node alone.
func (c *Client) Bootstrap(ctx context.Context) error {
	_, err := c.cluster.Bootstrap(ctx, &adminpb.BootstrapRequest{})
	return err
}

// Join makes the node part of the cluster of the node at addr.
func (c *Client) Join(ctx context.Context, addr string) error {
	_, err := c.cluster.Join(ctx, &adminpb.JoinRequest{Addr: addr})
	return err
}

// Leave takes the node out of its cluster.
func (c *Client) Leave(ctx context.Context) error {
	_, err := c.cluster.Leave(ctx, &adminpb.LeaveRequest{})
	return err
}

// Remove takes the node with that name or id out of the cluster.
func (c *Client) Remove(ctx context.Context, node string) error {
	_, err := c.cluster.Remove(ctx, &adminpb.RemoveRequest{Node: node})
	return err
}

// Failover moves the VIPs to the amphora with that name or id, or to any other
// one when to is empty. It returns when that one holds them.
func (c *Client) Failover(ctx context.Context, to string) (Moved, error) {
	x, err := c.cluster.Failover(ctx, &adminpb.FailoverRequest{To: to})
	return Moved{From: x.GetFrom(), To: x.GetTo()}, err
}

// SetMaintenance keeps the node from becoming the holder, or allows it again. If
// it holds the VIPs, another one does when the call returns.
func (c *Client) SetMaintenance(ctx context.Context, on bool) error {
	_, err := c.cluster.SetMaintenance(ctx, &adminpb.SetMaintenanceRequest{On: on})
	return err
}

// ForceSolo makes the node, the survivor of a pair, a cluster of one that accepts
// changes. What only the other node has is lost, and the caller has confirmed that.
func (c *Client) ForceSolo(ctx context.Context) error {
	_, err := c.cluster.ForceSolo(ctx, &adminpb.ForceSoloRequest{Confirmed: true})
	return err
}

// Discard sets the node's data aside and makes it join the cluster of the other one
// with that name or id, from which it was forced apart.
func (c *Client) Discard(ctx context.Context, other string) error {
	_, err := c.cluster.Discard(ctx, &adminpb.DiscardRequest{Node: other})
	return err
}

// EventQuery says which events are asked for.
type EventQuery struct {
	Last   uint32    // replay so many; 0 with Since: all of those
	Since  time.Time // replay those from then on
	Follow bool      // then wait for new ones, until ctx ends
}

// SeenEvent is an event and the number of events that were dropped before it
// because the reader was slow.
type SeenEvent struct {
	event.Event
	Missed uint64
}

// Events yields events of the node, oldest first. It ends with the first error.
func (c *Client) Events(ctx context.Context, q EventQuery) iter.Seq2[SeenEvent, error] {
	return func(yield func(SeenEvent, error) bool) {
		ctx, cancel := context.WithCancel(ctx) // ends the stream when yield wants no more
		defer cancel()
		req := &adminpb.WatchRequest{Last: q.Last, Follow: q.Follow}
		if !q.Since.IsZero() {
			req.Since = timestamppb.New(q.Since)
		}
		stream, err := c.events.Watch(ctx, req)
		for err == nil {
			var x *adminpb.WatchResponse
			if x, err = stream.Recv(); err == nil && !yield(toEvent(x), nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(SeenEvent{}, fromStatus(err))
		}
	}
}
