package lb

// Limits are how many objects of each kind a project may have; nil: the default, which
// is no limit. -1 is no limit.
type Limits struct {
	LoadBalancer, Listener, Pool, Member, HealthMonitor, L7Policy, L7Rule *int
}

// Quota is what an operator has set for a project.
type Quota struct {
	ProjectID string
	Limits
	Revision uint64
}

// FlavorProfile is what a flavor does, for a provider. Data is a JSON object of keys
// that the provider knows.
type FlavorProfile struct {
	ID           FlavorProfileID
	Name         string
	ProviderName string
	Data         string
	Revision     uint64
}

// Flavor is a choice that an operator offers for load balancers.
type Flavor struct {
	ID          FlavorID
	Name        string // unique
	Description string
	Enabled     bool
	ProfileID   FlavorProfileID
	Revision    uint64
}

// AvailabilityZoneProfile is what an availability zone means, for a provider. Data is a
// JSON object of keys that the provider knows.
type AvailabilityZoneProfile struct {
	ID           AvailabilityZoneProfileID
	Name         string
	ProviderName string
	Data         string
	Revision     uint64
}

// AvailabilityZone is a place that an operator offers for load balancers. Its name is
// its key.
type AvailabilityZone struct {
	Name        string
	Description string
	Enabled     bool
	ProfileID   AvailabilityZoneProfileID
	Revision    uint64
}
