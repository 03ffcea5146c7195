package http1

// forbiddenTrailer reports whether a field must not be in a trailer section (RFC 9110 section 6.5.1): fields for routing, request
// modifiers, authentication, response control and content format. A recipient that merges trailers into the head would otherwise act on
// a field that no hop has checked; for the same reason nothing that a proxy vouches for is let through. Framing and connection fields
// have ids of their own and never get here.
func forbiddenTrailer(name []byte) bool {
	if hasPrefixFold(name, "x-forwarded-") || hasPrefixFold(name, "x-ssl-") || hasPrefixFold(name, "content-") || hasPrefixFold(name, "if-") {
		return true
	}
	for _, f := range forbiddenTrailers {
		if equalFold(name, f) {
			return true
		}
	}
	return false
}

var forbiddenTrailers = [...]string{
	"age", "authorization", "authentication-info", "cache-control", "cookie", "date", "expires", "forwarded", "location", "max-forwards",
	"pragma", "range", "retry-after", "set-cookie", "vary", "via", "warning", "www-authenticate", "x-real-ip",
}

// AppendTrailer appends a field line of a trailer section that came in another framing, as Body.Trailer would hold it: nothing if the
// field must not be in one. The name must be a token. ok is false, and nothing is appended, if the value has a control character other
// than HTAB, which is refused in every other field line too.
func AppendTrailer(dst []byte, name, value string) (out []byte, ok bool) {
	for i := range len(value) {
		if class[value[i]]&isText == 0 {
			return dst, false
		}
	}
	n := []byte(name)
	if identify(n) != fieldOther || forbiddenTrailer(n) {
		return dst, true
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...), true
}
