package fsm

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// buckets names the bucket of each kind. The names are part of the format.
var buckets = []struct {
	kind   lb.Kind
	bucket string
	decode func(data []byte) (object any, id string, err error)
}{
	{lb.KindSubnet, "subnets", func(data []byte) (any, string, error) {
		m := &lbpb.Subnet{}
		return decodeObject(data, m, m.ToLB)
	}},
	{lb.KindLoadBalancer, "load_balancers", func(data []byte) (any, string, error) {
		m := &lbpb.LoadBalancer{}
		return decodeObject(data, m, m.ToLB)
	}},
	{lb.KindListener, "listeners", func(data []byte) (any, string, error) {
		m := &lbpb.Listener{}
		return decodeObject(data, m, m.ToLB)
	}},
	{lb.KindPool, "pools", func(data []byte) (any, string, error) {
		m := &lbpb.Pool{}
		return decodeObject(data, m, m.ToLB)
	}},
	{lb.KindMember, "members", func(data []byte) (any, string, error) {
		m := &lbpb.Member{}
		return decodeObject(data, m, m.ToLB)
	}},
	{lb.KindHealthMonitor, "health_monitors", func(data []byte) (any, string, error) {
		m := &lbpb.HealthMonitor{}
		return decodeObject(data, m, m.ToLB)
	}},
}

// bucketOf returns the name of kind's bucket.
func bucketOf(kind lb.Kind) (string, error) {
	for _, b := range buckets {
		if b.kind == kind {
			return b.bucket, nil
		}
	}
	return "", fmt.Errorf("no bucket for a %q", kind)
}

// encodeObject returns what is stored for a resource.
func encodeObject(object any) ([]byte, error) {
	switch o := object.(type) {
	case *lb.Subnet:
		return marshal.Marshal(lbpb.FromSubnet(o))
	case *lb.LoadBalancer:
		return marshal.Marshal(lbpb.FromLoadBalancer(o))
	case *lb.Listener:
		return marshal.Marshal(lbpb.FromListener(o))
	case *lb.Pool:
		return marshal.Marshal(lbpb.FromPool(o))
	case *lb.Member:
		return marshal.Marshal(lbpb.FromMember(o))
	case *lb.HealthMonitor:
		return marshal.Marshal(lbpb.FromHealthMonitor(o))
	}
	return nil, fmt.Errorf("no encoding for %T", object)
}

// decodeObject fills m and converts it. Nothing of what it returns refers to
// data, which may be memory of a transaction.
func decodeObject[M interface {
	proto.Message
	GetId() string
}, T any](data []byte, m M, toLB func() (*T, error)) (any, string, error) {
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, "", err
	}
	if unknownFields(m.ProtoReflect()) {
		return nil, "", fmt.Errorf("unknown fields: %w", errNewer)
	}
	object, err := toLB()
	if err != nil {
		return nil, "", err
	}
	return object, m.GetId(), nil
}
