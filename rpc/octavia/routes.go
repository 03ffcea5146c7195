package octavia

import "slices"

// routes are all calls of the API.
func (a *api) routes() []route {
	return slices.Concat(
		loadBalancerRoutes(),
		providerRoutes(),
		quotaRoutes(),
		collection("/flavors", flavors),
		collection("/flavorprofiles", flavorProfiles),
		collection("/availabilityzones", availabilityZones),
		collection("/availabilityzoneprofiles", availabilityZoneProfiles),
		amphoraRoutes(),
		a.watchRoutes(),
	)
}
