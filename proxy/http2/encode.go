package http2

import "bytes"

// Header blocks are written without the dynamic table of RFC 7541, as HAProxy writes its own: fields are literals whose names come from the static
// table. That costs bytes on the wire, and saves a table for each connection and a copy of every field.

// text is the head of an HTTP/1.1 message, as the exchange writes it: lines that end in CRLF, the last one empty.
type text []byte

// nextLine cuts the first line off.
func (t text) nextLine() (line, rest text) {
	i := bytes.IndexByte(t, '\n')
	if i < 1 {
		return nil, nil
	}
	return t[:i-1], t[i+1:]
}

// headEnd returns where the head that p begins with ends, 0 if it does not.
func headEnd(p []byte) int {
	if i := bytes.Index(p, []byte("\r\n\r\n")); i >= 0 {
		return i + 4
	}
	return 0
}

// said is what a head said that the codec has to know.
type said struct {
	status  int
	length  int64 // Content-Length, -1: none
	accept  []byte
	chunked bool
}

// appendFields appends the regular fields of a head, but for those that belong to HTTP/1.1 and skip, and notes what they say.
func appendFields(dst []byte, t text, s *said, request bool) []byte {
	for {
		var line text
		if line, t = t.nextLine(); len(line) == 0 {
			return dst
		}
		i := bytes.IndexByte(line, ':')
		if i <= 0 {
			continue // we wrote it: there is none without
		}
		name, value := line[:i], bytes.TrimLeft(line[i+1:], " ")
		// Upper case is for HTTP/1.1. The names are ours to change: t is a buffer of the exchange that is about to be sent.
		for j := range name {
			name[j] = lower(name[j])
		}
		switch string(name) {
		case "connection", "keep-alive", "proxy-connection", "upgrade":
			continue
		case "transfer-encoding":
			s.chunked = true
			continue
		case "host":
			if request {
				continue
			}
		case "sec-websocket-accept":
			if s.status == 101 {
				s.accept = value
				continue
			}
		case "content-length":
			s.length, _ = parseLength(value)
			if s.status == 101 {
				continue
			}
		}
		if index := staticName(name); index == 0 {
			dst = appendInt(dst, 0, 4, 0)
			dst = appendString(dst, name)
		} else {
			dst = appendInt(dst, sensitivity(index), 4, index)
		}
		dst = appendString(dst, value)
	}
}

// sensitivity is the pattern of a literal that no hop may put into a table (RFC 7541 section 7.1.3), or of one that is only not put there.
func sensitivity(index int) byte {
	switch index {
	case 23, 32, 49, 55: // authorization, cookie, proxy-authorization, set-cookie
		return 0x10
	}
	return 0
}

// appendResponse appends the block of a response.
func appendResponse(dst []byte, t text, s *said) []byte {
	line, rest := t.nextLine()
	s.length = -1
	if len(line) < 12 {
		s.status = 500
	} else {
		s.status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	}
	return appendFields(appendStatus(dst, s.status), rest, s, false)
}

// appendStatus appends :status; 101 becomes 200, which is how extended CONNECT is confirmed.
func appendStatus(dst []byte, status int) []byte {
	switch status {
	case 200, 101:
		return append(dst, 0x88)
	case 204:
		return append(dst, 0x89)
	case 206:
		return append(dst, 0x8a)
	case 304:
		return append(dst, 0x8b)
	case 400:
		return append(dst, 0x8c)
	case 404:
		return append(dst, 0x8d)
	case 500:
		return append(dst, 0x8e)
	}
	return append(dst, 0x08, 3, byte('0'+status/100), byte('0'+status/10%10), byte('0'+status%10))
}

// appendRequest appends the block of a request.
func appendRequest(dst []byte, t text, scheme string, s *said) (block []byte, head bool) {
	line, rest := t.nextLine()
	s.length = -1
	method, target, _ := bytes.Cut(line, []byte(" "))
	target = bytes.TrimSuffix(target, []byte(" HTTP/1.1"))
	switch string(method) {
	case "GET":
		dst = append(dst, 0x82)
	case "POST":
		dst = append(dst, 0x83)
	default:
		dst = appendString(append(dst, 0x02), method)
	}
	if scheme == "https" {
		dst = append(dst, 0x87)
	} else {
		dst = append(dst, 0x86)
	}
	if string(target) == "/" {
		dst = append(dst, 0x84)
	} else {
		dst = appendString(append(dst, 0x04), target)
	}
	if host := hostOf(rest); len(host) > 0 {
		dst = appendString(append(dst, 0x01), host)
	}
	return appendFields(dst, rest, s, true), string(method) == "HEAD"
}

// hostOf finds Host, which becomes :authority.
func hostOf(t text) []byte {
	for {
		var line text
		if line, t = t.nextLine(); len(line) == 0 {
			return nil
		}
		if len(line) > 5 && line[4] == ':' && sameFold(string(line[:4]), "host") {
			return bytes.TrimLeft(line[5:], " ")
		}
	}
}

// appendInt appends n with a prefix of so many bits behind the pattern (RFC 7541 section 5.1).
func appendInt(dst []byte, pattern byte, bits uint, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(dst, pattern|byte(n))
	}
	dst = append(dst, pattern|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

// appendString appends s as it is (RFC 7541 section 5.2): Huffman coding costs more time than it saves here.
func appendString(dst, s []byte) []byte {
	return append(appendInt(dst, 0, 7, len(s)), s...)
}

// staticName returns the index of a name in the static table (RFC 7541 appendix A), 0 if it is not there.
func staticName(name []byte) int {
	switch string(name) {
	case "accept-charset":
		return 15
	case "accept-encoding":
		return 16
	case "accept-language":
		return 17
	case "accept-ranges":
		return 18
	case "accept":
		return 19
	case "access-control-allow-origin":
		return 20
	case "age":
		return 21
	case "allow":
		return 22
	case "authorization":
		return 23
	case "cache-control":
		return 24
	case "content-disposition":
		return 25
	case "content-encoding":
		return 26
	case "content-language":
		return 27
	case "content-length":
		return 28
	case "content-location":
		return 29
	case "content-range":
		return 30
	case "content-type":
		return 31
	case "cookie":
		return 32
	case "date":
		return 33
	case "etag":
		return 34
	case "expect":
		return 35
	case "expires":
		return 36
	case "from":
		return 37
	case "host":
		return 38
	case "if-match":
		return 39
	case "if-modified-since":
		return 40
	case "if-none-match":
		return 41
	case "if-range":
		return 42
	case "if-unmodified-since":
		return 43
	case "last-modified":
		return 44
	case "link":
		return 45
	case "location":
		return 46
	case "max-forwards":
		return 47
	case "proxy-authenticate":
		return 48
	case "proxy-authorization":
		return 49
	case "range":
		return 50
	case "referer":
		return 51
	case "refresh":
		return 52
	case "retry-after":
		return 53
	case "server":
		return 54
	case "set-cookie":
		return 55
	case "strict-transport-security":
		return 56
	case "transfer-encoding":
		return 57
	case "user-agent":
		return 58
	case "vary":
		return 59
	case "via":
		return 60
	case "www-authenticate":
		return 61
	}
	return 0
}
