package keystone

import "net/http"

// right is what a caller needs for a call. A call may look closer.
type right int

const (
	public        right = iota
	anybody             // with a token
	observer            // who may see everything
	administrator       // who may change everything
)

type route struct {
	pattern string
	right   right
	serve   func(*Server, http.ResponseWriter, *call) (reply, error)
}

// routes are the calls; GET serves HEAD too.
var routes = []route{
	{"GET /{$}", public, (*Server).listVersions},
	{"GET /v3", public, (*Server).showVersion},

	{"POST /v3/auth/tokens", public, (*Server).issueToken},
	{"GET /v3/auth/tokens", anybody, (*Server).showToken},
	{"DELETE /v3/auth/tokens", anybody, (*Server).revokeToken},
	{"GET /v3/auth/catalog", anybody, (*Server).showCatalog},
	{"GET /v3/auth/projects", anybody, (*Server).ownProjects},
	{"GET /v3/auth/system", anybody, (*Server).ownSystem},

	{"GET /v3/domains", anybody, (*Server).listDomains},
	{"GET /v3/domains/{id}", anybody, (*Server).showDomain},
	{"GET /v3/services", observer, (*Server).listServices},
	{"GET /v3/services/{id}", observer, (*Server).showService},
	{"GET /v3/endpoints", observer, (*Server).listEndpoints},
	{"GET /v3/endpoints/{id}", observer, (*Server).showEndpoint},
	{"GET /v3/regions", anybody, (*Server).listRegions},
	{"GET /v3/regions/{id}", anybody, (*Server).showRegion},

	{"GET /v3/projects", observer, (*Server).listProjects},
	{"POST /v3/projects", administrator, (*Server).createProject},
	{"GET /v3/projects/{id}", anybody, (*Server).showProject},
	{"PATCH /v3/projects/{id}", administrator, (*Server).updateProject},
	{"DELETE /v3/projects/{id}", administrator, (*Server).deleteProject},

	{"GET /v3/users", observer, (*Server).listUsers},
	{"POST /v3/users", administrator, (*Server).createUser},
	{"GET /v3/users/{id}", anybody, (*Server).showUser},
	{"PATCH /v3/users/{id}", administrator, (*Server).updateUser},
	{"DELETE /v3/users/{id}", administrator, (*Server).deleteUser},
	{"POST /v3/users/{id}/password", anybody, (*Server).changePassword},
	{"GET /v3/users/{id}/projects", anybody, (*Server).projectsOfUser},

	{"GET /v3/roles", observer, (*Server).listRoles},
	{"POST /v3/roles", administrator, (*Server).createRole},
	{"GET /v3/roles/{id}", observer, (*Server).showRole},
	{"DELETE /v3/roles/{id}", administrator, (*Server).deleteRole},

	{"GET /v3/projects/{project}/users/{user}/roles", observer, (*Server).listGrants},
	{"GET /v3/projects/{project}/users/{user}/roles/{role}", observer, (*Server).showGrant},
	{"PUT /v3/projects/{project}/users/{user}/roles/{role}", administrator, (*Server).grant},
	{"DELETE /v3/projects/{project}/users/{user}/roles/{role}", administrator, (*Server).ungrant},
	{"GET /v3/system/users/{user}/roles", observer, (*Server).listGrants},
	{"GET /v3/system/users/{user}/roles/{role}", observer, (*Server).showGrant},
	{"PUT /v3/system/users/{user}/roles/{role}", administrator, (*Server).grant},
	{"DELETE /v3/system/users/{user}/roles/{role}", administrator, (*Server).ungrant},
	{"GET /v3/role_assignments", observer, (*Server).listAssignments},
}
