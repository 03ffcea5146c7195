package neutron

import (
	"net/http"
	"slices"
)

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// versions answers GET /.
func (s *server) versions(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, record{"versions": []record{{
		"id": "v2.0", "status": "CURRENT", "links": []link{{"self", base(r) + "/v2.0/"}},
	}}})
}

// resources answers GET /v2.0.
func (s *server) resources(w http.ResponseWriter, r *http.Request) {
	var all []record
	for _, c := range append(slices.Clone(collections), rules) {
		all = append(all, record{
			"name": c.name, "collection": c.plural, "links": []link{{"self", base(r) + c.path}},
		})
	}
	writeJSON(w, http.StatusOK, record{"resources": all})
}

type extension struct{ alias, name, description string }

// offered are the extensions of Neutron whose attributes and calls are all here.
var offered = []extension{
	{"external-net", "Neutron external network", "Adds external network attribute to network resource."},
	{"filter-validation", "Filter parameters validation", "Provides validation on filter parameters."},
	{"net-mtu", "Network MTU", "Provides MTU attribute for a network resource."},
	{"pagination", "Pagination support", "Extension that indicates that pagination is enabled."},
	{"project-id", "project_id field enabled", "Extension that indicates that project_id field is enabled."},
	{"qos", "Quality of Service", "The Quality of Service extension."},
	{"revision-if-match", "If-Match constraints based on revision_number", "Extension indicating that If-Match based on revision_number is supported."},
	{"security-group", "security-group", "The security groups extension."},
	{"sorting", "Sorting support", "Extension that indicates that sorting is enabled."},
	{"standard-attr-description", "standard-attr-description", "Extension to add descriptions to standard attributes."},
	{"standard-attr-revisions", "Resource revision numbers", "This extension will display the revision number of neutron resources."},
	{"standard-attr-tag", "Tag support for resources with standard attribute", "Enables to set tag on resources with standard attribute."},
	{"standard-attr-timestamp", "Resource timestamps", "Adds created_at and updated_at fields to all Neutron resources that have Neutron standard attributes."},
}

func (e extension) record() record {
	return record{
		"alias": e.alias, "name": e.name, "description": e.description,
		"updated": "2026-01-01T00:00:00-00:00", "links": []link{},
	}
}

func (s *server) extensions(w http.ResponseWriter, _ *http.Request) {
	all := make([]record, len(offered))
	for i, e := range offered {
		all[i] = e.record()
	}
	writeJSON(w, http.StatusOK, record{"extensions": all})
}

func (s *server) extension(w http.ResponseWriter, r *http.Request) {
	alias := r.PathValue("id")
	for _, e := range offered {
		if e.alias == alias {
			writeJSON(w, http.StatusOK, record{"extension": e.record()})
			return
		}
	}
	writeFault(w, fault{http.StatusNotFound, "ExtensionNotFound", "Extension with alias " + alias + " does not exist"})
}
