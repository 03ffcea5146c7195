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
	// SubnetSpec describes a subnet.
	SubnetSpec struct {
		MetaSpec
		CIDR        Opt[netip.Prefix] // create only, required
		Gateway     Opt[netip.Addr]   // null: none; default: the first host address
		Allocations Opt[[]Range]      // default: every host address but the gateway, also when that changes
	}

	// LoadBalancerSpec describes a load balancer.
	LoadBalancerSpec struct {
		MetaSpec
		VIPSubnetID Opt[SubnetID]   // create only, required
		VIPAddress  Opt[netip.Addr] // create only; default: the first free one of the subnet
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
	}

	// PoolSpec describes a pool. One of LoadBalancerID and ListenerID is
	// required; with ListenerID the pool becomes that listener's default.
	PoolSpec struct {
		MetaSpec
		LoadBalancerID Opt[LoadBalancerID] // create only
		ListenerID     Opt[ListenerID]     // create only
		Protocol       Opt[Protocol]       // create only, required
		Algorithm      Opt[Algorithm]      // required
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
)

// given reports whether o has a value.
func given[T any](o Opt[T]) bool {
	_, ok := o.Get()
	return ok
}
