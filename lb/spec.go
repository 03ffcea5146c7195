package lb

import (
	"net/netip"
	"time"
)

// Opt is a field of a request: absent (the zero value), null, or a value.
// On create, absent and null both mean the default. On update, absent leaves
// the field as it is and null sets the default back, or is refused where the
// field has none.
type Opt[T any] struct {
	value T
	state optState
}

type optState uint8

const (
	absent optState = iota
	null
	set
)

// Some is a field set to v.
func Some[T any](v T) Opt[T] { return Opt[T]{value: v, state: set} }

// Null is a field set to null.
func Null[T any]() Opt[T] { return Opt[T]{state: null} }

// Get returns the value and whether there is one.
func (o Opt[T]) Get() (T, bool) { return o.value, o.state == set }

// IsNull reports whether the field was given as null.
func (o Opt[T]) IsNull() bool { return o.state == null }

// IsAbsent reports whether the field was not given.
func (o Opt[T]) IsAbsent() bool { return o.state == absent }

// MetaSpec holds the fields of [Meta] that a request may give.
type MetaSpec struct {
	ProjectID    Opt[string] // create only
	Name         Opt[string]
	Description  Opt[string]
	AdminStateUp Opt[bool]
	Tags         Opt[[]string]
}

// The specs serve create and update alike. A field marked "create only" is
// refused in an update that would change it. Slices in a spec belong to lb
// once the command is applied.
type (
	// SubnetSpec describes a subnet. Without a network it gets one of its own, of
	// its name.
	SubnetSpec struct {
		MetaSpec
		NetworkID   Opt[NetworkID]    // create only
		CIDR        Opt[netip.Prefix] // create only, required
		Gateway     Opt[netip.Addr]   // null: none; default: the first host address
		Allocations Opt[[]Range]      // default: every host address but the gateway, also when that changes
	}

	// LoadBalancerSpec describes a load balancer.
	LoadBalancerSpec struct {
		MetaSpec
		// One of port, subnet and network is required. All are create only.
		VIPPortID    Opt[PortID]
		VIPSubnetID  Opt[SubnetID]
		VIPNetworkID Opt[NetworkID]
		VIPAddress   Opt[netip.Addr] // default: that of the port, or the first free one

		AdditionalVIPs      Opt[[]AdditionalVIPSpec] // create only
		VIPQoSPolicyID      Opt[QoSPolicyID]
		VIPSecurityGroupIDs Opt[[]SecurityGroupID]
		Provider            Opt[string]   // create only
		FlavorID            Opt[FlavorID] // create only
		AvailabilityZone    Opt[string]   // create only

		// What is created with it, in one step. Pools have names then, and are
		// referred to by [ListenerSpec.DefaultPoolName] and
		// [L7PolicySpec.RedirectPoolName]. Create only.
		Pools     []PoolSpec
		Listeners []ListenerSpec
	}

	// AdditionalVIPSpec describes a VIP beside the first.
	AdditionalVIPSpec struct {
		SubnetID Opt[SubnetID] // required
		Address  Opt[netip.Addr]
		PortID   Opt[PortID]
	}

	// TLSParamsSpec describes how TLS is spoken.
	TLSParamsSpec struct {
		Ciphers  Opt[string]
		Versions Opt[[]string]
		ALPN     Opt[[]string]
	}

	// ListenerSpec describes a listener.
	ListenerSpec struct {
		MetaSpec
		LoadBalancerID       Opt[LoadBalancerID] // create only, required
		Protocol             Opt[Protocol]       // create only, required
		ProtocolPort         Opt[int]            // create only, required
		ConnectionLimit      Opt[int]
		DefaultPoolID        Opt[PoolID]
		InsertHeaders        Opt[map[string]string] // header name to "true" or "false"
		AllowedCIDRs         Opt[[]netip.Prefix]
		TimeoutClientData    Opt[time.Duration]
		TimeoutMemberConnect Opt[time.Duration]
		TimeoutMemberData    Opt[time.Duration]
		TimeoutTCPInspect    Opt[time.Duration]

		TLSDefaultRef Opt[string] // default_tls_container_ref
		SNIRefs       Opt[[]string]
		ClientCARef   Opt[string]
		ClientCRLRef  Opt[string]
		ClientAuth    Opt[ClientAuth]
		TLSParamsSpec
		HSTSMaxAge            Opt[int]
		HSTSIncludeSubdomains Opt[bool]
		HSTSPreload           Opt[bool]

		// Below a [LoadBalancerSpec] only.
		DefaultPoolName string // "": none
		// Create only.
		L7Policies []L7PolicySpec
	}

	// PoolSpec describes a pool. One of LoadBalancerID and ListenerID is
	// required; with ListenerID the pool becomes that listener's default.
	PoolSpec struct {
		MetaSpec
		LoadBalancerID Opt[LoadBalancerID]  // create only
		ListenerID     Opt[ListenerID]      // create only
		Protocol       Opt[Protocol]        // create only, required
		Algorithm      Opt[Algorithm]       // required
		Persistence    Opt[PersistenceSpec] // null removes it; a type that is absent stays

		TLSEnabled Opt[bool]
		TLSRef     Opt[string]
		CARef      Opt[string]
		CRLRef     Opt[string]
		TLSParamsSpec

		// Create only.
		Members []MemberSpec
		Monitor *HealthMonitorSpec
	}

	// PersistenceSpec describes session persistence.
	PersistenceSpec struct {
		Type        Opt[PersistenceType]
		CookieName  Opt[string]
		Timeout     Opt[time.Duration]
		Granularity Opt[netip.Addr]
	}

	// MemberSpec describes a member.
	MemberSpec struct {
		MetaSpec
		PoolID         Opt[PoolID]     // create only, required
		Address        Opt[netip.Addr] // create only, required
		ProtocolPort   Opt[int]        // create only, required
		Weight         Opt[int]
		Backup         Opt[bool]
		MonitorAddress Opt[netip.Addr]
		MonitorPort    Opt[int]
		SubnetID       Opt[SubnetID] // create only
		SRIOV          Opt[bool]     // create only
	}

	// HealthMonitorSpec describes a health monitor.
	HealthMonitorSpec struct {
		MetaSpec
		PoolID         Opt[PoolID]        // create only, required
		Type           Opt[MonitorType]   // create only, required
		Delay          Opt[time.Duration] // required
		Timeout        Opt[time.Duration] // required
		MaxRetries     Opt[int]           // required
		MaxRetriesDown Opt[int]
		HTTPMethod     Opt[string]
		URLPath        Opt[string]
		ExpectedCodes  Opt[string]
		HTTPVersion    Opt[string]
		DomainName     Opt[string]
	}

	// L7PolicySpec describes an L7 policy.
	L7PolicySpec struct {
		MetaSpec
		ListenerID     Opt[ListenerID] // create only, required
		Action         Opt[L7Action]   // required
		Position       Opt[int]        // default: the last
		RedirectPoolID Opt[PoolID]
		RedirectURL    Opt[string]
		RedirectPrefix Opt[string]
		RedirectCode   Opt[int]

		// Below a [LoadBalancerSpec] only.
		RedirectPoolName string // "": none
		// Create only.
		Rules []L7RuleSpec
	}

	// L7RuleSpec describes an L7 rule. Name and Description stay absent.
	L7RuleSpec struct {
		MetaSpec
		PolicyID Opt[L7PolicyID] // create only, required
		Type     Opt[L7RuleType] // required
		Compare  Opt[L7Compare]  // required
		Key      Opt[string]
		Value    Opt[string] // required
		Invert   Opt[bool]
	}
)

// given reports whether o has a value.
func given[T any](o Opt[T]) bool {
	_, ok := o.Get()
	return ok
}
