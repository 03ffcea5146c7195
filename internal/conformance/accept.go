package conformance

import (
	"slices"
	"strings"
)

// accepted is a kind of difference that is meant: what differs, and why. docs/api.md has
// the same two texts.
type accepted struct {
	what, why string
	is        func(d difference) bool
}

// newFields came with versions of the API after the oracle's 2.26.
var newFields = []string{"hsts_max_age", "hsts_include_subdomains", "hsts_preload", "vip_vnic_type", "vip_sg_ids", "vnic_type"}

var acceptedDifferences = []accepted{
	{"new fields such as `hsts_max_age` and `vip_sg_ids`, more capabilities, other default ciphers", "as in newer releases than Debian's", func(d difference) bool {
		return d.theirs == missing{} && slices.Contains(newFields, last(d.path)) || strings.HasSuffix(d.path, "_capabilities") ||
			last(d.path) == "tls_ciphers" && strings.HasPrefix(asText(d.theirs), "TLS_AES_256") && strings.HasPrefix(asText(d.ours), "TLS_AES_128")
	}},
	{"`[]` for `tls_versions` and `alpn_protocols` that are unset", "as in newer releases", func(d difference) bool {
		return slices.Contains([]string{"tls_versions", "alpn_protocols"}, last(d.path)) && d.theirs == nil && isEmpty(d.ours)
	}},
	{"booleans are read in any case", "as in newer releases", func(d difference) bool {
		return strings.Contains(asText(d.theirs), "Value not an unambiguous boolean: True")
	}},
	{"null is the default of any field that has one", "the documentation says so; Octavia 11 stores it, or calls it invalid", func(d difference) bool {
		field := func(name string) bool { return strings.Contains(d.call.String(), `"`+name+`":null`) }
		return last(d.path) == "admin_state_up" && d.theirs == false && d.ours == true ||
			last(d.path) == "tls_enabled" && d.theirs == true && d.ours == false ||
			slices.Contains([]string{"weight", "connection_limit"}, last(d.path)) && d.theirs == nil ||
			d.path == "status" && strings.HasPrefix(asText(d.ours), "2") && (field("flavor_id") || field("availability_zone") || field("client_authentication"))
	}},
	{"`{}` removes the session persistence of a pool", "as in newer releases", func(d difference) bool {
		return d.path == "status" && strings.Contains(asText(d.theirs), "Invalid session_persistence provided.") && strings.HasPrefix(asText(d.ours), "200 ")
	}},
	{"a pool gets its TLS parameters when `tls_enabled` is set, also by an update", "as in newer releases", func(d difference) bool {
		return slices.Contains([]string{"tls_versions", "tls_ciphers", "alpn_protocols"}, last(d.path)) && d.theirs == nil && strings.Contains(d.call.path, "/pools/")
	}},
	{"without TLS there are no TLS parameters, and those that are given must be good", "Octavia keeps and shows its defaults after a null, and checks lists of versions only on an update", func(d difference) bool {
		return slices.Contains([]string{"tls_versions", "tls_ciphers", "alpn_protocols"}, last(d.path)) && (d.ours == nil || isEmpty(d.ours)) ||
			d.path == "status" && strings.Contains(asText(d.ours), " TLS version")
	}},
	{"objects are ACTIVE at once", "there is no worker to wait for", func(d difference) bool {
		return last(d.path) == "provisioning_status" && strings.HasPrefix(asText(d.theirs), "PENDING")
	}},
	{"`operating_status` tells of health", "Octavia's data plane does nothing in the test", func(d difference) bool {
		return last(d.path) == "operating_status" && (d.call.method != "POST" || strings.Contains(d.path, "member"))
	}},
	{"what is stored but not served is in ERROR, and says why", "Octavia's data plane does nothing in the test", func(d difference) bool {
		return last(d.path) == "status_reason" && d.theirs == missing{} ||
			last(d.path) == "provisioning_status" && d.theirs == "ACTIVE" && d.ours == "ERROR" && strings.Contains(d.call.path, "/pools")
	}},
	{"ACTIVE where Octavia's worker left ERROR", "the test compares APIs, not their workers", func(d difference) bool {
		return last(d.path) == "provisioning_status" && d.theirs == "ERROR" && d.ours == "ACTIVE"
	}},
	{"an answer, or 400, where Octavia breaks down with 500", "nothing is gained by breaking down", func(d difference) bool {
		return d.path == "status" && strings.HasPrefix(asText(d.theirs), "500 ")
	}},
	{"a method that a path does not have is 405", "Octavia misses an argument (400)", func(d difference) bool {
		return d.path == "status" && strings.HasPrefix(asText(d.theirs), "400 ") && strings.HasPrefix(asText(d.ours), "405 ")
	}},
	{"a value that cannot be read is reported with its field, and null for what is required as missing", "Octavia names the whole argument, or another field", func(d difference) bool {
		theirs, ours := asText(d.theirs), asText(d.ours)
		return d.path == "fault" && (strings.HasSuffix(ours, ": is required") || strings.HasPrefix(ours, "Client: Invalid input for field/attribute") &&
			(strings.HasPrefix(theirs, "Client: Invalid input for field/attribute") || strings.HasPrefix(theirs, "Client: Missing argument")))
	}},
	{"faults name a rule's argument `rule_`, a line break in its value, an empty body, all VIPs, UDP and SCTP, and a pool that is not found", "Octavia 11 has other names, and texts that do not fit", func(d difference) bool {
		theirs, ours := asText(d.theirs), asText(d.ours)
		return d.path == "fault" && (strings.ReplaceAll(theirs, "l7rule_.rule", "rule_.rule") == ours ||
			strings.NewReplacer("dict_keys(", "", "'])", "']").Replace(theirs) == ours ||
			strings.Contains(ours, "IP version incompatible with all VIPs") && strings.Contains(theirs, "IP version incompatible with VIP") ||
			ours == "Client: Error parsing L7Rule: Invalid characters in value" ||
			d.call.body == "" && ours == "Client: Request is not in valid JSON format" ||
			strings.ReplaceAll(ours, "for UDP and SCTP protocol", "for UDP protocol") == theirs ||
			theirs == "404 Bad Request" && ours == "404 Not Found")
	}},
	{"a tag that is given twice is one tag", "Octavia takes it for a conflict of the whole object", func(d difference) bool {
		return last(d.path) == "tags" || d.path == "status" && strings.HasPrefix(asText(d.theirs), "409 ") && strings.Contains(d.call.String(), `"tags":["a","a"]`)
	}},
	{"a rule whose type needs no key has none", "it would mean nothing", func(d difference) bool { return d.path == "rule.key" && d.ours == nil }},
	{"a policy that sends to no URL has no `redirect_http_code`", "it would mean nothing", func(d difference) bool {
		return last(d.path) == "redirect_http_code" && d.ours == nil
	}},
	{"quotas show both spellings of each kind, their project, and what is in force", "every client finds the one that it knows", func(d difference) bool {
		return strings.HasPrefix(d.path, "quota")
	}},
	{"the status tree shows L7 policies", "clients look for them there", func(d difference) bool { return last(d.path) == "l7policies" && d.theirs == missing{} }},
	{"the answer to a fully populated create shows all that was created", "Octavia leaves the monitors out", func(d difference) bool {
		return d.call.method == "POST" && (last(d.path) == "healthmonitor" || last(d.path) == "updated_at")
	}},
	{"pools have no statistics: 404", "Octavia takes the path for that of a pool", func(d difference) bool {
		return d.path == "status" && strings.HasSuffix(d.call.path, "/pools/{pool}/stats")
	}},
	{"a VIP is an address of a subnet made here", "Amphora gives out addresses itself", func(d difference) bool {
		return slices.Contains([]string{"vip_address", "vip_network_id"}, last(d.path)) || strings.Contains(asText(d.ours), " is outside ")
	}},
	{"a member's address is one that a host can have", "0.0.0.0 would lead back to the node", func(d difference) bool {
		return strings.HasSuffix(asText(d.ours), " is not the address of a host")
	}},
}

func isEmpty(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

func last(path string) string { return path[strings.LastIndex(path, ".")+1:] }

func asText(v any) string { s, _ := v.(string); return s }

// accept says what kind of meant difference it is, "" if it is none.
func accept(d difference) string {
	for _, a := range acceptedDifferences {
		if a.is(d) {
			return a.what + ": " + a.why
		}
	}
	return ""
}
