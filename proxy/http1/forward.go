package http1

import "strconv"

// Forward is what the proxy tells the member about the request besides what the client sent.
type Forward struct {
	Host  []byte // authority of the member, written if the client sent no Host (HTTP/1.0); must not be empty
	For   []byte // address of the client, appended to X-Forwarded-For; empty: the field passes unchanged
	Port  []byte // port that the client connected to, replaces X-Forwarded-Port; empty: the field passes unchanged
	Proto []byte // "http" or "https", replaces X-Forwarded-Proto; empty: the field passes unchanged
	// Certificate is complete lines about the client's certificate. If there are any, whatever the client sent as X-SSL-Client-* or
	// X-SSL-Issuer is dropped: a member that trusts one of them may trust the others too.
	Certificate []byte
	Close       bool // ask the member to close after the response

	WithoutCookie string // a cookie of ours, which the member shall not see; "": all cookies pass unchanged
}

// AppendRequest appends the head of r as the member shall see it: HTTP/1.1, without the fields that concern the client's connection
// only (RFC 9110 section 7.6.1), framed as parsed. A Chunked body follows as chunks, a Length body as it is.
//
// An upgrade is offered on unless it is to another HTTP or TLS, or comes with a body. What the client sends behind the head of such a
// request must not reach the member before its 101: until then it would be read as the next request.
//
// The fields of f come after all of that was taken away, so that no Connection option can name them.
func AppendRequest(dst []byte, r *Request, f *Forward) []byte {
	c := copier{buf: r.Fields.buf}
	if r.line.plain {
		c.start, c.end = r.line.method, r.line.end
	} else {
		dst = append(dst, r.Method...)
		dst = append(dst, ' ')
		dst = append(dst, r.Target...)
		dst = append(dst, " HTTP/1.1\r\n"...)
	}
	c.dst = dst
	if r.hostAway {
		host := r.Host
		if len(host) == 0 {
			host = f.Host
		}
		c.flush()
		c.dst = appendField(c.dst, "Host: ", host)
	}
	for i := range r.Fields.list {
		l := &r.Fields.list[i]
		switch {
		case l.id != fieldOther && !r.keep(l, f) || l.id == fieldOther && l.named:
		case l.id == fieldCookie && f.WithoutCookie != "":
			c.keepCookies(l, f.WithoutCookie)
		default:
			c.keep(l)
		}
	}
	c.flush()
	dst = c.dst

	switch r.Framing {
	case Length:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, r.Length, 10)
		dst = append(dst, "\r\n"...)
	case Chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if r.Expect {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	if r.Trailers {
		dst = append(dst, "TE: trailers\r\n"...)
	}
	if f.Close || r.Trailers || r.Upgrade {
		dst = appendConnection(dst, f.Close, r.Trailers, r.Upgrade)
	}
	if len(f.For) > 0 {
		dst = r.appendForwardedFor(dst, f.For)
	}
	if len(f.Port) > 0 {
		dst = appendField(dst, "X-Forwarded-Port: ", f.Port)
	}
	if len(f.Proto) > 0 {
		dst = appendField(dst, "X-Forwarded-Proto: ", f.Proto)
	}
	dst = append(dst, f.Certificate...)
	return append(dst, "\r\n"...)
}

// keep decides about a field that the codec acts on.
func (r *Request) keep(l *field, f *Forward) bool {
	switch l.id {
	case fieldHost:
		return !r.hostAway
	case fieldUpgrade:
		return r.Upgrade
	case fieldTrailer:
		return !l.named && r.Framing == Chunked
	case fieldForwardedFor:
		return !l.named && len(f.For) == 0
	case fieldForwardedPort:
		return !l.named && len(f.Port) == 0
	case fieldForwardedProto:
		return !l.named && len(f.Proto) == 0
	case fieldCertificate:
		return !l.named && len(f.Certificate) == 0
	case fieldHSTS, fieldCookie, fieldSetCookie:
		return !l.named
	}
	return false
}

// appendForwardedFor writes one line: all that came, in order, then the client. Field lines of one name are one list (RFC 9110 section
// 5.3), but many members look only at the first or the last line.
func (r *Request) appendForwardedFor(dst, client []byte) []byte {
	dst = append(dst, "X-Forwarded-For: "...)
	for i := range r.Fields.list {
		if r.h.forwards == 0 {
			break
		}
		l := &r.Fields.list[i]
		if l.id == fieldForwardedFor && !l.named && l.value < l.valueEnd {
			dst = append(dst, r.Fields.buf[l.value:l.valueEnd]...)
			dst = append(dst, ", "...)
		}
	}
	dst = append(dst, client...)
	return append(dst, "\r\n"...)
}

func appendField(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

func appendConnection(dst []byte, closes, te, upgrade bool) []byte {
	dst = append(dst, "Connection: "...)
	sep := ""
	for _, o := range [...]struct {
		set  bool
		name string
	}{{closes, "close"}, {te, "TE"}, {upgrade, "Upgrade"}} {
		if o.set {
			dst = append(append(dst, sep...), o.name...)
			sep = ", "
		}
	}
	return append(dst, "\r\n"...)
}
