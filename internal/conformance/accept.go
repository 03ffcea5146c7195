package conformance

import (
	"slices"
	"strings"
)

// accepted is a kind of difference that is meant, and why.
type accepted struct {
	why string
	is  func(d difference) bool
}

// newFields came with versions of the API after the oracle's 2.26.
var newFields = []string{"hsts_max_age", "hsts_include_subdomains", "hsts_preload", "vip_vnic_type", "vip_sg_ids", "vnic_type"}

var acceptedDifferences = []accepted{
	{"the field came with a newer version of the API", func(d difference) bool {
		_, only := d.theirs.(missing)
		return only && slices.Contains(newFields, last(d.path))
	}},
	{"the oracle's data plane does nothing: it has no health", func(d difference) bool {
		return last(d.path) == "operating_status" && d.call.method == "GET"
	}},
	{"an object is ACTIVE as soon as it is served, not when a worker comes to it", func(d difference) bool {
		return last(d.path) == "provisioning_status" && strings.HasPrefix(asText(d.theirs), "PENDING")
	}},
	{"what no TLS is spoken with is an empty list, as newer versions show it", func(d difference) bool {
		list, ok := d.ours.([]any)
		return slices.Contains([]string{"tls_versions", "alpn_protocols"}, last(d.path)) && d.theirs == nil && ok && len(list) == 0
	}},
	{"our own extension: why an object is in ERROR", func(d difference) bool { return last(d.path) == "status_reason" }},
	{"the oracle's network driver has no addresses of its own", func(d difference) bool {
		return slices.Contains([]string{"vip_address", "vip_network_id"}, last(d.path))
	}},
}

func last(path string) string { return path[strings.LastIndex(path, ".")+1:] }

func asText(v any) string { s, _ := v.(string); return s }

// accept says why a difference is meant, "" if it is not.
func accept(d difference) string {
	for _, a := range acceptedDifferences {
		if a.is(d) {
			return a.why
		}
	}
	return ""
}
