package barbican

import (
	"net/http"

	"github.com/amphora-lb/amphora/rpc/access"
)

// acl is who may use a secret: always its project. Load balancers of the project are
// served by this cluster itself, so there is nobody to give a right to.
type acl struct {
	Read *struct {
		ProjectAccess *bool    `json:"project-access"`
		Users         []string `json:"users"`
	} `json:"read"`
}

func (s *server) showACL(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := s.readable(r, access.Read, "ACL retrieval"); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, record{"read": record{"project-access": true}})
	return nil
}

// putACL refuses what would not be true afterwards. Users may be named, because the
// instructions for Octavia name its user here; it changes nothing.
func (s *server) putACL(w http.ResponseWriter, r *http.Request) error {
	ref, _, err := s.readable(r, access.Write, "ACL(s) update")
	if err != nil {
		return err
	}
	var body acl
	if err := decode(r, "ACL", &body); err != nil {
		return err
	}
	if body.Read == nil {
		return schema("ACL", "read", "'read' is required")
	}
	if p := body.Read.ProjectAccess; p != nil && !*p {
		return schema("ACL", "project-access", "a secret is always shared with its project here, use true")
	}
	writeJSON(w, http.StatusOK, record{"acl_ref": ref + "/acl"})
	return nil
}

func (s *server) deleteACL(w http.ResponseWriter, r *http.Request) error {
	_, _, err := s.readable(r, access.Write, "ACL(s) deletion")
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}
