package admin

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// Object is an object of any kind, a pointer to one of lb's types, and how it is doing.
type Object struct {
	Value  any
	Status lb.Status // zero: the kind has none
}

// Change does the operations in one step, all or none, and returns what the last one was
// about and the revision of the configuration with the change. Fields that refer to
// objects may hold names, but for those of objects that the same change makes.
func (c *Client) Change(ctx context.Context, ops ...lb.Op) (lb.Result, uint64, error) {
	x, err := c.change(ctx, false, ops)
	return lb.Result{Kind: lb.Kind(x.GetResult().GetKind()), ID: x.GetResult().GetId()}, x.GetRevision(), err
}

// Try returns what the operations would change, and changes nothing.
func (c *Client) Try(ctx context.Context, ops ...lb.Op) ([]Changed, error) {
	x, err := c.change(ctx, true, ops)
	if err != nil {
		return nil, err
	}
	all := make([]Changed, len(x.Changes))
	for i, each := range x.Changes {
		all[i] = toChanged(each)
	}
	return all, nil
}

func (c *Client) change(ctx context.Context, dry bool, ops []lb.Op) (*adminpb.ChangeResponse, error) {
	req := &adminpb.ChangeRequest{RequestId: requestID(ctx), DryRun: dry}
	for _, op := range ops {
		x, err := lbpb.FromOp(op)
		if err != nil {
			return nil, err
		}
		req.Ops = append(req.Ops, x)
	}
	return c.objects.Change(ctx, req)
}

// Objects yields every object of a kind, page by page. It ends with the first error.
func (c *Client) Objects(ctx context.Context, kind lb.Kind) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		req := &adminpb.ListRequest{Kind: string(kind), PageSize: MaxPageSize}
		for {
			page, err := c.objects.List(ctx, req)
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, x := range page.Items {
				if o, err := toObject(x); !yield(o, err) || err != nil {
					return
				}
			}
			if req.PageToken = page.NextPageToken; req.PageToken == "" {
				return
			}
		}
	}
}

func toObject(x *adminpb.Item) (Object, error) {
	v, err := x.GetObject().ToLB()
	return Object{Value: v, Status: toStatusOf(x.GetStatus())}, err
}

func toStatusOf(st *adminpb.Status) lb.Status {
	return lb.Status{
		Provisioning: lb.ProvisioningStatus(st.GetProvisioningStatus()),
		Operating:    lb.OperatingStatus(st.GetOperatingStatus()),
		Reason:       st.GetReason(),
	}
}

// Verb says what happened to an object.
type Verb string

// What happens to objects.
const (
	WasCreated    Verb = "created"
	WasUpdated    Verb = "updated"
	WasDeleted    Verb = "deleted"
	StatusChanged Verb = "status" // only its status is another
)

var verbs = map[adminpb.Changed_Verb]Verb{
	adminpb.Changed_VERB_CREATED: WasCreated,
	adminpb.Changed_VERB_UPDATED: WasUpdated,
	adminpb.Changed_VERB_DELETED: WasDeleted,
	adminpb.Changed_VERB_STATUS:  StatusChanged,
}

// Changed is one object that was written or deleted, or does better or worse.
type Changed struct {
	Verb     Verb
	Kind     lb.Kind
	ID       string
	Name     string
	Revision uint64 // that changed it; of a deleted one: at which it was missed
	Status   lb.Status
}

func toChanged(x *adminpb.Changed) Changed {
	return Changed{
		Verb: verbs[x.GetVerb()], Kind: lb.Kind(x.GetKind()), ID: x.GetId(), Name: x.GetName(),
		Revision: x.GetRevision(), Status: toStatusOf(x.GetStatus()),
	}
}

// Seen is what a watch yields.
type Seen struct {
	Changed         // zero in the first
	Told     uint64 // everything up to this revision has been told
	Gap      bool   // deletions before the first may be missing
	HasValue bool   // false in the first
}

// WatchObjects yields what changes from now on, and before that what was created or updated
// after a revision that is not 0, until ctx ends. Kinds narrow it down. It ends with the
// first error.
func (c *Client) WatchObjects(ctx context.Context, after uint64, kinds ...lb.Kind) iter.Seq2[Seen, error] {
	return func(yield func(Seen, error) bool) {
		ctx, cancel := context.WithCancel(ctx) // ends the stream when yield wants no more
		defer cancel()
		req := &adminpb.WatchObjectsRequest{AfterRevision: after}
		for _, k := range kinds {
			req.Kinds = append(req.Kinds, string(k))
		}
		stream, err := c.objects.WatchObjects(ctx, req)
		for err == nil {
			var x *adminpb.WatchObjectsResponse
			if x, err = stream.Recv(); err != nil {
				break
			}
			seen := Seen{Told: x.Revision, Gap: x.Gap, HasValue: x.Change != nil}
			if x.Change != nil {
				seen.Changed = toChanged(x.Change)
			}
			if !yield(seen, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Seen{}, fromStatus(err))
		}
	}
}

// CreateUser makes a user with a password, which the node hashes.
func (c *Client) CreateUser(ctx context.Context, spec lb.UserSpec, password string) (Resource[lb.User], error) {
	x, err := c.objects.SetPassword(ctx, &adminpb.SetPasswordRequest{RequestId: requestID(ctx), Password: password, Create: lbpb.FromUserSpec(spec)})
	return changedTo[lb.User](x, err)
}

// SetPassword gives the user that ref names a password, which the node hashes. Tokens from
// before are void.
func (c *Client) SetPassword(ctx context.Context, ref, password string) error {
	_, err := c.objects.SetPassword(ctx, &adminpb.SetPasswordRequest{RequestId: requestID(ctx), User: ref, Password: password})
	return err
}

// NewSecret is a secret with its payload, which the node seals.
type NewSecret struct {
	Spec        lb.SecretSpec // without Sealed
	Payload     []byte
	ContainedAs string // its name in the container, such as "private_key"
}

// StoreSecret stores one secret.
func (c *Client) StoreSecret(ctx context.Context, s NewSecret) (Resource[lb.Secret], error) {
	x, err := c.objects.StoreSecrets(ctx, &adminpb.StoreSecretsRequest{RequestId: requestID(ctx), Secrets: newSecrets(s)})
	return changedTo[lb.Secret](x, err)
}

// StoreContainer stores secrets and a container of them in one step.
func (c *Client) StoreContainer(ctx context.Context, spec lb.SecretContainerSpec, all ...NewSecret) (Resource[lb.SecretContainer], error) {
	x, err := c.objects.StoreSecrets(ctx, &adminpb.StoreSecretsRequest{
		RequestId: requestID(ctx), Secrets: newSecrets(all...), Container: lbpb.FromSecretContainerSpec(spec),
	})
	return changedTo[lb.SecretContainer](x, err)
}

func newSecrets(all ...NewSecret) []*adminpb.NewSecret {
	xs := make([]*adminpb.NewSecret, len(all))
	for i, s := range all {
		xs[i] = &adminpb.NewSecret{Spec: lbpb.FromSecretSpec(s.Spec), Payload: s.Payload, ContainedAs: s.ContainedAs}
	}
	return xs
}

// SetMembers makes all those of the pool that ref names; without additive, those that are
// not among them are deleted.
func (c *Client) SetMembers(ctx context.Context, ref string, all []lb.MemberSpec, additive bool) error {
	id, err := c.Pools.idOf(ctx, ref)
	if err != nil {
		return err
	}
	_, _, err = c.Change(ctx, lb.SetMembers{PoolID: lb.PoolID(id), Members: all, AdditiveOnly: additive})
	return err
}

// Endpoints returns where the node serves its REST APIs. It needs no quorum.
func (c *Client) Endpoints(ctx context.Context) (Endpoints, error) {
	x, err := c.cluster.Endpoints(ctx, &adminpb.EndpointsRequest{})
	return Endpoints{
		Identity: x.GetIdentity(), LoadBalancer: x.GetLoadBalancer(), Network: x.GetNetwork(), KeyManager: x.GetKeyManager(), Region: x.GetRegion(),
	}, err
}

// ListenerStats returns what all amphorae together have counted of each listener since
// they first served it. It waits for silent ones a moment, and leaves them out.
func (c *Client) ListenerStats(ctx context.Context) (map[lb.ListenerID]lb.Stats, error) {
	x, err := c.cluster.ListenerStats(ctx, &adminpb.ListenerStatsRequest{}, grpc.MaxCallRecvMsgSize(maxViewSize))
	return toStats(x.GetListeners()), err
}
