// Package admintest serves the administration API of a node that is not there,
// for tests of what speaks to it. The configuration is real, kept in memory by
// lb.Apply; the cluster is whatever the test says. It must never be part of a
// shipped binary.
package admintest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// Start is the time of the first change; each later one comes a second after.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ID is the id of the resource that the n-th change creates, from 1.
func ID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// Backend is an admin.Backend in memory. Its ids, times and answers are the
// same in every run. The zero value is an empty configuration on a node without
// a cluster. All methods may be called from any number of goroutines.
type Backend struct {
	mu        sync.Mutex
	cfg       *lb.Config               // guarded by mu
	changes   int                      // guarded by mu
	done      map[string]answer        // guarded by mu; by request id
	statuses  admin.ClusterStatus      // guarded by mu
	view      func(*lb.Config) lb.View // guarded by mu
	failures  []error                  // guarded by mu
	unsynced  error                    // guarded by mu
	noView    error                    // guarded by mu
	proposals int                      // guarded by mu
}

type answer struct {
	result   lb.Result
	revision uint64
}

var _ admin.Backend = (*Backend)(nil)

// Fail makes the next proposals fail with these errors, one after the other,
// after they have been applied, as when an answer is lost; nil lets one work.
func (b *Backend) Fail(errs ...error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = errs
}

// FailSync makes every Sync fail with err until it is called with nil.
func (b *Backend) FailSync(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsynced = err
}

// SetView replaces the view, which otherwise is that of an engine that has
// applied everything and checked nothing.
func (b *Backend) SetView(view func(*lb.Config) lb.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view = view
}

// FailView makes every View fail with err until it is called with nil.
func (b *Backend) FailView(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noView = err
}

// SetStatus replaces the cluster.
func (b *Backend) SetStatus(st admin.ClusterStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statuses = st
}

// Proposals is how often Propose was called.
func (b *Backend) Proposals() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.proposals
}

// Propose implements admin.Backend.
func (b *Backend) Propose(ctx context.Context, requestID string, op lb.Op) (lb.Result, uint64, error) {
	if err := ctx.Err(); err != nil {
		return lb.Result{}, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.proposals++
	a, repeated := b.done[requestID]
	if !repeated {
		next, result, _, err := lb.Apply(b.configLocked(), lb.Command{
			Stamp:    lb.Stamp{At: Start.Add(time.Duration(b.changes) * time.Second), ID: ID(b.changes + 1)},
			Revision: uint64(b.changes + 1),
			Op:       op,
		})
		if err != nil {
			return lb.Result{}, 0, err
		}
		b.cfg = next
		b.changes++
		a = answer{result: result, revision: next.Revision()}
		if b.done == nil {
			b.done = make(map[string]answer)
		}
		b.done[requestID] = a
	}
	if len(b.failures) > 0 {
		err := b.failures[0]
		b.failures = b.failures[1:]
		if err != nil {
			return lb.Result{}, 0, err
		}
	}
	return a.result, a.revision, nil
}

func (b *Backend) configLocked() *lb.Config {
	if b.cfg == nil {
		b.cfg = new(lb.Config)
	}
	return b.cfg
}

// Sync implements admin.Backend.
func (b *Backend) Sync(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unsynced != nil {
		return b.unsynced
	}
	return ctx.Err()
}

// Config implements admin.Backend.
func (b *Backend) Config() *lb.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.configLocked()
}

// View implements admin.Backend.
func (b *Backend) View(context.Context) (lb.View, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	cfg := b.configLocked()
	switch {
	case b.noView != nil:
		return lb.View{}, b.noView
	case b.view != nil:
		return b.view(cfg), nil
	}
	return lb.View{Revision: cfg.Revision()}, nil
}

// Status implements admin.Backend.
func (b *Backend) Status(context.Context) (admin.ClusterStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.statuses
	st.Nodes = slices.Clone(st.Nodes)
	st.Revision = b.configLocked().Revision()
	st.NoCluster = len(st.Nodes) == 0
	return st, nil
}

// Bootstrap implements admin.Backend. It works once.
func (b *Backend) Bootstrap(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.statuses.Nodes) > 0 {
		return &lb.Error{Kind: lb.ErrConflict, Resource: "node", Msg: "already belongs to a cluster"}
	}
	b.statuses = admin.ClusterStatus{
		Cluster: "amphora", NodeID: ID(1001), LeaderID: ID(1001), HolderID: ID(1001), Term: 1, Quorum: true,
		Nodes: []admin.Node{{ID: ID(1001), Name: "a", Role: admin.Amphora, State: admin.Alive, Addr: "192.0.2.1:7480", Voter: true}},
	}
	return nil
}

// Join implements admin.Backend. It adds a node named as the address, which must
// have a port.
func (b *Backend) Join(_ context.Context, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statuses.Nodes = append(b.statuses.Nodes, admin.Node{ID: ID(1001 + len(b.statuses.Nodes)), Name: addr, Role: admin.Amphora, State: admin.Alive, Addr: addr})
	return nil
}

// Leave implements admin.Backend.
func (b *Backend) Leave(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statuses = admin.ClusterStatus{}
	return nil
}

// Remove implements admin.Backend.
func (b *Backend) Remove(_ context.Context, node string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, err := b.nodeLocked(node)
	if err != nil {
		return err
	}
	b.statuses.Nodes = slices.Delete(b.statuses.Nodes, i, i+1)
	return nil
}

// Failover implements admin.Backend.
func (b *Backend) Failover(_ context.Context, to string) (admin.Moved, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var moved admin.Moved
	target := -1
	for i, n := range b.statuses.Nodes {
		switch {
		case n.ID == b.statuses.HolderID:
			moved.From = n.Name
		case target < 0 && to == "" && n.Role == admin.Amphora && n.State == admin.Alive:
			target = i
		}
	}
	if to != "" {
		var err error
		if target, err = b.nodeLocked(to); err != nil {
			return admin.Moved{}, err
		}
	}
	if target < 0 {
		return admin.Moved{}, &lb.Error{Kind: lb.ErrUnavailable, Resource: "node", Msg: "no other amphora is alive"}
	}
	n := &b.statuses.Nodes[target]
	if n.Role != admin.Amphora {
		return admin.Moved{}, &lb.Error{Kind: lb.ErrInvalid, Resource: "node", ID: n.Name, Msg: "is a witness, which cannot hold VIPs"}
	}
	b.statuses.HolderID = n.ID
	moved.To = n.Name
	return moved, nil
}

// SetMaintenance implements admin.Backend for the node that answers.
func (b *Backend) SetMaintenance(_ context.Context, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, err := b.nodeLocked(b.statuses.NodeID)
	if err == nil {
		b.statuses.Nodes[i].Maintenance = on
	}
	return err
}

// ForceSolo implements admin.Backend: it is refused while there is a quorum.
func (b *Backend) ForceSolo(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.statuses.Quorum {
		return &lb.Error{Kind: lb.ErrConflict, Resource: "node", Msg: "the cluster has a quorum"}
	}
	b.statuses.Nodes = slices.DeleteFunc(b.statuses.Nodes, func(n admin.Node) bool { return n.ID != b.statuses.NodeID })
	b.statuses.Quorum = true
	return nil
}

// Discard implements admin.Backend: nothing was ever forced apart here.
func (b *Backend) Discard(_ context.Context, node string) error {
	return &lb.Error{Kind: lb.ErrNotFound, Resource: "node", ID: node, Msg: "has no data that disagrees with that of this node"}
}

func (b *Backend) nodeLocked(ref string) (int, error) {
	i := slices.IndexFunc(b.statuses.Nodes, func(n admin.Node) bool { return n.ID == ref || n.Name == ref })
	if i < 0 {
		return 0, &lb.Error{Kind: lb.ErrNotFound, Resource: "node", ID: ref, Msg: "does not exist"}
	}
	return i, nil
}
