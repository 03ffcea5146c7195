package lb

// Ids are lower-case RFC 9562 UUIDs in text form. Each kind has a type of its
// own so that a pool id cannot be passed where a listener id is meant.
type (
	SubnetID        string
	LoadBalancerID  string
	ListenerID      string
	PoolID          string
	MemberID        string
	HealthMonitorID string
	L7PolicyID      string
	L7RuleID        string

	NetworkID       string
	PortID          string
	SecurityGroupID string
	QoSPolicyID     string

	FlavorID                  string
	FlavorProfileID           string
	AvailabilityZoneProfileID string

	SecretID          string
	SecretContainerID string
)

// Kind names a resource kind, in the words of the API.
type Kind string

// The kinds of resource, as they appear in errors, changes and events.
const (
	KindSubnet        Kind = "subnet"
	KindLoadBalancer  Kind = "load balancer"
	KindListener      Kind = "listener"
	KindPool          Kind = "pool"
	KindMember        Kind = "member"
	KindHealthMonitor Kind = "health monitor"
	KindL7Policy      Kind = "L7 policy"
	KindL7Rule        Kind = "L7 rule"

	KindNetwork       Kind = "network"
	KindPort          Kind = "port"
	KindSecurityGroup Kind = "security group"
	KindQoSPolicy     Kind = "QoS policy"

	KindQuota                   Kind = "quota" // its id is that of the project
	KindFlavor                  Kind = "flavor"
	KindFlavorProfile           Kind = "flavor profile"
	KindAvailabilityZone        Kind = "availability zone" // its id is its name
	KindAvailabilityZoneProfile Kind = "availability zone profile"

	KindProject         Kind = "project"
	KindUser            Kind = "user"
	KindRole            Kind = "role"
	KindAssignment      Kind = "role assignment" // its id is user/project/role
	KindRevocation      Kind = "revoked token"
	KindSecret          Kind = "secret"
	KindSecretContainer Kind = "secret container"
)
