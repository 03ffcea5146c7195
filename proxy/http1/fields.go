package http1

import "bytes"

// Fields are the field lines of a head in the order received. Values are without surrounding white space.
type Fields struct {
	buf  []byte
	list []field
}

// field is one line as positions in the buffer, which may move while a head is read.
type field struct {
	name, nameEnd, value, valueEnd uint16

	id    fieldID
	plain bool // the line is "name: value" CRLF with nothing more, so that its bytes may be copied
	named bool // Connection names it: it ends at this hop
}

// Len returns the number of field lines.
func (f *Fields) Len() int { return len(f.list) }

// At returns name and value of line i, slices of the parsed buffer.
func (f *Fields) At(i int) (name, value []byte) {
	l := &f.list[i]
	return f.buf[l.name:l.nameEnd], f.buf[l.value:l.valueEnd]
}

// Get returns the value of the first line with that name, compared without regard to case.
func (f *Fields) Get(name string) (value []byte, ok bool) {
	for i := range f.list {
		if n, v := f.At(i); sameFold(n, name) {
			return v, true
		}
	}
	return nil, false
}

// fieldID tells apart the fields that the codec acts on.
type fieldID uint8

const (
	fieldOther       fieldID = iota
	fieldCertificate         // X-SSL-Client-* and X-SSL-Issuer: what a proxy says of the client's certificate
	fieldConnection
	fieldContentLength
	fieldCookie
	fieldExpect
	fieldForwardedFor
	fieldForwardedPort
	fieldForwardedProto
	fieldHSTS
	fieldHopByHop // Keep-Alive and Proxy-*: concern one connection only
	fieldHost
	fieldProxy // Proxy: becomes HTTP_PROXY in CGI programs (CVE-2016-5385)
	fieldSetCookie
	fieldTE
	fieldTrailer
	fieldTransferEncoding
	fieldUpgrade
)

// identify finds the id of a name, which is a token. Length and first letter decide before anything is compared.
func identify(name []byte) fieldID {
	switch name[0] | 0x20 {
	case 'c':
		switch {
		case len(name) == 10 && equalFold(name, "connection"):
			return fieldConnection
		case len(name) == 14 && equalFold(name, "content-length"):
			return fieldContentLength
		case len(name) == 6 && equalFold(name, "cookie"):
			return fieldCookie
		}
	case 'e':
		if len(name) == 6 && equalFold(name, "expect") {
			return fieldExpect
		}
	case 'h':
		if len(name) == 4 && equalFold(name, "host") {
			return fieldHost
		}
	case 'k':
		if len(name) == 10 && equalFold(name, "keep-alive") {
			return fieldHopByHop
		}
	case 'p':
		switch {
		case hasPrefixFold(name, "proxy-"):
			return fieldHopByHop
		case len(name) == 5 && equalFold(name, "proxy"):
			return fieldProxy
		}
	case 's':
		switch {
		case len(name) == 25 && equalFold(name, "strict-transport-security"):
			return fieldHSTS
		case len(name) == 10 && equalFold(name, "set-cookie"):
			return fieldSetCookie
		}
	case 't':
		switch {
		case len(name) == 2 && equalFold(name, "te"):
			return fieldTE
		case len(name) == 7 && equalFold(name, "trailer"):
			return fieldTrailer
		case len(name) == 17 && equalFold(name, "transfer-encoding"):
			return fieldTransferEncoding
		}
	case 'u':
		if len(name) == 7 && equalFold(name, "upgrade") {
			return fieldUpgrade
		}
	case 'x':
		switch {
		case len(name) == 15 && hasPrefixCGI(name, "x-forwarded-for"):
			return fieldForwardedFor
		case len(name) == 16 && hasPrefixCGI(name, "x-forwarded-port"):
			return fieldForwardedPort
		case len(name) == 17 && hasPrefixCGI(name, "x-forwarded-proto"):
			return fieldForwardedProto
		case hasPrefixCGI(name, "x-ssl-client-"), len(name) == 12 && hasPrefixCGI(name, "x-ssl-issuer"):
			return fieldCertificate
		}
	}
	return fieldOther
}

// parseField reads the line buf[start:end] (RFC 9112 section 5), which stands without its CRLF and has no control character but HTAB.
func parseField(buf []byte, start, end int) (field, *Error) {
	line := buf[start:end]
	n := span(line, isToken)
	switch {
	case n < len(line) && line[n] == ':' && n > 0:
	case n == 0 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
		return field{}, errFold
	case n > 0 && n < len(line) && (line[n] == ' ' || line[n] == '\t'):
		return field{}, errSpaceColon
	default:
		return field{}, errFieldName
	}
	v, w := n+1, len(line)
	for v < w && (line[v] == ' ' || line[v] == '\t') {
		v++
	}
	for w > v && (line[w-1] == ' ' || line[w-1] == '\t') {
		w--
	}
	return field{
		name: uint16(start), nameEnd: uint16(start + n), value: uint16(start + v), valueEnd: uint16(start + w),
		id:    identify(line[:n]),
		plain: v == n+2 && line[n+1] == ' ' && w == len(line),
	}, nil
}

// copier appends kept lines; neighbours that need no change go in one piece.
type copier struct {
	dst        []byte
	buf        []byte
	start, end int // pending piece of buf
}

func (c *copier) keep(l *field) {
	if l.plain && c.end == int(l.name) {
		c.end = int(l.valueEnd) + 2
		return
	}
	c.flush()
	if l.plain {
		c.start, c.end = int(l.name), int(l.valueEnd)+2
		return
	}
	c.dst = append(c.dst, c.buf[l.name:l.nameEnd]...)
	c.dst = append(c.dst, ": "...)
	c.dst = append(c.dst, c.buf[l.value:l.valueEnd]...)
	c.dst = append(c.dst, "\r\n"...)
}

// keepCookies is keep for a Cookie line from which one cookie is taken out. A line of that one only is left out.
func (c *copier) keepCookies(l *field, without string) {
	rest := c.buf[l.value:l.valueEnd]
	if !bytes.Contains(rest, []byte(without)) {
		c.keep(l)
		return
	}
	c.flush()
	for sep := "Cookie: "; rest != nil; {
		pair := rest
		var name []byte
		name, _, rest = NextCookie(pair)
		if string(name) == without {
			continue
		}
		if rest != nil {
			pair = pair[:len(pair)-len(rest)-1]
		}
		if pair = trim(pair); len(pair) > 0 {
			c.dst = append(append(c.dst, sep...), pair...)
			sep = "; "
		}
	}
	if !bytes.HasSuffix(c.dst, []byte("\r\n")) {
		c.dst = append(c.dst, "\r\n"...)
	}
}

func (c *copier) flush() {
	c.dst = append(c.dst, c.buf[c.start:c.end]...)
	c.start, c.end = 0, 0
}
