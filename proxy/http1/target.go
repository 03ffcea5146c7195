package http1

import "bytes"

// finishTarget settles target and authority (RFC 9112 sections 3.2 and 3.3) once method, target and Host are known.
func (r *Request) finishTarget(buf []byte) *Error {
	h := &r.h
	switch {
	case h.hosts > 1:
		return errHosts
	case h.hosts == 1:
		r.Host = buf[h.host.value:h.host.valueEnd]
		if !validAuthority(r.Host) {
			return errHost
		}
	case r.Minor == 1:
		return errHostMissing
	default:
		r.hostAway = true // only HTTP/1.0, whose line is not plain either
	}
	switch t := r.Target; {
	case t[0] == '/':
		return nil
	case len(t) == 1 && t[0] == '*' && string(r.Method) == "OPTIONS":
		return nil
	case hasPrefixFold(t, "http://"):
		return r.reduce(len("http://"), ":80")
	case hasPrefixFold(t, "https://"):
		return r.reduce(len("https://"), ":443")
	}
	return errTarget
}

// reduce turns an absolute-form target into origin-form. Its authority replaces Host, as RFC 9112 section 3.2.2 asks; a Host that names
// another authority is refused, for whoever looked at the request before may have believed the other one.
func (r *Request) reduce(scheme int, port string) *Error {
	t := r.Target[scheme:]
	end := bytes.IndexAny(t, "/?")
	if end < 0 {
		end = len(t)
	}
	authority, rest := t[:end], t[end:]
	if !validAuthority(authority) {
		return errHost
	}
	if r.h.hosts == 1 && !sameFold(cutSuffix(r.Host, port), cutSuffix(authority, port)) {
		return errHostMismatch
	}
	r.Host, r.hostAway, r.line.plain = authority, true, false
	switch {
	case len(rest) > 0 && rest[0] == '/':
		r.Target = rest
		return nil
	case len(rest) == 0 && string(r.Method) == "OPTIONS":
		r.scratch = append(r.scratch[:0], '*') // RFC 9112 section 3.2.4
	default:
		r.scratch = append(append(r.scratch[:0], '/'), rest...)
	}
	r.Target = r.scratch
	return nil
}

func cutSuffix(b []byte, suffix string) []byte {
	if n := len(b) - len(suffix); n >= 0 && string(b[n:]) == suffix {
		return b[:n]
	}
	return b
}

// validAuthority checks host [":" port] (RFC 9110 sections 4.2.1 and 4.2.4): a host that is not empty, no user information, an IP
// literal in brackets made of hexadecimal digits, colons and dots, a port up to 65535.
func validAuthority(a []byte) bool {
	var n int
	if len(a) > 0 && a[0] == '[' {
		n = 1
		for n < len(a) && (class[a[n]]&isHex != 0 || a[n] == ':' || a[n] == '.') {
			n++
		}
		if n == 1 || n == len(a) || a[n] != ']' {
			return false
		}
		n++
	} else {
		n = span(a, isHost)
		if n == 0 || !validEscapes(a[:n]) {
			return false
		}
	}
	if n == len(a) {
		return true
	}
	if a[n] != ':' {
		return false
	}
	port := 0
	for _, c := range a[n+1:] {
		if !isDigit(c) || port > 65535 {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535
}

// validEscapes reports whether every "%" is followed by two hexadecimal digits.
func validEscapes(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return true
		}
		if b = b[i+1:]; len(b) < 2 || class[b[0]]&class[b[1]]&isHex == 0 {
			return false
		}
	}
}
