package fsm

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// buckets names the bucket of each kind, and the format that brought it. The names
// are part of the format.
var buckets = []struct {
	kind   lb.Kind
	bucket string
	since  uint64
}{
	{lb.KindSubnet, "subnets", 1},
	{lb.KindLoadBalancer, "load_balancers", 1},
	{lb.KindListener, "listeners", 1},
	{lb.KindPool, "pools", 1},
	{lb.KindMember, "members", 1},
	{lb.KindHealthMonitor, "health_monitors", 1},

	{lb.KindL7Policy, "l7_policies", 2},
	{lb.KindL7Rule, "l7_rules", 2},
	{lb.KindNetwork, "networks", 2},
	{lb.KindPort, "ports", 2},
	{lb.KindSecurityGroup, "security_groups", 2},
	{lb.KindQoSPolicy, "qos_policies", 2},
	{lb.KindQuota, "quotas", 2},
	{lb.KindFlavorProfile, "flavor_profiles", 2},
	{lb.KindFlavor, "flavors", 2},
	{lb.KindAvailabilityZoneProfile, "availability_zone_profiles", 2},
	{lb.KindAvailabilityZone, "availability_zones", 2},
	{lb.KindProject, "projects", 2},
	{lb.KindUser, "users", 2},
	{lb.KindRole, "roles", 2},
	{lb.KindAssignment, "role_assignments", 2},
	{lb.KindRevocation, "revoked_tokens", 2},
	{lb.KindSecret, "secrets", 2},
	{lb.KindSecretContainer, "secret_containers", 2},
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
	x, err := lbpb.FromObject(object)
	if err != nil {
		return nil, err
	}
	return marshal.Marshal(x.Message())
}

// decodeObject is the inverse of encodeObject. Nothing of what it returns refers to
// data, which may be memory of a transaction.
func decodeObject(kind lb.Kind, data []byte) (object any, id string, err error) {
	x, err := lbpb.NewObject(kind)
	if err != nil {
		return nil, "", err
	}
	m := x.Message()
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, "", err
	}
	if unknownFields(m.ProtoReflect()) {
		return nil, "", fmt.Errorf("unknown fields: %w", errNewer)
	}
	object, err = x.ToLB()
	if err != nil {
		return nil, "", err
	}
	_, id = lbpb.Identify(object)
	return object, id, nil
}
