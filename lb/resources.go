package lb

import (
	"net/netip"
	"time"
)

// Meta is what every resource has.
type Meta struct {
	ProjectID    string
	Name         string   // at most 255 characters; need not be unique, except for subnets
	Description  string   // at most 255 characters; always empty for members and health monitors
	AdminStateUp bool     // false takes the resource out of service without deleting it
	Tags         []string // sorted, no duplicates, each at most 255 characters
	CreatedAt    time.Time
	UpdatedAt    time.Time // zero until the first update
	Revision     uint64    // the [Command.Revision] that created or last changed it
}

// Subnet is a network that VIPs are taken from. Its address prefix does not
// change after creation.
type Subnet struct {
	ID SubnetID
	Meta
	CIDR        netip.Prefix // masked
	Gateway     netip.Addr   // zero: none
	Allocations []Range      // sorted, disjoint; the addresses that may be given out unasked
}

// Range is a run of addresses, both ends included.
type Range struct{ First, Last netip.Addr }

// LoadBalancer owns one VIP and everything in its [Tree].
type LoadBalancer struct {
	ID LoadBalancerID
	Meta
	VIPSubnetID SubnetID
	VIPAddress  netip.Addr
}

// Protocol of a listener or a pool.
type Protocol string

// The protocols that this version serves.
const (
	ProtocolHTTP Protocol = "HTTP"
	ProtocolTCP  Protocol = "TCP"
)

// Listener is a port of a load balancer's VIP.
type Listener struct {
	ID             ListenerID
	LoadBalancerID LoadBalancerID
	Meta
	Protocol        Protocol
	ProtocolPort    uint16
	ConnectionLimit int    // concurrent client connections; -1 or 0: [DefaultConnectionLimit]
	DefaultPoolID   PoolID // "": none
	InsertHeaders   InsertHeaders
	AllowedCIDRs    []netip.Prefix // empty: every client

	TimeoutClientData    time.Duration // client idle time
	TimeoutMemberConnect time.Duration
	TimeoutMemberData    time.Duration // member idle time
	TimeoutTCPInspect    time.Duration // time allowed to wait for the first bytes; 0: not limited by this
}

// InsertHeaders are the request headers that an HTTP listener adds for the
// members. They replace what the client sent, except X-Forwarded-For, which is
// appended to.
type InsertHeaders struct {
	XForwardedFor   bool
	XForwardedPort  bool
	XForwardedProto bool
}

// Algorithm is how a pool picks a member.
type Algorithm string

// The balancing algorithms.
const (
	RoundRobin       Algorithm = "ROUND_ROBIN"
	LeastConnections Algorithm = "LEAST_CONNECTIONS"
	SourceIP         Algorithm = "SOURCE_IP"
)

// Pool is a set of members and how to choose between them.
type Pool struct {
	ID             PoolID
	LoadBalancerID LoadBalancerID
	Meta
	Protocol  Protocol
	Algorithm Algorithm
	Members   []*Member      // sorted by CreatedAt, then ID
	Monitor   *HealthMonitor // nil: none
}

// Member is an address that serves a pool's traffic.
type Member struct {
	ID     MemberID
	PoolID PoolID
	Meta
	Address        netip.Addr
	ProtocolPort   uint16
	Weight         int        // 0 - 256; 0 drains
	Backup         bool       // used only when every other member is down
	MonitorAddress netip.Addr // zero: Address
	MonitorPort    uint16     // 0: ProtocolPort
	SubnetID       SubnetID   // "": none given
}

// MonitorType is how a health monitor asks a member.
type MonitorType string

// The health monitor types that this version runs.
const (
	MonitorHTTP MonitorType = "HTTP"
	MonitorTCP  MonitorType = "TCP"
)

// HealthMonitor says how the members of a pool are checked.
type HealthMonitor struct {
	ID     HealthMonitorID
	PoolID PoolID
	Meta
	Type           MonitorType
	Delay          time.Duration // between two checks of one member
	Timeout        time.Duration // of one check
	MaxRetries     int           // successes in a row that make a member healthy, 1 - 10
	MaxRetriesDown int           // failures in a row that make it unhealthy, 1 - 10

	// For HTTP monitors only; zero otherwise.
	HTTPMethod    string
	URLPath       string
	ExpectedCodes string // "200", "200,202" or "200-204"
	HTTPVersion   string // "1.0", "1.1" or "" for the default, 1.0
	DomainName    string // sent as Host; needs HTTPVersion 1.1
}
