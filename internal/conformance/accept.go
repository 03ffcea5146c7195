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
	{"a status that is not well has its reason beside it", func(d difference) bool {
		_, only := d.theirs.(missing)
		return only && last(d.path) == "status_reason"
	}},
	{"the oracle's data plane does nothing: it has no health", func(d difference) bool {
		return last(d.path) == "operating_status" && (d.call.method != "POST" || strings.Contains(d.path, "member"))
	}},
	{"an object is ACTIVE as soon as it is served, not when a worker comes to it", func(d difference) bool {
		return last(d.path) == "provisioning_status" && strings.HasPrefix(asText(d.theirs), "PENDING")
	}},
	{"what no TLS is spoken with is an empty list, as newer versions show it", func(d difference) bool {
		list, ok := d.ours.([]any)
		return slices.Contains([]string{"tls_versions", "alpn_protocols"}, last(d.path)) && d.theirs == nil && ok && len(list) == 0
	}},
	{"Octavia breaks down where we say what is wrong, or answer", func(d difference) bool {
		return d.path == "status" && strings.HasPrefix(asText(d.theirs), "500 ")
	}},
	{"a method that a path does not have is 405, not a missing argument", func(d difference) bool {
		return d.path == "status" && strings.HasPrefix(asText(d.theirs), "400 ") && strings.HasPrefix(asText(d.ours), "405 ")
	}},
	{"a value that cannot be read is reported with the field that it is in", func(d difference) bool {
		theirs, ours := asText(d.theirs), asText(d.ours)
		return d.path == "fault" && strings.HasPrefix(ours, "Client: Invalid input for field/attribute") &&
			(strings.HasPrefix(theirs, "Client: Invalid input for field/attribute") || strings.HasPrefix(theirs, "Client: Missing argument"))
	}},
	{"booleans are read in any case, as by newer versions", func(d difference) bool {
		return strings.Contains(asText(d.theirs), "Value not an unambiguous boolean: True")
	}},
	{"a tag that is given twice is one tag, not a conflict", func(d difference) bool {
		return last(d.path) == "tags" || d.path == "status" && strings.HasPrefix(asText(d.theirs), "409 ") && strings.Contains(d.call.String(), `"tags":["a","a"]`)
	}},
	{"null for what is required is reported as missing", func(d difference) bool {
		return d.path == "fault" && strings.HasSuffix(asText(d.ours), ": is required")
	}},
	{"an argument has one name in all faults", func(d difference) bool {
		return d.path == "fault" && strings.ReplaceAll(asText(d.theirs), "l7rule_.rule", "rule_.rule") == asText(d.ours)
	}},
	{"a rule that needs no key has none", func(d difference) bool { return d.path == "rule.key" && d.ours == nil }},
	{"a line break in a value is an error of the rule", func(d difference) bool {
		return d.path == "fault" && asText(d.ours) == "Client: Error parsing L7Rule: Invalid characters in value"
	}},
	{"an empty body is not JSON", func(d difference) bool {
		return d.path == "fault" && d.call.body == "" && asText(d.ours) == "Client: Request is not in valid JSON format"
	}},
	{"null is the default, as the documentation says: Octavia 11 stores it, or calls it invalid", func(d difference) bool {
		call := d.call.String()
		return last(d.path) == "admin_state_up" && d.theirs == false && d.ours == true || last(d.path) == "weight" && d.theirs == nil ||
			d.path == "status" && strings.HasPrefix(asText(d.ours), "2") && (strings.Contains(call, `"flavor_id":null`) || strings.Contains(call, `"availability_zone":null`))
	}},
	{"quotas have both spellings of each kind, their project, and what is in force", func(d difference) bool {
		return strings.HasPrefix(d.path, "quota")
	}},
	{"pools have no statistics: the oracle takes the path for a pool", func(d difference) bool {
		return d.path == "status" && strings.HasSuffix(d.call.path, "/pools/{pool}/stats")
	}},
	{"a pool that is not there is not found, in both forms of fault", func(d difference) bool {
		return d.path == "fault" && asText(d.theirs) == "404 Bad Request" && asText(d.ours) == "404 Not Found"
	}},
	{"the status tree shows L7 policies too", func(d difference) bool { return last(d.path) == "l7policies" && d.theirs == missing{} }},
	{"the answer to a fully populated create shows all that was created, and no update yet", func(d difference) bool {
		return d.call.method == "POST" && (last(d.path) == "healthmonitor" || last(d.path) == "updated_at")
	}},
	{"L7 policies and UDP are stored and not served yet, which their status says", func(d difference) bool {
		return last(d.path) == "provisioning_status" && d.theirs == "ACTIVE" && d.ours == "ERROR" &&
			(strings.Contains(d.call.path, "l7policies") || strings.Contains(d.call.path, "pools"))
	}},
	{"newer versions have more capabilities", func(d difference) bool { return strings.HasSuffix(d.path, "_capabilities") }},
	{"the oracle's network driver has no addresses of its own, and takes any", func(d difference) bool {
		return slices.Contains([]string{"vip_address", "vip_network_id"}, last(d.path)) || strings.Contains(asText(d.ours), " is outside ")
	}},
	{"an address that no host can have is refused", func(d difference) bool {
		return strings.HasSuffix(asText(d.ours), " is not the address of a host")
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
