package keystone

import "net/http"

// versionBody describes the version of Keystone's API whose calls these are.
func (c *call) versionBody() record {
	return record{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []record{{"rel": "self", "href": c.base + "/v3/"}},
		"media-types": []record{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

// listVersions answers GET /, with Keystone's status.
func (s *Server) listVersions(_ http.ResponseWriter, c *call) (reply, error) {
	return reply{http.StatusMultipleChoices, record{"versions": record{"values": []record{c.versionBody()}}}}, nil
}

// showVersion answers GET /v3.
func (s *Server) showVersion(_ http.ResponseWriter, c *call) (reply, error) {
	return reply{http.StatusOK, record{"version": c.versionBody()}}, nil
}
