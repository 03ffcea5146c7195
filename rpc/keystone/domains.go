package keystone

import (
	"net/http"

	"github.com/amphora-lb/amphora/lb"
)

func (c *call) domains() []record {
	return []record{{
		"id": lb.DefaultDomain, "name": domainName, "description": "The default domain", "enabled": true,
		"tags": []string{}, "options": record{}, "links": record{"self": c.base + "/v3/domains/" + lb.DefaultDomain},
	}}
}

// listDomains answers GET /v3/domains.
func (s *Server) listDomains(_ http.ResponseWriter, c *call) (reply, error) {
	var all []record
	for _, d := range c.domains() {
		if c.wants("name", d["name"]) && c.wantsBool("enabled", true) {
			all = append(all, d)
		}
	}
	return reply{http.StatusOK, c.list("domains", all)}, nil
}

// showDomain answers GET /v3/domains/{id}.
func (s *Server) showDomain(_ http.ResponseWriter, c *call) (reply, error) {
	return c.one("domain", c.domains())
}

// checkDomain refuses every domain but ours.
func checkDomain(id field[string]) error {
	if id.given && !id.null && id.value != lb.DefaultDomain {
		return noSuch("domain", id.value)
	}
	return nil
}
