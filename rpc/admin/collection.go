package admin

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Resource is one resource, how it is doing, and the ids of what belongs to it.
type Resource[T any] struct {
	Value           *T
	Status          lb.Status
	ListenerIDs     []string // of a load balancer, and of a pool that is their default
	PoolIDs         []string // of a load balancer
	MemberIDs       []string // of a pool
	HealthMonitorID string   // of a pool; "": none
}

// Collection is one kind of resource on a node: T is the resource and S its spec.
//
// Where a ref is asked for, it is an id or a name. Fields of specs that refer
// to other resources may hold names as well.
type Collection[T, S any] struct {
	calls calls[T, S]
	query query
}

// calls is how one kind is asked for on the wire.
type calls[T, S any] struct {
	id     func(*T) string
	byRef  bool // a change may name the resource as the client does
	create func(ctx context.Context, requestID string, spec S) (Resource[T], error)
	list   func(ctx context.Context, q query) ([]Resource[T], string, error)
	get    func(ctx context.Context, q query) (Resource[T], error)
	update func(ctx context.Context, requestID string, q query, spec S) (Resource[T], error)
	delete func(ctx context.Context, requestID string, q query) error
}

// query says which resources are meant.
type query struct {
	in    string // id or name of the pool or load balancer above
	of    string // id or name of the project; the six kinds with calls of their own ignore it
	ref   string
	name  string
	stale bool
	size  int32
	token string
}

// In returns the resources of one parent: the members of the pool that ref
// names, or the listeners, pools or health monitors of the load balancer that it
// names. Members that are not named by id must be asked for like this.
func (r Collection[T, S]) In(ref string) Collection[T, S] {
	r.query.in = ref
	return r
}

// Named returns the resources of that name, for List.
func (r Collection[T, S]) Named(name string) Collection[T, S] {
	r.query.name = name
	return r
}

// Of returns the resources of the project that ref names, for List. Only kinds that the
// generic calls serve can be asked so.
func (r Collection[T, S]) Of(ref string) Collection[T, S] {
	r.query.of = ref
	return r
}

// Stale returns the resources as the node knows them, which may be old. It
// needs no quorum.
func (r Collection[T, S]) Stale() Collection[T, S] {
	r.query.stale = true
	return r
}

// Create makes a resource.
func (r Collection[T, S]) Create(ctx context.Context, spec S) (Resource[T], error) {
	return r.calls.create(ctx, requestID(ctx), spec)
}

// List yields every resource in order of creation, page by page. It ends with
// the first error.
func (r Collection[T, S]) List(ctx context.Context) iter.Seq2[Resource[T], error] {
	return func(yield func(Resource[T], error) bool) {
		q := r.query
		q.size = MaxPageSize
		for {
			page, next, err := r.calls.list(ctx, q)
			if err != nil {
				yield(Resource[T]{}, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if q.token = next; next == "" {
				return
			}
		}
	}
}

// Get returns the resource that ref names.
func (r Collection[T, S]) Get(ctx context.Context, ref string) (Resource[T], error) {
	r.query.ref = ref
	return r.calls.get(ctx, r.query)
}

// Update changes the fields that spec gives of the resource that ref names.
func (r Collection[T, S]) Update(ctx context.Context, ref string, spec S) (Resource[T], error) {
	id, err := r.idOf(ctx, ref)
	if err != nil {
		return Resource[T]{}, err
	}
	return r.calls.update(ctx, requestID(ctx), query{ref: id}, spec)
}

// Delete deletes the resource that ref names.
func (r Collection[T, S]) Delete(ctx context.Context, ref string) error {
	id, err := r.idOf(ctx, ref)
	if err != nil {
		return err
	}
	return r.calls.delete(ctx, requestID(ctx), query{ref: id})
}

// idOf returns the id of the resource that ref names. A change goes by id, so
// that it can be sent again: the name may be gone after the first time. An id is
// looked up only to see that it is where In says.
func (r Collection[T, S]) idOf(ctx context.Context, ref string) (string, error) {
	if (isID(ref) || r.calls.byRef) && r.query.in == "" {
		return ref, nil
	}
	r.query.stale = false
	v, err := r.Get(ctx, ref)
	if err != nil {
		return "", err
	}
	return r.calls.id(v.Value), nil
}

// Await returns the resource that ref names once it is provisioned: when its
// provisioning status is ACTIVE or ERROR. It polls until then or until ctx ends;
// progress, if not nil, is called with each state on the way.
func (r Collection[T, S]) Await(ctx context.Context, ref string, progress func(Resource[T])) (Resource[T], error) {
	pause := 10 * time.Millisecond
	for {
		v, err := r.Get(ctx, ref)
		switch {
		case err != nil && !errors.Is(err, lb.ErrUnavailable):
			return v, err
		case err == nil && settled(v.Status.Provisioning):
			return v, nil
		case err == nil && progress != nil:
			progress(v)
		}
		if werr := wait(ctx, pause); werr != nil {
			return v, errors.Join(err, werr)
		}
		pause = min(2*pause, time.Second)
	}
}

func settled(p lb.ProvisioningStatus) bool {
	return p != lb.PendingCreate && p != lb.PendingUpdate
}

// state makes a Resource of a message's parts.
func resource[T any](x interface{ ToLB() (*T, error) }, st *adminpb.Status) (Resource[T], error) {
	v, err := x.ToLB()
	return Resource[T]{Value: v, Status: lb.Status{
		Provisioning: lb.ProvisioningStatus(st.GetProvisioningStatus()),
		Operating:    lb.OperatingStatus(st.GetOperatingStatus()),
		Reason:       st.GetReason(),
	}}, err
}

// answered makes a Resource of an answer.
func answered[T, R any](to func(R) (Resource[T], error), r R, err error) (Resource[T], error) {
	if err != nil {
		return Resource[T]{}, err
	}
	return to(r)
}

// listed makes Resources of a page.
func listed[T, R any](to func(R) (Resource[T], error), page []R, next string, err error) ([]Resource[T], string, error) {
	if err != nil {
		return nil, "", err
	}
	all := make([]Resource[T], len(page))
	for i, r := range page {
		if all[i], err = to(r); err != nil {
			return nil, "", err
		}
	}
	return all, next, nil
}
