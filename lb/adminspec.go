package lb

// The specs of what operators set.
type (
	// QuotaSpec describes a quota. Null sets a limit back to the default.
	QuotaSpec struct {
		LoadBalancer, Listener, Pool, Member, HealthMonitor, L7Policy, L7Rule Opt[int]
	}

	// FlavorProfileSpec describes a flavor profile.
	FlavorProfileSpec struct {
		Name         Opt[string] // required
		ProviderName Opt[string] // required
		Data         Opt[string] // required
	}

	// FlavorSpec describes a flavor.
	FlavorSpec struct {
		Name        Opt[string] // required
		Description Opt[string]
		Enabled     Opt[bool]
		ProfileID   Opt[FlavorProfileID] // create only, required
	}

	// AvailabilityZoneProfileSpec describes an availability zone profile.
	AvailabilityZoneProfileSpec struct {
		Name         Opt[string] // required
		ProviderName Opt[string] // required
		Data         Opt[string] // required
	}

	// AvailabilityZoneSpec describes an availability zone.
	AvailabilityZoneSpec struct {
		Name        Opt[string] // create only, required
		Description Opt[string]
		Enabled     Opt[bool]
		ProfileID   Opt[AvailabilityZoneProfileID] // create only, required
	}
)
