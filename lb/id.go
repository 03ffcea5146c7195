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
)
