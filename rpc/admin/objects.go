package admin

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// objectsService serves objects of every kind by the name of the kind.
type objectsService struct {
	adminpb.UnimplementedObjectsServer
	config   *configService
	backend  Backend
	sealer   Sealer
	hasher   *password.Hasher
	check    func(context.Context, lb.Op) error
	stopping context.Context // ends when the server stops, so that watchers do not hold it up
}

// maxOps is how many operations one change may have.
const maxOps = 10000

// Change implements adminpb.ObjectsServer.
func (s *objectsService) Change(ctx context.Context, req *adminpb.ChangeRequest) (*adminpb.ChangeResponse, error) {
	switch n := len(req.Ops); {
	case n == 0:
		return nil, invalid("", "ops", "is required: what shall change?")
	case n > maxOps:
		return nil, invalid("", "ops", "has too many operations, use at most 10000")
	}
	ops := make([]lb.Op, len(req.Ops))
	for i, x := range req.Ops {
		op, err := x.ToLB()
		if err != nil {
			return nil, err
		}
		if ops[i], err = resolveOp(ctx, s.backend, op); err != nil {
			return nil, err
		}
	}
	op := ops[0]
	if len(ops) > 1 {
		op = lb.Batch{Ops: ops}
	}
	if req.DryRun {
		return s.tryOut(ctx, op)
	}
	return s.commit(ctx, req.RequestId, op)
}

// commit has op committed and shows what it was about.
func (s *objectsService) commit(ctx context.Context, requestID string, op lb.Op) (*adminpb.ChangeResponse, error) {
	if err := checkRequestID(&requestID); err != nil {
		return nil, err
	}
	result, revision, err := s.backend.Propose(ctx, requestID, op)
	if err != nil {
		return nil, err
	}
	now, err := look(ctx, s.backend)
	if err != nil {
		return nil, err
	}
	x := &adminpb.ChangeResponse{Revision: revision, Result: &adminpb.Result{Kind: string(result.Kind), Id: result.ID}}
	k := objectsOf(result.Kind)
	if o, ok := k.get(now.cfg, result.ID); ok {
		x.Result.Item = k.show(now, o)
	}
	return x, nil
}

// tryOut applies op to a configuration that is thrown away.
func (s *objectsService) tryOut(ctx context.Context, op lb.Op) (*adminpb.ChangeResponse, error) {
	if err := s.backend.Sync(ctx); err != nil {
		return nil, err
	}
	old := s.backend.Config()
	next, result, changes, err := lb.Apply(old, lb.Command{
		Stamp:    lb.Stamp{At: time.Now().UTC(), ID: uuid.NewString()},
		Revision: old.Revision() + 1,
		Exempt:   true, // as a change through this socket is
		Op:       op,
	})
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, op); err != nil {
		return nil, err
	}
	before, after := index(old), index(next)
	x := &adminpb.ChangeResponse{Revision: old.Revision(), Result: &adminpb.Result{Kind: string(result.Kind), Id: result.ID}}
	told := make(map[key]bool)
	for _, c := range changes {
		at := key{c.Kind, c.ID}
		if told[at] {
			continue // written twice by one change
		}
		told[at] = true
		was, is := before[at], after[at]
		if change := difference(was, is, next.Revision()); change != nil {
			x.Changes = append(x.Changes, change)
		}
	}
	return x, nil
}

// List implements adminpb.ObjectsServer.
func (s *objectsService) List(ctx context.Context, req *adminpb.ListRequest) (*adminpb.ListResponse, error) {
	name, err := knownKind(req.Kind)
	if err != nil {
		return nil, err
	}
	shown, next, err := list(ctx, s.config, objectsOf(name), filtered(name, req), req)
	return &adminpb.ListResponse{Items: shown, NextPageToken: next}, err
}

// filtered is the scope that a list request asks for.
func filtered(name lb.Kind, req *adminpb.ListRequest) scope[object] {
	return func(c *lb.Config) (iter.Seq[*object], error) {
		k := objectsOf(name)
		all := k.all(c)
		if req.Parent != "" {
			var err error
			if all, err = below(k, req.Parent)(c); err != nil {
				return nil, err
			}
		}
		project := req.Project
		if project != "" {
			project = projectID(c, project)
		}
		return func(yield func(*object) bool) {
			for o := range all {
				if req.Id != "" && o.id != req.Id || project != "" && o.meta.ProjectID != project {
					continue
				}
				if !yield(o) {
					return
				}
			}
		}, nil
	}
}

// Get implements adminpb.ObjectsServer.
func (s *objectsService) Get(ctx context.Context, req *adminpb.GetRequest) (*adminpb.Item, error) {
	name, err := knownKind(req.Kind)
	if err != nil {
		return nil, err
	}
	k := objectsOf(name)
	var within scope[object]
	if req.Parent != "" {
		within = below(k, req.Parent)
	}
	if name == lb.KindQuota && !isID(req.Ref) {
		now, err := lookSynced(ctx, s.backend, req.AllowStale)
		if err != nil {
			return nil, err
		}
		o, err := find(now.cfg, k, within, projectID(now.cfg, req.Ref))
		if err != nil {
			return nil, err
		}
		return k.show(now, o), nil
	}
	return get(ctx, s.config, k, within, req.Ref, req.AllowStale)
}

// projectID is the id of the project that ref names; ref itself if there is none: where
// nobody logs in, a project is any text.
func projectID(c *lb.Config, ref string) string {
	if p, err := find(c, objectsOf(lb.KindProject), nil, ref); err == nil {
		return p.id
	}
	return ref
}

// parentKinds are the kinds of object that others lie below, nearest first.
var parentKinds = map[lb.Kind][]lb.Kind{
	lb.KindSubnet:           {lb.KindNetwork},
	lb.KindListener:         {lb.KindLoadBalancer},
	lb.KindPool:             {lb.KindLoadBalancer},
	lb.KindMember:           {lb.KindPool},
	lb.KindHealthMonitor:    {lb.KindPool, lb.KindLoadBalancer},
	lb.KindL7Policy:         {lb.KindListener, lb.KindLoadBalancer},
	lb.KindL7Rule:           {lb.KindL7Policy},
	lb.KindPort:             {lb.KindNetwork},
	lb.KindFlavor:           {lb.KindFlavorProfile},
	lb.KindAvailabilityZone: {lb.KindAvailabilityZoneProfile},
	lb.KindAssignment:       {lb.KindUser, lb.KindRole},
}

// below is the scope of the objects of a kind that lie below what ref names.
func below(k kind[object, adminpb.Item], ref string) scope[object] {
	return func(c *lb.Config) (iter.Seq[*object], error) {
		above := parentKinds[k.name]
		if len(above) == 0 {
			return nil, invalid(k.name, "parent", "lies below nothing")
		}
		var parent *object
		var first error
		for _, kind := range above {
			var err error
			if parent, err = find(c, objectsOf(kind), nil, ref); err == nil {
				break
			} else if first == nil {
				first = err
			}
		}
		if parent == nil {
			return nil, first
		}
		return func(yield func(*object) bool) {
			for o := range k.all(c) {
				if liesBelow(c, o, parent) && !yield(o) {
					return
				}
			}
		}, nil
	}
}

func liesBelow(c *lb.Config, o, parent *object) bool {
	for _, id := range o.parents {
		if id == parent.id {
			return true
		}
	}
	if parent.kind != lb.KindLoadBalancer {
		return false
	}
	t, ok := c.TreeOf(o.id)
	return ok && string(t.LoadBalancer.ID) == parent.id
}
