package octavia

import "slices"

// routes are all calls of the API.
func (a *api) routes() []route {
	return slices.Concat(
		loadBalancerRoutes(),
		providerRoutes(),
		amphoraRoutes(),
		a.watchRoutes(),
	)
}
