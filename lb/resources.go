package lb

import (
	"cmp"
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
	// Serial tells resources of one second apart: what was created later has a higher
	// one. 0: stored by a version that did not number.
	Serial uint64
}

// CompareCreation orders resources as they were created: negative when m is older than o,
// 0 when neither version nor clock could tell; then ids decide.
func (m *Meta) CompareCreation(o *Meta) int {
	return cmp.Or(m.CreatedAt.Compare(o.CreatedAt), cmp.Compare(m.Serial, o.Serial))
}

// Subnet is a part of a network, of which VIPs are taken. Its address prefix does
// not change after creation.
type Subnet struct {
	ID        SubnetID
	NetworkID NetworkID
	Meta
	CIDR        netip.Prefix // masked
	Gateway     netip.Addr   // zero: none
	Allocations []Range      // sorted, disjoint; the addresses that may be given out unasked
}

// Range is a run of addresses, both ends included.
type Range struct{ First, Last netip.Addr }

// LoadBalancer owns one VIP, or several, and everything in its [Tree].
type LoadBalancer struct {
	ID LoadBalancerID
	Meta
	VIPNetworkID        NetworkID
	VIPSubnetID         SubnetID
	VIPAddress          netip.Addr
	VIPPortID           PortID
	VIPQoSPolicyID      QoSPolicyID       // "": none
	VIPSecurityGroupIDs []SecurityGroupID // in the order given
	AdditionalVIPs      []AdditionalVIP   // of the same network, each of another subnet
	Provider            string
	FlavorID            FlavorID // "": none
	AvailabilityZone    string   // its name, "": none
}

// AdditionalVIP is a VIP beside the first.
type AdditionalVIP struct {
	SubnetID SubnetID
	Address  netip.Addr
	PortID   PortID
}

// Protocol of a listener or a pool.
type Protocol string

// The protocols. PROXY and PROXYV2 are those of pools only, TERMINATED_HTTPS and
// PROMETHEUS those of listeners only. Which of them an engine serves is for it to say.
const (
	ProtocolHTTP            Protocol = "HTTP"
	ProtocolHTTPS           Protocol = "HTTPS"
	ProtocolTCP             Protocol = "TCP"
	ProtocolUDP             Protocol = "UDP"
	ProtocolSCTP            Protocol = "SCTP"
	ProtocolTerminatedHTTPS Protocol = "TERMINATED_HTTPS"
	ProtocolPrometheus      Protocol = "PROMETHEUS"
	ProtocolPROXY           Protocol = "PROXY"
	ProtocolPROXYV2         Protocol = "PROXYV2"
)

// Listener is a port of a load balancer's VIP.
type Listener struct {
	ID             ListenerID
	LoadBalancerID LoadBalancerID
	Meta
	Protocol        Protocol
	ProtocolPort    uint16
	ConnectionLimit int         // concurrent client connections; -1 or 0: [DefaultConnectionLimit]
	DefaultPoolID   PoolID      // "": none
	L7Policies      []*L7Policy // in order of position
	InsertHeaders   InsertHeaders
	AllowedCIDRs    []netip.Prefix // empty: every client
	TLS             ListenerTLS
	HSTS            HSTS

	TimeoutClientData    time.Duration // client idle time
	TimeoutMemberConnect time.Duration
	TimeoutMemberData    time.Duration // member idle time
	TimeoutTCPInspect    time.Duration // time allowed to wait for the first bytes; 0: not limited by this
}

// ListenerTLS is what a TERMINATED_HTTPS or PROMETHEUS listener shows to clients and
// asks of them. References are URLs of secrets or containers of secrets.
type ListenerTLS struct {
	DefaultRef   string   // "": the first of SNIRefs
	SNIRefs      []string // in the order given
	ClientCARef  string
	ClientCRLRef string
	ClientAuth   ClientAuth
	TLSParams
}

// TLSParams is how TLS is spoken.
type TLSParams struct {
	Ciphers  string   // OpenSSL's notation, "": those of the library
	Versions []string // of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, in the order given
	ALPN     []string // in order of preference
}

// ClientAuth says whether clients show a certificate.
type ClientAuth string

// The ways of client authentication.
const (
	ClientAuthNone      ClientAuth = "NONE"
	ClientAuthOptional  ClientAuth = "OPTIONAL"
	ClientAuthMandatory ClientAuth = "MANDATORY"
)

// HSTS is the header of RFC 6797, of TERMINATED_HTTPS listeners.
type HSTS struct {
	MaxAge            *int // seconds; nil: no header
	IncludeSubdomains bool
	Preload           bool
}

// InsertHeaders are the request headers that an HTTP listener adds for the
// members. They replace what the client sent, except X-Forwarded-For, which is
// appended to. Given are all names with their values as the client wrote them; those
// that the data plane acts on have a field.
type InsertHeaders struct {
	Given           map[string]string
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
	SourceIPPort     Algorithm = "SOURCE_IP_PORT"
)

// PersistenceType is what ties a client to a member.
type PersistenceType string

// The types of session persistence.
const (
	PersistSourceIP   PersistenceType = "SOURCE_IP"
	PersistHTTPCookie PersistenceType = "HTTP_COOKIE"
	PersistAppCookie  PersistenceType = "APP_COOKIE"
)

// Persistence keeps a client at the member that it had.
type Persistence struct {
	Type        PersistenceType
	CookieName  string        // APP_COOKIE only
	Timeout     time.Duration // UDP and SCTP pools only; 0: not given
	Granularity netip.Addr    // UDP and SCTP pools only, a mask; zero: not given
}

// PoolTLS is how a pool speaks TLS to its members.
type PoolTLS struct {
	Enabled bool
	Ref     string // own certificate
	CARef   string // "": members are not verified
	CRLRef  string
	TLSParams
}

// Pool is a set of members and how to choose between them.
type Pool struct {
	ID             PoolID
	LoadBalancerID LoadBalancerID
	Meta
	Protocol    Protocol
	Algorithm   Algorithm
	Persistence *Persistence // nil: none
	TLS         PoolTLS
	Members     []*Member      // in order of creation
	Monitor     *HealthMonitor // nil: none
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
	SRIOV          bool       // its port is to be a virtual function
}

// MonitorType is how a health monitor asks a member.
type MonitorType string

// The health monitor types. Which of them an engine runs is for it to say.
const (
	MonitorHTTP       MonitorType = "HTTP"
	MonitorHTTPS      MonitorType = "HTTPS"
	MonitorTCP        MonitorType = "TCP"
	MonitorPing       MonitorType = "PING"
	MonitorTLSHello   MonitorType = "TLS-HELLO"
	MonitorUDPConnect MonitorType = "UDP-CONNECT"
	MonitorSCTP       MonitorType = "SCTP"
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

	// For HTTP and HTTPS monitors only; empty otherwise.
	HTTPMethod    string
	URLPath       string
	ExpectedCodes string // "200", "200,202" or "200-204"

	HTTPVersion string // "1.0", "1.1" or "" for the default, 1.0
	DomainName  string // sent as Host; needs HTTPVersion 1.1
}
