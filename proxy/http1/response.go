package http1

import (
	"bytes"
	"strconv"
)

// Response is the head of one response, interim (1xx) or final. Reuse and validity are as for Request.
type Response struct {
	Fields Fields // the field lines as received

	Status int    // 100 to 999
	Reason []byte // reason phrase, may be empty

	Minor     int     // minor version of the member, 0 or 1
	Framing   Framing // how the member ends the body; NoBody for HEAD, 1xx, 204 and 304
	Length    int64   // bytes of the body if Framing is Length
	KeepAlive bool    // the member's connection may be used again once the body has been read to its end

	// HSTS is a complete line that AppendResponse writes in place of the member's Strict-Transport-Security; empty: the field passes
	// unchanged. To be set after Parse, which clears it.
	HSTS []byte
	// Insert is complete lines that AppendResponse adds. To be set after Parse, which clears it.
	Insert []byte
	// WithoutCookie is a cookie of ours, which a member may not set; "": all pass unchanged. To be set after Parse, which clears it.
	WithoutCookie string

	h                 head
	reason, reasonEnd int  // positions while the rest of the head arrives
	plain             bool // the status line is what would be written, so that its bytes may be copied
	told              bool // Content-Length tells what the body of GET would be (HEAD, 304)
}

// Parse reads a response head from the start of buf, as Request.Parse does. It needs to know the request that is answered: only its
// Head and Upgrade are read. Every error is an *Error with status 502. A 101 is refused unless req.Upgrade is set.
func (r *Response) Parse(buf []byte, lim Limits, req *Request) (n int, err error) {
	if r.h.done {
		r.Reset()
	}
	ok, e := r.parse(buf, lim, req)
	if e != nil {
		r.h.done = true
		return 0, e.badGateway()
	}
	if !ok {
		return 0, nil
	}
	r.h.done = true
	return r.h.line, nil
}

// Reset forgets the response and keeps its memory. Needed only to give up a head that is half read.
func (r *Response) Reset() {
	*r = Response{Fields: Fields{list: r.Fields.list[:0]}}
}

// Interim reports a 1xx response that another response follows; 101 (Switching Protocols) is not one. An interim response is passed on
// to HTTP/1.1 clients and dropped for HTTP/1.0 clients (RFC 9110 section 15.2).
func (r *Response) Interim() bool { return r.Status < 200 && r.Status != 101 }

func (r *Response) parse(buf []byte, lim Limits, req *Request) (bool, *Error) {
	h, limit := &r.h, min(lim.Head, MaxHead)
	if !h.begun {
		start, end, ok, err := h.nextLine(buf, limit)
		if err == nil && !bytes.HasPrefix(buf, protocol) && !bytes.HasPrefix(protocol, buf) {
			err = errStatusLine
		}
		if err != nil || !ok {
			return false, err
		}
		if err := r.parseLine(buf, start, end); err != nil {
			return false, err
		}
		h.begun = true
	}
	if ok, err := h.readFields(&r.Fields, buf, lim, limit); !ok {
		return false, err
	}
	r.Reason = buf[r.reason:r.reasonEnd]
	return true, r.finish(req)
}

// protocol starts every response; a member that sends something else may never send a LF.
var protocol = []byte("HTTP/1.")

// parseLine reads the status line buf[start:end] (RFC 9112 section 4). The space before an empty reason may be missing.
func (r *Response) parseLine(buf []byte, start, end int) *Error {
	line := buf[start:end]
	if len(line) < 12 || line[8] != ' ' || !isDigit(line[9]) || !isDigit(line[10]) || !isDigit(line[11]) {
		return errStatusLine
	}
	minor, err := parseVersion(line[:8])
	if err != nil {
		return errStatusLine
	}
	r.Minor = min(minor, 1)
	r.Status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	if r.Status < 100 {
		return errStatusLine
	}
	r.reason, r.reasonEnd = end, end
	if len(line) > 12 {
		if line[12] != ' ' {
			return errStatusLine
		}
		r.reason, r.plain = start+13, minor == 1
	}
	return nil
}

// finish derives framing and connection semantics (RFC 9112 section 6.3) once all fields are known.
func (r *Response) finish(req *Request) *Error {
	h := &r.h
	interim := r.Status < 200
	empty := interim || r.Status == 204 || r.Status == 304 || req.Head
	switch {
	case h.coding != codingNone && r.Minor == 0:
		return errCodingOld
	case h.coding != codingNone && h.coding != codingChunked:
		return errCoding
	case interim && (h.coding != codingNone || h.length > 0):
		return errInterimBody
	case r.Status == 101 && (!req.Upgrade || !h.upgrade || h.upgradeBad || !h.optUpgrade):
		return errSwitch
	}
	r.KeepAlive = !h.close && (r.Minor == 1 || h.keepAlive) && r.Status != 101
	switch {
	case empty:
		r.told = h.lengths > 0 && h.coding == codingNone && r.Status != 204 && !interim
		// A member that announces a body where there can be none may send one.
		if r.Status == 204 && (h.coding != codingNone || h.length > 0) {
			r.KeepAlive = false
		}
	case h.coding == codingChunked:
		r.Framing = Chunked
		if h.lengths > 0 {
			r.KeepAlive = false // RFC 9112 section 6.3, rule 3: possibly an attack; this message only
		}
	case h.lengths > 0:
		r.Framing, r.Length = Length, h.length
	default:
		r.Framing = UntilClose
		r.KeepAlive = false
	}
	return nil
}

// ClientFraming returns how the body goes on to the client: as received, but Chunked becomes UntilClose for an HTTP/1.0 client and
// UntilClose becomes Chunked for an HTTP/1.1 client, which keeps the connection and lets the client tell an abort from the end.
func (r *Response) ClientFraming(req *Request) Framing {
	if r.Framing == Chunked || r.Framing == UntilClose {
		if req.Minor == 0 {
			return UntilClose
		}
		return Chunked
	}
	return r.Framing
}

// AppendResponse appends the head of r as the client of req shall see it: HTTP/1.1, without the fields that concern the member's
// connection only (RFC 9110 section 7.6.1), framed as ClientFraming says. keepAlive tells the client whether its connection stays open
// after the response; it is taken as false if the client does not keep it or the framing is UntilClose. The second result is what the
// client was told; interim responses and 101 say nothing about it and return keepAlive as it was.
func AppendResponse(dst []byte, r *Response, req *Request, keepAlive bool) ([]byte, bool) {
	framing := r.ClientFraming(req)
	upgrade := r.h.upgrade && req.Minor == 1 && (r.Status == 101 || r.Status == 426)
	c := copier{dst: dst, buf: r.Fields.buf}
	if r.plain {
		c.end = r.reasonEnd + 2
	} else {
		c.dst = append(c.dst, "HTTP/1.1 "...)
		c.dst = append(c.dst, byte('0'+r.Status/100), byte('0'+r.Status/10%10), byte('0'+r.Status%10), ' ')
		c.dst = append(c.dst, r.Reason...)
		c.dst = append(c.dst, "\r\n"...)
	}
	for i := range r.Fields.list {
		l := &r.Fields.list[i]
		keep := !l.named
		switch l.id {
		case fieldConnection, fieldContentLength, fieldHopByHop, fieldTE, fieldTransferEncoding:
			keep = false
		case fieldTrailer:
			keep = keep && framing == Chunked && req.Trailers
		case fieldUpgrade:
			keep = upgrade
		case fieldHSTS:
			keep = keep && len(r.HSTS) == 0
		case fieldSetCookie:
			if r.WithoutCookie != "" && keep {
				name, _, _ := r.Fields.SetCookie(i)
				keep = string(name) != r.WithoutCookie
			}
		}
		if keep {
			c.keep(l)
		}
	}
	c.flush()
	dst = append(c.dst, r.Insert...)

	switch {
	case framing == Length || r.told:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, r.h.length, 10)
		dst = append(dst, "\r\n"...)
	case framing == Chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if r.Status < 200 {
		if upgrade {
			dst = append(dst, "Connection: Upgrade\r\n"...)
		}
		return append(dst, "\r\n"...), keepAlive
	}
	dst = append(dst, r.HSTS...)
	keepAlive = keepAlive && req.KeepAlive && framing != UntilClose
	switch {
	case !keepAlive || upgrade:
		dst = appendConnection(dst, !keepAlive, false, upgrade)
	case req.Minor == 0:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...), keepAlive
}
