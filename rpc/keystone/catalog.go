package keystone

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// DefaultRegion is the region of every endpoint unless [Catalog.Region] says otherwise.
const DefaultRegion = "RegionOne"

// Catalog says where clients find the APIs.
type Catalog struct {
	// PublicURL is the root of all APIs as clients reach it, such as
	// https://lb.example.org:9876; "": what the request was sent to.
	PublicURL string
	Region    string // "": [DefaultRegion]
}

// The places of the APIs below the root. Octavia's is the root itself.
const (
	IdentityPath   = "/identity"
	NetworkPath    = "/network"
	KeyManagerPath = "/key-manager"
)

// Paths are the roots of what [Server] serves, for a server that shares the root of its URL
// with other APIs.
var Paths = []string{"/v3", "/projects", "/users", "/roles", "/role_assignments", "/domains", "/services", "/endpoints", "/regions"}

var services = []struct{ name, kind, path string }{
	{"octavia", "load-balancer", ""},
	{"keystone", "identity", IdentityPath + "/v3"},
	{"neutron", "network", NetworkPath},
	{"barbican", "key-manager", KeyManagerPath},
}

var interfaces = []string{"public", "internal", "admin"}

// base is the root of all APIs, without a slash at the end.
func (c Catalog) base(r *http.Request) string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (c Catalog) region() string {
	if c.Region == "" {
		return DefaultRegion
	}
	return c.Region
}

// services lists what a token is good for, as a token shows it.
func (c Catalog) services(r *http.Request) []record {
	var all []record
	for _, s := range services {
		all = append(all, record{"id": serviceID(s.kind), "type": s.kind, "name": s.name, "endpoints": c.endpoints(r, s.kind)})
	}
	return all
}

// endpoints lists those of one type of service.
func (c Catalog) endpoints(r *http.Request, kind string) []record {
	var all []record
	for _, s := range services {
		if s.kind != kind {
			continue
		}
		for _, i := range interfaces {
			all = append(all, record{
				"id": catalogID("endpoint " + s.kind + " " + i), "interface": i,
				"region": c.region(), "region_id": c.region(), "url": c.base(r) + s.path,
			})
		}
	}
	return all
}

func serviceID(kind string) string { return catalogID("service " + kind) }

// catalogID is an id that follows from a name, so that every node shows the same.
func catalogID(name string) string {
	sum := sha256.Sum256([]byte("amphora " + name))
	return hex.EncodeToString(sum[:16])
}

// listServices answers GET /v3/services.
func (s *Server) listServices(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for _, body := range c.serviceBodies() {
		if c.wants("type", body["type"]) && c.wants("name", body["name"]) {
			all = append(all, body)
		}
	}
	return reply{http.StatusOK, c.list("services", all)}, nil
}

func (s *Server) showService(_ http.ResponseWriter, c *call) (reply, error) {
	return c.one("service", c.serviceBodies())
}

func (c *call) serviceBodies() []record {
	var all []record
	for _, s := range services {
		id := serviceID(s.kind)
		all = append(all, record{
			"id": id, "type": s.kind, "name": s.name, "description": "", "enabled": true,
			"links": record{"self": c.base + "/v3/services/" + id},
		})
	}
	return all
}

// listEndpoints answers GET /v3/endpoints.
func (s *Server) listEndpoints(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for _, body := range s.endpointBodies(c) {
		if c.wants("service_id", body["service_id"]) && c.wants("interface", body["interface"]) && c.wants("region_id", body["region_id"]) {
			all = append(all, body)
		}
	}
	return reply{http.StatusOK, c.list("endpoints", all)}, nil
}

func (s *Server) showEndpoint(_ http.ResponseWriter, c *call) (reply, error) {
	return c.one("endpoint", s.endpointBodies(c))
}

func (s *Server) endpointBodies(c *call) []record {
	var all []record
	for _, sv := range services {
		for _, body := range s.cfg.Catalog.endpoints(c.Request, sv.kind) {
			id, _ := body["id"].(string)
			body["service_id"], body["enabled"] = serviceID(sv.kind), true
			body["links"] = record{"self": c.base + "/v3/endpoints/" + id}
			all = append(all, body)
		}
	}
	return all
}

// listRegions answers GET /v3/regions.
func (s *Server) listRegions(_ http.ResponseWriter, c *call) (reply, error) {
	return reply{http.StatusOK, c.list("regions", s.regionBodies(c))}, nil
}

func (s *Server) showRegion(_ http.ResponseWriter, c *call) (reply, error) {
	return c.one("region", s.regionBodies(c))
}

func (s *Server) regionBodies(c *call) []record {
	region := s.cfg.Catalog.region()
	return []record{{
		"id": region, "description": "", "parent_region_id": nil,
		"links": record{"self": c.base + "/v3/regions/" + region},
	}}
}

// one answers with the body that has the id of the path.
func (c *call) one(kind string, all []record) (reply, error) {
	for _, body := range all {
		if body["id"] == c.PathValue("id") {
			return reply{http.StatusOK, record{kind: body}}, nil
		}
	}
	return reply{}, noSuch(kind, c.PathValue("id"))
}

// wants reports whether a list is asked for what has this value of an attribute.
func (c *call) wants(key string, value any) bool {
	q := c.URL.Query()
	return !q.Has(key) || q.Get(key) == value
}
