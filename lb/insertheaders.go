package lb

import (
	"maps"
	"slices"
	"strings"
)

// The headers that a listener may be asked to insert. The data plane acts on the first
// three, as Octavia's does.
var (
	requestHeaders = []string{
		"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-IP", "X-Client-IP", "X-Real-IP",
	}
	certificateHeaders = []string{
		"X-SSL-Client-Verify", "X-SSL-Client-Has-Cert", "X-SSL-Client-DN", "X-SSL-Client-CN", "X-SSL-Issuer",
		"X-SSL-Client-SHA1", "X-SSL-Client-Not-Before", "X-SSL-Client-Not-After",
	}
)

// fillInsertHeaders checks the names. As in Octavia any value goes: "true" switches a
// header on, whatever its case, and everything else off.
func (spec ListenerSpec) fillInsertHeaders(c *checker, l *Listener) {
	const field = "insert_headers"
	if spec.InsertHeaders.IsNull() {
		l.InsertHeaders = InsertHeaders{}
	}
	headers, ok := spec.InsertHeaders.Get()
	if !ok {
		return
	}
	l.InsertHeaders = InsertHeaders{}
	if len(headers) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(headers))
	var unknown, certificate []string
	for _, name := range names {
		c.text(field, headers[name], maxText)
		switch {
		case slices.Contains(certificateHeaders, name):
			certificate = append(certificate, name)
		case !slices.Contains(requestHeaders, name):
			unknown = append(unknown, name)
		}
	}
	switch {
	case !l.Protocol.http():
		c.invalid(field, "insert-headers is not a valid option for a %s protocol listener.", l.Protocol)
	case unknown != nil:
		c.invalid(field, "%s is not a valid option for insert_headers", quotedList(unknown))
	case certificate != nil && l.Protocol != ProtocolTerminatedHTTPS:
		c.invalid(field, "%s is not a valid option for %s protocol listener.", quotedList(certificate), l.Protocol)
	}
	on := func(name string) bool { return strings.EqualFold(headers[name], "true") }
	l.InsertHeaders = InsertHeaders{
		Given:         headers,
		XForwardedFor: on("X-Forwarded-For"), XForwardedPort: on("X-Forwarded-Port"), XForwardedProto: on("X-Forwarded-Proto"),
	}
}

// quotedList writes a list as Octavia's messages do: ['a', 'b'].
func quotedList[T ~string](list []T) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "'" + string(s) + "'"
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
