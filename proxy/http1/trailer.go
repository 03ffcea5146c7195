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
